package enginetest

import (
	"fmt"
	"slices"

	"odsd/storage/relation"
)

// nameOf is a column or field of a type, as it is written.
func nameOf(text string, t relation.Type) name { return name{text, t.Kind, t.Elem} }

// ordered says whether values of a kind can stand in orders, keys and indexes.
func ordered(k relation.Kind) bool { return k != relation.Array && k != relation.JSON }

// orderedOf are the names that can stand in orders.
func orderedOf(scope []name) []name {
	return slices.DeleteFunc(slices.Clone(scope), func(n name) bool { return !ordered(n.kind) })
}

// fromJSON takes a part of a JSON value, as a value of the kind.
func (g *generator) fromJSON(scope []name, kind relation.Kind) (string, bool) {
	values := of(scope, relation.JSON)
	if len(values) == 0 {
		return "", false
	}
	from := pick(g, values).text
	part := func(ends ...string) string {
		path := pick(g, []string{"$", "$", "$.o", "$.o.o", "$[0]", "$.l[1]", "$.none"}) + pick(g, ends)
		return fmt.Sprintf("json(%s, \"%s\")", from, path)
	}
	switch kind {
	case relation.JSON:
		return part("", ".n", ".s", ".l", "[1]"), true
	case relation.Text:
		if g.chance(2) {
			return fmt.Sprintf("(%s ?? \"none\")", part("", ".s", ".n")), true
		}
		return fmt.Sprintf("text(%s)", part("", ".s", ".o")), true
	case relation.Int4:
		return fmt.Sprintf("len(text(%s))", part("", ".n")), true
	case relation.Decimal:
		return fmt.Sprintf("decimal(%s)", part(".n")), true
	}
	return "", false
}

// interval adds, takes away, and measures the time between two instants.
func (g *generator) interval(scope []name, a, b string) string {
	times := of(scope, relation.Timestamp)
	switch {
	case len(times) > 0 && g.chance(3):
		return fmt.Sprintf("(%s - %s)", pick(g, times).text, pick(g, times).text)
	case g.chance(4):
		return fmt.Sprintf("(-%s)", a)
	}
	return fmt.Sprintf("(%s %s %s)", a, pick(g, []string{"+", "-"}), b)
}

// array makes an array of one, or of two with elements of one kind.
func (g *generator) array(arrays []name, from name) string {
	switch g.IntN(4) {
	case 0:
		return fmt.Sprintf("filter(%s, %s)", from.text, g.ofElement(from))
	case 1:
		return fmt.Sprintf("map(%s, %s)", from.text, madeOfElement(from.elem))
	case 2:
		return fmt.Sprintf("(%s ? %s : %s)", g.arrayCondition(arrays, from), from.text, pick(g, alike(arrays, from)).text)
	}
	return fmt.Sprintf("(%s ?? %s)", from.text, pick(g, alike(arrays, from)).text)
}

// alike are the arrays with elements of the same kind.
func alike(scope []name, a name) []name {
	var list []name
	for _, n := range of(scope, relation.Array) {
		if n.elem == a.elem {
			list = append(list, n)
		}
	}
	return list
}

// ofElement is a condition on the element of an array.
func (g *generator) ofElement(a name) string {
	switch a.elem.Family() {
	case relation.IntegerFamily:
		return pick(g, []string{"# > 1", "# != nil", "# in [1, 3]"})
	case relation.TextFamily:
		return pick(g, []string{`# < "a"`, "# == nil", `starts_with(#, "a")`})
	}
	return pick(g, []string{"# == nil", "# != nil"})
}

// madeOfElement is an expression over the element, of its kind.
func madeOfElement(elem relation.Kind) string {
	switch elem {
	case relation.Int4:
		return "# * 2"
	case relation.Text:
		return `# + "x"`
	}
	return "nullif(#, nil)"
}

// arrayCondition looks for elements, or compares whole arrays.
func (g *generator) arrayCondition(scope []name, a name) string {
	switch g.IntN(4) {
	case 0:
		return fmt.Sprintf("%s(%s, %s)", pick(g, []string{"any", "all"}), a.text, g.ofElement(a))
	case 1:
		return fmt.Sprintf("(%s %s %s)", a.text, pick(g, []string{"==", "!=", "<", "<=", ">", ">="}), pick(g, alike(scope, a)).text)
	case 2:
		return fmt.Sprintf("(len(%s) > %d)", a.text, g.IntN(3))
	}
	element, ok := g.leaf(scope, a.elem)
	if !ok || g.chance(4) {
		element = "nil"
	}
	return fmt.Sprintf("(%s %s %s)", element, pick(g, []string{"in", "not in"}), a.text)
}

// list adds, at times, a computed field whose values are arrays.
func (m *viewMaker) list(n, node *viewNode) {
	arrays := of(slices.Concat(m.scope(node, true), n.computed), relation.Array)
	if len(arrays) == 0 || !m.chance(3) {
		return
	}
	field, from := m.fresh("y"), pick(m.generator, arrays)
	n.fields = append(n.fields, viewField{name: field, line: field + ": " + m.quoted(m.array(arrays, from)), list: true})
	n.computed = append(n.computed, name{field, relation.Array, from.elem})
}
