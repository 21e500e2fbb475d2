package ivm

import (
	"odsd/storage"
	"odsd/storage/relation"
)

// WriteRows puts rows that nobody has seen, of keys that are not stored, into a bulk, with their
// index entries: the same pairs that WriteBase writes.
func WriteRows(b *storage.Bulk, r *Relation, rows [][]relation.Value) {
	var w baseWriter
	for _, row := range rows {
		w.new = r.appendKey(append(w.new[:0], r.Prefix...), row)
		w.row = r.Layout.Append(w.row[:0], row)
		b.Set(w.new, w.row)
		for _, x := range r.Indexes {
			if x.indexes(row) {
				w.new = x.appendEntry(w.new[:0], r, row)
				b.Set(w.new, nil)
			}
		}
	}
}

// WriteQuarantine writes the meta documents of those of the rows that are in quarantine, which
// WriteRows leaves out.
func WriteQuarantine(c *storage.Commit, r *Relation, rows [][]relation.Value) error {
	var w baseWriter
	for _, row := range rows {
		if err := w.writeQuarantine(c, r, Change{New: row}); err != nil {
			return err
		}
	}
	return nil
}
