package ivm

import (
	"errors"
	"fmt"
	"slices"
	"sync"

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
	r := newReads(c, newKeptRows(), newKeptRows())
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
		r.before.rows.known[string(key)], r.after.rows.known[string(key)] = change.Old, change.New
	}
	return r
}

func newReads(c *storage.Commit, before, after *keptRows) *Reads {
	r := &Reads{before: newSide(c.Before()), after: newSide(c)}
	r.before.rows, r.after.rows = before, after
	r.after.commit, r.after.under = c, r.before
	return r
}

// Fork begins the reading of a fork of the commit. The rows that are read stay in common.
func (r *Reads) Fork(f *storage.Commit) *Reads {
	return newReads(f, r.before.rows, r.after.rows)
}

// Close releases the cursors and reports what went wrong with any.
func (r *Reads) Close() error {
	return errors.Join(r.before.close(), r.after.close())
}

// side reads relations and their indexes in one of a commit's two states: before
// it, or pending.
type side struct {
	reader storage.Reader
	rows   *keptRows
	// cursors over the entries of an index or the rows of a relation, by their prefix, kept open
	// and moved by seeking
	cursors map[string]storage.Cursor
	// commit and under are of the pending side: what the commit has not touched
	// is as it was before.
	commit *storage.Commit
	under  *side
}

func newSide(r storage.Reader) *side {
	return &side{reader: r, rows: newKeptRows(), cursors: map[string]storage.Cursor{}}
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

// keptRows are rows of one side that were read, for the views that are maintained at the same
// time too. The rows are not changed by anybody.
type keptRows struct {
	mu    sync.Mutex
	known map[string][]relation.Value // by storage key; nil where there is none
}

func newKeptRows() *keptRows { return &keptRows{known: map[string][]relation.Value{}} }

func (k *keptRows) get(key []byte) (row []relation.Value, known bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	row, known = k.known[string(key)]
	return row, known
}

func (k *keptRows) keep(key []byte, row []relation.Value) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.known) >= maxKeptRows {
		clear(k.known)
	}
	k.known[string(key)] = row
}

// row gets the row under a storage key; nil when there is none.
func (s *side) row(r *Relation, key []byte) ([]relation.Value, error) {
	if row, known := s.rows.get(key); known {
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
	s.rows.keep(key, row)
	return row, nil
}

// cursor over all that has a prefix, positioned by the caller.
func (s *side) cursor(prefix []byte) storage.Cursor {
	cursor, ok := s.cursors[string(prefix)]
	if !ok {
		cursor = s.reader.Scan(prefix, storage.PrefixEnd(prefix))
		s.cursors[string(prefix)] = cursor
	}
	return cursor
}

// entries gives the storage keys of the rows below a prefix of an index, in
// index order, until visit returns false. They are gathered before the first is
// visited where more than one is wanted, because visit may use the same cursor.
func (s *side) entries(r *Relation, x *Index, prefix []byte, visit func(rowKey []byte) (bool, error)) error {
	cursor := s.cursor(x.prefix)
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

// rowsBelow visits the rows whose storage keys begin with a prefix, in the order of their keys, until visit
// returns false. They are gathered first, as entries are.
func (s *side) rowsBelow(r *Relation, prefix []byte, visit func(row []relation.Value) (bool, error)) error {
	cursor := s.cursor(r.Prefix)
	lower := append([]byte(nil), prefix...)
	var rows [][]relation.Value
	for chunk := 4; ; chunk = min(4*chunk, 256) {
		rows = rows[:0]
		ok, read := cursor.SeekGE(lower), 0
		for ; ok && hasPrefix(cursor.Key(), prefix) && read < chunk; read++ {
			if row := s.rowAt(r, cursor); row != nil {
				rows = append(rows, row)
			}
			lower = append(append(lower[:0], cursor.Key()...), 0xFF) // past what is nested in it
			if r.Nested {
				ok = cursor.SeekGE(lower)
			} else {
				ok = cursor.Next()
			}
		}
		if err := cursor.Err(); err != nil {
			return fmt.Errorf("read rows of %s: %w", r.Schema.Name, err)
		}
		for _, row := range rows {
			if more, err := visit(row); err != nil || !more {
				return err
			}
		}
		if read < chunk {
			return nil
		}
	}
}

// rowAt is the row that a cursor stands on; nil where it is in quarantine.
func (s *side) rowAt(r *Relation, cursor storage.Cursor) []relation.Value {
	row, known := s.rows.get(cursor.Key())
	if known {
		return row
	}
	row = r.Layout.Decode(nil, slices.Clone(cursor.Value()))[:len(r.Schema.Columns)]
	if r.Quarantined(row) {
		row = nil
	}
	s.rows.keep(cursor.Key(), row)
	return row
}

// rowKey takes the relation's key out of an index entry.
func (x *Index) rowKey(r *Relation, entry []byte) ([]byte, error) {
	rest := entry[len(x.prefix):]
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
