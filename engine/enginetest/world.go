package enginetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"odsd/engine"
	"odsd/engine/memory"
	"odsd/engine/reference"
	"odsd/storage"
	"odsd/storage/relation"
	"odsd/views"
)

// World is an engine with test sources on a store in memory, and beside it the
// rows that the sources' databases hold.
type World struct {
	Engine   *engine.Engine
	Database *Database
	Views    []*views.View
	// Last is what the last commit of transactions did.
	Last engine.CommitReport

	schemas []*relation.Schema
	sources map[string]*memory.Source
	fs      storage.FS
	running *memory.Engine
	// building lets a world go on while its views are still being built.
	building bool
	// unattended has start not wait for anything.
	unattended bool
	chunk      int // documents of a step of a build; 0 for the default
	// slice is how many changed rows a slice of a commit has; 0 for the default. Then
	// transactions are delivered as if they were too large for memory.
	slice int
	// part is how many instances of a view are worked off at a time; 0 for the default.
	part int
	// fork is from how many changes on views are maintained side by side; 0 for the default.
	fork int
	// load is how many bytes of copied rows are held in memory; 0 for the default. Then they
	// are delivered a few at a time.
	load int
}

// patience is how long a world waits for the engine before it calls it stuck.
const patience = 3 * time.Minute

// NewWorld starts an engine over databases that hold the rows of rows, which
// the engine copies first.
func NewWorld(schemas []*relation.Schema, vs []*views.View, rows *Database) (*World, error) {
	w := &World{}
	return w, w.begin(schemas, vs, rows)
}

func (w *World) begin(schemas []*relation.Schema, vs []*views.View, rows *Database) error {
	w.Database, w.Views, w.schemas = rows, vs, schemas
	w.sources = map[string]*memory.Source{}
	if w.fs == nil {
		w.fs = storage.MemoryFS()
	}
	bySource := map[string][]*relation.Schema{}
	for _, s := range schemas {
		name := SourceOf(s.Name)
		bySource[name] = append(bySource[name], s)
	}
	for name, of := range bySource {
		w.sources[name] = memory.NewSource(name, of, w.rowsOf)
	}
	return w.start()
}

func (w *World) rowsOf(name string) [][]relation.Value {
	var rows [][]relation.Value
	_ = w.Database.All(name, func(row []relation.Value) error {
		rows = append(rows, append([]relation.Value(nil), row...))
		return nil
	})
	return rows
}

func (w *World) start() error {
	o := memory.Options{FS: w.fs, Views: w.Views, Observe: w.observe, BuildChunk: w.chunk, SliceChanges: w.slice, PartInstances: w.part, ForkChanges: w.fork, LoadBytes: w.load}
	for _, name := range w.sourceNames() {
		o.Sources = append(o.Sources, w.sources[name])
		w.sources[name].Large = w.slice > 0
		w.sources[name].Batch = min(w.load, 2)
	}
	run, err := memory.Start(o)
	if err != nil {
		return err
	}
	w.running, w.Engine = run, run.Engine
	if w.unattended {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return w.settle(ctx)
}

// settle waits until all that the databases have committed is applied and, in a
// world that is not building, every view is ready.
func (w *World) settle(ctx context.Context) error {
	if w.building {
		return w.running.CatchUp(ctx)
	}
	return w.running.Settle(ctx)
}

// observe runs in the writer; readers look at Last after settle, which waits for it.
func (w *World) observe(r engine.CommitReport) {
	if r.Transactions > 0 {
		w.Last = r
	}
}

func (w *World) sourceNames() []string {
	var names []string
	for name := range w.sources {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// Commit has the databases commit the transactions of a step, and the engine
// apply them in one commit.
func (w *World) Commit(step Step) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	err := w.running.Together(ctx, func() error {
		for _, t := range step {
			if err := w.tell(t); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return w.settle(ctx)
}

// tell has a database commit a transaction, and waits for nothing.
func (w *World) tell(t Transaction) error {
	changes, err := w.Database.Apply(t)
	if err == nil && len(changes) > 0 {
		w.sources[t.Source].Commit(changes)
	}
	return err
}

// Restart ends the engine and starts another over the same store.
func (w *World) Restart() error {
	if err := w.Close(); err != nil {
		return err
	}
	return w.start()
}

// Close ends the engine and closes the store.
func (w *World) Close() error { return w.running.Close() }

// Documents reads every stored document of a view, as many as the view says there are.
func (w *World) Documents(view string) ([]*reference.Document, error) {
	reading, err := w.Engine.Read()
	if err != nil {
		return nil, err
	}
	defer reading.Close()
	documents, err := w.running.Documents(context.Background(), view)
	if err != nil {
		return nil, err
	}
	count, err := reading.Views[view].Count(reading.Snapshot)
	if err != nil {
		return nil, err
	}
	if count != int64(len(documents)) {
		return nil, fmt.Errorf("view %s has %d documents and counts %d", view, len(documents), count)
	}
	return documents, nil
}

// Check compares every stored document with what the reference makes of the
// databases' rows, and everything stored of the views with what building them
// anew from these rows stores.
func (w *World) Check() error {
	if err := w.CheckReference(); err != nil {
		return err
	}
	return w.checkRebuilt()
}

// CheckReference is the first half of Check.
func (w *World) CheckReference() error {
	expected, err := reference.EvaluateAll(context.Background(), w.Views, w.Database)
	if err != nil {
		return err
	}
	for _, v := range w.Views {
		stored, err := w.Documents(v.Name)
		if err != nil {
			return err
		}
		if differences := reference.CompareAll(stored, expected[v.Name]); len(differences) > 0 {
			return differenceError(v.Name, differences)
		}
		if err := w.checkChecks(v.Name, expected[v.Name]); err != nil {
			return err
		}
	}
	return nil
}

// checkChecks compares which documents fail which check, and how many.
func (w *World) checkChecks(view string, expected []*reference.Document) error {
	reading, err := w.Engine.Read()
	if err != nil {
		return err
	}
	defer reading.Close()
	differences, err := engine.VerifyChecks(reading.Snapshot, reading.Views[view], expected)
	if err == nil && len(differences) > 0 {
		err = fmt.Errorf("view %s: %+v", view, differences)
	}
	return err
}

func differenceError(view string, differences []reference.Difference) error {
	var b strings.Builder
	fmt.Fprintf(&b, "view %s differs from the reference:", view)
	for i, d := range differences {
		if i == 20 {
			fmt.Fprintf(&b, "\n  and %d more", len(differences)-i)
			break
		}
		fmt.Fprintf(&b, "\n  %s: stored %s, expected %s", d.Path, d.Actual, d.Expected)
	}
	return errors.New(b.String())
}

// rebuiltChunk is small so that views of a few rows, too, are built in steps.
const rebuiltChunk = 3

func (w *World) checkRebuilt() error {
	anew := &World{chunk: rebuiltChunk}
	if err := anew.begin(w.schemas, w.Views, w.Database); err != nil {
		return fmt.Errorf("building anew: %w", err)
	}
	defer anew.Close()
	for _, v := range w.Views {
		have, err := w.dump(v.Name)
		if err != nil {
			return err
		}
		want, err := anew.dump(v.Name)
		if err != nil {
			return err
		}
		if err := compareDumps(v.Name, have, want); err != nil {
			return err
		}
	}
	return compareCounts(w.Engine.Status().Views, anew.Engine.Status().Views)
}

// compareCounts compares how many documents, errors and failed checks the views are said to have.
func compareCounts(have, want []engine.ViewReport) error {
	for i, v := range want {
		if have[i].Documents != v.Documents || have[i].RowErrors != v.RowErrors || !slices.Equal(have[i].Checks, v.Checks) {
			return fmt.Errorf("view %s counts %d documents, %d errors and %v, rebuilt %d, %d and %v",
				v.Name, have[i].Documents, have[i].RowErrors, have[i].Checks, v.Documents, v.RowErrors, v.Checks)
		}
	}
	return nil
}

// pair is a stored key, without the number of its generation, and its value.
type pair struct{ key, value []byte }

// dump reads all that is stored of a view's generation.
func (w *World) dump(view string) ([]pair, error) {
	reading, err := w.Engine.Read()
	if err != nil {
		return nil, err
	}
	defer reading.Close()
	const generation = 4 // bytes, after the first
	var pairs []pair
	for _, r := range storage.GenerationRanges(reading.Views[view].Generation) {
		cursor := reading.Snapshot.Scan(r[0], r[1])
		for cursor.Next() {
			key := append([]byte{cursor.Key()[0]}, cursor.Key()[1+generation:]...)
			pairs = append(pairs, pair{key, append([]byte(nil), cursor.Value()...)})
		}
		if err := errors.Join(cursor.Err(), cursor.Close()); err != nil {
			return nil, err
		}
	}
	return pairs, nil
}

func compareDumps(view string, have, want []pair) error {
	for i := 0; i < len(have) || i < len(want); i++ {
		switch {
		case i >= len(want):
			return fmt.Errorf("view %s: maintained store holds %q, rebuilt one does not", view, have[i].key)
		case i >= len(have):
			return fmt.Errorf("view %s: rebuilt store holds %q, maintained one does not", view, want[i].key)
		case !bytes.Equal(have[i].key, want[i].key):
			return fmt.Errorf("view %s: maintained store holds %q where the rebuilt one holds %q", view, have[i].key, want[i].key)
		case !bytes.Equal(have[i].value, want[i].value):
			return fmt.Errorf("view %s: key %q holds %x, rebuilt %x", view, have[i].key, have[i].value, want[i].value)
		}
	}
	return nil
}
