package enginetest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"testing"
	"time"

	"odsd/engine"
	"odsd/engine/reference"
	"odsd/storage"
	"odsd/storage/relation"
	"odsd/views"
)

// costSource has one table after the other copied, in chunks, from rows that are made
// as they are asked for; then it delivers one change after the other.
type costSource struct {
	schemas []*relation.Schema
	rows    func(relation string) iter.Seq[[]relation.Value]
	tell    chan engine.Event
}

func (s *costSource) Name() string                  { return "s" }
func (s *costSource) Acknowledge(relation.Position) {}
func (s *costSource) RequestProgress()              {}

// copyChunk is how many rows one commit of the copy has.
const copyChunk = 20_000

func (s *costSource) Run(ctx context.Context, _ *engine.Resume, out chan<- engine.Event) error {
	deliver := func(e engine.Event) error {
		select {
		case out <- e:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if err := deliver(engine.CopyStarted{Schemas: s.schemas}); err != nil {
		return err
	}
	for _, schema := range s.schemas {
		for rows := range chunked(s.rows(schema.Name), copyChunk) {
			if err := deliver(engine.CopiedRows{Relation: schema.Name, Rows: rows}); err != nil {
				return err
			}
		}
	}
	if err := deliver(engine.CopyFinished{Position: 1}); err != nil {
		return err
	}
	for {
		select {
		case e := <-s.tell:
			if err := deliver(e); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func chunked(rows iter.Seq[[]relation.Value], size int) iter.Seq[[][]relation.Value] {
	return func(yield func([][]relation.Value) bool) {
		var chunk [][]relation.Value
		for row := range rows {
			if chunk = append(chunk, row); len(chunk) == size {
				if !yield(chunk) {
					return
				}
				chunk = nil
			}
		}
		if len(chunk) > 0 {
			yield(chunk)
		}
	}
}

// costWorld is an engine that one change after the other is told to and counted.
type costWorld struct {
	engine  *engine.Engine
	views   []*views.View
	source  *costSource
	end     relation.Position
	reports chan engine.CommitReport
	close   func() error
}

// onDisk is from how many rows on the store lies on disk.
const onDisk = 200_000

func newCostWorld(t *testing.T, c *costScenario, size int) *costWorld {
	t.Helper()
	checked, err := CheckViews(c.schemas, c.views)
	if err != nil {
		t.Fatal(err)
	}
	options := storage.Options{FS: storage.MemoryFS()}
	folder := "store"
	if size >= onDisk {
		options.FS, folder = nil, t.TempDir()
	}
	store, err := storage.Open(folder, options)
	if err != nil {
		t.Fatal(err)
	}
	w := &costWorld{views: checked, end: 1, reports: make(chan engine.CommitReport, 1)}
	w.source = &costSource{schemas: c.schemas, tell: make(chan engine.Event), rows: func(name string) iter.Seq[[]relation.Value] {
		return c.rows(name, size)
	}}
	w.engine, err = engine.New(engine.Options{
		Store: store, Sources: []engine.Source{w.source}, Definitions: engine.Definitions{Views: checked},
		Observe: func(r engine.CommitReport) {
			if r.Transactions > 0 {
				w.reports <- r
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.engine.Run(ctx) }()
	w.close = func() error {
		cancel()
		return errors.Join(<-done, store.Close())
	}
	w.untilReady(t)
	return w
}

// untilReady waits for the copy and the builds, however long they take.
func (w *costWorld) untilReady(t *testing.T) {
	t.Helper()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for !w.engine.Status().Ready {
		for _, v := range w.engine.Status().Views {
			if v.Error != nil {
				t.Fatalf("view %s: %s", v.Name, v.Error.Message)
			}
		}
		select {
		case <-t.Context().Done():
			t.Fatal(t.Context().Err())
		case <-ticker.C:
		}
	}
}

// apply has the changes committed as one transaction and says what that took.
func (w *costWorld) apply(t *testing.T, changes []engine.Change) engine.CommitReport {
	t.Helper()
	w.end += 10
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	select {
	case w.source.tell <- &engine.Transaction{End: w.end, CommittedAt: time.Unix(1, 0), Changes: changes}:
	case <-ctx.Done():
		t.Fatal("the source does not take a change")
	}
	select {
	case r := <-w.reports:
		return r
	case <-ctx.Done():
		t.Fatalf("a change is not applied: %v", w.engine.Status().Sources[0].Error)
	}
	return engine.CommitReport{}
}

// checkReference compares the documents with what the reference makes of the rows
// that the changes have led to.
func (w *costWorld) checkReference(t *testing.T, c *costScenario, size int, applied [][]engine.Change) {
	t.Helper()
	rows := reference.NewMemory(c.schemas...)
	for _, s := range c.schemas {
		for row := range c.rows(s.Name, size) {
			if err := rows.Set(s.Name, row); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, change := range slices.Concat(applied...) {
		old := change.Old
		if old == nil {
			old = change.New
		}
		err := rows.Delete(change.Relation, old)
		if change.New != nil && err == nil {
			err = rows.Set(change.Relation, change.New)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	expected, err := reference.EvaluateAll(t.Context(), w.views, rows)
	if err != nil {
		t.Fatal(err)
	}
	reading, err := w.engine.Read()
	if err != nil {
		t.Fatal(err)
	}
	defer reading.Close()
	for _, v := range w.views {
		stored, err := engine.Documents(t.Context(), reading.Snapshot, reading.Views[v.Name])
		if err != nil {
			t.Fatal(err)
		}
		if differences := reference.CompareAll(stored, expected[v.Name]); len(differences) > 0 {
			t.Error(fmt.Errorf("%s of %d: %w", c.name, size, differenceError(v.Name, differences)))
		}
	}
}
