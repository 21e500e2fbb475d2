package enginetest

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"odsd/engine"
	"odsd/storage"
	"odsd/storage/relation"
)

// jumping is a source whose database has a clock of its own opinion.
type jumping struct{ at time.Time }

func (jumping) Name() string                  { return "crm" }
func (jumping) Acknowledge(relation.Position) {}
func (jumping) RequestProgress()              {}
func (j jumping) Run(ctx context.Context, _ *engine.Resume, out chan<- engine.Event) error {
	events := []engine.Event{
		engine.CopyStarted{}, engine.CopyFinished{Position: 10, Identity: []byte("1")},
		engine.Condition{State: engine.Streaming, Ahead: 20, SlotWAL: -1},
		&engine.Transaction{End: 20, CommittedAt: j.at},
		engine.Condition{State: engine.Stale, Ahead: 20, SlotWAL: -1},
	}
	for _, e := range events {
		select {
		case out <- e:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	<-ctx.Done()
	return ctx.Err()
}

// Lag is a difference of the daemon's own readings: a database whose clock is
// a century off, either way, has none of it.
func TestLagDoesNotAskTheDatabasesClock(t *testing.T) {
	for _, at := range []time.Time{time.Unix(1, 0), time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC)} {
		store, err := storage.Open("store", storage.Options{FS: vfs.NewMem()})
		if err != nil {
			t.Fatal(err)
		}
		var advanced atomic.Int64
		began := time.Now()
		now := func() time.Time { return began.Add(time.Duration(advanced.Load())) }
		e, err := engine.New(engine.Options{Store: store, Sources: []engine.Source{jumping{at}}, Now: now})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		ended := make(chan error, 1)
		go func() { ended <- e.Run(ctx) }()
		for e.Status().Sources[0].State != engine.Stale {
			release, err := e.Hold(ctx) // a turn of the writer
			if err != nil {
				t.Fatal(err)
			}
			release()
		}
		if lag := e.Status().Sources[0].LagSeconds; lag != 0 {
			t.Errorf("caught up, and %v s behind", lag)
		}
		advanced.Store(int64(90 * time.Second))
		if lag := e.Status().Sources[0].LagSeconds; lag != 90 {
			t.Errorf("90 s later it is %v s behind", lag)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
