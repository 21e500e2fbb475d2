package engine

import (
	"fmt"
	"slices"

	"odsd/storage"
)

// startCopyAnew begins the copy of a source of which rows are served: into
// stages, which take their place all at once.
func (w *writer) startCopyAnew(s *sourceState, event CopyStarted) error {
	name := s.source.Name()
	if err := w.abandonStages(s); err != nil {
		return err
	}
	record := *w.catalog.sources[name]
	record.Anew = true
	c := w.engine.store.Begin()
	defer c.Abandon()
	if err := storage.SetMeta(c, sourcePrefix+name, record); err != nil {
		return err
	}
	if err := c.Apply(); err != nil {
		return fmt.Errorf("start the copy of %s anew: %w", name, err)
	}
	w.catalog.sources[name] = &record
	for _, schema := range event.Schemas {
		if err := w.beginStage(s, schema, event.RowsExpected[schema.Name], true); err != nil {
			return err
		}
	}
	w.engine.durable.forget(s)
	w.engine.log.Info("copying anew", "source", name, "tables", len(event.Schemas))
	return nil
}

// finishCopyAnew has the copy of a source take the place of what is served of
// it: as changes of the rows that differ, where every relation is what it was and they
// are few; else the views on the source are built anew.
func (w *writer) finishCopyAnew(s *sourceState, event CopyFinished) error {
	if len(event.Missing) > 0 {
		w.copyOver(s)
		return nil
	}
	var stages []*stage
	for _, st := range w.catalog.stages {
		if st.source == s {
			stages = append(stages, st)
		}
	}
	slices.SortFunc(stages, func(a, b *stage) int { return int(a.ID) - int(b.ID) })
	record := &sourceRecord{Live: true, Identity: event.Identity}
	frontier := storage.Frontier{Position: event.Position, Last: event.Mark}
	differences, alike, err := w.allDifferences(s, stages)
	if err != nil {
		return err
	}
	if !alike {
		return w.replaceAll(s, stages, record, frontier)
	}
	name := s.source.Name()
	b := w.newBatch()
	b.differences, b.changes = differences, differences.count
	b.frontiers[s] = frontier
	b.also = func(c *storage.Commit) error {
		for _, st := range stages {
			st.erase(c)
			relation := st.Schema.Name
			r := *w.catalog.relations[relation]
			r.Schema, r.Identity = st.Schema, nil
			r.Rows += differences.gained[relation]
			if err := storage.SetMeta(c, relationPrefix+relation, r); err != nil {
				return err
			}
		}
		return storage.SetMeta(c, sourcePrefix+name, record)
	}
	if err := w.commit(b); err != nil {
		return err
	}
	for _, st := range stages {
		r := w.catalog.relations[st.Schema.Name]
		r.Schema, r.Identity = st.Schema, nil
		w.forgetStage(st)
	}
	w.copied(s, record, frontier)
	return w.settleViews()
}

// copyOver has a copy begin over that was interrupted: what is served holds until
// another is there whole.
func (w *writer) copyOver(s *sourceState) {
	s.stopped = true // until the source has begun another run
	select {
	case s.again <- struct{}{}:
	default: // asked for already
	}
}

// allDifferences compares everything that is served of a source with its copy;
// alike is false where a relation came, went, changed its columns or is halted,
// or too many rows differ.
func (w *writer) allDifferences(s *sourceState, stages []*stage) (all *differences, alike bool, err error) {
	served := 0
	for _, r := range w.catalog.relations {
		if r.Source == s.source.Name() {
			served++
		}
	}
	if served != len(stages) {
		return nil, false, nil
	}
	for _, st := range stages {
		r := w.catalog.relations[st.Schema.Name]
		if r == nil || r.Halted != nil || !sameColumns(r.Schema, st.Schema) {
			return nil, false, nil
		}
	}
	return w.compareCopies(stages)
}

// replaceAll has the copied relations take the place of the served ones in one
// commit, without the views on them.
func (w *writer) replaceAll(s *sourceState, stages []*stage, record *sourceRecord, frontier storage.Frontier) error {
	name := s.source.Name()
	c := w.engine.store.Begin()
	defer c.Abandon()
	w.dropSource(c, name)
	for _, st := range stages {
		if err := w.replace(c, st); err != nil {
			return err
		}
	}
	if err := storage.SetMeta(c, sourcePrefix+name, record); err != nil {
		return err
	}
	storage.SetFrontier(c, name, frontier)
	if err := c.Apply(); err != nil {
		return fmt.Errorf("finish the copy of %s: %w", name, err)
	}
	w.engine.mu.Lock()
	for relation := range s.tables {
		if w.catalog.relations[relation] == nil {
			delete(s.tables, relation)
		}
	}
	w.engine.mu.Unlock()
	for relation := range w.catalog.halted {
		if sourceOf(relation) == name {
			w.forgive(s, relation)
		}
	}
	w.copied(s, record, frontier)
	for _, st := range stages {
		w.promoted(st)
	}
	return w.reconsider()
}
