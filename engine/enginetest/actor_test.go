package enginetest

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"

	"odsd/engine"
	"odsd/storage"
	"odsd/storage/relation"
	"odsd/views"
)

// actor is a source that delivers what its test says, when it says so.
type actor struct {
	t       *testing.T
	started chan engineRun

	mu           sync.Mutex
	acknowledged []relation.Position
}

// engineRun is one Run of an actor: what the engine resumes from and listens to.
type engineRun struct {
	from *engine.Resume
	out  chan<- engine.Event
	fail chan<- error // ends the run
}

func newActor(t *testing.T) *actor { return &actor{t: t, started: make(chan engineRun)} }

func (a *actor) Name() string { return "shop" }

func (a *actor) Run(ctx context.Context, from *engine.Resume, out chan<- engine.Event) error {
	failed := make(chan error, 1)
	select {
	case a.started <- engineRun{from, out, failed}:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (a *actor) Acknowledge(p relation.Position) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.acknowledged = append(a.acknowledged, p)
}

// told takes what was acknowledged since it was asked last.
func (a *actor) told() []relation.Position {
	a.mu.Lock()
	defer a.mu.Unlock()
	told := a.acknowledged
	a.acknowledged = nil
	return told
}

func (a *actor) RequestProgress() {}

// stage is an engine with one actor.
type stage struct {
	t      *testing.T
	engine *engine.Engine
	shop   *actor
	ctx    context.Context // bounds every wait
	close  func()          // ends the engine; at the test's end at the latest
}

func newStage(t *testing.T, fs storage.FS, vs ...*views.View) *stage {
	t.Helper()
	return newStageOf(t, fs, engine.Options{Definitions: engine.Definitions{Views: vs}})
}

// newStageOf takes what else an engine may be made with.
func newStageOf(t *testing.T, fs storage.FS, o engine.Options) *stage {
	t.Helper()
	store, err := storage.Open("store", storage.Options{FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{t: t, shop: newActor(t)}
	o.Store, o.Sources = store, []engine.Source{s.shop}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s.engine, err = engine.New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	s.ctx = ctx
	done := make(chan error, 1)
	go func() { done <- s.engine.Run(ctx) }()
	s.close = sync.OnceFunc(func() {
		cancel()
		if err := errors.Join(<-done, store.Close()); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(s.close)
	return s
}

// enter waits until the engine runs the actor.
func (s *stage) enter() engineRun {
	s.t.Helper()
	select {
	case run := <-s.shop.started:
		return run
	case <-s.ctx.Done():
		s.t.Fatal("the source is not run")
	}
	return engineRun{}
}

// resync has the source copied anew.
func (s *stage) resync() engineRun {
	s.t.Helper()
	if err := s.engine.Resync(s.ctx, "shop"); err != nil {
		s.t.Fatal(err)
	}
	run := s.enter()
	if run.from != nil {
		s.t.Fatal("the source is not copied anew")
	}
	return run
}

// until waits for a condition of the engine, which changes between its turns only.
func (s *stage) until(what string, met func() bool) {
	s.t.Helper()
	for !met() {
		release, err := s.engine.Hold(s.ctx) // a turn of the writer
		if err != nil {
			s.t.Fatalf("waiting until %s: %v; %+v", what, err, s.engine.Status())
		}
		release()
	}
}

// copying waits until the writer has taken the start of a copy.
func (s *stage) copying() {
	s.t.Helper()
	s.until("the copy has begun", func() bool {
		tables := s.engine.Status().Sources[0].Tables
		return len(tables) > 0 && tables[0].State == "copying"
	})
}

// reached says whether everything up to a position is known to be durable, now.
func (s *stage) reached(p relation.Position) bool {
	now, cancel := context.WithCancel(s.ctx)
	cancel()
	return s.engine.WaitFor(now, "shop", p) == nil
}

func (s *stage) wait(p relation.Position) {
	s.t.Helper()
	if err := s.engine.WaitFor(s.ctx, "shop", p); err != nil {
		s.t.Fatalf("waiting for %s: %v", p, err)
	}
}
