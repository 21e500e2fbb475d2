package oracle

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
)

// TestTheWholeProgramUnderFaults plays rounds: the databases are written to and
// the daemon is read from while both are killed; then all stands still and what is
// served must equal what PostgreSQL makes of the same rows.
//
// ODSD_ORACLE_SECONDS plays for that long, from a seed of the clock or of
// ODSD_ORACLE_SEED; else two rounds are played. The seed decides what is done; the order
// of what happens at once is the machine's.
func TestTheWholeProgramUnderFaults(t *testing.T) {
	seconds, seed := settings(t)
	end := time.Now().Add(time.Duration(seconds) * time.Second)
	var failure error
	// The first of the clean-ups comes last: what went wrong stands below all logs.
	t.Cleanup(func() {
		if failure != nil {
			t.Errorf("seed %d: %v", seed, failure)
		}
	})
	w := newWorld(t, seed)
	s := summary{faults: map[string]int{}, written: newTally()}
	failure = w.play(t, seed, seconds > 0, end, &s)
	t.Logf("seed %d: %s", seed, &s)
	if failure != nil {
		t.Logf("the end of the daemon's log:\n%s", tail(w.daemon.logFile, 6000))
		t.Fail() // so that the databases' logs are printed too
	}
}

// mostRounds are played beyond the end on a machine so busy that too little has happened.
const mostRounds = 8

// play plays rounds until the end, two at least, and ends the daemon.
func (w *world) play(t *testing.T, seed uint64, verbose bool, end time.Time, s *summary) error {
	t.Helper()
	if err := w.daemon.start(); err != nil {
		return err
	}
	for s.rounds < 2 || time.Now().Before(end) || s.rounds < mostRounds && s.enough() != nil {
		if err := w.round(t.Context(), seed+uint64(s.rounds), s.rounds == 0, s); err != nil {
			return fmt.Errorf("round %d: %w", s.rounds+1, err)
		}
		s.rounds++
		if verbose {
			t.Logf("%s", s)
		}
	}
	if err := w.daemon.stop(); err != nil {
		return err
	}
	if complaint, err := w.daemon.complaints(); err != nil || complaint != "" {
		return fmt.Errorf("the daemon complains: %v\n%s", err, complaint)
	}
	return s.enough()
}

func settings(t *testing.T) (seconds int, seed uint64) {
	t.Helper()
	seconds, _ = strconv.Atoi(os.Getenv("ODSD_ORACLE_SECONDS"))
	seed = 1
	if seconds > 0 {
		seed = uint64(time.Now().UnixNano())
	}
	if given := os.Getenv("ODSD_ORACLE_SEED"); given != "" {
		var err error
		if seed, err = strconv.ParseUint(given, 10, 64); err != nil {
			t.Fatalf("ODSD_ORACLE_SEED: %v", err)
		}
	}
	return seconds, seed
}

// round writes, reads and breaks things, and ends at a barrier. In the first the
// daemon is killed while it copies.
func (w *world) round(ctx context.Context, seed uint64, first bool, s *summary) error {
	random := rand.New(rand.NewPCG(seed, seed))
	working, cancel := context.WithCancel(ctx)
	defer cancel()
	all, working := errgroup.WithContext(working)
	all.Go(func() error {
		w.write(working, seed, s.written)
		return nil
	})
	all.Go(func() error { return w.read(working, seed, &s.answers) })
	all.Go(func() error {
		defer cancel()
		return w.breakThings(working, random, first, s)
	})
	if err := all.Wait(); err != nil {
		return err
	}
	if err := w.barrier(ctx, &s.compared); err != nil {
		return fmt.Errorf("at the barrier: %w", err)
	}
	if complaint, err := w.daemon.complaints(); err != nil || complaint != "" {
		return fmt.Errorf("the daemon complains: %v\n%s", err, complaint)
	}
	return nil
}

// breakThings does some faults at random moments.
func (w *world) breakThings(ctx context.Context, random *rand.Rand, first bool, s *summary) error {
	for n := range 2 + random.IntN(4) {
		randomMoment(ctx, random, 2*time.Second)
		f := chooseFault(faults, random)
		if first && n == 0 {
			f = fault{name: "daemon killed while it copies", do: killDaemonStarting}
		}
		before := w.daemon.lives
		if err := f.do(ctx, w, random); err != nil {
			if ctx.Err() != nil {
				return nil // a reader has found something; that is the error
			}
			return fmt.Errorf("%s: %w", f.name, err)
		}
		s.faults[f.name]++
		s.lives += w.daemon.lives - before
	}
	randomMoment(ctx, random, time.Second)
	return nil
}

// summary says what a run has done.
type summary struct {
	rounds   int
	lives    int
	faults   map[string]int
	written  *tally
	answers  answers
	compared compared
}

func (s *summary) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d barriers; %d commits (%d broken off); the daemon started %d times again;", s.rounds, s.written.commits.Load(), s.written.failures.Load(), s.lives)
	for _, name := range slices.Sorted(maps.Keys(s.faults)) {
		fmt.Fprintf(&b, " %d× %s,", s.faults[name], name)
	}
	fmt.Fprintf(&b, " %d replies right during it (%d of own writes), %d refused, %d times none;",
		s.answers.right.Load(), s.answers.witnessed.Load(), s.answers.refused.Load(), s.answers.unreachable.Load())
	fmt.Fprintf(&b, " compared %d rows with their sources, %d documents with the evaluator, %d with PostgreSQL", s.compared.rows, s.compared.verified, s.compared.documents)
	return b.String()
}

// enough: a test that compares nothing shows nothing.
func (s *summary) enough() error {
	if s.written.commits.Load() < 50 || s.answers.right.Load() < 20 || s.answers.witnessed.Load() < 1 || s.compared.documents < 300 {
		return fmt.Errorf("too little happened: %s", s)
	}
	if names := s.written.neverDone(); len(names) > 0 {
		return errors.New(strings.Join(names, "\n"))
	}
	return nil
}

func tail(file string, length int) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-length):])
}
