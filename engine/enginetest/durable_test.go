package enginetest

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"odsd/engine"
	"odsd/engine/memory"
	"odsd/storage/relation"
)

// gate holds back what syncs a file while it is shut.
type gate struct {
	shut   atomic.Bool
	opened chan struct{}
	waits  chan struct{} // told of each sync that is held back
}

func (g *gate) inject(op errorfs.Op) error {
	if g.shut.Load() && (op.Kind == errorfs.OpFileSync || op.Kind == errorfs.OpFileSyncData || op.Kind == errorfs.OpFileSyncTo) {
		select {
		case g.waits <- struct{}{}:
		default:
		}
		<-g.opened
	}
	return nil
}

// A commit is seen at once, and neither acknowledged to its source nor told to
// those who wait for it before the disk has it.
func TestNothingIsAcknowledgedBeforeItIsSynced(t *testing.T) {
	schemas := hotSchemas()
	checked, err := CheckViews(schemas, []string{hotView})
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{opened: make(chan struct{}), waits: make(chan struct{}, 1)}
	w := &World{fs: errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(g.inject))}
	if err := w.begin(schemas, checked, hotDatabase(t, schemas, 10)); err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	before := w.sources["crm"].Acknowledged()
	g.shut.Store(true)
	changes, err := w.Database.Apply(updated("crm", "crm.customers", []relation.Value{int4(1)}, Cell{1, relation.OfText("Other")}))
	if err != nil {
		t.Fatal(err)
	}
	end := w.sources["crm"].Commit(changes)
	<-g.waits // the syncer has come to the disk
	if err := w.CheckReference(); err != nil {
		t.Errorf("a commit is not seen before it is synced: %v", err)
	}
	if now := w.sources["crm"].Acknowledged(); now != before {
		t.Errorf("%v is acknowledged before it is on disk", now)
	}
	early, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := w.Engine.WaitFor(early, "crm", end); err == nil {
		t.Error("a waiter is told of a commit before it is on disk")
	}
	g.shut.Store(false)
	close(g.opened)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := w.Engine.WaitFor(ctx, "crm", end); err != nil {
		t.Fatal(err)
	}
}

// forgetful delivers the last transactions before its start again, as a server does
// whose slot went back.
type forgetful struct{ *memory.Source }

func (f forgetful) Run(ctx context.Context, from *engine.Resume, out chan<- engine.Event) error {
	if from != nil {
		earlier := *from
		earlier.Position, earlier.Last = 1, relation.Mark{}
		from = &earlier
	}
	return f.Source.Run(ctx, from, out)
}

// Transactions that end at or below the frontier are known: delivered again, they
// change nothing, whatever they hold.
func TestTransactionDeliveredAgainIsDropped(t *testing.T) {
	w, store := playedReturning(t)
	applied := 0
	e, err := engine.New(engine.Options{
		Store: store, Sources: []engine.Source{forgetful{w.sources["a"]}}, Definitions: engine.Definitions{Views: w.Views},
		Observe: func(r engine.CommitReport) { applied += r.Transactions },
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	ended := make(chan error, 1)
	go func() { ended <- e.Run(ctx) }()
	last := Transaction{Source: "a", Changes: []Change{{Operation: engine.Delete, Relation: "a.t1", Key: []relation.Value{int4(1)}}}}
	changes, err := w.Database.Apply(last)
	if err != nil {
		t.Fatal(err)
	}
	end := w.sources["a"].Commit(changes)
	if err := e.WaitFor(ctx, "a", end); err != nil {
		t.Errorf("what comes after transactions that came again: %v, %+v", err, e.Status().Sources)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if applied != 1 {
		t.Errorf("%d transactions are applied, of which one is new", applied)
	}
}
