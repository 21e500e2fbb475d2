package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"odsd/internal/failpoint"
	"odsd/storage"
	"odsd/storage/relation"
)

// durability knows what is applied and what is synced to disk. Its run is the
// syncer: each round takes what was applied by then, syncs the store once, and
// only then acknowledges it to the sources and wakes the waiters.
type durability struct {
	engine *Engine
	wake   chan struct{}

	mu      sync.Mutex
	pending map[*sourceState]relation.Position
	synced  map[*sourceState]relation.Position
	copies  map[*sourceState]int // how often each was copied anew
	changed chan struct{}        // closed and replaced whenever synced moves
}

func newDurability(e *Engine) *durability {
	return &durability{
		engine: e, wake: make(chan struct{}, 1),
		pending: map[*sourceState]relation.Position{},
		synced:  map[*sourceState]relation.Position{},
		copies:  map[*sourceState]int{},
		changed: make(chan struct{}),
	}
}

// start takes over what an opened store holds, which is durable.
func (d *durability) start(frontiers map[string]storage.Frontier) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for name, f := range frontiers {
		if s := d.engine.byName[name]; s != nil {
			d.synced[s] = f.Position
		}
	}
}

// applied notes a commit that is visible and not yet durable.
func (d *durability) applied(s *sourceState, p relation.Position) {
	d.mu.Lock()
	d.pending[s] = p
	d.mu.Unlock()
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// forget drops what is known of a source that is to be copied anew: positions of
// the database that it was copied from before mean nothing. It comes before the
// source is run again, so that none of them is acknowledged to the next database.
func (d *durability) forget(s *sourceState) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.pending, s)
	delete(d.synced, s)
	d.copies[s]++
}

func (d *durability) run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-d.wake:
		}
		if err := d.sync(); err != nil {
			return err
		}
	}
}

func (d *durability) sync() error {
	d.mu.Lock()
	round, copies := d.pending, maps.Clone(d.copies)
	d.pending = map[*sourceState]relation.Position{}
	d.mu.Unlock()
	if err := d.engine.store.Sync(); err != nil {
		return fmt.Errorf("sync the store: %w", err)
	}
	failpoint.At(failpoint.BeforeAck)
	d.mu.Lock()
	defer d.mu.Unlock()
	for s, p := range round {
		if d.copies[s] != copies[s] {
			delete(round, s) // copied anew meanwhile
			continue
		}
		d.synced[s] = p
	}
	close(d.changed)
	d.changed = make(chan struct{})
	for s, p := range round {
		s.source.Acknowledge(p) // under mu, so that none comes after forget
	}
	return nil
}

// ErrUnknownSource is returned for a source that the project does not have.
var ErrUnknownSource = errors.New("no such source")

// askAgain is how often a waiter has an idle source asked for its position.
const askAgain = 50 * time.Millisecond

// WaitFor waits until everything of a source that ends at or below a position
// is applied and durable. It returns ctx's error when that comes first.
func (e *Engine) WaitFor(ctx context.Context, source string, p relation.Position) error {
	s := e.byName[source]
	if s == nil {
		return fmt.Errorf("%w: %q", ErrUnknownSource, source)
	}
	ticker := time.NewTicker(askAgain)
	defer ticker.Stop()
	for {
		e.durable.mu.Lock()
		reached, changed := e.durable.synced[s] >= p, e.durable.changed
		e.durable.mu.Unlock()
		if reached {
			return nil
		}
		s.source.RequestProgress()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-e.done:
			return errStopped
		case <-changed:
		case <-ticker.C:
		}
	}
}
