package engine

import (
	"fmt"
	"slices"
	"strings"

	"odsd/engine/ivm"
	"odsd/storage"
	"odsd/storage/relation"
)

// fold gathers the changes of one commit so that each key has one: from the
// stored row before the commit to the row after it.
type fold struct {
	commit    *storage.Commit
	relations map[string]*ivm.Relation
	rows      map[string]*folded // by storage key of the row
	order     []*folded
	bytes     int // about what the rows take in memory
	// limit of rows, past which it is full; next works them off and resets the fold.
	// Without limit it is never full.
	limit int
	next  func() error
}

type folded struct {
	key      string
	relation string
	old, now []relation.Value
}

func newFold(c *storage.Commit, relations map[string]*ivm.Relation) *fold {
	return &fold{commit: c, relations: relations, rows: map[string]*folded{}}
}

// bound has the fold worked off by next when it has as many rows.
func (f *fold) bound(limit int, next func() error) { f.limit, f.next = limit, next }

// full says whether what is folded is to be worked off before more is taken in.
func (f *fold) full() bool {
	return f.limit > 0 && (len(f.order) >= f.limit || f.bytes >= sliceBytes)
}

// reset forgets the rows, which are worked off.
func (f *fold) reset() { f.rows, f.order, f.bytes = map[string]*folded{}, nil, 0 }

// missingRowError says that the stream changes a row that the store does not
// have: something was lost, and the table must be copied anew.
type missingRowError struct{ table string }

func (e *missingRowError) Error() string {
	return "the stream changes a row that was never stored"
}

// takenKeyError says that the stream puts a row under a key that another row
// has: the key is not unique any more, or something was lost.
type takenKeyError struct{ table string }

func (e *takenKeyError) Error() string {
	return "the stream puts a row under a key that is taken"
}

// apply folds one change in. The changes of a commit must come in the order in
// which they happened.
func (f *fold) apply(change Change) error {
	r := f.relations[change.Relation]
	if r == nil {
		return fmt.Errorf("%s is not captured", change.Relation)
	}
	f.bytes += weight(change.New)
	switch change.Operation {
	case Insert:
		return f.insert(r, change)
	case Update:
		return f.update(r, change)
	case Delete:
		return f.delete(r, change)
	case Truncate:
		return f.truncate(r)
	}
	return fmt.Errorf("%s: unknown operation %d", change.Relation, change.Operation)
}

func (f *fold) insert(r *ivm.Relation, change Change) error {
	at, err := f.at(r, change.New)
	if err != nil {
		return err
	}
	if at.now != nil {
		return &takenKeyError{r.Schema.Name}
	}
	at.now = change.New
	return fillUnchanged(r, at.now, nil)
}

func (f *fold) update(r *ivm.Relation, change Change) error {
	before := change.Old
	if before == nil {
		before = change.New
	}
	from, err := f.at(r, before)
	if err != nil {
		return err
	}
	if from.now == nil {
		return &missingRowError{r.Schema.Name}
	}
	row := from.now
	if err := fillUnchanged(r, change.New, row); err != nil {
		return err
	}
	from.now = nil
	to, err := f.at(r, change.New)
	if err != nil {
		return err
	}
	if to.now != nil { // a key's index checks each row at once, so that no other row can have it for a moment
		return &takenKeyError{r.Schema.Name}
	}
	to.now = change.New
	return nil
}

func (f *fold) delete(r *ivm.Relation, change Change) error {
	at, err := f.at(r, change.Old)
	if err != nil {
		return err
	}
	if at.now == nil {
		return &missingRowError{r.Schema.Name}
	}
	at.now = nil
	return nil
}

// truncate expands to the deletion of every row, pending or stored. Those of a
// large table are worked off on the way.
func (f *fold) truncate(r *ivm.Relation) error {
	for _, row := range f.order {
		if row.relation == r.Schema.Name {
			row.now = nil
		}
	}
	next, err := f.deleteFrom(r, nil)
	for err == nil && next != nil {
		if err = f.next(); err == nil {
			next, err = f.deleteFrom(r, next)
		}
	}
	return err
}

// deleteFrom deletes stored rows from a key on (nil: the first) until the fold is
// full; next is where to go on, nil at the end.
func (f *fold) deleteFrom(r *ivm.Relation, lower []byte) (next []byte, err error) {
	err = r.Scan(f.commit.Before(), lower, nil, func(key []byte, row []relation.Value) (bool, error) {
		if f.full() {
			next = append([]byte(nil), key...)
			return false, nil
		}
		if f.rows[string(key)] == nil {
			f.add(string(key), &folded{relation: r.Schema.Name, old: row})
		}
		return true, nil
	})
	return next, err
}

// at gives the folded state of the key that a row has.
func (f *fold) at(r *ivm.Relation, row []relation.Value) (*folded, error) {
	for _, column := range r.Schema.Key {
		if k := row[column].Kind(); k == relation.Null || k == relation.Unchanged || k == relation.NotSent {
			return nil, fmt.Errorf("%s: the stream sent a row without its key column %q", r.Schema.Name, r.Schema.Columns[column].Name)
		}
	}
	key := r.RowKey(row)
	if known, ok := f.rows[string(key)]; ok {
		return known, nil
	}
	stored, found, err := f.commit.Before().Get(key)
	if err != nil {
		return nil, fmt.Errorf("read a row of %s: %w", r.Schema.Name, err)
	}
	at := &folded{relation: r.Schema.Name}
	if found {
		at.old = r.Layout.Decode(nil, stored)
		at.now = at.old
	}
	f.add(string(key), at)
	return at, nil
}

func (f *fold) add(key string, row *folded) {
	row.key = key
	f.bytes += weight(row.old)
	f.rows[key] = row
	f.order = append(f.order, row)
}

// fillUnchanged puts in what PostgreSQL did not send because it had not changed.
func fillUnchanged(r *ivm.Relation, row, before []relation.Value) error {
	for i := range row {
		if row[i].Kind() != relation.Unchanged {
			continue
		}
		if before == nil {
			return &missingRowError{r.Schema.Name}
		}
		row[i] = before[i]
	}
	return nil
}

// changes are the folded changes that change anything, in the order of their keys:
// what they lead to is read in that order, and neighbours lie together.
func (f *fold) changes() []ivm.Change {
	slices.SortFunc(f.order, func(a, b *folded) int { return strings.Compare(a.key, b.key) })
	changes := make([]ivm.Change, 0, len(f.order))
	for _, row := range f.order {
		if row.old == nil && row.now == nil || identical(row.old, row.now) {
			continue
		}
		changes = append(changes, ivm.Change{Relation: row.relation, Old: row.old, New: row.now})
	}
	return changes
}

func identical(a, b []relation.Value) bool {
	if a == nil || b == nil {
		return false
	}
	for i := range a {
		if !relation.Identical(a[i], b[i]) {
			return false
		}
	}
	return true
}
