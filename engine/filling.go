package engine

import (
	"context"
	"fmt"
	"slices"
	"time"

	"odsd/engine/ivm"
	"odsd/storage"
	"odsd/storage/relation"
)

// A commit whose changes are too many for memory is worked off in slices. Each is
// what a commit of its own would be: its changes are folded, written and passed
// through the views, over the state that the slices before it have left. None is
// visible before the last, with which the frontiers come; and since a view is a
// function of the base rows alone, what the slices leave is what one commit would have.

// The bounds of a slice: of the rows that it changes, and about of their bytes, as
// they were and as they are.
const (
	sliceChanges = 25_000
	sliceBytes   = 16 << 20
)

// partInstances is how many instances of a view, rows of its documents, are held in
// memory at a time, if its documents are not larger.
const partInstances = 50_000

// filling is one attempt at a commit.
type filling struct {
	w      *writer
	commit *storage.Commit
	batch  *batch
	fold   *fold
	slices int // but the last
	parts  int // of views that did not fit into memory
	forked int // views that were maintained beside others, in all slices
	// Of all slices: the changes after folding, the rows that relations gained, what
	// was done to the views, and the rows that came into quarantine.
	changes     int
	gained      map[string]int64
	results     map[*generation]ivm.Result
	quarantined quarantineTally
}

func (w *writer) newFilling(c *storage.Commit, b *batch) *filling {
	f := &filling{
		w: w, commit: c, batch: b, fold: newFold(c, w.catalog.stored.Relations),
		gained: map[string]int64{}, results: map[*generation]ivm.Result{}, quarantined: quarantineTally{},
	}
	f.fold.bound(w.engine.sliceChanges, f.nextSlice)
	return f
}

// take folds the changes of the batch in, slice by slice where they are many.
func (f *filling) take(ctx context.Context) error {
	for _, t := range f.batch.transactions {
		var failed error
		err := t.Each(func(change Change) error {
			failed = f.takeChange(ctx, t, change)
			return failed
		})
		if err != nil && failed == nil {
			return &sourceError{t.from, err} // its changes cannot be read
		}
		if err != nil {
			return err
		}
	}
	return f.takeDifferences()
}

func (f *filling) takeChange(ctx context.Context, t sourced, change Change) error {
	if f.fold.full() {
		if err := f.nextSlice(); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("apply a large transaction: %w", err)
		}
	}
	return f.w.applyChange(f.commit, f.fold, f.batch, t, change)
}

// takeDifferences works off the rest: what is folded, or changes that no
// transaction brought.
func (f *filling) takeDifferences() error {
	if f.batch.differences == nil {
		return f.slice(f.fold.changes())
	}
	var some []ivm.Change
	bytes := 0
	err := f.batch.differences.each(func(change ivm.Change) error {
		if len(some) >= f.w.engine.sliceChanges || bytes >= sliceBytes {
			if err := f.slice(some); err != nil {
				return err
			}
			if err := f.end(); err != nil {
				return err
			}
			some, bytes = nil, 0
		}
		some = append(some, change)
		bytes += weight(change.Old) + weight(change.New)
		return nil
	})
	if err != nil {
		return err
	}
	return f.slice(some)
}

// nextSlice works off what is folded and goes on with another slice.
func (f *filling) nextSlice() error {
	if err := f.slice(f.fold.changes()); err != nil {
		return err
	}
	return f.end()
}

// slice writes changes and passes them through the views.
func (f *filling) slice(changes []ivm.Change) error {
	w := f.w
	if err := ivm.WriteBase(f.commit, &w.catalog.stored, changes); err != nil {
		return err
	}
	m, err := w.maintain(f.commit, ivm.Shown(&w.catalog.stored, changes), ivm.Bounds{Instances: w.engine.partInstances, Part: f.part})
	if err != nil {
		return err
	}
	f.forked += m.forked
	for g, result := range m.results {
		sum := f.results[g]
		sum.Add(result)
		f.results[g] = sum
	}
	for name, gained := range rowsGained(changes) {
		f.gained[name] += gained
	}
	f.changes += len(changes)
	f.quarantined.count(w, changes)
	return nil
}

// part tells that a view is worked off in parts, and ends that with the loop.
func (f *filling) part() error {
	f.w.engine.beginLarge(f.batch)
	if f.parts++; f.w.ctx.Err() != nil {
		return fmt.Errorf("apply a change of very many documents: %w", f.w.ctx.Err())
	}
	return nil
}

// end ends a slice that is not the last: what it has written leaves memory.
func (f *filling) end() error {
	f.slices++
	f.w.engine.beginLarge(f.batch)
	f.w.engine.toldLarge(f.changes)
	f.fold.reset()
	for g, result := range f.results {
		result.Roots = nil // nobody asks for them any more
		f.results[g] = result
	}
	return f.commit.NextSlice()
}

// Changes are those of a transaction that are too many to be held in memory.
type Changes interface {
	// Each visits them in the order in which they happened, until visit returns an
	// error, which it then returns. It may be called again, and visits the same. The values
	// belong to the visitor. It runs in the writer, beside the source's own goroutines.
	Each(visit func(Change) error) error
	// Len is how many there are.
	Len() int
	// Close gives back what they take on disk, once they are applied or void.
	Close() error
}

// Each visits all changes of the transaction, as Changes.Each does.
func (t *Transaction) Each(visit func(Change) error) error {
	for _, change := range t.Changes {
		if err := visit(change); err != nil {
			return err
		}
	}
	if t.More == nil {
		return nil
	}
	return t.More.Each(visit)
}

// Len is how many changes the transaction has.
func (t *Transaction) Len() int {
	if t.More == nil {
		return len(t.Changes)
	}
	return len(t.Changes) + t.More.Len()
}

// close gives up a transaction that is applied or void.
func (w *writer) close(t *Transaction) {
	if t.More == nil {
		return
	}
	if err := t.More.Close(); err != nil {
		w.engine.log.Error("cannot remove the changes of a large transaction", "error", err)
	}
}

// weight is about what a row takes in memory.
func weight(row []relation.Value) int {
	const value = 40
	size := value * len(row)
	for i := range row {
		size += len(row[i].Str())
	}
	return size
}

// LargeCommit is a commit in slices that is under way: other sources wait for it.
type LargeCommit struct {
	Sources []string  `json:"sources"`
	Began   time.Time `json:"began"`
	// Changes are those that its transactions have, Applied those that are worked
	// off, after folding.
	Changes int `json:"changes"`
	Applied int `json:"applied"`
}

// beginLarge tells, once, that other sources have to wait.
func (e *Engine) beginLarge(b *batch) {
	if e.large != nil { // which the writer alone sets
		return
	}
	large := &LargeCommit{Sources: []string{}, Began: e.now(), Changes: b.changes}
	for s := range b.frontiers {
		large.Sources = append(large.Sources, s.source.Name())
	}
	slices.Sort(large.Sources)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.large = large
	e.log.Info("large commit begun: other sources wait for it", "sources", large.Sources, "changes", large.Changes)
}

func (e *Engine) toldLarge(applied int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	large := *e.large
	large.Applied = applied
	e.large = &large
}

// endLarge tells that a commit which may have been large is over.
func (e *Engine) endLarge(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	large := e.large
	if e.large = nil; large == nil {
		return
	}
	took := e.now().Sub(large.Began).Round(time.Millisecond)
	if err != nil {
		e.log.Warn("large commit given up", "sources", large.Sources, "took", took, "error", err)
		return
	}
	e.largeCommits++
	e.log.Info("large commit applied", "sources", large.Sources, "changes", large.Changes, "took", took)
}
