package enginetest

import (
	"fmt"
	"slices"
	"strings"

	"odsd/storage/relation"
)

// aggregates adds aggregate fields over the lists of a node, at any depth.
func (m *viewMaker) aggregates(n *viewNode) {
	for range m.IntN(4) {
		path := m.path(n)
		if len(path) == 0 {
			return
		}
		text, kind, ok := m.aggregate(path)
		if !ok {
			continue
		}
		field := m.fresh("g")
		n.fields = append(n.fields, viewField{name: field, line: field + ": " + text, list: !ordered(kind)})
		if kind == relation.Array {
			n.lengths = append(n.lengths, lengthOf(field))
		} else {
			n.computed = append(n.computed, name{text: field, kind: kind})
		}
	}
}

// path goes down from a node by field names to one of the lists below it.
func (m *viewMaker) path(n *viewNode) []*viewNode {
	var path []*viewNode
	for at := n; ; {
		next := at.lists
		if len(path) == 0 || m.chance(2) {
			for _, o := range at.ones {
				if len(o.lists) > 0 {
					next = append(next[:len(next):len(next)], o)
				}
			}
		}
		if len(next) == 0 || len(path) > 0 && path[len(path)-1].many && m.chance(3) {
			break
		}
		at = pick(m.generator, next)
		path = append(path, at)
	}
	if len(path) > 0 && !path[len(path)-1].many {
		return nil
	}
	return path
}

func dotted(path []*viewNode) string {
	text := ""
	for _, n := range path {
		text += n.name + "."
	}
	return text
}

func (m *viewMaker) aggregate(path []*viewNode) (text string, kind relation.Kind, ok bool) {
	last := path[len(path)-1]
	lists := dotted(path)
	argument := lists[:len(lists)-1]
	function, options := "count", ""
	kind = relation.Int8
	if !m.chance(4) {
		arguments := append(m.scope(last, false), last.computed...)
		if len(last.ones) > 0 && m.chance(3) {
			o := pick(m.generator, last.ones)
			arguments = append(o.named(o.name+"."), o.computedByAlias()...)
		}
		if exact := of(arguments, relation.Decimal); len(exact) > 0 && m.chance(3) {
			arguments = exact // which have most rules: scales, NaN, rounding
		}
		column := pick(m.generator, arguments)
		if m.chance(2) {
			function, kind, options = m.ofRows(column.kind, func() string { return m.pathOrder(path) })
		} else {
			function, kind, options = m.function(column.kind)
		}
		if function == "" {
			return "", 0, false
		}
		argument = lists + column.text
	}
	text = fmt.Sprintf("{%s: %s", function, argument)
	if m.chance(3) {
		text += ", where: " + m.quoted(m.pathCondition(path))
	}
	return text + options + "}", kind, true
}

// ofRows picks an aggregate that takes values as they are: of a row by its
// place in an order, or all of them.
func (m *viewMaker) ofRows(argument relation.Kind, order func() string) (function string, kind relation.Kind, options string) {
	if ordered(argument) && m.chance(3) {
		if m.chance(2) {
			options = fmt.Sprintf(", limit: %d", m.between(1, 4))
		}
		if m.chance(3) {
			options += ", distinct: true"
		}
		return "collect", relation.Array, options
	}
	options = ", order_by: " + order()
	switch argument.Family() {
	case relation.IntegerFamily, relation.DecimalFamily, relation.TextFamily:
		if m.chance(4) {
			options += `, default: "3"`
		}
	}
	return pick(m.generator, []string{"first", "last"}), argument, options
}

// lengthOf is what conditions read of a collected field.
func lengthOf(field string) name { return name{text: "len(" + field + ")", kind: relation.Int4} }

// pathOrder orders the rows at the end of a path, by columns of any of the rows on it.
func (m *viewMaker) pathOrder(path []*viewNode) string {
	lists := slices.DeleteFunc(slices.Clone(path), func(n *viewNode) bool { return !n.many })
	var terms []string
	count := m.between(1, 3)
	across := len(lists) > 1 && !m.chance(3) // first by rows further up, then by others
	if across {
		count = 2
	}
	for i := range count {
		n := pick(m.generator, lists)
		if across && i == 0 {
			n = lists[0]
		}
		scope := n.named(n.name + ".")
		if n == path[len(path)-1] {
			scope = append(scope, n.computedByAlias()...)
			for _, o := range n.ones {
				scope = append(scope, o.columns()...)
			}
		}
		terms = append(terms, m.term(orderedOf(scope)))
	}
	return "[" + strings.Join(terms, ", ") + "]"
}

// function picks an aggregate for an argument of a kind, and tells the kind of
// its result and its options.
func (m *viewMaker) function(argument relation.Kind) (function string, kind relation.Kind, options string) {
	function, kind = m.numeric(argument)
	switch {
	case function == "avg":
		options = fmt.Sprintf(", round: %d", m.IntN(4))
	case function == "sum" && m.chance(3):
		options = `, default: "0"`
	}
	return function, kind, options
}

func (m *viewMaker) numeric(argument relation.Kind) (string, relation.Kind) {
	if ordered(argument) && m.chance(6) {
		return "count_distinct", relation.Int8
	}
	switch argument.Family() {
	case relation.IntegerFamily:
		f := pick(m.generator, []string{"sum", "min", "max", "avg"})
		switch {
		case f == "avg", f == "sum" && argument == relation.Int8:
			return f, relation.Decimal
		case f == "sum":
			return f, relation.Int8
		}
		return f, argument
	case relation.DecimalFamily:
		f := pick(m.generator, []string{"sum", "min", "max", "avg"})
		return f, relation.Decimal
	case relation.FloatFamily:
		return pick(m.generator, []string{"sum", "min", "max"}), relation.Float8
	case relation.TextFamily, relation.TimestampFamily, relation.DateFamily, relation.TimeFamily, relation.UUIDFamily, relation.IntervalFamily:
		return pick(m.generator, []string{"min", "max"}), argument
	}
	return "", 0
}

// pathCondition restricts rows on the path of an aggregate.
func (m *viewMaker) pathCondition(path []*viewNode) string {
	text := ""
	for _, n := range path {
		if !n.many || text != "" && m.chance(2) {
			continue
		}
		scope := n.named(n.name + ".")
		if len(n.ones) > 0 && m.chance(2) {
			one := pick(m.generator, n.ones)
			scope = one.named(one.name + ".")
		}
		if text != "" {
			text += " and "
		}
		text += m.condition(scope, 1)
	}
	return text
}

// term is one of an order.
func (m *viewMaker) term(scope []name) string {
	if m.chance(6) {
		if text, ok := m.expression(scope, relation.Int4, 1); ok {
			return m.directed(text)
		}
	}
	return m.directed(pick(m.generator, scope).text)
}

// directed gives a term of an order its direction.
func (m *viewMaker) directed(term string) string {
	if m.chance(2) {
		term += " desc"
	}
	if m.chance(4) {
		term += pick(m.generator, []string{" nulls first", " nulls last"})
	}
	return m.quoted(term)
}
