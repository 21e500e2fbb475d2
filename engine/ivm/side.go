package ivm

import (
	"errors"
	"fmt"
	"slices"

	"odsd/storage"
	"odsd/storage/encoding"
	"odsd/storage/relation"
)

// Reads is what the views of one commit read of relations, in common: a row
// that several views want is read and decoded once. Nothing writes to a relation any more
// when the first view reads it, so what was read stays true for the length of the commit.
type Reads struct{ before, after *side }

// NewReads begins the reading of a commit to which WriteBase has written these
// changes: their rows are known already.
func NewReads(c *storage.Commit, catalog *Catalog, changes []Change) *Reads {
	r := &Reads{before: newSide(c.Before()), after: newSide(c)}
	r.after.commit, r.after.under = c, r.before
	var key []byte
	for _, change := range changes[:min(len(changes), maxKeptRows)] {
		of := catalog.Relations[change.Relation]
		if of == nil {
			continue
		}
		row := change.New
		if row == nil {
			row = change.Old
		}
		key = of.appendKey(append(key[:0], of.Prefix...), row)
		r.before.rows[string(key)], r.after.rows[string(key)] = change.Old, change.New
	}
	return r
}

// Close releases the cursors and reports what went wrong with any.
func (r *Reads) Close() error {
	return errors.Join(r.before.close(), r.after.close())
}

// side reads relations and their indexes in one of a commit's two states: before
// it, or pending.
type side struct {
	reader storage.Reader
	rows   map[string][]relation.Value // by storage key; nil where there is none
	// cursors over the entries of an index, kept open and moved by seeking
	cursors map[storage.IndexID]storage.Cursor
	// commit and under are of the pending side: what the commit has not touched
	// is as it was before.
	commit *storage.Commit
	under  *side
}

func newSide(r storage.Reader) *side {
	return &side{reader: r, rows: map[string][]relation.Value{}, cursors: map[storage.IndexID]storage.Cursor{}}
}

// close releases the cursors and reports what went wrong with any.
func (s *side) close() error {
	var first error
	for _, cursor := range s.cursors {
		if err := cursor.Close(); err != nil && first == nil {
			first = err
		}
	}
	s.cursors = nil
	return first
}

// maxKeptRows bounds the memory of one side.
const maxKeptRows = 50_000

// row gets the row under a storage key; nil when there is none.
func (s *side) row(r *Relation, key []byte) ([]relation.Value, error) {
	if row, ok := s.rows[string(key)]; ok {
		return row, nil
	}
	if s.under != nil && !s.commit.Touches(key) {
		return s.under.row(r, key)
	}
	stored, found, err := s.reader.Get(key)
	if err != nil {
		return nil, fmt.Errorf("read a row of %s: %w", r.Schema.Name, err)
	}
	var row []relation.Value
	if found {
		if row = r.Layout.Decode(nil, stored)[:len(r.Schema.Columns)]; r.Quarantined(row) {
			row = nil
		}
	}
	if len(s.rows) >= maxKeptRows {
		clear(s.rows)
	}
	s.rows[string(key)] = row
	return row, nil
}

// cursor over an index, positioned by the caller.
func (s *side) cursor(x *Index) storage.Cursor {
	cursor, ok := s.cursors[x.ID]
	if !ok {
		prefix := storage.AppendIndexPrefix(nil, x.ID)
		cursor = s.reader.Scan(prefix, storage.PrefixEnd(prefix))
		s.cursors[x.ID] = cursor
	}
	return cursor
}

// entries gives the storage keys of the rows below a prefix of an index, in
// index order, until visit returns false. They are gathered before the first is
// visited where more than one is wanted, because visit may use the same cursor.
func (s *side) entries(r *Relation, x *Index, prefix []byte, visit func(rowKey []byte) (bool, error)) error {
	cursor := s.cursor(x)
	lower := append([]byte(nil), prefix...)
	var keys [][]byte
	for chunk := 4; ; chunk = min(4*chunk, 256) {
		keys = keys[:0]
		ok := cursor.SeekGE(lower)
		for ok && hasPrefix(cursor.Key(), prefix) && len(keys) < chunk {
			keys = append(keys, append([]byte(nil), cursor.Key()...))
			ok = cursor.Next()
		}
		if err := cursor.Err(); err != nil {
			return fmt.Errorf("read an index of %s: %w", r.Schema.Name, err)
		}
		for _, entry := range keys {
			rowKey, err := x.rowKey(r, entry)
			if err != nil {
				return err
			}
			if more, err := visit(rowKey); err != nil || !more {
				return err
			}
		}
		if len(keys) < chunk {
			return nil
		}
		lower = append(append(lower[:0], keys[len(keys)-1]...), 0)
	}
}

// rowKey takes the relation's key out of an index entry.
func (x *Index) rowKey(r *Relation, entry []byte) ([]byte, error) {
	rest := entry[len(storage.AppendIndexPrefix(nil, x.ID)):]
	for _, c := range x.columns {
		var err error
		if rest, err = encoding.SkipPart(r.Schema.Columns[c.column].Type, c.part, rest); err != nil {
			return nil, fmt.Errorf("damaged entry in an index of %s: %w", r.Schema.Name, err)
		}
	}
	return append(slices.Clone(r.Prefix), rest...), nil
}

func hasPrefix(b, prefix []byte) bool {
	return len(b) >= len(prefix) && string(b[:len(prefix)]) == string(prefix)
}
