package oracle

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"odsd/internal/failpoint"
)

// bankLoads has each table of the bank sorted in dozens of runs, and taken in by hundreds of steps.
const bankLoads = failpoint.LoadSetting + "=1000000"

// doom is a place of an initial copy at which a life of the daemon ends, and about how often that is
// passed in one.
type doom struct {
	place failpoint.Name
	often int
}

var copyDooms = []doom{
	{failpoint.Copied, 120}, {failpoint.Spilled, 25}, {failpoint.Sorted, 200}, {failpoint.Loaded, 2}, {failpoint.CopySwitch, 1},
}

// TestInitialCopiesKilledAtNamedPoints copies two tables of a bank whose money moves between them, from
// nothing, once for each place on the way of copied rows into the store. The daemon is killed there,
// and once more at another one while it goes on with what it has; then it copies to the end. Every
// reply has the same total, and `odsd verify` finds what the database has.
func TestInitialCopiesKilledAtNamedPoints(t *testing.T) {
	_, seed := settings(t)
	if kills, _ := strconv.Atoi(os.Getenv("ODSD_FAILPOINT_KILLS")); kills == 0 {
		t.Skip("ODSD_FAILPOINT_KILLS is not set: make oracle")
	}
	b := newBank(t)
	b.daemon.program = buildWith(t, "failpoints")
	b.daemon.env = append(b.daemon.env, bankLoads)
	written, seen := newTally(), &answers{}
	working, cancel := context.WithCancel(t.Context())
	defer cancel()
	all, working := errgroup.WithContext(working)
	all.Go(func() error {
		b.write(working, seed, written)
		return nil
	})
	all.Go(func() error { return until(working, seen, b.look) })
	all.Go(func() error {
		defer cancel()
		random := rand.New(rand.NewPCG(seed, 13))
		for i, d := range copyDooms {
			if err := b.copyKilledAt(working, i > 0, d, random); err != nil {
				return fmt.Errorf("killed at %s: %w", d.place, err)
			}
			if err := b.seenAgain(working, seen); err != nil {
				return fmt.Errorf("after the copy that was killed at %s: %w", d.place, err)
			}
		}
		return nil
	})
	err := all.Wait()
	t.Logf("seed %d: %d transfers, %d replies with the same total; the daemon lived %d times", seed, written.commits.Load(), seen.right.Load(), b.daemon.lives)
	if err != nil {
		t.Fatalf("seed %d: %v", seed, err)
	}
	b.finish(t)
}

// copyKilledAt has a daemon without a store copy everything, which two of its lives do not see.
func (b *bank) copyKilledAt(ctx context.Context, running bool, d doom, random *rand.Rand) error {
	if running {
		if err := b.daemon.kill(); err != nil {
			return err
		}
	}
	if err := os.RemoveAll(filepath.Join(b.dir, "data")); err != nil {
		return err
	}
	dooms := []doom{d, {failpoint.CopySwitch, 1}} // the switch is passed whatever was kept
	if d.place == failpoint.Copied || d.place == failpoint.Spilled {
		dooms[1] = doom{failpoint.Sorted, 20}
	}
	for _, d := range dooms {
		if err := b.daemon.startDoomed(d.place, 1+random.IntN(d.often)); err != nil {
			return err
		}
		select {
		case <-b.daemon.ended:
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(patience):
			return fmt.Errorf("the daemon does not come to %s", d.place)
		}
		if err := b.daemon.diedAt(d.place); err != nil {
			return fmt.Errorf("%s: %w", d.place, err)
		}
	}
	if err := b.daemon.start(); err != nil {
		return err
	}
	return wait(ctx, func() error {
		select {
		case <-b.daemon.ended:
			return &wrong{errors.New("the daemon ended by itself")}
		default:
		}
		return b.transient(b.look(ctx))
	})
}
