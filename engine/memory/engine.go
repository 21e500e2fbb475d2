package memory

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"odsd/engine"
	"odsd/engine/reference"
	"odsd/storage"
	"odsd/views"
)

// Options of an engine in memory.
type Options struct {
	// FS holds the store: storage.MemoryFS, or one that an earlier engine left.
	FS      storage.FS
	Sources []*Source
	// Views in the order in which they can be computed.
	Views []*views.View
	// Observe may be nil; see engine.Options.
	Observe func(engine.CommitReport)
	// BuildChunk is engine.Options.BuildChunk.
	BuildChunk int
	// SliceChanges is engine.Options.SliceChanges.
	SliceChanges int
	// PartInstances is engine.Options.PartInstances.
	PartInstances int
	// ForkChanges is engine.Options.ForkChanges.
	ForkChanges int
	// LoadBytes is engine.Options.LoadBytes.
	LoadBytes int
}

// Engine is a running engine over sources in memory.
type Engine struct {
	*engine.Engine
	options Options
	store   *storage.Store
	cancel  context.CancelFunc
	done    chan error
}

// Start starts an engine; Close ends it.
func Start(o Options) (*Engine, error) {
	store, err := storage.Open("store", storage.Options{FS: o.FS})
	if err != nil {
		return nil, err
	}
	sources := make([]engine.Source, len(o.Sources))
	for i, s := range o.Sources {
		sources[i] = s
	}
	run, err := engine.New(engine.Options{
		Store: store, Sources: sources, Definitions: engine.Definitions{Views: o.Views},
		Log: slog.New(slog.DiscardHandler), Observe: o.Observe, BuildChunk: o.BuildChunk, SliceChanges: o.SliceChanges, PartInstances: o.PartInstances, ForkChanges: o.ForkChanges,
		LoadBytes: o.LoadBytes,
	})
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	ctx, cancel := context.WithCancel(context.Background())
	e := &Engine{Engine: run, options: o, store: store, cancel: cancel, done: make(chan error, 1)}
	go func() { e.done <- run.Run(ctx) }()
	return e, nil
}

// Sync makes durable what is committed.
func (e *Engine) Sync() error { return e.store.Sync() }

// Settle waits until all that the sources have committed is applied and every
// view is ready.
func (e *Engine) Settle(ctx context.Context) error {
	if err := e.CatchUp(ctx); err != nil {
		return err
	}
	for {
		// A turn of the writer: it has looked at the views before its first, and builds a
		// chunk between any two.
		release, err := e.Hold(ctx)
		if err != nil {
			return fmt.Errorf("waiting for the views: %w; %+v", err, e.Status().Views)
		}
		release()
		ready, err := e.ready()
		if err != nil || ready {
			return err
		}
	}
}

// CatchUp waits until all that the sources have committed is applied, whether
// the views are built or not.
func (e *Engine) CatchUp(ctx context.Context) error {
	for _, s := range e.options.Sources {
		if err := e.catchUp(ctx, s); err != nil {
			return fmt.Errorf("waiting for source %s: %w", s.Name(), err)
		}
	}
	return nil
}

// lookAgain is how long a source is waited for before it is asked whether it has halted.
const lookAgain = time.Second

func (e *Engine) catchUp(ctx context.Context, s *Source) error {
	for {
		short, cancel := context.WithTimeout(ctx, lookAgain)
		err := e.WaitFor(short, s.Name(), s.End())
		cancel()
		if err == nil || ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded) {
			return err
		}
		for _, status := range e.Status().Sources {
			if status.Name == s.Name() && status.State == engine.Halted {
				return fmt.Errorf("it has halted: %s", status.Error.Message)
			}
		}
	}
}

// ready says whether every view is served as it is wanted; one that failed is an error.
func (e *Engine) ready() (bool, error) {
	ready := true
	for _, v := range e.Status().Views {
		fault := v.Error
		if v.Next != nil && v.Next.Error != nil {
			fault = v.Next.Error
		}
		if fault != nil {
			return false, fmt.Errorf("view %s: %s", v.Name, fault.Message)
		}
		ready = ready && v.State == engine.ViewReady && v.Next == nil
	}
	return ready, nil
}

// Together has all that tell commits to the sources applied in one commit of
// the store. It does not wait for that.
func (e *Engine) Together(ctx context.Context, tell func() error) error {
	release, err := e.Hold(ctx)
	if err != nil {
		return err
	}
	defer release()
	return tell()
}

// Documents reads every stored document of a view, in the order of their keys.
func (e *Engine) Documents(ctx context.Context, view string) ([]*reference.Document, error) {
	reading, err := e.Read()
	if err != nil {
		return nil, err
	}
	defer reading.Close()
	served, ok := reading.Views[view]
	if !ok {
		return nil, fmt.Errorf("view %s is not ready", view)
	}
	return engine.Documents(ctx, reading.Snapshot, served)
}

// Close ends the engine and closes the store.
func (e *Engine) Close() error {
	e.cancel()
	return errors.Join(<-e.done, e.store.Close())
}
