package postgres

import (
	"odsd/storage/relation"
)

// relationName is how the project names a table of a source.
func relationName(source string, t *table) string { return source + "." + t.short() }

// describe makes the relation's schema of a table whose key is known.
func describe(source string, t *table, key *uniqueIndex) *relation.Schema {
	s := &relation.Schema{Name: relationName(source, t), Description: t.comment}
	for _, c := range t.columns {
		s.Columns = append(s.Columns, relation.Column{
			Name: c.name, Type: c.resolved.Type, NotNull: c.notNull, Attribute: c.attribute,
			Labels: c.resolved.labels, Description: c.comment,
		})
	}
	for i := range t.indexes {
		x := &t.indexes[i]
		ordinals, ok := t.ordinals(x)
		switch {
		case x == key:
			s.Key = ordinals
		case ok && t.allNotNull(x):
			s.Unique = append(s.Unique, ordinals)
		}
	}
	return s
}

// ordinals are an index's columns by their place among the captured ones; ok
// is false where one of them is not captured.
func (t *table) ordinals(x *uniqueIndex) (ordinals []int, ok bool) {
	for _, number := range x.attributes {
		found := false
		for i := range t.columns {
			if t.columns[i].attribute == number {
				ordinals, found = append(ordinals, i), true
			}
		}
		if !found {
			return nil, false
		}
	}
	return ordinals, true
}

func (t *table) allNotNull(x *uniqueIndex) bool {
	for _, number := range x.attributes {
		if c := t.attribute(number); c == nil || !c.notNull {
			return false
		}
	}
	return true
}

// key is the index that tells a table's rows apart in the stream: the one of
// the replica identity, or under REPLICA IDENTITY FULL any that could be it.
// It is nil where there is none.
func (t *table) key() *uniqueIndex {
	for i := range t.indexes {
		x := &t.indexes[i]
		var chosen bool
		switch t.replicaIdentity {
		case "d":
			chosen = x.primary
		case "i":
			chosen = x.identity
		case "f":
			chosen = true // primary keys come first, then the narrowest
		}
		if chosen && t.canIdentify(x) {
			return x
		}
	}
	return nil
}

// canIdentify says whether an index could be a replica identity.
func (t *table) canIdentify(x *uniqueIndex) bool {
	_, captured := t.ordinals(x)
	return captured && x.immediate && t.allNotNull(x)
}
