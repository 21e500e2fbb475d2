package engine

import (
	"fmt"

	"odsd/engine/ivm"
	"odsd/storage"
	"odsd/views"
)

// declareIndexesOf creates the indexes that a generation looks things up in and
// that do not exist. They are filled before it is built, and kept up from now on.
func (w *writer) declareIndexesOf(g *generation, relations *ivm.Catalog) error {
	c := w.engine.store.Begin()
	defer c.Abandon()
	for _, a := range g.plan.Arrangements {
		if _, err := relations.Index(a); err == nil {
			continue
		}
		if err := w.declareIndex(c, a, relations.Relations[a.Relation], g.record.Inputs[a.Relation], false); err != nil {
			return err
		}
	}
	if err := c.Apply(); err != nil {
		return fmt.Errorf("declare the indexes of view %s: %w", g.plan.View.Name, err)
	}
	return nil
}

// declareIndexesOn creates the indexes on a table without rows that views want,
// so that what fills the table fills them.
func (w *writer) declareIndexesOn(c *storage.Commit, name string) error {
	r := w.catalog.stored.Relations[name]
	for _, v := range w.engine.views {
		if v.wanted == nil {
			continue
		}
		for _, a := range v.wanted.plan.Arrangements {
			if a.Relation != name || !indexable(r, a) {
				continue // checkSchemas says so where the view is built
			}
			if _, err := w.catalog.stored.Index(a); err == nil {
				continue
			}
			if err := w.declareIndex(c, a, r, 0, true); err != nil {
				return err
			}
		}
	}
	return nil
}

// indexable says whether a relation has the columns.
func indexable(r *ivm.Relation, a views.Arrangement) bool {
	for _, column := range a.Columns {
		if column >= len(r.Schema.Columns) {
			return false
		}
	}
	return true
}

func (w *writer) declareIndex(c *storage.Commit, a views.Arrangement, r *ivm.Relation, of storage.GenerationID, filled bool) error {
	id, err := w.catalog.next(c)
	if err != nil {
		return err
	}
	x := &indexRecord{ID: storage.IndexID(id), Arrangement: a, Generation: of, Filled: filled}
	w.catalog.indexes[x.ID] = x
	r.Indexes = append(r.Indexes, ivm.NewIndex(x.ID, a))
	return saveIndex(c, x)
}

func indexKey(id storage.IndexID) string { return fmt.Sprintf("%s%08d", indexPrefix, id) }

func saveIndex(c *storage.Commit, x *indexRecord) error {
	return storage.SetMeta(c, indexKey(x.ID), x)
}

// unfilled finds an index of a generation that lacks entries of rows stored before it was
// declared, and its relation.
func (w *writer) unfilled(g *generation) (*indexRecord, *ivm.Relation) {
	for _, a := range g.plan.Arrangements {
		r := w.catalog.stored.Relations[a.Relation]
		of := g.record.Inputs[a.Relation]
		if of != 0 {
			r = w.generation(of).relation
		}
		for _, x := range w.catalog.indexes {
			if x.Generation == of && !x.Filled && x.Arrangement.Equal(a) {
				return x, r
			}
		}
	}
	return nil, nil
}

// fillChunk is how many rows get their index entries in one commit.
const fillChunk = 10_000

// fillIndex adds the entries of one chunk of the stored rows. Changes keep the entries
// of all rows up meanwhile, those without one too, so that it does not matter which rows
// had theirs already: interrupted by the daemon's end, it starts over.
func (w *writer) fillIndex(x *indexRecord, r *ivm.Relation) error {
	c := w.engine.store.Begin()
	defer c.Abandon()
	rows, next, err := readRows(c.Before(), r, x.next, fillChunk)
	if err != nil {
		return fmt.Errorf("fill an index on %s: %w", r.Schema.Name, err)
	}
	ivm.FillIndex(c, r, ivm.NewIndex(x.ID, x.Arrangement), rows)
	filled := *x
	filled.next, filled.Filled = next, next == nil
	if filled.Filled {
		if err := saveIndex(c, &filled); err != nil {
			return err
		}
	}
	if err := c.Apply(); err != nil {
		return fmt.Errorf("fill an index on %s: %w", r.Schema.Name, err)
	}
	*x = filled
	return nil
}

// dropIndex removes an index, which nothing reads.
func (w *writer) dropIndex(c *storage.Commit, id storage.IndexID) {
	prefix := storage.AppendIndexPrefix(nil, id)
	c.DeleteRange(prefix, storage.PrefixEnd(prefix))
	storage.DeleteMeta(c, indexKey(id))
	delete(w.catalog.indexes, id)
	w.omitIndex(prefix)
}

// dropUnusedIndexes removes the indexes that no view looks things up in any more.
func (w *writer) dropUnusedIndexes() error {
	var unused []storage.IndexID
	for id, x := range w.catalog.indexes {
		if !w.used(x) {
			unused = append(unused, id)
		}
	}
	if len(unused) == 0 {
		return nil
	}
	c := w.engine.store.Begin()
	defer c.Abandon()
	for _, id := range unused {
		r := w.catalog.stored.Relations[w.catalog.indexes[id].Arrangement.Relation]
		if of := w.catalog.indexes[id].Generation; of != 0 {
			r = nil
			if g := w.generation(of); g != nil {
				r = g.relation
			}
		}
		if r != nil {
			r.RemoveIndex(id)
		}
		w.dropIndex(c, id)
	}
	if err := c.Apply(); err != nil {
		return fmt.Errorf("drop unused indexes: %w", err)
	}
	return nil
}

// used says whether a generation, or a view that waits for its relations, needs an index.
func (w *writer) used(x *indexRecord) bool {
	needs := func(plan *views.Plan, inputs map[string]storage.GenerationID) bool {
		for _, a := range plan.Arrangements {
			if a.Equal(x.Arrangement) && inputs[a.Relation] == x.Generation {
				return true
			}
		}
		return false
	}
	for _, g := range w.generations() {
		if needs(g.plan, g.record.Inputs) {
			return true
		}
	}
	for _, v := range w.engine.views {
		if v.wanted != nil && len(v.waiting) > 0 && x.Generation == 0 && needs(v.wanted.plan, nil) {
			return true
		}
	}
	return false
}
