package engine

import (
	"fmt"
	"time"

	"odsd/engine/ivm"
	"odsd/internal/failpoint"
	"odsd/storage"
	"odsd/storage/relation"
)

// A step of a build adds as many documents as take about buildStep: what the
// sources send meanwhile waits no longer, and a document of a million rows is
// a step of its own.
const (
	buildStep     = 50 * time.Millisecond
	firstChunk    = 50
	largestChunk  = 5_000
	smallestChunk = 1
)

// nextChunk adapts the number of documents of a step to how long one took.
func nextChunk(chunk, largest int, took time.Duration) int {
	switch {
	case took < buildStep/2:
		return min(2*chunk, largest)
	case took > 2*buildStep:
		return max(chunk/2, smallestChunk)
	}
	return chunk
}

// unbuilt is a view whose next generation is not whole; nil when there is none.
func (w *writer) unbuilt() *viewState {
	for _, v := range w.engine.views {
		if v.next != nil && v.next.fault == nil && !v.next.record.Ready {
			return v
		}
	}
	return nil
}

// buildSome goes on with the first generation that is not whole: it adds entries to
// an index that the view needs, or a chunk of documents. What a generation does not
// hold yet, changes leave alone: see ivm.View.Apply.
func (w *writer) buildSome() error {
	v := w.unbuilt()
	if v == nil {
		return nil
	}
	if x, r := w.unfilled(v.next); x != nil {
		return w.fillIndex(x, r)
	}
	began := time.Now()
	c := w.engine.store.Begin()
	record, err := w.buildChunk(c, v.next)
	if err != nil {
		c.Abandon()
		if !w.faultOfView(err) {
			return fmt.Errorf("build view %s: %w", v.name, err)
		}
		if err := w.failGeneration(v.next, err); err != nil {
			return err
		}
		return w.settleViews()
	}
	if err := c.Apply(); err != nil {
		return fmt.Errorf("build view %s: %w", v.name, err)
	}
	failpoint.At(failpoint.Built)
	w.chunk = nextChunk(w.chunk, w.engine.chunk, time.Since(began))
	w.engine.mu.Lock()
	*v.next.record = *record
	w.engine.mu.Unlock()
	if record.Ready {
		return w.settleViews() // it may be switched to, and others may have waited for it
	}
	return nil
}

func (w *writer) buildChunk(c *storage.Commit, g *generation) (*viewRecord, error) {
	record := *g.record
	result, cursor, err := buildGuarded(g.view, c, record.Cursor, w.chunk, ivm.Bounds{Instances: w.engine.partInstances, Part: w.ctx.Err})
	if err != nil {
		return nil, err
	}
	w.chunk -= result.Left // the documents to come may be as large
	record.Ready, record.Cursor = cursor == nil, cursor
	record.add(result)
	return &record, w.saveGeneration(c, g, &record)
}

func buildGuarded(v *ivm.View, c *storage.Commit, after []byte, limit int, bounds ivm.Bounds) (result ivm.Result, cursor []byte, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("internal fault while building the view: %v", cause)
		}
	}()
	return v.Build(c, after, limit, bounds)
}

// readRows reads at most limit rows from lower on; next is where to go on, nil
// at the end.
func readRows(reader storage.Reader, r *ivm.Relation, lower []byte, limit int) (rows [][]relation.Value, next []byte, err error) {
	err = r.Scan(reader, lower, nil, func(key []byte, row []relation.Value) (bool, error) {
		if len(rows) == limit {
			next = append([]byte(nil), key...)
			return false, nil
		}
		rows = append(rows, row)
		return true, nil
	})
	return rows, next, err
}
