package engine

import (
	"fmt"

	"odsd/engine/ivm"
	"odsd/internal/failpoint"
	"odsd/storage"
)

// startCopy makes room for a source's relations. What is stored of a source that
// was copied before is served until the new copy is complete; of one that was not,
// it is void. Indexes are known from the views, so the copy fills both at once.
func (w *writer) startCopy(s *sourceState, event CopyStarted) error {
	name := s.source.Name()
	if record := w.catalog.sources[name]; record != nil && record.Live {
		return w.startCopyAnew(s, event)
	}
	c := w.engine.store.Begin()
	defer c.Abandon()
	w.dropSource(c, name)
	w.catalog.sources[name] = &sourceRecord{}
	if event.Identity != nil {
		w.catalog.sources[name].Begun = &begunCopy{Position: event.Position, Identity: event.Identity}
	}
	if err := storage.SetMeta(c, sourcePrefix+name, w.catalog.sources[name]); err != nil {
		return err
	}
	for _, schema := range event.Schemas {
		id, err := w.catalog.next(c)
		if err != nil {
			return err
		}
		record := &relationRecord{ID: storage.RelationID(id), Source: name, Schema: schema}
		w.catalog.relations[schema.Name] = record
		w.catalog.stored.Relations[schema.Name] = ivm.NewRelation(record.ID, schema)
		if err := storage.SetMeta(c, relationPrefix+schema.Name, record); err != nil {
			return err
		}
		if err := w.declareIndexesOn(c, schema.Name); err != nil {
			return err
		}
	}
	if err := c.Apply(); err != nil {
		return fmt.Errorf("start the copy of %s: %w", name, err)
	}
	e := w.engine
	w.showCopy(s, event)
	e.log.Info("copying", "source", name, "tables", len(event.Schemas))
	return w.settleViews()
}

func (w *writer) showCopy(s *sourceState, event CopyStarted) {
	w.engine.mu.Lock()
	defer w.engine.mu.Unlock()
	s.live = false
	s.frontier = storage.Frontier{}
	s.tables = map[string]*tableState{}
	for _, schema := range event.Schemas {
		s.tables[schema.Name] = &tableState{copying: true, expected: event.RowsExpected[schema.Name]}
	}
}

// dropSource removes all that is stored of a source, and the views that stand
// on it.
func (w *writer) dropSource(c *storage.Commit, name string) {
	for relation, record := range w.catalog.relations {
		if record.Source == name {
			w.dropRelation(c, relation)
		}
	}
	storage.DeleteFrontier(c, name)
	delete(w.catalog.frontiers, name)
	w.dropReaders(c, func(relation string) bool { return sourceOf(relation) == name })
}

// dropIndexes removes the indexes on a table.
func (w *writer) dropIndexes(c *storage.Commit, relation string) {
	for id, x := range w.catalog.indexes {
		if x.Arrangement.Relation == relation {
			w.dropIndex(c, id)
		}
	}
}

// reads says of a relation whether it is this one.
func reads(name string) func(string) bool {
	return func(relation string) bool { return relation == name }
}

// dropReaders removes the generations that stand on some of the sources' relations,
// by themselves or through other views.
func (w *writer) dropReaders(c *storage.Commit, on func(relation string) bool) {
	reads := map[storage.GenerationID]bool{}
	for _, g := range w.generations() {
		for _, o := range g.plan.View.Occurrences {
			name := o.Schema.Name
			if isView(name) && reads[g.record.Inputs[name]] || !isView(name) && on(name) {
				reads[g.record.Generation] = true
			}
		}
	}
	e := w.engine
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, v := range e.views {
		if v.served != nil && reads[v.served.record.Generation] {
			w.deleteGeneration(c, v.served)
			storage.DeleteMeta(c, viewPrefix+v.name)
			v.served = nil
		}
		if v.next != nil && (v.next.fault != nil || reads[v.next.record.Generation]) {
			if v.next.fault == nil {
				w.deleteGeneration(c, v.next)
				storage.DeleteMeta(c, nextPrefix+v.name)
			}
			v.next = nil // a failed one may do better on the new rows
		}
	}
	e.publish()
}

func (w *writer) storeCopied(s *sourceState, event CopiedRows) error {
	if st := w.catalog.stages[event.Relation]; st != nil {
		return w.storeStaged(st, event)
	}
	if w.catalog.halted[event.Relation] != nil {
		return nil // of a copy that was given up meanwhile
	}
	relation := w.catalog.stored.Relations[event.Relation]
	if relation == nil {
		return fmt.Errorf("source %s copies %s, which it did not announce", s.source.Name(), event.Relation)
	}
	if err := w.gatherRows(s, relation, event.Rows); err != nil {
		return err
	}
	w.catalog.relations[event.Relation].Rows += int64(len(event.Rows))
	w.engine.mu.Lock()
	defer w.engine.mu.Unlock()
	s.tables[event.Relation].rows += int64(len(event.Rows))
	return nil
}

// move stores the identity that a source goes on with, in a commit of its own: it
// comes before whatever follows, and so is durable first.
func (w *writer) move(s *sourceState, event Moved) error {
	name := s.source.Name()
	known := w.catalog.sources[name]
	if known == nil || !known.Live {
		return fmt.Errorf("source %s moves before it was copied", name)
	}
	record := *known
	record.Identity = event.Identity
	c := w.engine.store.Begin()
	defer c.Abandon()
	if err := storage.SetMeta(c, sourcePrefix+name, &record); err != nil {
		return err
	}
	if err := c.Apply(); err != nil {
		return fmt.Errorf("store the identity of %s: %w", name, err)
	}
	w.catalog.sources[name] = &record
	return nil
}

// endCopy finishes a copy once its rows are in the store, less those that are void.
func (w *writer) endCopy(s *sourceState, event CopyFinished) error {
	for _, name := range event.Missing {
		w.dropLoad(name)
	}
	return w.afterLoads(s, func(string) bool { return true }, func() error { return w.finishCopy(s, event) })
}

// finishCopy makes a source live in one commit: from here on its rows are a
// state that it was in, and its frontier says which.
func (w *writer) finishCopy(s *sourceState, event CopyFinished) error {
	failpoint.At(failpoint.CopySwitch)
	name := s.source.Name()
	if record := w.catalog.sources[name]; record != nil && record.Live {
		return w.finishCopyAnew(s, event)
	}
	record := &sourceRecord{Live: true, Identity: event.Identity}
	frontier := storage.Frontier{Position: event.Position, Last: event.Mark}
	c := w.engine.store.Begin()
	defer c.Abandon()
	if err := storage.SetMeta(c, sourcePrefix+name, record); err != nil {
		return err
	}
	missing := w.dropMissing(c, event)
	for relation, r := range w.catalog.relations {
		if r.Source == name {
			r.Whole = false // it goes without saying from here on
			if err := storage.SetMeta(c, relationPrefix+relation, r); err != nil {
				return err
			}
		}
	}
	storage.SetFrontier(c, name, frontier)
	if err := c.Apply(); err != nil {
		return fmt.Errorf("finish the copy of %s: %w", name, err)
	}
	w.copied(s, record, frontier)
	for _, schema := range missing {
		if err := w.await(s, schema); err != nil {
			return err
		}
	}
	return w.settleViews()
}

// copied brings what is in memory up to a copy of a source that was just finished.
func (w *writer) copied(s *sourceState, record *sourceRecord, frontier storage.Frontier) {
	name := s.source.Name()
	w.catalog.sources[name] = record
	w.catalog.frontiers[name] = frontier
	e := w.engine
	e.mu.Lock()
	s.live, s.frontier, s.caughtUp = true, frontier, e.now()
	for _, t := range s.tables {
		t.copying = false
	}
	e.mu.Unlock()
	e.durable.applied(s, frontier.Position)
	e.log.Info("copied", "source", name, "lsn", frontier.Position.String())
}
