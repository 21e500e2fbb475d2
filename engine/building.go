package engine

import (
	"fmt"
	"maps"
	"time"

	"odsd/engine/ivm"
	"odsd/storage"
	"odsd/storage/relation"
	"odsd/views"
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

// activateViews takes up every view whose relations have become complete: it
// goes on with the generation that the store has of it, or begins one.
func (w *writer) activateViews() error {
	for _, v := range w.engine.views {
		if v.view != nil || w.failed(v) {
			continue
		}
		if waiting := w.catalog.live(v.plan); len(waiting) > 0 {
			w.engine.mu.Lock()
			v.state, v.waiting = ViewWaiting, waiting
			w.engine.mu.Unlock()
			continue
		}
		if err := w.activate(v); err != nil {
			return err
		}
	}
	return w.dropUnused()
}

func (w *writer) failed(v *viewState) bool {
	w.engine.mu.RLock()
	defer w.engine.mu.RUnlock()
	return v.state == ViewFailed
}

func (w *writer) activate(v *viewState) error {
	if err := w.catalog.checkSchemas(v.plan); err != nil {
		w.setFailed(v, err)
		return nil
	}
	if err := w.ensureIndexes(v); err != nil {
		return err
	}
	name := v.plan.View.Name
	record := w.catalog.views[name]
	if record == nil || record.Fingerprint != v.fingerprint || !maps.Equal(record.Inputs, w.inputs(v)) {
		var err error
		if record, err = w.newGeneration(v); err != nil {
			return err
		}
	}
	view, err := ivm.NewView(v.plan, record.Generation, &w.catalog.stored)
	if err != nil {
		w.setFailed(v, err)
		return nil
	}
	view.Feeds = len(w.engine.above(name)) > 0
	v.view, v.record = view, record
	total := w.rowsOf(v.plan.View.Occurrences[0].Schema.Name)
	w.engine.mu.Lock()
	v.state, v.waiting, v.generation = ViewBuilding, nil, record.Generation
	v.count(record)
	v.total = total
	w.engine.mu.Unlock()
	if record.Ready {
		w.serve(v)
	}
	return nil
}

// newGeneration begins a view anew beside nothing: what another definition of
// it left behind goes in the same commit.
func (w *writer) newGeneration(v *viewState) (*viewRecord, error) {
	name := v.plan.View.Name
	c := w.engine.store.Begin()
	defer c.Abandon()
	w.dropView(c, name)
	id, err := w.catalog.next(c)
	if err != nil {
		return nil, err
	}
	record := &viewRecord{Generation: storage.GenerationID(id), Fingerprint: v.fingerprint, Inputs: w.inputs(v)}
	if err := storage.SetMeta(c, viewPrefix+name, record); err != nil {
		return nil, err
	}
	if err := c.Apply(); err != nil {
		return nil, fmt.Errorf("begin view %s: %w", name, err)
	}
	w.catalog.views[name] = record
	return record, nil
}

// inputs are the generations of the views that a view stands on.
func (w *writer) inputs(v *viewState) map[string]storage.GenerationID {
	var inputs map[string]storage.GenerationID
	for _, o := range v.plan.View.Occurrences {
		if record := w.catalog.views[o.Schema.Name]; isView(o.Schema.Name) && record != nil {
			if inputs == nil {
				inputs = map[string]storage.GenerationID{}
			}
			inputs[o.Schema.Name] = record.Generation
		}
	}
	return inputs
}

// rowsOf is how many rows a relation has.
func (w *writer) rowsOf(name string) int64 {
	if r := w.catalog.relations[name]; r != nil {
		return r.Rows
	}
	if r := w.catalog.views[name]; r != nil {
		return r.Documents
	}
	return 0
}

// asRelation makes the root rows of a view that is whole a relation for the
// views above it, with the indexes that the store has on it.
func (w *writer) asRelation(v *viewState) {
	name := v.plan.View.Name
	above := w.engine.above(name)
	if len(above) == 0 {
		return
	}
	r := v.view.Relation(schemaIn(above[0].plan, name))
	for _, x := range w.catalog.indexes {
		if x.Arrangement.Relation == name {
			r.Indexes = append(r.Indexes, ivm.NewIndex(x.ID, x.Arrangement))
		}
	}
	w.catalog.stored.Relations[name] = r
}

// schemaIn is the schema under which a plan reads a relation.
func schemaIn(plan *views.Plan, name string) *relation.Schema {
	for _, o := range plan.View.Occurrences {
		if o.Schema.Name == name {
			return o.Schema
		}
	}
	return nil
}

// dropView removes all that is stored of a view.
func (w *writer) dropView(c *storage.Commit, name string) {
	record := w.catalog.views[name]
	if record == nil {
		return
	}
	w.dropIndexes(c, name)
	delete(w.catalog.stored.Relations, name)
	for _, r := range storage.GenerationRanges(record.Generation) {
		c.DeleteRange(r[0], r[1])
	}
	storage.DeleteMeta(c, viewPrefix+name)
	delete(w.catalog.views, name)
}

func (w *writer) setWaiting(v *viewState) {
	v.view, v.record = nil, nil
	w.engine.mu.Lock()
	defer w.engine.mu.Unlock()
	v.state, v.fault = ViewWaiting, nil
	v.count(&viewRecord{})
	w.engine.withdraw(v)
}

// dropUnused removes the generations of views that are no longer in the project.
func (w *writer) dropUnused() error {
	wanted := map[string]bool{}
	for _, v := range w.engine.views {
		wanted[v.plan.View.Name] = true
	}
	for name := range w.engine.broken {
		wanted[name] = true // it may be mended; but its rows are no longer kept up
	}
	for name := range w.catalog.views {
		if wanted[name] && w.engine.broken[name] == nil {
			continue
		}
		c := w.engine.store.Begin()
		w.dropView(c, name)
		if err := c.Apply(); err != nil {
			return fmt.Errorf("drop view %s: %w", name, err)
		}
	}
	return nil
}

// ensureIndexes makes sure that every index a view looks things up in exists
// and is filled from the rows stored already.
func (w *writer) ensureIndexes(v *viewState) error {
	seen := map[string]bool{}
	for _, o := range v.plan.View.Occurrences {
		name := o.Schema.Name
		if seen[name] {
			continue
		}
		seen[name] = true
		c := w.engine.store.Begin()
		if err := w.declareIndexes(c, name, false); err != nil {
			c.Abandon()
			return err
		}
		if err := c.Apply(); err != nil {
			return fmt.Errorf("declare indexes on %s: %w", name, err)
		}
		for _, x := range w.catalog.indexes {
			if x.Arrangement.Relation == name && !x.Filled {
				if err := w.fillIndex(name, x); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// fillChunk is how many rows get their index entries in one commit.
const fillChunk = 10_000

// fillIndex adds the entries of all stored rows. Nothing else is written
// meanwhile; interrupted, it starts over, which is harmless.
func (w *writer) fillIndex(name string, x *indexRecord) error {
	r := w.catalog.stored.Relations[name]
	index := ivm.NewIndex(x.ID, x.Arrangement)
	for lower := r.Prefix; lower != nil; {
		c := w.engine.store.Begin()
		rows, next, err := readRows(c.Before(), r, lower, fillChunk)
		if err != nil {
			c.Abandon()
			return fmt.Errorf("fill an index on %s: %w", name, err)
		}
		ivm.FillIndex(c, r, index, rows)
		if lower = next; lower == nil {
			x.Filled = true
			if err := w.saveIndex(c, x); err != nil {
				c.Abandon()
				return err
			}
		}
		if err := c.Apply(); err != nil {
			return fmt.Errorf("fill an index on %s: %w", name, err)
		}
	}
	return nil
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

func (w *writer) building() bool {
	for _, v := range w.engine.views {
		if v.view != nil && !v.record.Ready {
			return true
		}
	}
	return false
}

// buildSome adds one chunk of documents to the first view that is not whole.
// What it does not know yet, changes leave alone: see ivm.View.Apply.
func (w *writer) buildSome() error {
	for _, v := range w.engine.views {
		if v.view == nil || v.record.Ready {
			continue
		}
		began := time.Now()
		c := w.engine.store.Begin()
		record, err := w.buildChunk(c, v)
		if err != nil {
			c.Abandon()
			return w.failView(&viewError{v, err})
		}
		if err := c.Apply(); err != nil {
			return fmt.Errorf("build view %s: %w", v.plan.View.Name, err)
		}
		w.chunk = nextChunk(w.chunk, w.engine.chunk, time.Since(began))
		*v.record = *record
		w.engine.mu.Lock()
		v.count(record)
		w.engine.mu.Unlock()
		if record.Ready {
			w.serve(v)
			return w.activateViews() // those that waited for it
		}
		return nil
	}
	return nil
}

func (w *writer) buildChunk(c *storage.Commit, v *viewState) (*viewRecord, error) {
	record := *v.record
	result, cursor, err := buildGuarded(v.view, c, record.Cursor, w.chunk)
	if err != nil {
		return nil, err
	}
	record.Ready, record.Cursor = cursor == nil, cursor
	record.add(result)
	return &record, storage.SetMeta(c, viewPrefix+v.plan.View.Name, record)
}

func buildGuarded(v *ivm.View, c *storage.Commit, after []byte, limit int) (result ivm.Result, cursor []byte, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("internal fault while building the view: %v", cause)
		}
	}()
	return v.Build(c, after, limit)
}

// withdraw takes a view from queries. Readers keep the map that they have, so
// it is replaced, never written to. The caller holds mu.
func (e *Engine) withdraw(v *viewState) {
	served := maps.Clone(e.served)
	delete(served, v.plan.View.Name)
	e.served = served
	e.generation++
}

// serve shows a whole generation to queries.
func (w *writer) serve(v *viewState) {
	w.asRelation(v)
	e := w.engine
	e.mu.Lock()
	defer e.mu.Unlock()
	v.state = ViewReady
	served := maps.Clone(e.served)
	served[v.plan.View.Name] = Served{Plan: v.plan, Generation: v.record.Generation}
	e.served = served
	e.generation++
	e.log.Info("view ready", "view", v.plan.View.Name, "documents", v.documents)
}
