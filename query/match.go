package query

import (
	"slices"
	"strings"

	"odsd/storage/relation"
)

// truth is SQL's: what is compared with null is unknown, and a row is kept only
// where its filter is true. So `and` is the least of its parts, `or` the greatest.
type truth int8

const (
	no truth = iota
	maybe
	yes
)

func truthOf(b bool) truth {
	if b {
		return yes
	}
	return no
}

// test says what a condition is for a row, read where it lies; key is the row's
// own, below which its lists are found. A fault of the store is left in the reader.
type test func(row, key []byte) truth

// compileTest makes the closures of a condition over rows of a node.
func (r *reader) compileTest(node *nodeLayout, c *condition) test {
	switch c.op {
	case allOf:
		return all(r.compileTests(node, c.below))
	case anyOf:
		return anyTrue(r.compileTests(node, c.below))
	case notOf:
		below := r.compileTest(node, c.below[0])
		return func(row, key []byte) truth { return yes - below(row, key) }
	case someOf, noneOf:
		return r.compileListTest(node, c)
	}
	read := node.reader(c.field)
	if c.op == isNull {
		flag := c.flag
		return func(row, _ []byte) truth { return truthOf(read(row).Missing() == flag) }
	}
	if len(c.values) == 0 && (c.op == isIn || c.op == notIn) {
		fixed := truthOf(c.op == notIn)
		return func([]byte, []byte) truth { return fixed }
	}
	holds := c.compare()
	return func(row, _ []byte) truth {
		v := read(row)
		if v.Missing() {
			return maybe
		}
		return truthOf(holds(v))
	}
}

func (r *reader) compileTests(node *nodeLayout, list []*condition) []test {
	tests := make([]test, len(list))
	for i, c := range list {
		tests[i] = r.compileTest(node, c)
	}
	return tests
}

func all(tests []test) test {
	return func(row, key []byte) truth {
		out := yes
		for _, t := range tests {
			if out = min(out, t(row, key)); out == no {
				return no
			}
		}
		return out
	}
}

func anyTrue(tests []test) test {
	return func(row, key []byte) truth {
		out := no
		for _, t := range tests {
			if out = max(out, t(row, key)); out == yes {
				return yes
			}
		}
		return out
	}
}

// reader gives what a field's value is in a row.
func (n *nodeLayout) reader(f *fieldRef) func(row []byte) relation.Value {
	layout, column, present := n.row, f.column, f.present
	if len(present) == 0 {
		return func(row []byte) relation.Value { return layout.Value(row, column) }
	}
	return func(row []byte) relation.Value {
		if !n.holds(row, present) {
			return relation.OfNull()
		}
		return layout.Value(row, column)
	}
}

// holds says whether all the `one`s of a row are there.
func (n *nodeLayout) holds(row []byte, present []int) bool {
	for _, column := range present {
		if !n.row.Value(row, column).True() {
			return false
		}
	}
	return true
}

// compare gives what a value that is not null must fulfil.
func (c *condition) compare() func(relation.Value) bool {
	values := make([]relation.Value, len(c.values))
	for i, o := range c.values {
		values[i] = o.value
	}
	within := func(v relation.Value) bool {
		_, found := slices.BinarySearchFunc(values, v, relation.Compare)
		return found
	}
	switch c.op {
	case isIn:
		return within
	case notIn:
		return func(v relation.Value) bool { return !within(v) }
	case contains:
		return func(v relation.Value) bool { return containsAll(v.List(), values) }
	case containedIn:
		return func(v relation.Value) bool { return containsAll(values, v.List()) }
	case hasAny:
		return func(v relation.Value) bool {
			return slices.ContainsFunc(values, func(w relation.Value) bool { return containsAll(v.List(), []relation.Value{w}) })
		}
	case like, ilike:
		return func(v relation.Value) bool { return c.pattern.Matches(v.Str()) }
	}
	w := values[0]
	switch c.op {
	case equal:
		return func(v relation.Value) bool { return relation.Compare(v, w) == 0 }
	case notEqual:
		return func(v relation.Value) bool { return relation.Compare(v, w) != 0 }
	case greater:
		return func(v relation.Value) bool { return relation.Compare(v, w) > 0 }
	case greaterEqual:
		return func(v relation.Value) bool { return relation.Compare(v, w) >= 0 }
	case less:
		return func(v relation.Value) bool { return relation.Compare(v, w) < 0 }
	case lessEqual:
		return func(v relation.Value) bool { return relation.Compare(v, w) <= 0 }
	default:
		return func(v relation.Value) bool { return strings.HasPrefix(v.Str(), w.Str()) }
	}
}

func containsAll(elements, wanted []relation.Value) bool {
	for _, w := range wanted {
		if w.Missing() || !slices.ContainsFunc(elements, func(e relation.Value) bool { return !e.Missing() && relation.Compare(e, w) == 0 }) {
			return false
		}
	}
	return true
}

// compileListTest looks for a row of a list that meets a condition, among those
// that the list shows.
func (r *reader) compileListTest(node *nodeLayout, c *condition) test {
	below := r.compileTest(c.list, c.below[0])
	found, missed := yes, no
	if c.op == noneOf {
		found, missed = no, yes
	}
	return func(row, key []byte) truth {
		if !node.holds(row, c.present) {
			return missed
		}
		out := missed
		r.fail(r.children(c.list, key, c.list.limit == 0, func(row, key []byte) (bool, *Error) {
			if below(row, key) == yes {
				out = found
			}
			return out == missed, r.failed
		}))
		return out
	}
}

// fail keeps the first fault that a test met.
func (r *reader) fail(err *Error) {
	if r.failed == nil {
		r.failed = err
	}
}
