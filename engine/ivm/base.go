package ivm

import (
	"bytes"

	"odsd/storage"
	"odsd/storage/relation"
)

// Change is one key of one relation: the row before the commit and the row
// after it, decoded by column ordinal; nil for none. Old is always the stored
// row, never what a stream said it was.
type Change struct {
	Relation string
	Old, New []relation.Value
}

// WriteBase writes the rows of folded changes, which have one change per key,
// and moves their index entries. All deletes come before all sets, since an
// entry that one row leaves may be the one that another takes.
func WriteBase(c *storage.Commit, catalog *Catalog, changes []Change) error {
	var w baseWriter
	for _, change := range changes {
		if r := catalog.Relations[change.Relation]; r != nil {
			if change.New == nil && change.Old != nil {
				c.Delete(r.RowKey(change.Old))
			}
			w.removeEntries(c, r, change)
		}
	}
	for _, change := range changes {
		if r := catalog.Relations[change.Relation]; r != nil {
			if change.New != nil {
				w.new = r.appendKey(append(w.new[:0], r.Prefix...), change.New)
				w.row = r.Layout.Append(w.row[:0], change.New)
				c.Set(w.new, w.row)
			}
			w.putEntries(c, r, change)
			if err := w.writeQuarantine(c, r, change); err != nil {
				return err
			}
		}
	}
	return nil
}

// WriteIndexes moves the index entries of a relation whose rows are written
// already: the root rows of a view.
func WriteIndexes(c *storage.Commit, r *Relation, changes []Change) {
	if len(r.Indexes) == 0 {
		return
	}
	var w baseWriter
	for _, change := range changes {
		w.removeEntries(c, r, change)
	}
	for _, change := range changes {
		w.putEntries(c, r, change)
	}
}

// baseWriter holds buffers reused from change to change.
type baseWriter struct{ old, new, row []byte }

func (w *baseWriter) removeEntries(c *storage.Commit, r *Relation, change Change) {
	if change.Old == nil {
		return
	}
	for _, x := range r.Indexes {
		if x.indexes(change.Old) && !w.keeps(r, x, change) {
			c.Delete(w.old)
		}
	}
}

func (w *baseWriter) putEntries(c *storage.Commit, r *Relation, change Change) {
	if change.New == nil {
		return
	}
	for _, x := range r.Indexes {
		if x.indexes(change.New) && !w.keeps(r, x, change) {
			c.Set(w.new, nil)
		}
	}
}

// keeps says whether a change leaves an index entry where it is. It leaves the
// old and the new entry's keys in the buffers.
func (w *baseWriter) keeps(r *Relation, x *Index, change Change) bool {
	hasOld := change.Old != nil && x.indexes(change.Old)
	hasNew := change.New != nil && x.indexes(change.New)
	if hasOld {
		w.old = x.appendEntry(w.old[:0], r, change.Old)
	}
	if hasNew {
		w.new = x.appendEntry(w.new[:0], r, change.New)
	}
	return hasOld && hasNew && bytes.Equal(w.old, w.new)
}

// FillIndex writes the entries of an index for some rows of its relation, as
// when an index is added to rows that are stored already.
func FillIndex(c *storage.Commit, r *Relation, x *Index, rows [][]relation.Value) {
	var entry []byte
	for _, row := range rows {
		if x.indexes(row) {
			entry = x.appendEntry(entry[:0], r, row)
			c.Set(entry, nil)
		}
	}
}
