package engine

import (
	"bytes"
	"errors"
	"fmt"

	"odsd/engine/ivm"
	"odsd/storage"
	"odsd/storage/relation"
)

// maxSwitch is how many rows may differ between a copy and what it replaces for
// the views to be told of each; beyond it they are built anew.
const maxSwitch = 500_000

// serveStage has a copy take the place of what is served, at one frontier: first
// the rows that differ are changed, as by the stream, in one commit with the views.
// Then, where the columns changed, the copy becomes the relation; before the next
// transaction, so that nobody sees the two apart.
func (w *writer) serveStage(st *stage) error {
	name := st.Schema.Name
	record := w.catalog.relations[name]
	if record != nil && record.Halted == nil {
		differences, few, err := w.compareCopies([]*stage{st})
		if err != nil {
			return err
		}
		if few && sameColumns(record.Schema, st.Schema) {
			return w.mend(st, differences, true)
		}
		if few {
			if err := w.mend(st, differences, false); err != nil {
				return err
			}
			return w.promote(st, w.catalog.relations[name].Halted == nil)
		}
	}
	return w.promote(st, false)
}

// mend changes the served rows into the copied ones and, where that is all, ends the copy.
func (w *writer) mend(st *stage, d *differences, last bool) error {
	name := st.Schema.Name
	b := w.newBatch()
	b.differences, b.changes = d, d.count
	if last {
		b.also = func(c *storage.Commit) error {
			st.erase(c)
			record := *w.catalog.relations[name]
			record.Schema, record.Identity = st.Schema, st.identity
			record.Rows += d.gained[name]
			return storage.SetMeta(c, relationPrefix+name, record)
		}
	}
	if err := w.commit(b); err != nil {
		return err
	}
	if last {
		w.catalog.relations[name].Schema, w.catalog.relations[name].Identity = st.Schema, st.identity
		w.forgetStage(st)
		w.engine.log.Info("table copied", "source", st.source.source.Name(), "table", name, "rows", st.rows, "differences", d.count)
	}
	return nil
}

// promote makes the copied rows the relation. Views that read the same from both
// are kept; the others are built anew.
func (w *writer) promote(st *stage, kept bool) error {
	name := st.Schema.Name
	c := w.engine.store.Begin()
	defer c.Abandon()
	if !kept {
		w.dropReaders(c, reads(name))
	}
	if err := w.replace(c, st); err != nil {
		return err
	}
	if err := c.Apply(); err != nil {
		return fmt.Errorf("serve the copy of %s: %w", name, err)
	}
	w.promoted(st)
	if kept {
		if err := w.rebind(name); err != nil {
			return err
		}
	}
	w.engine.log.Info("table copied", "source", st.source.source.Name(), "table", name, "rows", st.rows)
	return w.reconsider()
}

// replace writes that the copied rows are the relation from here on.
func (w *writer) replace(c *storage.Commit, st *stage) error {
	name := st.Schema.Name
	w.dropRelation(c, name)
	storage.DeleteMeta(c, stagePrefix+name)
	log := storage.AppendRowPrefix(nil, st.Log)
	c.DeleteRange(log, storage.PrefixEnd(log))
	record := &relationRecord{ID: st.ID, Source: st.source.source.Name(), Schema: st.Schema, Rows: st.rows, Identity: st.identity}
	if err := storage.SetMeta(c, relationPrefix+name, record); err != nil {
		return err
	}
	for _, x := range st.indexes {
		if err := saveIndex(c, x); err != nil {
			return err
		}
		w.catalog.indexes[x.ID] = x
	}
	w.catalog.relations[name], w.catalog.stored.Relations[name] = record, st.relation
	return nil
}

func (w *writer) promoted(st *stage) {
	name := st.Schema.Name
	w.forgetStage(st)
	w.forgive(st.source, name)
	w.engine.mu.Lock()
	defer w.engine.mu.Unlock()
	if t := st.source.tables[name]; t != nil {
		t.rows = st.rows
	}
}

// rebind has the generations that are kept look at the new place of a relation. What
// does not fit it any more is set aside.
func (w *writer) rebind(name string) error {
	for _, g := range w.generations() {
		if g.view == nil || !readsDirectly(g, name) {
			continue
		}
		feeds := g.view.Feeds
		if err := w.activate(g); err != nil {
			return err
		}
		if g.view == nil {
			continue // set aside
		}
		g.view.Feeds = feeds
		for g.begun() { // its rows are there already, so its indexes must be
			x, r := w.unfilled(g)
			if x == nil {
				break
			}
			if err := w.fillIndex(x, r); err != nil {
				return err
			}
		}
	}
	return nil
}

func readsDirectly(g *generation, name string) bool {
	for _, o := range g.plan.View.Occurrences {
		if o.Schema.Name == name {
			return true
		}
	}
	return false
}

// differences are the changes from what is served of some relations to the copies of
// them. There may be many, so they are not held but found again.
type differences struct {
	writer *writer
	stages []*stage
	count  int
	gained map[string]int64
}

// compareCopies finds out how the copies differ from what is served. few is false where more
// than maxSwitch rows do, or the two cannot be compared.
func (w *writer) compareCopies(stages []*stage) (d *differences, few bool, err error) {
	d = &differences{writer: w, stages: stages, gained: map[string]int64{}}
	for _, st := range stages {
		if _, ok := projection(w.catalog.stored.Relations[st.Schema.Name].Schema, st.Schema); !ok {
			return nil, false, nil
		}
	}
	err = d.each(func(change ivm.Change) error {
		if d.count++; d.count > maxSwitch {
			return errTooDifferent
		}
		for name, gained := range rowsGained([]ivm.Change{change}) {
			d.gained[name] += gained
		}
		return nil
	})
	if errors.Is(err, errTooDifferent) {
		return nil, false, nil
	}
	return d, err == nil, err
}

var errTooDifferent = errors.New("too many rows differ")

// each visits the differences, relation by relation in the order of the keys.
func (d *differences) each(visit func(ivm.Change) error) error {
	for _, st := range d.stages {
		if err := d.writer.eachDifference(st, visit); err != nil {
			return err
		}
	}
	return nil
}

// eachDifference compares the served rows with the copied ones, both in the order
// of their keys, in the columns that both have.
func (w *writer) eachDifference(st *stage, visit func(ivm.Change) error) error {
	served := w.catalog.stored.Relations[st.Schema.Name]
	ordinals, _ := projection(served.Schema, st.Schema)
	snapshot := w.engine.store.Snapshot()
	defer snapshot.Close()
	p := newPairing(snapshot, served, st.relation)
	defer p.close()
	same := sameColumns(served.Schema, st.Schema)
	for p.next() {
		if same && p.equal() {
			continue
		}
		change := ivm.Change{Relation: st.Schema.Name, Old: p.old()}
		if copied := p.new(); copied != nil {
			change.New = pick(copied, ordinals)
		}
		if identical(change.Old, change.New) {
			continue
		}
		if err := visit(change); err != nil {
			return err
		}
	}
	if err := p.err(); err != nil {
		return fmt.Errorf("compare the copy of %s: %w", st.Schema.Name, err)
	}
	return nil
}

func pick(row []relation.Value, ordinals []int) []relation.Value {
	picked := make([]relation.Value, len(ordinals))
	for i, ordinal := range ordinals {
		picked[i] = row[ordinal]
	}
	return picked
}

// pairing walks two relations of the same key together.
type pairing struct {
	sides [2]struct {
		relation *ivm.Relation
		cursor   storage.Cursor
		more, at bool // there is a row; it has the smallest key of both
	}
}

func newPairing(r storage.Reader, old, new *ivm.Relation) *pairing {
	p := &pairing{}
	for i, rel := range []*ivm.Relation{old, new} {
		s := &p.sides[i]
		s.relation, s.cursor = rel, r.Scan(rel.Prefix, storage.PrefixEnd(rel.Prefix))
		s.more = s.cursor.Next()
	}
	return p
}

// next goes on to the next key that either has.
func (p *pairing) next() bool {
	for i := range p.sides {
		if s := &p.sides[i]; s.at {
			s.more = s.cursor.Next()
		}
	}
	a, b := &p.sides[0], &p.sides[1]
	order := 0
	switch {
	case a.more && b.more:
		order = bytes.Compare(a.cursor.Key()[len(a.relation.Prefix):], b.cursor.Key()[len(b.relation.Prefix):])
	case a.more:
		order = -1
	case b.more:
		order = 1
	}
	a.at, b.at = a.more && order <= 0, b.more && order >= 0
	return a.at || b.at
}

func (p *pairing) equal() bool {
	return p.sides[0].at && p.sides[1].at && bytes.Equal(p.sides[0].cursor.Value(), p.sides[1].cursor.Value())
}

func (p *pairing) old() []relation.Value { return p.row(0) }
func (p *pairing) new() []relation.Value { return p.row(1) }

// row decodes the current row of a side; nil where it has none under this key.
func (p *pairing) row(side int) []relation.Value {
	s := &p.sides[side]
	if !s.at {
		return nil
	}
	return s.relation.Layout.Decode(nil, append([]byte(nil), s.cursor.Value()...))
}

func (p *pairing) err() error {
	for i := range p.sides {
		if err := p.sides[i].cursor.Err(); err != nil {
			return err
		}
	}
	return nil
}

func (p *pairing) close() {
	for i := range p.sides {
		p.sides[i].cursor.Close()
	}
}
