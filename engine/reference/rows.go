package reference

import "odsd/storage/relation"

// Rows is where the evaluator reads relations from: base rows, or the root rows
// of a view that another view stands on. All calls during one evaluation must
// read the same state.
//
// A row is decoded by column ordinal of its relation's schema. The evaluator
// keeps rows while it works on a document and never changes them, so an
// implementation must not reuse a row that it has handed out.
type Rows interface {
	// All visits every row of the relation, in any order. It stops at the first
	// error of visit and returns it.
	All(name string, visit func(row []relation.Value) error) error
	// Find visits every row whose columns equal the values as PostgreSQL's =
	// has it (1.0 equals 1.00, int4 equals int8, null equals nothing). It stops
	// at the first error of visit and returns it.
	Find(name string, columns []int, values []relation.Value, visit func(row []relation.Value) error) error
}
