package views

import "odsd/storage/relation"

// Op names what an expression node does. Ops are plain data: explain prints
// them, plans store them, Compile turns them into closures.
type Op string

// The operations. A call of a function is OpCall with the function's name.
const (
	OpConst  Op = "const"
	OpColumn Op = "column" // a column of an occurrence's row
	OpField  Op = "field"  // a computed field of the same node
	OpCall   Op = "call"   // a function of the language, by name
	OpAdd    Op = "+"
	OpSub    Op = "-"
	OpMul    Op = "*"
	OpDiv    Op = "/"
	OpMod    Op = "%"
	OpPow    Op = "**"
	OpNeg    Op = "neg"
	OpEq     Op = "==" // null-safe
	OpNeq    Op = "!="
	OpLt     Op = "<"
	OpLte    Op = "<="
	OpGt     Op = ">"
	OpGte    Op = ">="
	OpAnd    Op = "and"
	OpOr     Op = "or"
	OpNot    Op = "not"
	OpIn     Op = "in"   // first argument among the others, or in the array that is the only other
	OpIf     Op = "?:"   // condition, then, else
	OpElse   Op = "??"   // first that is not null
	OpCast   Op = "cast" // implicit widening to Type: int2 → int4 → int8 → numeric
	// OpClaim is a claim of who asks, by Name: a text, or a list of texts. It stands
	// in rules of access only; a missing one is an error, so that no rule holds by it.
	OpClaim Op = "claim"
	OpItem  Op = "#" // the element at hand, in the second argument of any, all, filter, map
)

// Expr is a checked expression as data: every node has its type, every name is
// resolved. Two expressions that mean the same have the same String.
type Expr struct {
	Op    Op             `json:"op"`
	Type  relation.Type  `json:"type"`
	Name  string         `json:"name,omitempty"` // OpCall: the function
	Const relation.Value `json:"-"`              // OpConst
	// Occurrence and Column of OpColumn: the row and the ordinal within its
	// relation's schema.
	Occurrence int `json:"occurrence,omitempty"`
	Column     int `json:"column,omitempty"`
	// Field of OpField: the ordinal in Node.Scalars of the expression's node.
	Field int     `json:"field,omitempty"`
	Args  []*Expr `json:"args,omitempty"`
	// Source is the text as written, on the outermost node only.
	Source string `json:"source,omitempty"`
}

// Env is what a compiled expression reads. One Env serves one goroutine and is
// reused from row to row.
type Env struct {
	// Rows holds, by occurrence id, the row bound to each occurrence, decoded
	// by column ordinal; nil where there is none (a to-one without a match), of
	// which every column is null. Columns that no expression uses need not be set.
	Rows [][]relation.Value
	// Fields holds, by ordinal in Node.Scalars, the computed fields of the
	// current node so far.
	Fields []relation.Value
	// Claim gives a claim of who asks; an error where there is none. Nil: there are none.
	Claim func(name string, t relation.Type) relation.Value
	// item is the element at hand of any, all, filter and map, closures how many of
	// them are within one another there, elements what these have gone through.
	item               relation.Value
	closures, elements int
}

// Eval computes a compiled expression. It never panics on values of the
// checked types and returns an Error value where there is no result.
type Eval func(*Env) relation.Value
