package enginetest

import (
	"fmt"
	"slices"
	"strings"

	"odsd/storage/relation"
)

// viewNode is the root, a `many` or a `one` of a view that is being made.
type viewNode struct {
	schema  *relation.Schema
	name    string // of the field, and its alias; the table's name for the root
	many    bool
	parent  *viewNode // the node or `one` that it stands in; nil for the root
	options []string  // lines of YAML before `fields`
	fields  []viewField
	lists   []*viewNode // `many`s among the fields
	ones    []*viewNode
	// computed are the scalar fields that others may use, lengths what they read
	// of collected ones.
	computed, lengths []name
}

// viewField is a field: a line of YAML, or a node.
type viewField struct {
	name string
	line string
	node *viewNode
	list bool // its values are arrays or JSON, which no index takes
}

// name is something that an expression can read.
type name struct {
	text string
	kind relation.Kind
	elem relation.Kind // of arrays
}

// viewMaker makes one view.
type viewMaker struct {
	*generator
	schemas []*relation.Schema
	nodes   int // lists so far
	ones    int
}

// documents makes a view of documents.
func (g *generator) documents(viewName string, relations []*relation.Schema) string {
	m := &viewMaker{generator: g, schemas: relations}
	root := &viewNode{schema: g.input(relations), many: true}
	root.name = aliasOf(root.schema)
	head := fmt.Sprintf("version: 1\nview: %s\nfrom: %s\n", viewName, root.schema.Name)
	if len(root.schema.Unique) > 0 && g.chance(2) {
		head += "key: " + root.schema.Columns[root.schema.Unique[0][0]].Name + "\n"
	}
	m.fill(root, 0)
	shown := slices.Concat(root.computed, root.lengths)
	if len(root.lengths) > 0 && g.chance(2) {
		shown = root.lengths
	}
	if len(shown) > 0 && g.chance(3) {
		root.options = append(root.options, "having: "+m.quoted(m.condition(shown, 1)))
	}
	var fields []string
	for _, f := range root.fields {
		if f.node == nil && !f.list {
			fields = append(fields, f.name)
		}
	}
	root.options = append(root.options, g.indexes(fields)...)
	var b strings.Builder
	b.WriteString(head)
	root.write(&b, "")
	return b.String()
}

// aliasOf is the name that a relation has where no other is given.
func aliasOf(s *relation.Schema) string {
	return s.Name[strings.LastIndex(s.Name, ".")+1:]
}

// input picks a relation: of base relations and views, the latest views more often.
func (g *generator) input(relations []*relation.Schema) *relation.Schema {
	if g.chance(2) {
		return relations[len(relations)-1]
	}
	return pick(g, relations)
}

func (m *viewMaker) fresh(prefix string) string {
	m.names++
	return fmt.Sprintf("%s%d", prefix, m.names)
}

// fill gives a node its options and fields.
func (m *viewMaker) fill(n *viewNode, depth int) {
	m.nodes++
	m.bareFields(n)
	m.addOnes(n, 0)
	for n.joins() && depth < 3 && m.nodes < m.options.Nodes && len(n.lists) < 3 && !m.chance(3) {
		m.addMany(m.holder(n), depth)
	}
	m.restrict(n)
	m.scalars(n, n)
	m.aggregates(n)
	if m.chance(2) {
		m.scalars(n, n)
	}
}

// holder is mostly the node itself, at times one of its `one`s.
func (m *viewMaker) holder(n *viewNode) *viewNode {
	if len(n.ones) > 0 && m.chance(5) {
		return pick(m.generator, n.ones)
	}
	return n
}

func (m *viewMaker) bareFields(n *viewNode) {
	for i, c := range n.schema.Columns {
		inKey := n.parent == nil && slices.Contains(n.schema.Key, i) // so that views can stand on it
		if i == n.schema.Key[0] || inKey || c.Name == joinColumn && m.chance(2) || m.chance(3) {
			n.fields = append(n.fields, viewField{name: c.Name, line: c.Name + ":", list: !ordered(c.Type.Kind)})
		}
	}
}

func (m *viewMaker) addMany(holder *viewNode, depth int) {
	n := &viewNode{schema: m.joinable(), name: m.fresh("l"), many: true, parent: holder}
	join, _ := m.join(n, nil)
	n.options = append(n.options, "as: "+n.name, "join: "+join)
	m.fill(n, depth+1)
	if m.chance(4) {
		n.options = append(n.options, fmt.Sprintf("limit: %d", m.between(1, 3)))
	}
	if m.chance(6) {
		n.options = append(n.options, "hidden: true")
	}
	holder.lists = append(holder.lists, n)
	holder.fields = append(holder.fields, viewField{name: n.name, node: n})
}

// addOnes puts `one`s into a node or a `one`.
func (m *viewMaker) addOnes(n *viewNode, depth int) {
	for n.joins() && depth < 2 && m.ones < 4 && m.chance(2) {
		m.ones++
		o := &viewNode{schema: m.joinable(), name: m.fresh("o"), parent: n}
		o.options = append(o.options, "as: "+o.name)
		unique := m.chance(2)
		if unique {
			var join string
			join, unique = m.join(o, o.schema.Key)
			o.options = append(o.options, "join: "+join)
		} else {
			join, _ := m.join(o, nil)
			o.options = append(o.options, "join: "+join)
		}
		if !unique || m.chance(6) {
			o.options = append(o.options, "order_by: "+m.order(o, false))
		}
		m.bareFields(o)
		m.addOnes(o, depth+1)
		if m.chance(4) {
			o.options = append(o.options, "where: "+m.quoted(m.condition(m.scope(o, false), 2)))
		}
		if m.chance(4) {
			o.options = append(o.options, "required: true")
		}
		m.scalars(o, o)
		n.ones = append(n.ones, o)
		n.fields = append(n.fields, viewField{name: o.name, node: o})
	}
}

// joinColumn is an integer in every base relation and in most views.
const joinColumn = "i1"

// otherJoinColumn is another column of integers where there is one: lists in
// lists that all joined by one value would hold the same rows.
func (n *viewNode) otherJoinColumn() string {
	if i := n.schema.Column("i2"); i >= 0 && n.schema.Columns[i].Type.Kind.Family() == relation.IntegerFamily {
		return "i2"
	}
	return joinColumn
}

// joins says whether other relations can join to it.
func (n *viewNode) joins() bool { return n.schema.Column(joinColumn) >= 0 }

// joinable picks a relation that can join to others.
func (m *viewMaker) joinable() *relation.Schema {
	for {
		if s := m.input(m.schemas); s.Column(joinColumn) >= 0 {
			return s
		}
	}
}

// join matches the given columns, or one or two of any, to columns of
// enclosing nodes, mostly of the nearest. all is false where a column of those
// asked for has no match among them.
func (m *viewMaker) join(n *viewNode, columns []int) (join string, all bool) {
	outer := n.enclosing()
	if columns == nil && m.chance(2) {
		return m.quoted(n.name + "." + joinColumn + " == " + outer[0].name + "." + outer[0].otherJoinColumn()), false
	}
	if columns == nil {
		for range m.between(1, 5)/3 + 1 {
			columns = append(columns, m.IntN(len(n.schema.Columns)))
		}
		if len(columns) > 2 || !m.chance(4) {
			columns = columns[:1]
		}
	}
	var parts []string
	for i, c := range columns {
		with := outer[0]
		if i > 0 || m.chance(5) {
			with = pick(m.generator, outer)
		}
		if part, ok := m.equality(n, c, with); ok {
			parts = append(parts, part)
		} else if part, ok := m.equality(n, c, outer[0]); ok {
			parts = append(parts, part)
		}
	}
	if len(parts) < len(columns) {
		return m.quoted(n.name + "." + joinColumn + " == " + outer[0].name + "." + joinColumn), false
	}
	return m.quoted(strings.Join(parts, " and ")), true
}

func (m *viewMaker) equality(n *viewNode, column int, outer *viewNode) (string, bool) {
	c := n.schema.Columns[column]
	var with []string
	for _, o := range outer.schema.Columns {
		if relation.Comparable(c.Type, o.Type) && o.Type.Kind != relation.Float8 && ordered(o.Type.Kind) {
			with = append(with, o.Name)
		}
	}
	if len(with) == 0 {
		return "", false
	}
	left, right := n.name+"."+c.Name, outer.name+"."+pick(m.generator, with)
	if m.chance(2) {
		left, right = right, left
	}
	return left + " == " + right, true
}

// enclosing lists the nodes and `one`s that it is nested in, the nearest first.
func (n *viewNode) enclosing() []*viewNode {
	var list []*viewNode
	for p := n.parent; p != nil; p = p.parent {
		list = append(list, p)
	}
	return list
}

func (m *viewMaker) restrict(n *viewNode) {
	if m.chance(4) {
		n.options = append(n.options, "where: "+m.quoted(m.condition(m.scope(n, true), 2)))
	}
	if n.parent != nil && m.chance(2) {
		n.options = append(n.options, "order_by: "+m.order(n, true))
	}
}

func (m *viewMaker) order(n *viewNode, ones bool) string {
	var terms []string
	seen := map[string]bool{}
	for range m.between(1, 2) {
		scope := orderedOf(m.scope(n, ones))
		term := pick(m.generator, scope).text
		if seen[term] {
			continue
		}
		seen[term] = true
		if m.chance(6) {
			term, _ = m.expression(scope, relation.Int4, 2)
		}
		terms = append(terms, m.directed(term))
	}
	return "[" + strings.Join(terms, ", ") + "]"
}

// named lists the columns of a node's own row that expressions are made of,
// with a prefix.
func (n *viewNode) named(prefix string) []name {
	var list []name
	for _, c := range n.schema.Columns {
		list = append(list, nameOf(prefix+c.Name, c.Type))
	}
	return list
}

// scope lists the columns of a node's own row and, if asked for, of its `one`s.
func (m *viewMaker) scope(n *viewNode, ones bool) []name {
	list := n.named("")
	if ones {
		for _, o := range n.ones {
			list = append(list, o.columns()...)
		}
	}
	return list
}

// columns of a `one` and those inside it, by alias.
func (n *viewNode) columns() []name {
	list := n.named(n.name + ".")
	for _, o := range n.ones {
		list = append(list, o.columns()...)
	}
	return list
}

// scalars adds computed fields to a node or `one`, which may use those before
// them. At times one takes the name of a column that it then hides.
func (m *viewMaker) scalars(n, node *viewNode) {
	for range m.IntN(3) {
		scope := slices.Concat(m.scope(node, true), n.computed, n.lengths)
		for _, o := range n.ones {
			scope = append(scope, o.computedByAlias()...)
		}
		kind := pick(m.generator, []relation.Kind{relation.Int4, relation.Decimal, relation.Text, relation.Bool, relation.Float8,
			relation.Timestamp, relation.Interval, relation.JSON})
		field := m.fresh("x")
		if hidden := of(m.scope(n, false), kind); len(hidden) > 0 && m.chance(6) {
			field = pick(m.generator, hidden).text
			scope = []name{{text: field, kind: kind}} // its own column: anything more could be a cycle
		}
		text, ok := m.expression(scope, kind, 3)
		if !ok || n.has(field) {
			continue
		}
		n.fields = append(n.fields, viewField{name: field, line: field + ": " + m.quoted(text), list: !ordered(kind)})
		n.computed = append(n.computed, name{text: field, kind: kind})
	}
	m.list(n, node)
}

// computedByAlias lists a `one`'s computed fields as its node reads them.
func (n *viewNode) computedByAlias() []name {
	var list []name
	for _, c := range n.computed {
		if n.schema.Column(c.text) < 0 { // by alias, a column comes first
			list = append(list, name{n.name + "." + c.text, c.kind, c.elem})
		}
	}
	return list
}

func (n *viewNode) has(field string) bool {
	return slices.ContainsFunc(n.fields, func(f viewField) bool { return f.name == field })
}

// quoted is a YAML string.
func (m *viewMaker) quoted(text string) string {
	return "'" + strings.ReplaceAll(text, "'", "''") + "'"
}

func (n *viewNode) write(b *strings.Builder, indent string) {
	for _, line := range n.options {
		b.WriteString(indent + line + "\n")
	}
	b.WriteString(indent + "fields:\n")
	for _, f := range n.fields {
		if f.node == nil {
			b.WriteString(indent + "  " + f.line + "\n")
			continue
		}
		kind := "one"
		if f.node.many {
			kind = "many"
		}
		fmt.Fprintf(b, "%s  %s:\n%s    %s: %s\n", indent, f.node.name, indent, kind, f.node.schema.Name)
		f.node.write(b, indent+"    ")
	}
}
