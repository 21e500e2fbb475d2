package views

import "odsd/storage/relation"

// Plan is a view lowered to what is stored and maintained, as plain data: which
// columns each node's rows hold, how their paths are made, which indexes on the
// relations below answer which question. Explain prints it, the store keeps it
// beside the generation it maintains.
//
// A node instance is one stored row. Its path is
//
//	root:   key parts
//	child:  path of the parent, slot byte, order parts (if OrderInPath), key parts
//
// so a document is one contiguous range, in the order in which it is written
// as JSON, and an instance's path is a prefix of all paths below it.
type Plan struct {
	View  *View
	Nodes []*PlanNode // by node id
	// Arrangements are the indexes on relations that this plan looks things up
	// in, without duplicates; lookups refer to them by ordinal.
	Arrangements []Arrangement
	// Occurrences by id: how rows are found downward and instances upward.
	Occurrences []*PlanOccurrence
	// Indexes are the view's declared indexes, over root rows.
	Indexes []PlanIndex
	// Input are the columns that each row contributes to its group, in a
	// group-by view: the arguments and conditions of its accumulators. They are
	// computed from the row, before and after, and not stored.
	Input []PlanColumn
	// Branches of a union.
	Branches []PlanBranch
}

// PlanBranch says how the row of a branch that has a key of the union is found.
type PlanBranch struct {
	Branch int
	// Lookup finds the branch's row by the key's columns; they are taken from a
	// row of the branch's own occurrence in which only they are set.
	Lookup Lookup
	// Keys gives for each key field of the union the branch's column, -1 where the
	// branch has a constant.
	Keys []int
}

// PlanNode is the stored form of a node.
type PlanNode struct {
	Node int
	// Slot is the byte in the path that separates this list from its sibling
	// lists below one parent: 1…254 in the order of node ids; 0 for the root.
	Slot byte
	// Where is the node's condition with fields replaced by their expressions:
	// it reads columns only, so that membership is known before any value.
	Where *Expr
	// Columns of the stored row: first the node's Scalars by their ordinals, then
	// hidden ones.
	Columns []PlanColumn
	// KeyParts describe the key at the end of the path, and KeyColumns give the
	// stored columns that hold its values.
	KeyParts   []relation.Type
	KeyColumns []int
	// Order of the list: OrderColumns give the stored columns that hold the
	// order's values. With OrderInPath they precede the key in the path;
	// otherwise the path has the key alone and the order keyspace lists the
	// children (see storage: node, path of the parent, slot, order parts, key parts).
	// The terms' expressions read columns only: fields are replaced by their
	// expressions, except those that depend on an aggregate.
	Order        []OrderTerm
	OrderColumns []int
	OrderInPath  bool
	// Children are the ids of the nodes directly below.
	Children []int
	// Accumulators kept for each instance of this node over the instances of a
	// node directly below.
	Accumulators []Accumulator
	// Inputs gives for each child (in the order of Children) the stored columns
	// whose values the joins of the child, or of nodes below it, use: when one
	// changes, the child's slot is replaced.
	Inputs [][]int
}

// PlanColumn is one column of a stored row.
type PlanColumn struct {
	Name string
	Type relation.Type
	From ColumnSource
	// Expr of FromExpr columns.
	Expr *Expr
	// Ordinal: of FromField the place in Node.Scalars; of FromPresent the
	// occurrence whose presence the column tells.
	Ordinal int
}

// ColumnSource says where a stored column's value comes from.
type ColumnSource string

// The sources of stored columns.
const (
	FromField   ColumnSource = "field"   // a field of Node.Scalars
	FromExpr    ColumnSource = "expr"    // a hidden expression: order, join input, aggregate argument or condition
	FromPresent ColumnSource = "present" // a bool: whether a `one` has a match
)

// Accumulator is one aggregate's state per instance of the node that holds it.
// Aggregates over several levels are chains of accumulators: each level sums up
// the one below, and only the topmost feeds a field.
type Accumulator struct {
	ID    int // ordinal in PlanNode.Accumulators
	Child int // the node directly below whose instances contribute
	Func  AggregateFunc
	Type  relation.Type // of the argument; Null kind when rows are counted
	// Arg is the child's stored column that holds the argument, -1 to count
	// rows; unused where Via ≥ 0.
	Arg int
	// Order and Key say, of a first or last, which of the child's instances comes
	// first: terms, and then the child's stored columns that hold its key. Where
	// Via ≥ 0 an instance stands for the first row of the level below, whose own
	// key comes before the instance's.
	Order []AccumulatorTerm
	Key   []int
	// Gates are the child's stored bool columns that must all be true.
	Gates []int
	// Via is the child's accumulator whose state is the contribution, -1 at the
	// last level.
	Via int
	// Field is the ordinal in Node.Scalars that shows the result, -1 for inner levels.
	Field int
}

// AccumulatorTerm is one term of the order of a first or last.
type AccumulatorTerm struct {
	// Column of the child that holds the term's value; -1 for the next term of
	// the level below.
	Column     int
	Type       relation.Type
	Desc       bool
	NullsFirst bool
}

// Arrangement is an index on a relation: its rows under the values of Columns,
// then Order (for picks), then the relation's key.
type Arrangement struct {
	Relation string
	Columns  []int
	Order    []ArrangementOrder
}

// ArrangementOrder is a column that orders the rows within one value of Columns.
type ArrangementOrder struct {
	Column     int
	Desc       bool
	NullsFirst bool
}

// PlanOccurrence says how the rows of an occurrence are found.
type PlanOccurrence struct {
	Occurrence int
	// Down finds the rows that join to bound enclosing rows.
	Down Lookup
	// Up binds, starting from a row of this occurrence, the occurrences on the
	// way to the root, one step each; after the last step the instance is known.
	Up []UpStep
	// Uses lists the columns that the view reads: an update that leaves them
	// alone is none of its business.
	Uses []int
}

// Lookup finds rows of an occurrence's relation by equality.
type Lookup struct {
	// Arrangement used; -1 when the relation's own key is, or what it begins with.
	Arrangement int
	// Columns of the relation that are looked up, in the order of the
	// arrangement or of the key, and From where the values come from.
	Columns []int
	From    []ColumnOf
	// Rest holds the equalities that the lookup does not guarantee.
	Rest []Match
	// Unique is true when at most one row can be found.
	Unique bool
}

// ColumnOf is a column of a bound occurrence.
type ColumnOf struct {
	Occurrence int
	Column     int
}

// Match is an equality between two bound columns.
type Match struct{ A, B ColumnOf }

// UpStep binds one more occurrence.
type UpStep struct {
	Occurrence int
	Lookup     Lookup
}

// PlanIndex is a declared index: the stored root columns in order.
type PlanIndex struct {
	Columns []int
	Desc    []bool
}

// Types of the node's stored columns, of which its rows' layout is made.
func (p *PlanNode) Types() []relation.Type {
	types := make([]relation.Type, len(p.Columns))
	for i, column := range p.Columns {
		types[i] = column.Type
	}
	return types
}
