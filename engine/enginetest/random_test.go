package enginetest

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// TestRandomCases plays generated cases on the engine. After every step the
// stored documents equal the reference's, and all that is stored equals what
// building anew from the same rows stores. A failure prints its seed, and the
// case made small, which belongs under testdata/cases once it is understood.
func TestRandomCases(t *testing.T) {
	p := newPlaytime(t, 60)
	refused, found := 0, tally{}
	for p.goesOn() {
		if !playSeed(t, p, p.next(), found) {
			refused++
		}
		if t.Failed() {
			return
		}
	}
	t.Logf("%d cases played, seeds %d to %d; the checker refused %d others", p.played-refused, p.first, p.first+uint64(p.played)-1, refused)
	t.Logf("of these have\n%s", found)
	if refused*10 > p.played {
		t.Errorf("the checker refuses %d of %d generated cases: the generator is of little use", refused, p.played)
	}
}

// playSeed generates and plays one case; false where the checker refuses it, as
// it does an expression that it sees will always fail.
func playSeed(t *testing.T, p *playtime, seed uint64, found tally) bool {
	t.Helper()
	options := Options{Views: 1 + int(seed%4), Failing: seed%3 == 0}
	c := Generate(seed, options)
	checked, err := CheckViews(c.Schemas, c.Views)
	if err != nil {
		return false
	}
	found.add(Features(c, checked))
	how := manner{fullIdentity: seed%5 == 1, toasted: seed%5 == 2, forked: seed%2 == 1}
	if err = play(c, how); err == nil {
		return true
	}
	if !p.shrinks() {
		t.Errorf("case %d, seed %d: %v", p.played, seed, err)
		return true
	}
	small := Shrink(c, func(candidate *Case) bool {
		if _, err := CheckViews(candidate.Schemas, candidate.Views); err != nil {
			return false
		}
		return play(candidate, how) != nil
	})
	t.Errorf("case %d, seed %d: %v\nmade small: %v\n%s", p.played, seed, err, play(small, how), small)
	return true
}

// TestCases plays the cases under testdata/cases: failures that were found, understood and mended.
func TestCases(t *testing.T) {
	files, err := filepath.Glob("testdata/cases/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			c, err := ParseCase(string(text))
			if err != nil {
				t.Fatal(err)
			}
			for _, how := range []manner{{}, {fullIdentity: true}, {toasted: true}} {
				if err := play(c, how); err != nil {
					t.Fatalf("%+v: %v", how, err)
				}
			}
		})
	}
}

// manner is how the sources of a case tell their changes, see Database, and whether the
// views are maintained side by side.
type manner struct{ fullIdentity, toasted, forked bool }

// play plays a case on an engine that begins with empty databases, and checks
// after every step; in the middle it starts the engine anew.
func play(c *Case, how manner) (err error) {
	checked, err := CheckViews(c.Schemas, c.Views)
	if err != nil {
		return fmt.Errorf("the case's views: %w", err)
	}
	database := NewDatabase(c.Schemas)
	database.FullIdentity, database.Toasted = how.fullIdentity, how.toasted
	w := &World{}
	if how.forked {
		w.fork = 1
	}
	if err := w.begin(c.Schemas, checked, database); err != nil {
		return err
	}
	defer func() {
		if closeErr := w.Close(); err == nil {
			err = closeErr
		}
	}()
	for i, step := range c.Steps {
		if err := w.Commit(step); err != nil {
			return fmt.Errorf("step %d: %w", i+1, err)
		}
		if err := w.Check(); err != nil {
			return fmt.Errorf("step %d: %w", i+1, err)
		}
		if i == len(c.Steps)/2 {
			if err := w.Restart(); err != nil {
				return fmt.Errorf("restart after step %d: %w", i+1, err)
			}
		}
	}
	return nil
}
