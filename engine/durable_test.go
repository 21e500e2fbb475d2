package engine

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"odsd/storage"
	"odsd/storage/relation"
)

// slowLog stalls the syncing of a store's log while it is shut.
type slowLog struct {
	mu      sync.Mutex
	shut    chan struct{} // nil: open
	stalled chan struct{} // told when a sync waits
}

func (l *slowLog) String() string { return "slow log" }

// MaybeError implements errorfs.Injector.
func (l *slowLog) MaybeError(op errorfs.Op) error {
	syncs := op.Kind == errorfs.OpFileSync || op.Kind == errorfs.OpFileSyncData
	l.mu.Lock()
	shut := l.shut
	l.mu.Unlock()
	if !syncs || shut == nil || !strings.HasSuffix(op.Path, ".log") {
		return nil
	}
	select {
	case l.stalled <- struct{}{}:
	default:
	}
	<-shut
	return nil
}

func (l *slowLog) shutIt() (open func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	shut := make(chan struct{})
	l.shut = shut
	return sync.OnceFunc(func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.shut = nil
		close(shut)
	})
}

// listener is a source that keeps what is acknowledged to it.
type listener struct{ acknowledged []relation.Position }

func (l *listener) Name() string                                     { return "shop" }
func (l *listener) Run(context.Context, *Resume, chan<- Event) error { return nil }
func (l *listener) Acknowledge(p relation.Position)                  { l.acknowledged = append(l.acknowledged, p) }
func (l *listener) RequestProgress()                                 {}

// A position that is being synced while its source is to be copied anew is
// neither acknowledged to the database that follows nor called reached.
func TestForgottenWhileItIsSynced(t *testing.T) {
	log := &slowLog{stalled: make(chan struct{}, 1)}
	store, err := storage.Open("store", storage.Options{FS: errorfs.Wrap(storage.MemoryFS(), log)})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	shop := &listener{}
	e, err := New(Options{Store: store, Sources: []Source{shop}})
	if err != nil {
		t.Fatal(err)
	}
	d, s := e.durable, e.byName["shop"]
	for _, forgotten := range []bool{false, true} {
		commit := store.Begin()
		storage.SetFrontier(commit, "shop", storage.Frontier{Position: 1100})
		if err := commit.Apply(); err != nil {
			t.Fatal(err)
		}
		open := log.shutIt()
		d.applied(s, 1100)
		synced := make(chan error, 1)
		go func() { synced <- d.sync() }()
		<-log.stalled
		if forgotten {
			d.forget(s)
		}
		open()
		if err := <-synced; err != nil {
			t.Fatal(err)
		}
		if told := len(shop.acknowledged) > 0; told == forgotten || (d.synced[s] == 1100) == forgotten {
			t.Errorf("forgotten %t: acknowledged %v, durable up to %s", forgotten, shop.acknowledged, d.synced[s])
		}
		shop.acknowledged = nil
	}
}
