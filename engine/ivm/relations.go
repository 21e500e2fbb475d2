package ivm

import (
	"fmt"

	"odsd/storage"
	"odsd/storage/encoding"
	"odsd/storage/relation"
	"odsd/views"
)

// Relation is a base relation as stored.
type Relation struct {
	ID     storage.RelationID
	Schema *relation.Schema
	Layout *encoding.Layout
	// Indexes kept on it.
	Indexes []*Index
}

// NewRelation describes a stored relation.
func NewRelation(id storage.RelationID, schema *relation.Schema) *Relation {
	return &Relation{ID: id, Schema: schema, Layout: encoding.NewLayout(rowVersion, views.Types(schema))}
}

// rowVersion is the version byte of stored rows.
const rowVersion = 1

// Index is an arrangement as stored.
type Index struct {
	ID          storage.IndexID
	Arrangement views.Arrangement
	columns     []indexColumn // the arrangement's columns, then its order
}

type indexColumn struct {
	column int
	part   encoding.Part
}

// NewIndex describes a stored index.
func NewIndex(id storage.IndexID, a views.Arrangement) *Index {
	x := &Index{ID: id, Arrangement: a}
	for _, column := range a.Columns {
		x.columns = append(x.columns, indexColumn{column: column})
	}
	for _, order := range a.Order {
		x.columns = append(x.columns, indexColumn{order.Column, encoding.Part{Desc: order.Desc, NullsFirst: order.NullsFirst}})
	}
	return x
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
	return r.appendKey(storage.AppendRowPrefix(nil, r.ID), row)
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
