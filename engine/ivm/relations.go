package ivm

import (
	"fmt"
	"slices"

	"odsd/storage"
	"odsd/storage/encoding"
	"odsd/storage/relation"
	"odsd/views"
)

// Relation is a relation as stored: a base relation, or the root rows of a view
// that others stand on.
type Relation struct {
	Schema *relation.Schema
	Layout *encoding.Layout
	// Prefix begins the storage key of every row; its key parts follow.
	Prefix []byte
	// Nested relations have other rows below each of theirs: the lists of a view.
	Nested bool
	// Indexes kept on it.
	Indexes []*Index
	// base says that it is no view's, and textKey lists the key columns that hold
	// text: what quarantine asks for.
	base    bool
	textKey []int
}

// NewRelation describes a stored base relation.
func NewRelation(id storage.RelationID, schema *relation.Schema) *Relation {
	r := &Relation{
		Schema: schema, Layout: encoding.NewLayout(rowVersion, views.Types(schema)),
		Prefix: storage.AppendRowPrefix(nil, id), base: true,
	}
	for _, column := range schema.Key {
		if schema.Columns[column].Type.Kind.Family() == relation.TextFamily {
			r.textKey = append(r.textKey, column)
		}
	}
	return r
}

// Relation describes the root rows of a view as a relation of this schema,
// which names the root's fields.
func (v *View) Relation(schema *relation.Schema) *Relation {
	return &Relation{
		Schema: schema, Layout: v.nodes[0].layout,
		Prefix: storage.AppendNodePrefix(nil, v.Generation),
		Nested: len(v.nodes) > 1,
	}
}

// Scan visits the stored rows with keys in [lower, upper) until visit returns
// false; nil bounds are the relation's own. The key is valid during the visit.
func (r *Relation) Scan(reader storage.Reader, lower, upper []byte, visit func(key []byte, row []relation.Value) (bool, error)) error {
	if lower == nil {
		lower = r.Prefix
	}
	if upper == nil {
		upper = storage.PrefixEnd(r.Prefix)
	}
	cursor := reader.Scan(lower, upper)
	defer cursor.Close()
	for ok := cursor.Next(); ok; {
		row := r.Layout.Decode(nil, append([]byte(nil), cursor.Value()...))
		if more, err := visit(cursor.Key(), row[:len(r.Schema.Columns)]); err != nil || !more {
			return err
		}
		if r.Nested {
			ok = cursor.SeekGE(append(append([]byte(nil), cursor.Key()...), 0xFF))
		} else {
			ok = cursor.Next()
		}
	}
	if err := cursor.Err(); err != nil {
		return fmt.Errorf("read %s: %w", r.Schema.Name, err)
	}
	return nil
}

// ScanAfter visits the rows that views see whose encoded key parts come after a
// cursor; nil begins with the first.
func (r *Relation) ScanAfter(reader storage.Reader, after []byte, visit func(row []relation.Value) (bool, error)) error {
	var lower []byte
	if after != nil {
		lower = append(append(slices.Clone(r.Prefix), after...), 0xFF)
	}
	return r.Scan(reader, lower, nil, func(_ []byte, row []relation.Value) (bool, error) {
		if r.Quarantined(row) {
			return true, nil
		}
		return visit(row)
	})
}

// rowVersion is the version byte of stored rows.
const rowVersion = 1

// Index is an arrangement as stored.
type Index struct {
	ID          storage.IndexID
	Arrangement views.Arrangement
	prefix      []byte        // of its entries
	columns     []indexColumn // the arrangement's columns, then its order
}

type indexColumn struct {
	column int
	part   encoding.Part
}

// NewIndex describes a stored index.
func NewIndex(id storage.IndexID, a views.Arrangement) *Index {
	x := &Index{ID: id, Arrangement: a, prefix: storage.AppendIndexPrefix(nil, id)}
	for _, column := range a.Columns {
		x.columns = append(x.columns, indexColumn{column: column})
	}
	for _, order := range a.Order {
		x.columns = append(x.columns, indexColumn{order.Column, encoding.Part{Desc: order.Desc, NullsFirst: order.NullsFirst}})
	}
	return x
}

// RemoveIndex takes an index away that nothing reads any more.
func (r *Relation) RemoveIndex(id storage.IndexID) {
	r.Indexes = slices.DeleteFunc(r.Indexes, func(x *Index) bool { return x.ID == id })
}

// Catalog is what is stored: the relations with their indexes.
type Catalog struct {
	Relations map[string]*Relation
}

// Index finds the stored index of an arrangement.
func (c *Catalog) Index(a views.Arrangement) (*Index, error) {
	r, ok := c.Relations[a.Relation]
	if !ok {
		return nil, fmt.Errorf("relation %s is not stored", a.Relation)
	}
	for _, x := range r.Indexes {
		if x.Arrangement.Equal(a) {
			return x, nil
		}
	}
	return nil, fmt.Errorf("no index on %s for columns %v", a.Relation, a.Columns)
}

// appendKey appends the key parts of a row of the relation.
func (r *Relation) appendKey(dst []byte, row []relation.Value) []byte {
	for _, column := range r.Schema.Key {
		dst = encoding.AppendPart(dst, encoding.Part{}, row[column])
	}
	return dst
}

// RowKey is the storage key of the row with these values in the key columns.
func (r *Relation) RowKey(row []relation.Value) []byte {
	return r.appendKey(slices.Clone(r.Prefix), row)
}

// appendEntry appends the storage key of a row's entry in the index.
func (x *Index) appendEntry(dst []byte, r *Relation, row []relation.Value) []byte {
	dst = storage.AppendIndexPrefix(dst, x.ID)
	for _, c := range x.columns {
		dst = encoding.AppendPart(dst, c.part, row[c.column])
	}
	return r.appendKey(dst, row)
}

// indexes says whether a row has an entry: a row with a null among the
// columns is never found by equality, so it is left out.
func (x *Index) indexes(row []relation.Value) bool {
	for _, column := range x.Arrangement.Columns {
		if row[column].Missing() {
			return false
		}
	}
	return true
}
