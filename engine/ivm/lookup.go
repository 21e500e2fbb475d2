package ivm

import (
	"fmt"
	"slices"

	"odsd/storage/encoding"
	"odsd/storage/relation"
	"odsd/views"
)

// lookup is a views.Lookup bound to what is stored.
type lookup struct {
	views.Lookup
	occurrence int
	relation   *Relation
	index      *Index // nil: the relation's own key, or what it begins with
	ordered    bool   // candidates come in the order of a pick
}

func newLookup(catalog *Catalog, plan *views.Plan, occurrence int, l views.Lookup) (*lookup, error) {
	name := plan.View.Occurrences[occurrence].Schema.Name
	bound := &lookup{Lookup: l, occurrence: occurrence, relation: catalog.Relations[name]}
	if bound.relation == nil {
		return nil, fmt.Errorf("relation %s is not stored", name)
	}
	if l.Arrangement >= 0 {
		arrangement := plan.Arrangements[l.Arrangement]
		index, err := catalog.Index(arrangement)
		if err != nil {
			return nil, err
		}
		bound.index = index
		bound.ordered = len(arrangement.Order) > 0
	}
	return bound, nil
}

// find visits the rows that join to the rows bound in env, until visit returns
// false. A null among the values finds nothing.
func (s *side) find(l *lookup, rows [][]relation.Value, visit func(row []relation.Value) (bool, error)) error {
	prefix, ok := s.prefix(l, rows)
	if !ok {
		return nil
	}
	one := func(key []byte) (bool, error) {
		row, err := s.row(l.relation, key)
		if err != nil || row == nil || !l.matches(rows, row) {
			return true, err
		}
		return visit(row)
	}
	switch {
	case l.index != nil:
		return s.entries(l.relation, l.index, prefix, one)
	case l.wholeKey():
		_, err := one(prefix)
		return err
	default:
		return s.rowsBelow(l.relation, prefix, func(row []relation.Value) (bool, error) {
			if !l.matches(rows, row) {
				return true, nil
			}
			return visit(row)
		})
	}
}

// wholeKey says whether the relation's own key is looked up, not just what it begins with.
func (l *lookup) wholeKey() bool {
	return l.index == nil && len(l.Columns) == len(l.relation.Schema.Key)
}

// findKey visits the row of a relation with a key, in which null is a value as
// any other, as in the key of a group. Where the key is another one, which has
// no nulls, it is find.
func (s *side) findKey(l *lookup, rows [][]relation.Value, visit func(row []relation.Value) (bool, error)) error {
	if !l.wholeKey() {
		return s.find(l, rows, visit)
	}
	key := slices.Clone(l.relation.Prefix)
	for _, from := range l.From {
		key = encoding.AppendPart(key, encoding.Part{}, rows[from.Occurrence][from.Column])
	}
	row, err := s.row(l.relation, key)
	if err != nil || row == nil {
		return err
	}
	_, err = visit(row)
	return err
}

// prefix builds the key or index prefix that is looked up.
func (s *side) prefix(l *lookup, rows [][]relation.Value) (prefix []byte, ok bool) {
	if l.index == nil {
		prefix = slices.Clone(l.relation.Prefix)
	} else {
		prefix = slices.Clone(l.index.prefix)
	}
	for _, from := range l.From {
		row := rows[from.Occurrence]
		if row == nil || row[from.Column].Missing() {
			return nil, false
		}
		prefix = encoding.AppendPart(prefix, encoding.Part{}, row[from.Column])
	}
	return prefix, true
}

// matches tests the equalities that the lookup itself does not guarantee.
func (l *lookup) matches(rows [][]relation.Value, row []relation.Value) bool {
	at := func(c views.ColumnOf) relation.Value {
		if c.Occurrence == l.occurrence {
			return row[c.Column]
		}
		if bound := rows[c.Occurrence]; bound != nil {
			return bound[c.Column]
		}
		return relation.OfNull()
	}
	for _, m := range l.Rest {
		a, b := at(m.A), at(m.B)
		if a.Missing() || b.Missing() || !relation.Equal(a, b) {
			return false
		}
	}
	return true
}
