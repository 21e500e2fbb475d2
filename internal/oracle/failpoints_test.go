package oracle

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"odsd/internal/demo"
	"odsd/internal/failpoint"
)

// TestKillsAtNamedPoints kills the daemon by SIGKILL in the middle of each step of a change's life,
// time and again, under the same writers, readers and comparisons as all other faults: nothing
// is lost, nothing doubled, by `odsd verify` and by what PostgreSQL makes of the same rows.
//
// Each place is passed a random number of times before. ODSD_FAILPOINT_KILLS is how many kills there are
// at least, in whole rounds; ODSD_ORACLE_SEED decides where.
func TestKillsAtNamedPoints(t *testing.T) {
	_, seed := settings(t)
	kills, _ := strconv.Atoi(os.Getenv("ODSD_FAILPOINT_KILLS"))
	if kills == 0 {
		t.Skip("ODSD_FAILPOINT_KILLS is not set: make oracle")
	}
	w := newWorld(t, seed)
	w.daemon.program = buildWith(t, "failpoints")
	w.daemon.env = append(w.daemon.env, loadsInLittle)
	s := summary{faults: map[string]int{}, written: newTally()}
	failure := w.killAtPoints(t, kills, seed, &s)
	t.Logf("seed %d: %s", seed, &s)
	if failure != nil {
		t.Logf("the end of the daemon's log:\n%s", tail(w.daemon.logFile, 6000))
		t.Fatalf("seed %d: %v", seed, failure)
	}
}

// loadsInLittle has copies of all but the smallest tables of the demo sorted outside the store, of
// the larger ones in several runs.
const loadsInLittle = failpoint.LoadSetting + "=8000"

func (w *world) killAtPoints(t *testing.T, kills int, seed uint64, s *summary) error {
	if err := w.daemon.start(); err != nil {
		return err
	}
	for done := 0; done < kills; done += len(failpoint.Names()) {
		if err := w.pointsRound(t.Context(), seed+uint64(s.rounds), s); err != nil {
			return fmt.Errorf("round %d: %w", s.rounds+1, err)
		}
		s.rounds++
	}
	if err := w.daemon.stop(); err != nil {
		return err
	}
	for _, place := range failpoint.Names() {
		if s.faults[string(place)] == 0 {
			return fmt.Errorf("the daemon was never killed at %s", place)
		}
	}
	return nil
}

// pointsRound kills the daemon once at each place, in any order, and ends at a barrier.
func (w *world) pointsRound(ctx context.Context, seed uint64, s *summary) error {
	random := rand.New(rand.NewPCG(seed, 5))
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
		places := failpoint.Names()
		random.Shuffle(len(places), func(i, j int) { places[i], places[j] = places[j], places[i] })
		for _, place := range places {
			if err := w.killAt(working, place, random); err != nil {
				if working.Err() != nil {
					return nil // a reader has found something; that is the error
				}
				return fmt.Errorf("killed at %s: %w", place, err)
			}
			s.faults[string(place)]++
			s.lives++
		}
		return nil
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

// passes are how often a place is passed before the kill at most, by what it is: what happens
// once a copy or a build does not happen often.
func passes(place failpoint.Name, random *rand.Rand) int {
	switch place {
	case failpoint.Copied, failpoint.Spilled, failpoint.Sorted, failpoint.Loaded, failpoint.Built:
		return 1 + random.IntN(4)
	case failpoint.CopySwitch, failpoint.ViewSwitch, failpoint.Switched:
		return 1
	}
	return 1 + random.IntN(60)
}

// killAt starts the daemon so that it dies at a place, has it come there, and starts
// another.
func (w *world) killAt(ctx context.Context, place failpoint.Name, random *rand.Rand) error {
	if err := w.daemon.kill(); err != nil {
		return err
	}
	if err := w.daemon.startDoomed(place, passes(place, random)); err != nil {
		return err
	}
	ended := w.daemon.ended
	next := time.NewTimer(0)
	defer next.Stop()
	patient, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for dead := false; !dead; {
		select {
		case <-ended:
			dead = true
		case <-next.C:
			next.Reset(w.lead(patient, place, random))
		case <-patient.Done():
			return fmt.Errorf("it does not come there: %w", patient.Err())
		}
	}
	if err := w.daemon.diedAt(place); err != nil {
		return err
	}
	return w.daemon.start()
}

// startDoomed starts a life that ends when it passes a place so often.
func (d *daemon) startDoomed(place failpoint.Name, passes int) error {
	plain := d.env
	d.env = append(plain[:len(plain):len(plain)], fmt.Sprintf("%s=%s:%d", failpoint.Setting, place, passes))
	err := d.start()
	d.env = plain
	return err
}

// diedAt makes sure that the life which is over ended at a place.
func (d *daemon) diedAt(place failpoint.Name) error {
	if status, ok := d.cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGKILL {
		return fmt.Errorf("the daemon ended by itself: %v", d.err)
	}
	log, err := os.ReadFile(d.logFile)
	last := log[max(0, bytes.LastIndex(log, []byte("--- life "))):]
	if err != nil || !bytes.Contains(last, []byte("failpoint "+string(place)+"\n")) {
		return errors.Join(err, errors.New("the log of this life does not say so"))
	}
	return nil
}

// lead has the daemon do what passes a place; what it answers does not matter, since it dies of it.
// It says when to do so again: a copy that is asked for anew begins anew, and needs the time
// to get through.
func (w *world) lead(ctx context.Context, place failpoint.Name, random *rand.Rand) (again time.Duration) {
	const soon = time.Second / 2
	if w.daemon.where().GraphQL == "" {
		return soon
	}
	switch place {
	case failpoint.Copied, failpoint.Spilled, failpoint.Sorted, failpoint.Loaded, failpoint.CopySwitch:
		_, _ = w.daemon.command(ctx, "resync", demo.Names()[random.IntN(len(demo.Names()))])
		return 10 * soon
	case failpoint.Built, failpoint.ViewSwitch, failpoint.Switched:
		if all, err := w.views(); err == nil {
			_, _ = w.daemon.command(ctx, "rebuild", "--detach", all[random.IntN(len(all))].Name)
		}
	}
	return soon
}

// buildWith builds the program with a tag.
func buildWith(t *testing.T, tag string) string {
	t.Helper()
	program := t.TempDir() + "/odsd"
	build := exec.CommandContext(t.Context(), "go", "build", raceFlag, "-tags", tag, "-o", program, "odsd/cmd/odsd")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the daemon: %v\n%s", err, out)
	}
	return program
}
