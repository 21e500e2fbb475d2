package query

import (
	"strings"

	"odsd/storage/relation"
	"odsd/views"
)

// operator is what a condition does.
type operator uint8

const (
	allOf  operator = iota // of below; true of none
	anyOf                  // of below; false of none
	notOf                  // the one below
	someOf                 // whether a row of the list meets the one below
	noneOf                 // the opposite
	isNull                 // a field, against flag
	equal                  // a field, against the one value; so down to startsWith
	notEqual
	greater
	greaterEqual
	less
	lessEqual
	startsWith
	like // against pattern
	ilike
	isIn        // any of the values
	notIn       // none of them
	contains    // an array: all of them are among its elements
	containedIn // an array: its elements are all among them
	hasAny      // an array: one of them is among its elements
	openEnd     // unknown until the variable of that name is; in explanations alone
)

// condition is a filter as data: what `where` said, its fields found, its
// values those of the request. What it is for a row is one of three truths.
type condition struct {
	op      operator
	below   []*condition
	field   *fieldRef
	list    *nodeLayout // of someOf and noneOf
	present []int       // of someOf and noneOf, as in fieldRef
	name    string      // of the list, or of the variable
	values  []operand
	pattern *views.Like
	flag    bool
}

// fieldRef is a field of a row: a stored column that is null wherever one of the
// `one`s around the field has no match.
type fieldRef struct {
	path     string // as a definition writes it: "account.balance"
	column   int
	present  []int // columns that tell whether there is each `one` around it
	kind     relation.Type
	nullable bool
}

// operand is a value that a field is held against.
type operand struct {
	value relation.Value
	name  string // of a variable without a value, in explanations
}

// is says whether the field shows a stored column and nothing else.
func (f *fieldRef) is(column int) bool { return f.column == column && len(f.present) == 0 }

// indexable says whether a view's index may have the field.
func (f *fieldRef) indexable() bool {
	return !strings.Contains(f.path, ".") && hasOrder(f.kind) && f.kind.Kind != relation.Array
}

// conjuncts are the conditions that must all hold.
func (c *condition) conjuncts() []*condition {
	if c == nil {
		return nil
	}
	if c.op != allOf {
		return []*condition{c}
	}
	var list []*condition
	for _, below := range c.below {
		list = append(list, below.conjuncts()...)
	}
	return list
}

// conjunction is the condition that all hold, nil where there are none.
func conjunction(list []*condition) *condition {
	switch len(list) {
	case 0:
		return nil
	case 1:
		return list[0]
	}
	return &condition{op: allOf, below: list}
}

// fixes says whether a row can meet the condition with one value of the field
// only, null included.
func (c *condition) fixes() bool { return c.op == equal || c.op == isNull && c.flag }

// beginsWild says whether the condition is a pattern whose first character may be any: equal
// beginnings are all that an index keeps together.
func (c *condition) beginsWild() bool {
	if c.op != like && c.op != ilike || c.values[0].name != "" {
		return false
	}
	pattern := c.values[0].value.Str()
	return strings.HasPrefix(pattern, "%") || strings.HasPrefix(pattern, "_")
}

// takesList says whether the operator has several values.
func (o operator) takesList() bool { return o >= isIn && o <= hasAny }

// bounds says whether the condition is a range of the field's values.
func (c *condition) bounds() bool { return c.op >= greater && c.op <= startsWith }
