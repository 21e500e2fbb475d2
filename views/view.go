package views

import "odsd/storage/relation"

// View is a checked definition: every name resolved, every expression typed.
// It says what the view means and nothing of how it is kept: the reference
// evaluator, the GraphQL schema and the documentation read it; Compile lowers it
// to the Plan that the engine maintains.
type View struct {
	Kind        ViewKind
	Name        string
	Description string
	Owner       Owner
	File        string
	// Text is the definition as it was written.
	Text  string
	Type  string // GraphQL type name, Customer360
	Field string // GraphQL field name, customer360
	// Occurrences of relations in the view, by id; the root's is 0 and a
	// parent's id is always below its children's.
	Occurrences []*Occurrence
	// Nodes in the same order: the root is 0, parents come before children.
	Nodes []*Node
	// Key lists the columns of the root relation that identify a document, in a
	// view of documents.
	Key []int
	// KeyFields lists the ordinals in the root's Scalars that identify a row, in
	// a group-by view (its dimensions) and in a union.
	KeyFields []int
	// Branches of a union, in the order that decides conflicts.
	Branches []*Branch
	// Having hides documents or groups for which it is not true. It reads the
	// root's fields (OpField), aggregates included.
	Having *Expr
	// Indexes over root fields, as declared.
	Indexes [][]IndexTerm
	Checks  []Check
	// Access are the rules of who sees what, nil where there are none declared. They
	// are checked and not enforced yet.
	Access []AccessRule
}

// ViewKind says what a view's rows are made of.
type ViewKind string

// The kinds of views. All of them have one root node whose Scalars are its
// fields; only documents have further nodes and `one`s.
const (
	// DocumentView has a document for each row of the root relation.
	DocumentView ViewKind = "documents"
	// GroupView has a row for each group of rows of occurrence 0: the node's
	// Where restricts the rows; the Scalars are first the dimensions, scalar
	// fields over the row's columns, listed by KeyFields, and then the measures:
	// aggregates with an empty Path, whose Arg and Where read the row's columns,
	// and scalar fields that read other fields of the group only.
	GroupView ViewKind = "groups"
	// UnionView has the rows of several relations; see Branch.
	UnionView ViewKind = "union"
)

// Branch is one relation of a union. Every branch has an occurrence of its own,
// of kind RootOccurrence; a row of the union is made of one row of one branch.
type Branch struct {
	Occurrence int
	Where      *Expr // reads the branch's occurrence
	// Columns by ordinal in the root's Scalars: constants and columns of the
	// branch, cast (OpCast) where the union's type is another; nil for null.
	Columns []*Expr
}

// Owner is whom to ask about a view or a source.
type Owner struct {
	Team    string `json:"team,omitempty"`
	Contact string `json:"contact,omitempty"`
}

// OccurrenceKind says how an occurrence is reached from the one it hangs under.
type OccurrenceKind string

// The kinds of occurrences.
const (
	RootOccurrence OccurrenceKind = "root"
	OneOccurrence  OccurrenceKind = "one"
	ManyOccurrence OccurrenceKind = "many"
)

// Occurrence is one use of a relation in a view. The same relation may occur
// many times (self-joins); marks and rows belong to the occurrence.
type Occurrence struct {
	ID    int
	Kind  OccurrenceKind
	Alias string
	// Schema of the relation, whose name is Schema.Name. A view that another
	// stands on is a relation under its own name (no dot in it): its columns are
	// the root's Scalars by ordinal, its key the columns that show the view's key.
	Schema *relation.Schema
	// Parent is the occurrence it is nested under, -1 for the root.
	Parent int
	// Node is the node whose stored row holds it: for a `many` and the root
	// their own, for a `one` the node it is inlined into.
	Node int
	// Join matches columns of this occurrence to columns of enclosing ones, by
	// equality that never holds on null. Empty for the root.
	Join []Equality
	// Where, of a `one`, restricts the candidates before one is picked. It
	// reads this occurrence and the `one`s below it. (A node's own condition
	// stands in Node.Where.)
	Where *Expr
	// Order, of a `one`, picks the first candidate; terms read this
	// occurrence's own columns only. The relation's key breaks ties.
	Order []OrderTerm
	// Required, of a `one`: without a match the row that holds it does not
	// exist; for a `one` inside a `one`, the outer one is then null.
	Required bool
	// Ones lists the ids of the `one` occurrences nested directly under this one.
	Ones []int
}

// Equality is one condition of a join: Column of the occurrence itself equals
// OuterColumn of the enclosing occurrence Outer.
type Equality struct {
	Column      int
	Outer       int
	OuterColumn int
}

// Node is a level of the view's tree: the root or a `many`.
type Node struct {
	ID     int
	Name   string // "" for the root, else the dotted path of field names, "orders.items"
	Parent int    // the node above; -1 for the root
	Own    int    // the occurrence of its own rows
	// Key lists the columns of its own relation that identify an instance among
	// its siblings: the view's key at the root, else the relation's key.
	Key   []int
	Where *Expr // reads the node's own row and its `one`s
	// Order of the list as declared; the key is appended as tie-breaker.
	Order []OrderTerm
	Limit int // 0: none
	// Hidden lists are kept for their aggregates only.
	Hidden bool
	// Fields in the order of the YAML, as a tree: `one`s hold their own.
	Fields []*Field
	// Scalars are the node's scalar and aggregate fields, those inside its
	// `one`s included, by the ordinal that OpField uses.
	Scalars []*Field
	// EvalOrder lists ordinals of Scalars such that each comes after those it uses.
	EvalOrder []int
}

// OrderTerm is one term of an order.
type OrderTerm struct {
	Expr *Expr
	Desc bool
	// NullsFirst is PostgreSQL's default: false ascending, true descending.
	NullsFirst bool
}

// FieldKind says what a field holds.
type FieldKind string

// The kinds of fields.
const (
	ScalarField    FieldKind = "scalar"
	OneField       FieldKind = "one"
	ManyField      FieldKind = "many"
	AggregateField FieldKind = "aggregate"
)

// Field is one field of a node or of a `one`.
type Field struct {
	Name        string
	GraphQL     string // field name in GraphQL
	Description string
	Deprecated  string
	Kind        FieldKind
	Type        relation.Type // of scalars and aggregates
	// Nullable is false only where a value is certain: a not-null column of the
	// node's own row or of a required `one`, and counts.
	Nullable bool
	// As is `graphql: {as: …}`: "Int", "Float" or "".
	As      string
	Ordinal int   // of scalars and aggregates: place in Node.Scalars
	Expr    *Expr // of scalars
	// Within is the occurrence whose object the field belongs to: the node's own
	// or one of its `one`s. When that `one` has no match, the object is null.
	Within     int
	Aggregate  *Aggregate
	Occurrence int      // of `one` fields: the occurrence
	Fields     []*Field // of `one` fields
	Node       int      // of `many` fields: the child node
}

// AggregateFunc names an aggregate.
type AggregateFunc string

// The aggregates.
const (
	Count         AggregateFunc = "count"
	Sum           AggregateFunc = "sum"
	Min           AggregateFunc = "min"
	Max           AggregateFunc = "max"
	Avg           AggregateFunc = "avg"
	CountDistinct AggregateFunc = "count_distinct"
	First         AggregateFunc = "first"
	Last          AggregateFunc = "last"
	Collect       AggregateFunc = "collect"
)

// Aggregate is a field computed over the rows of a node below.
type Aggregate struct {
	Func AggregateFunc
	// Path of node ids from the node below the aggregate's own down to the node
	// whose rows are aggregated; empty in a group-by view alone, where the rows
	// are those of the group.
	Path []int
	// Arg reads the environment of the last node of Path (OpField refers to its
	// Scalars); nil counts rows.
	Arg *Expr
	// Where holds conditions that must all be true, each by the node of Path
	// whose environment it reads.
	Where   []AggregateCondition
	Default *relation.Value // nil: null (0 for counts, an empty list for collect)
	Round   int32           // decimal places of an avg; -1 where not declared
	// Order of a first or last, of all rows that are aggregated; what breaks ties
	// are the key of the row and then, where one row stands below several, the
	// keys of the rows above it, the nearest first.
	Order []AggregateTerm
	// Limit of a collect: how many values at most; 0: all.
	Limit int
	// Distinct values of a collect: equal ones once.
	Distinct bool
}

// AggregateTerm is one term of an aggregate's order, by the node of Path whose
// environment it reads.
type AggregateTerm struct {
	Node int
	OrderTerm
}

// AggregateCondition is one conjunct of an aggregate's `where`.
type AggregateCondition struct {
	Node int
	Expr *Expr
}

// IndexTerm is one column of a declared index: a scalar field of the root.
type IndexTerm struct {
	Field int // ordinal in the root node's Scalars
	Desc  bool
}

// CheckKind says what a check expects of a document.
type CheckKind string

// The kinds of checks.
const (
	// NotNullCheck fails for a field that is null, be it that it could not be
	// computed.
	NotNullCheck CheckKind = "not_null"
	// AcceptedCheck fails for a value that is not among Accepted; null is none.
	AcceptedCheck CheckKind = "accepted_values"
	// ExpressionCheck fails where Expr is not true: false, null, or not computed.
	ExpressionCheck CheckKind = "expression"
)

// Check is a declared expectation of each document, counted and never blocking.
type Check struct {
	Name     string
	Kind     CheckKind
	Field    int // ordinal in the root node's Scalars; -1 of an expression
	Accepted []relation.Value
	Expr     *Expr // reads the root's fields (OpField)
	Severity string
}

// IdentifiedBy names what tells documents apart: columns of the root
// relation, dimensions, or fields.
func (v *View) IdentifiedBy() []string {
	var names []string
	for _, column := range v.Key {
		names = append(names, v.Occurrences[0].Schema.Columns[column].Name)
	}
	for _, ordinal := range v.KeyFields {
		names = append(names, v.Nodes[0].Scalars[ordinal].Name)
	}
	return names
}
