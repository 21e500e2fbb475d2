package enginetest

import (
	"fmt"
	"slices"
	"strings"

	"odsd/engine"
	"odsd/engine/reference"
	"odsd/storage/relation"
)

// Case is a test as data: relations, views over them, and what happens to them.
type Case struct {
	Schemas []*relation.Schema
	Views   []string // YAML
	Steps   []Step
}

// Step is a list of transactions that are committed to the store together, in
// this order.
type Step []Transaction

// Transaction is a transaction of one source.
type Transaction struct {
	Source  string
	Changes []Change
}

// Change is one statement on one row.
type Change struct {
	Operation engine.Operation
	Relation  string
	// Key of the row that an update or delete concerns, by the relation's key columns.
	Key []relation.Value
	// Set are the columns that an insert gives (the others are null) or that an
	// update sets (the others stay).
	Set []Cell
}

// Cell is a column and its value.
type Cell struct {
	Column int
	Value  relation.Value
}

// SourceOf is the source of a relation: the first part of its name.
func SourceOf(relationName string) string {
	source, _, _ := strings.Cut(relationName, ".")
	return source
}

// Database is the state that a case has reached: the rows after the
// transactions applied so far.
type Database struct {
	*reference.Memory
	schemas map[string]*relation.Schema
	// FullIdentity makes updates and deletes carry the whole old row, as with
	// REPLICA IDENTITY FULL; else they carry the key alone, and an update that leaves
	// the key as it is nothing.
	FullIdentity bool
	// Toasted makes updates mark the texts, JSON and arrays that they do not set as
	// unchanged, as PostgreSQL does with long ones.
	Toasted bool
}

// NewDatabase makes empty relations of the schemas.
func NewDatabase(schemas []*relation.Schema) *Database {
	d := &Database{Memory: reference.NewMemory(schemas...), schemas: make(map[string]*relation.Schema)}
	for _, s := range schemas {
		d.schemas[s.Name] = s
	}
	return d
}

// Apply applies a transaction and gives its changes as a source would tell
// them. Changes that make no sense in the state they find are left out.
func (d *Database) Apply(t Transaction) ([]engine.Change, error) {
	var told []engine.Change
	for _, c := range t.Changes {
		s := d.schemas[c.Relation]
		if s == nil {
			return nil, fmt.Errorf("no relation %s", c.Relation)
		}
		change, ok, err := d.apply(s, c)
		if err != nil {
			return nil, err
		}
		if ok {
			told = append(told, change)
		}
	}
	return told, nil
}

func (d *Database) apply(s *relation.Schema, c Change) (told engine.Change, ok bool, err error) {
	told = engine.Change{Operation: c.Operation, Relation: c.Relation}
	if c.Operation == engine.Truncate {
		return told, true, d.Truncate(s.Name)
	}
	var old []relation.Value
	if c.Operation != engine.Insert {
		if old, err = d.Get(s.Name, rowOfKey(s, c.Key)); err != nil || old == nil {
			return told, false, err
		}
	}
	if c.Operation == engine.Delete {
		told.Old = d.oldTuple(s, old)
		return told, true, d.Delete(s.Name, old)
	}
	row := make([]relation.Value, len(s.Columns))
	copy(row, old)
	for _, cell := range c.Set {
		row[cell.Column] = cell.Value
	}
	if allowed, err := d.allows(s, old, row); err != nil || !allowed {
		return told, false, err
	}
	if old != nil {
		if err := d.Delete(s.Name, old); err != nil {
			return told, false, err
		}
		if d.FullIdentity || !sameValues(old, row, s.Key) {
			told.Old = d.oldTuple(s, old)
		}
	}
	told.New = d.newTuple(s, row, old, c.Set)
	return told, true, d.Set(s.Name, row)
}

// allows says whether PostgreSQL would take the row: nothing null where it must
// not be, and nobody else has its keys.
func (d *Database) allows(s *relation.Schema, old, row []relation.Value) (bool, error) {
	for i, c := range s.Columns {
		if c.NotNull && row[i].IsNull() {
			return false, nil
		}
	}
	for _, unique := range append([][]int{s.Key}, s.Unique...) {
		values := make([]relation.Value, len(unique))
		for i, c := range unique {
			values[i] = row[c]
		}
		taken := false
		err := d.Find(s.Name, unique, values, func(other []relation.Value) error {
			taken = taken || old == nil || !sameValues(other, old, s.Key)
			return nil
		})
		if err != nil || taken {
			return false, err
		}
	}
	return true, nil
}

func (d *Database) oldTuple(s *relation.Schema, old []relation.Value) []relation.Value {
	tuple := slices.Clone(old)
	if d.FullIdentity {
		return tuple
	}
	for i := range tuple {
		if !slices.Contains(s.Key, i) {
			tuple[i] = relation.OfMark(relation.NotSent)
		}
	}
	return tuple
}

func (d *Database) newTuple(s *relation.Schema, row, old []relation.Value, set []Cell) []relation.Value {
	tuple := slices.Clone(row)
	if !d.Toasted || old == nil {
		return tuple
	}
	for i, c := range s.Columns {
		isSet := slices.ContainsFunc(set, func(cell Cell) bool { return cell.Column == i })
		if isLong(c.Type.Kind) && !isSet && !row[i].IsNull() && !slices.Contains(s.Key, i) {
			tuple[i] = relation.OfMark(relation.Unchanged)
		}
	}
	return tuple
}

// isLong says whether PostgreSQL would store a long value of the kind apart.
func isLong(k relation.Kind) bool {
	return k == relation.Text || k == relation.JSON || k == relation.Array
}

func rowOfKey(s *relation.Schema, key []relation.Value) []relation.Value {
	row := make([]relation.Value, len(s.Columns))
	for i, c := range s.Key {
		row[c] = key[i]
	}
	return row
}

func sameValues(a, b []relation.Value, columns []int) bool {
	for _, c := range columns {
		if !relation.Equal(a[c], b[c]) {
			return false
		}
	}
	return true
}
