package enginetest

import (
	"fmt"

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
		n.fields = append(n.fields, viewField{name: field, line: field + ": " + text})
		n.computed = append(n.computed, name{field, kind})
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
		if len(next) == 0 || len(path) > 0 && path[len(path)-1].many && m.chance(2) {
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
	function := "count"
	kind = relation.Int8
	if !m.chance(4) {
		arguments := append(m.scope(last, false), last.computed...)
		if len(last.ones) > 0 && m.chance(3) {
			o := pick(m.generator, last.ones)
			arguments = append(o.columns()[:len(o.schema.Columns)], o.computedByAlias()...)
		}
		if exact := of(arguments, relation.Decimal); len(exact) > 0 && m.chance(3) {
			arguments = exact // which have most rules: scales, NaN, rounding
		}
		column := pick(m.generator, arguments)
		function, kind = m.function(column.kind)
		if function == "" {
			return "", 0, false
		}
		argument = lists + column.text
	}
	text = fmt.Sprintf("{%s: %s", function, argument)
	if m.chance(3) {
		text += ", where: " + m.quoted(m.pathCondition(path))
	}
	switch {
	case function == "avg":
		text += fmt.Sprintf(", round: %d", m.IntN(4))
	case function == "sum" && m.chance(3):
		text += `, default: "0"`
	}
	return text + "}", kind, true
}

// function picks an aggregate for an argument of a kind, and tells the kind of
// its result.
func (m *viewMaker) function(argument relation.Kind) (string, relation.Kind) {
	if m.chance(6) {
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
	case relation.TextFamily, relation.TimestampFamily, relation.DateFamily:
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
		var scope []name
		for _, c := range n.schema.Columns {
			scope = append(scope, name{n.name + "." + c.Name, c.Type.Kind})
		}
		if text != "" {
			text += " and "
		}
		text += m.condition(scope, 1)
	}
	return text
}
