package enginetest

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
)

// TestMeaningOnTheEngine plays the scripts of engine/reference/testdata/meaning, which
// say what views mean and are the evaluator's own test, on the engine: what it keeps is
// what the evaluator finds, after every step, in every manner in which sources tell.
func TestMeaningOnTheEngine(t *testing.T) {
	for name, cases := range MeaningCases(t) {
		t.Run(name, func(t *testing.T) {
			for i, c := range cases {
				for _, how := range []manner{{}, {fullIdentity: true}, {toasted: true}} {
					if err := play(c, how); err != nil {
						t.Errorf("case %d, %+v: %v", i+1, how, err)
					}
				}
			}
		})
	}
}

// MeaningCases reads the scripts of engine/reference/testdata/meaning, each case with all
// of its steps, by the name of their file.
func MeaningCases(t *testing.T) map[string][]*Case {
	t.Helper()
	files, err := filepath.Glob("../reference/testdata/meaning/*")
	if err != nil || len(files) == 0 {
		t.Fatal("no scripts", err)
	}
	found := map[string][]*Case{}
	for _, file := range files {
		found[filepath.Base(file)] = casesOf(t, file)
	}
	return found
}

func casesOf(t *testing.T, file string) (cases []*Case) {
	t.Helper()
	var text string
	datadriven.RunTest(t, file, func(t *testing.T, d *datadriven.TestData) string {
		t.Helper()
		if d.Cmd == "case" {
			text = d.Input
			cases = append(cases, nil)
		} else {
			text += "\nstep\n" + "  " + strings.ReplaceAll(d.Input, "\n", "\n  ")
		}
		c, err := ParseCase(text)
		if err != nil {
			d.Fatalf(t, "%v", err)
		}
		cases[len(cases)-1] = c
		return d.Expected
	})
	return cases
}
