package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"odsd/engine/ivm"
	"odsd/internal/failpoint"
	"odsd/storage"
	"odsd/storage/relation"
)

// Options of an engine.
type Options struct {
	Store   *storage.Store
	Sources []Source
	Definitions
	Log *slog.Logger
	// BuildChunk is how many documents one step of a build adds at most; 0 for
	// the default.
	BuildChunk int
	// SliceChanges is how many changed rows of a commit are held in memory; 0 for the
	// default. Larger commits are made in slices.
	SliceChanges int
	// PartInstances is how many rows of documents of a view are worked off at a time; 0 for
	// the default.
	PartInstances int
	// ForkChanges is from how many changes of a commit on views are maintained side by side; 0 for
	// the default.
	ForkChanges int
	// LoadBytes is how much of copied rows is held in memory; 0 for the default.
	LoadBytes int
	// LoadRuns is how many sorted runs of copied rows are merged at a time; 0 for the default.
	LoadRuns int
	// Observe is told of every commit of transactions, by the writer; nil for nobody.
	Observe func(CommitReport)
	// Now is the clock that lag is measured by; time.Now unless a test says otherwise.
	Now func() time.Time
}

// CommitReport is what one commit of transactions did.
type CommitReport struct {
	Transactions int
	Changes      int           // after folding
	Frontiers    int           // sources whose frontier moved, one key each
	Slices       int           // 1 but in large commits
	Parts        int           // of views that did not fit into memory
	Forked       int           // views that were maintained side by side
	Duration     time.Duration // of the writer's work, not of the sync
	Stats        storage.Stats // keys read and written
	Views        map[string]ivm.Result
}

// add notes what the commit did to a view: to what is served of it and to what is
// being built.
func (r *CommitReport) add(view string, result ivm.Result) {
	sum, both := r.Views[view]
	if !both {
		r.Views[view] = result
		return
	}
	sum.Documents += result.Documents
	sum.Errors += result.Errors
	sum.Written += result.Written
	sum.Touched += result.Touched
	sum.Failed += result.Failed
	sum.Took += result.Took
	sum.Roots = append(sum.Roots, result.Roots...)
	r.Views[view] = sum
}

// Engine applies transactions and maintains views. Make one with New, run it
// once with Run; every other method may be called from any goroutine while it runs.
type Engine struct {
	store   *storage.Store
	log     *slog.Logger
	now     func() time.Time
	observe func(CommitReport)
	chunk   int // most documents of a step of a build
	// sliceChanges is how many changed rows one slice of a commit has at most.
	sliceChanges int
	// partInstances is how many instances of a view are held in memory at a time.
	partInstances int
	// forkChanges is from how many changes on views are maintained side by side.
	forkChanges int
	loadBytes   int
	loadRuns    int
	sources     []*sourceState
	byName      map[string]*sourceState
	// verifying is taken by the one verification that runs at a time.
	verifying chan struct{}

	commands chan func(*writer)
	done     chan struct{} // closed when Run returns
	durable  *durability

	// mu guards what readers and status see: the fields below, those of viewState, and
	// those of sourceState that say so.
	mu sync.RWMutex
	// views of the project in the order in which they can be computed, then those that
	// are served still and wanted no more. broken are views whose files have errors.
	views  []*viewState
	broken map[string]error
	// paused is why nothing is taken in from any source; nil when all is well. The writer
	// sets it.
	paused *Fault
	// published is what requests may read; it is replaced, never written to, since
	// readers keep what they have.
	published published
	// large is the large commit under way, nil when there is none; it is replaced, never
	// written to. largeCommits counts those that were made.
	large        *LargeCommit
	largeCommits uint64
}

var errStopped = errors.New("the engine has stopped")

// sourceState is one source as the engine knows it.
type sourceState struct {
	source Source
	queue  *queue
	again  chan struct{} // asks for a copy anew

	// Guarded by Engine.mu; written by the writer and the source's goroutine.
	condition    Condition
	live         bool
	frontier     storage.Frontier
	caughtUp     time.Time // when the frontier last was all there is
	tables       map[string]*tableState
	transactions uint64
	changes      uint64

	// Owned by the writer.
	stopped bool              // a fault of its own stream: nothing more is applied
	paused  bool              // a fence is being made
	cut     relation.Position // apply up to here only; 0: no fence
	held    []Event
	then    func() error // what follows when its loads are stored: nothing is taken before
}

type tableState struct {
	rows, expected int64
	staged         int64 // rows of a copy beside the served ones
	copying        bool
	fault          *Halt
}

// New makes an engine over an open store.
func New(o Options) (*Engine, error) {
	e := &Engine{
		store: o.Store, log: o.Log, now: o.Now, observe: o.Observe,
		byName:    map[string]*sourceState{},
		commands:  make(chan func(*writer)),
		verifying: make(chan struct{}, 1),
		done:      make(chan struct{}),
	}
	if e.log == nil {
		e.log = slog.New(slog.DiscardHandler)
	}
	if e.chunk = o.BuildChunk; e.chunk == 0 {
		e.chunk = largestChunk
	}
	if e.sliceChanges = o.SliceChanges; e.sliceChanges == 0 {
		e.sliceChanges = sliceChanges
	}
	if e.partInstances = o.PartInstances; e.partInstances == 0 {
		e.partInstances = partInstances
	}
	if e.forkChanges = o.ForkChanges; e.forkChanges == 0 {
		e.forkChanges = forkChanges
	}
	if e.loadBytes = o.LoadBytes; e.loadBytes == 0 {
		e.loadBytes = failpoint.LoadBytes(loadBytes)
	}
	if e.loadRuns = o.LoadRuns; e.loadRuns == 0 {
		e.loadRuns = loadRuns
	}
	if e.now == nil {
		e.now = time.Now
	}
	for _, s := range o.Sources {
		if e.byName[s.Name()] != nil {
			return nil, fmt.Errorf("two sources are named %q", s.Name())
		}
		state := &sourceState{
			source: s, queue: newQueue(), again: make(chan struct{}, 1), tables: map[string]*tableState{},
			condition: Condition{State: Connecting, SlotWAL: -1},
		}
		e.sources = append(e.sources, state)
		e.byName[s.Name()] = state
	}
	wanted, err := compile(o.Views)
	if err != nil {
		return nil, err
	}
	e.want(wanted, o.Broken)
	e.publish()
	e.durable = newDurability(e)
	return e, nil
}

// Run applies what the sources deliver until ctx ends. It returns nil then, and
// an error only when the store itself cannot go on.
func (e *Engine) Run(ctx context.Context) error {
	defer close(e.done)
	w, err := newWriter(e)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	for _, s := range e.sources {
		resume := w.resume(s)
		group.Go(func() error { return e.runSource(ctx, s, resume) })
	}
	group.Go(func() error { return e.durable.run(ctx) })
	group.Go(func() error { return w.run(ctx) })
	err = group.Wait()
	if errors.Is(err, context.Canceled) {
		err = nil
	}
	if syncErr := e.store.Sync(); err == nil && syncErr != nil {
		err = fmt.Errorf("sync the store: %w", syncErr)
	}
	return err
}

// do runs a function in the writer, between two commits, and waits for it.
func (e *Engine) do(ctx context.Context, f func(*writer)) error {
	finished := make(chan struct{})
	wrapped := func(w *writer) { defer close(finished); f(w) }
	select {
	case e.commands <- wrapped:
	case <-ctx.Done():
		return ctx.Err()
	case <-e.done:
		return errStopped
	}
	<-finished
	return nil
}

func (e *Engine) setCondition(s *sourceState, c Condition) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if c.Ahead == 0 {
		c.Ahead = s.condition.Ahead
	}
	if c.SlotWAL < 0 {
		c.SlotWAL, c.SlotLeft = s.condition.SlotWAL, s.condition.SlotLeft
	}
	s.condition = c
}

// Hold keeps the writer from committing until release is called, between two
// commits: what is read meanwhile stands still. It is for whoever needs more
// than a snapshot does, and for tests that want several transactions in one commit.
func (e *Engine) Hold(ctx context.Context) (release func(), err error) {
	held, freed := make(chan struct{}), make(chan struct{})
	hold := func(*writer) {
		close(held)
		<-freed
	}
	select {
	case e.commands <- hold:
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-e.done:
		return nil, errStopped
	}
	<-held
	return sync.OnceFunc(func() { close(freed) }), nil
}
