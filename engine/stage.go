package engine

import (
	"fmt"
	"maps"
	"slices"

	"odsd/engine/ivm"
	"odsd/storage"
	"odsd/storage/relation"
	"odsd/views"
)

// A stage is where a relation is copied anew while the old rows are served: a
// relation of its own with indexes of its own, which nobody reads, and a log of
// the changes that the stream brings meanwhile.
//
//	CopiedRows ─▶ staged rows ◀── replay, chunk by chunk ── log ◀── changes of each commit
//	                   │                                             (to the served rows too,
//	                   ▼                                              while those are right)
//	              the switch: one commit, with the log empty
//
// The log's entries are written in the commits that advance the frontier, so what
// is acknowledged is never lost. Entries that end at or below the copy's
// position are in the copied rows already and are dropped. With the log empty
// the staged rows are the table's state at the source's frontier, exactly.
type stage struct {
	stageRecord
	source   *sourceState
	relation *ivm.Relation
	indexes  []*indexRecord
	// projection gives the ordinal in Schema of each column of the served
	// relation; nil where they have the same columns or none is kept up.
	projection []int
	rows       int64
	next       uint64 // number of the log's next entry
	replayed   uint64 // number of its first entry that is not replayed
	complete   bool
	position   relation.Position
	identity   []byte
}

// stagePrefix begins the names of the records of stages: what of theirs is to
// be removed when the daemon starts and finds a copy unfinished.
const stagePrefix = "stage/"

type stageRecord struct {
	ID      storage.RelationID `json:"id"`
	Log     storage.RelationID `json:"log"`
	Indexes []storage.IndexID  `json:"indexes,omitempty"`
	Schema  *relation.Schema   `json:"schema"`
	// Whole says that it is part of a copy of the whole source, which the stream
	// waits for: nothing is logged.
	Whole bool `json:"whole,omitempty"`
}

func (r *stageRecord) ranges() [][2][]byte {
	prefixes := [][]byte{storage.AppendRowPrefix(nil, r.ID), storage.AppendRowPrefix(nil, r.Log)}
	for _, id := range r.Indexes {
		prefixes = append(prefixes, storage.AppendIndexPrefix(nil, id))
	}
	var ranges [][2][]byte
	for _, p := range prefixes {
		ranges = append(ranges, [2][]byte{p, storage.PrefixEnd(p)})
	}
	return ranges
}

// erase removes all that is stored of a stage.
func (r *stageRecord) erase(c *storage.Commit) {
	for _, bounds := range r.ranges() {
		c.DeleteRange(bounds[0], bounds[1])
	}
	ivm.NewRelation(r.ID, r.Schema).ClearQuarantine(c)
	storage.DeleteMeta(c, stagePrefix+r.Schema.Name)
}

// clearStages removes what copies left behind that a daemon before this one did
// not finish, and has the tables copied again.
func (w *writer) clearStages(r storage.Reader) error {
	found := map[string]*stageRecord{}
	err := scanRecords(r, stagePrefix, func(name string) any { found[name] = &stageRecord{}; return found[name] })
	if err != nil || len(found) == 0 {
		return err
	}
	c := w.engine.store.Begin()
	defer c.Abandon()
	for _, record := range found {
		record.erase(c)
	}
	if err := c.Apply(); err != nil {
		return fmt.Errorf("remove unfinished copies: %w", err)
	}
	for name, record := range found {
		if s := w.engine.byName[sourceOf(name)]; s != nil && !record.Whole {
			s.copyTable(name)
		}
	}
	return nil
}

func (s *sourceState) copyTable(relation string) {
	if copier, ok := s.source.(TableCopier); ok {
		copier.CopyTable(relation)
	}
}

// beginStage makes room for a copy; one of the same relation that was under way is void.
func (w *writer) beginStage(s *sourceState, schema *relation.Schema, expected int64, whole bool) error {
	name := schema.Name
	c := w.engine.store.Begin()
	defer c.Abandon()
	w.removeStage(c, name)
	st := &stage{source: s, stageRecord: stageRecord{Schema: schema, Whole: whole}}
	if err := w.number(c, st); err != nil {
		return err
	}
	if err := storage.SetMeta(c, stagePrefix+name, st.stageRecord); err != nil {
		return err
	}
	if err := c.Apply(); err != nil {
		return fmt.Errorf("begin the copy of %s: %w", name, err)
	}
	w.catalog.stages[name] = st
	w.engine.mu.Lock()
	t := s.tables[name]
	if t == nil {
		t = &tableState{}
		s.tables[name] = t
	}
	t.copying, t.staged, t.expected = true, 0, expected
	w.engine.mu.Unlock()
	return nil
}

// number gives the stage its relations and the indexes that views want.
func (w *writer) number(c *storage.Commit, st *stage) error {
	id, err := w.catalog.next(c)
	if err != nil {
		return err
	}
	log, err := w.catalog.next(c)
	if err != nil {
		return err
	}
	st.ID, st.Log = storage.RelationID(id), storage.RelationID(log)
	st.relation = ivm.NewRelation(st.ID, st.Schema)
	for _, plan := range w.plans() {
		for _, a := range plan.Arrangements {
			known := func(x *indexRecord) bool { return x.Arrangement.Equal(a) }
			if a.Relation != st.Schema.Name || slices.ContainsFunc(st.indexes, known) || !fits(st.Schema, a.Columns) {
				continue
			}
			id, err := w.catalog.next(c)
			if err != nil {
				return err
			}
			st.Indexes = append(st.Indexes, storage.IndexID(id))
			st.indexes = append(st.indexes, &indexRecord{ID: storage.IndexID(id), Arrangement: a, Filled: true})
			st.relation.Indexes = append(st.relation.Indexes, ivm.NewIndex(storage.IndexID(id), a))
		}
	}
	return nil
}

// plans are those of all generations, and of what the project wants.
func (w *writer) plans() []*views.Plan {
	var plans []*views.Plan
	for _, g := range w.generations() {
		plans = append(plans, g.plan)
	}
	for _, v := range w.engine.views {
		if v.wanted != nil {
			plans = append(plans, v.wanted.plan)
		}
	}
	return plans
}

func fits(schema *relation.Schema, columns []int) bool {
	return !slices.ContainsFunc(columns, func(column int) bool { return column >= len(schema.Columns) })
}

// removeStage forgets a copy under way, where there is one.
func (w *writer) removeStage(c *storage.Commit, name string) {
	st := w.catalog.stages[name]
	if st == nil {
		return
	}
	st.erase(c)
	w.forgetStage(st)
}

func (w *writer) forgetStage(st *stage) {
	name := st.Schema.Name
	delete(w.catalog.stages, name)
	w.dropLoad(name)
	w.engine.mu.Lock()
	defer w.engine.mu.Unlock()
	if t := st.source.tables[name]; t != nil {
		t.copying, t.staged = false, 0
		if w.catalog.relations[name] == nil && t.fault == nil {
			delete(st.source.tables, name)
		}
	}
}

// abandonStages forgets every copy under way of a source that begins another run:
// the run begins them anew.
func (w *writer) abandonStages(s *sourceState) error {
	c := w.engine.store.Begin()
	defer c.Abandon()
	for name, st := range maps.Clone(w.catalog.stages) {
		if st.source == s {
			w.removeStage(c, name)
		}
	}
	if err := c.Apply(); err != nil {
		return fmt.Errorf("abandon the copies of source %s: %w", s.source.Name(), err)
	}
	return nil
}

// catalogOf is the catalog that writes to a stage.
func (st *stage) catalog() *ivm.Catalog {
	return &ivm.Catalog{Relations: map[string]*ivm.Relation{st.Schema.Name: st.relation}}
}

// storeStaged takes copied rows.
func (w *writer) storeStaged(st *stage, event CopiedRows) error {
	if err := w.gatherRows(st.source, st.relation, event.Rows); err != nil {
		return err
	}
	w.gainStaged(st, int64(len(event.Rows)))
	return nil
}

func (w *writer) gainStaged(st *stage, rows int64) {
	st.rows += rows
	w.engine.mu.Lock()
	defer w.engine.mu.Unlock()
	if t := st.source.tables[st.Schema.Name]; t != nil {
		t.staged = st.rows
	}
}
