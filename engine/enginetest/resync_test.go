package enginetest

import (
	"context"
	"errors"
	"sync"
	"testing"

	"odsd/engine"
	"odsd/storage"
	"odsd/storage/relation"
)

// A source that lost a change is mended by copying it anew, and its views with
// it; what the other sources stored stays.
func TestResyncMendsALostChange(t *testing.T) {
	schemas := hotSchemas()
	checked, err := CheckViews(schemas, []string{hotView})
	if err != nil {
		t.Fatal(err)
	}
	w, err := NewWorld(schemas, checked, hotDatabase(t, schemas, 10))
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	lost := []relation.Value{int4(3), int4(1), relation.OfText("rare"), int4(99)}
	if err := w.Database.Set("shop.items", lost); err != nil { // the stream never tells
		t.Fatal(err)
	}
	if err := w.CheckReference(); err == nil {
		t.Fatal("a lost change is not noticed")
	}
	if err := w.Engine.Resync(t.Context(), "shop"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		reading, err := w.Engine.Read()
		if err != nil {
			t.Fatal(err)
		}
		whole := len(reading.Views) == len(w.Views)
		if err := reading.Close(); err != nil {
			t.Fatal(err)
		}
		if whole && w.CheckReference() == nil {
			break
		}
		release, err := w.Engine.Hold(ctx) // a turn of the writer
		if err != nil {
			t.Fatalf("waiting for the copy: %v; %v", err, w.CheckReference())
		}
		release()
	}
	change := hotChanges[1].change(10)
	if err := w.Commit(Step{change}); err != nil {
		t.Fatal(err)
	}
	if err := w.Check(); err != nil {
		t.Fatal(err)
	}
	if err := w.Engine.Resync(t.Context(), "nobody"); err == nil {
		t.Error("an unknown source can be copied anew")
	}
}

// A daemon that is killed between the wish for a copy anew and its beginning
// makes the copy when it lives again: the source has given up its place in the
// stream by then.
func TestResyncIsMadeAfterAKill(t *testing.T) {
	fs := storage.MemoryFS()
	source := &givenUp{runs: make(chan *engine.Resume, 1)}
	first := startEngine(t, fs, source)
	if from := <-source.runs; from != nil {
		t.Fatal("a new source resumes")
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := first.WaitFor(ctx, source.Name(), 1); err != nil {
		t.Fatal(err)
	}
	if err := first.Resync(ctx, source.Name()); err != nil {
		t.Fatal(err)
	}
	if from := <-source.runs; from != nil {
		t.Fatal("a copy anew resumes")
	}
	first.end()
	startEngine(t, fs, source)
	if from := <-source.runs; from != nil {
		t.Error("after a kill the source resumes where it gave up its place")
	}
}

// givenUp is a source that is copied in its first run; in later ones it goes no
// further than giving up its place.
type givenUp struct {
	runs chan *engine.Resume
	once sync.Once
}

func (s *givenUp) Name() string                  { return "shop" }
func (s *givenUp) Acknowledge(relation.Position) {}
func (s *givenUp) RequestProgress()              {}

func (s *givenUp) Run(ctx context.Context, from *engine.Resume, out chan<- engine.Event) error {
	s.runs <- from
	s.once.Do(func() {
		out <- engine.CopyStarted{}
		out <- engine.CopyFinished{Position: 1}
	})
	<-ctx.Done()
	return ctx.Err()
}

type startedEngine struct {
	*engine.Engine
	end func()
}

func startEngine(t *testing.T, fs storage.FS, source engine.Source) *startedEngine {
	t.Helper()
	store, err := storage.Open("store", storage.Options{FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	e, err := engine.New(engine.Options{Store: store, Sources: []engine.Source{source}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- e.Run(ctx) }()
	end := sync.OnceFunc(func() {
		cancel()
		if err := errors.Join(<-ended, store.Close()); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(end)
	return &startedEngine{e, end}
}
