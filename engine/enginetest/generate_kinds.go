package enginetest

import (
	"fmt"
	"slices"
	"strings"

	"odsd/storage/relation"
	"odsd/views"
)

// soundView makes a view of any kind that the checker has nothing against, if
// it can, and gives it as a relation for views above; nil where it is none.
func (g *generator) soundView(c *Case, viewName string, relations []*relation.Schema) (text string, below *relation.Schema) {
	for range 4 {
		text = g.view(viewName, relations)
		checked, err := CheckViews(c.Schemas, append(slices.Clone(c.Views), text))
		if err != nil {
			continue
		}
		for _, v := range checked {
			if v.Name == viewName {
				checks := g.checks(v)
				below = asRelation(v)
				if _, err := CheckViews(c.Schemas, append(slices.Clone(c.Views), text+checks)); err == nil {
					text += checks
				}
			}
		}
		break
	}
	return text, below
}

func (g *generator) view(viewName string, relations []*relation.Schema) string {
	switch g.IntN(5) {
	case 0:
		return g.groups(viewName, relations)
	case 1:
		return g.union(viewName, relations)
	}
	return g.documents(viewName, relations)
}

// asRelation is what views above see of a view: its scalar fields, those inside
// a `one` left out. Nil where the key is not among them.
func asRelation(v *views.View) *relation.Schema {
	s := &relation.Schema{Name: v.Name}
	root := v.Nodes[0]
	for _, f := range root.Fields {
		if f.Kind != views.ScalarField && f.Kind != views.AggregateField {
			continue
		}
		if slices.Contains(v.KeyFields, f.Ordinal) {
			s.Key = append(s.Key, len(s.Columns))
		}
		s.Columns = append(s.Columns, relation.Column{Name: f.Name, Type: f.Type, NotNull: !f.Nullable})
	}
	for _, column := range v.Key {
		from := v.Occurrences[0].Schema.Columns[column].Name
		at := slices.IndexFunc(root.Fields, func(f *views.Field) bool {
			return f.Name == from && f.Expr != nil && f.Expr.Op == views.OpColumn
		})
		if at < 0 {
			return nil
		}
		s.Key = append(s.Key, s.Column(from))
	}
	return s
}

// groups makes a group-by view.
func (g *generator) groups(viewName string, relations []*relation.Schema) string {
	m := &viewMaker{generator: g, schemas: relations}
	root := &viewNode{schema: g.input(relations), many: true}
	scope := m.scope(root, false)
	lines := []string{"version: 1", "view: " + viewName, "from: " + root.schema.Name}
	if g.chance(3) {
		lines = append(lines, "where: "+m.quoted(m.condition(scope, 1)))
	}
	lines = append(lines, "group_by:")
	var fields []name // of the group
	for range pick(g, []int{1, 1, 2, 3}) {
		if d, line := m.dimension(root, scope); line != "" && !slices.Contains(fields, d) {
			fields = append(fields, d)
			lines = append(lines, "  "+line)
		}
	}
	if len(fields) == 0 {
		fields = append(fields, orderedOf(scope)[0])
		lines = append(lines, "  "+fields[0].text+":")
	}
	dimensions := len(fields)
	lines = append(lines, "measures:")
	var lengths []name // of measures that are lists
	for range g.between(1, 4) {
		f, line := m.measure(root, fields[:dimensions], slices.Concat(fields, lengths))
		switch {
		case line == "" || slices.ContainsFunc(fields, f.named):
			continue
		case f.kind == relation.Array:
			lengths = append(lengths, lengthOf(f.text))
		default:
			fields = append(fields, f)
		}
		lines = append(lines, "  "+line)
	}
	if len(fields)+len(lengths) == dimensions {
		fields = append(fields, name{text: m.fresh("m"), kind: relation.Int8})
		lines = append(lines, "  "+fields[dimensions].text+`: {count: "*"}`)
	}
	if g.chance(2) {
		lines = append(lines, "having: "+m.quoted(m.condition(slices.Concat(fields, lengths), 1)))
	}
	var names []string
	for _, f := range orderedOf(fields) {
		names = append(names, f.text)
	}
	lines = append(lines, g.indexes(names)...)
	return strings.Join(lines, "\n") + "\n"
}

func (n name) named(other name) bool { return n.text == other.text }

// dimension is a column, an expression, or a bucket of a time. Its line is
// empty where nothing came of it.
func (m *viewMaker) dimension(root *viewNode, scope []name) (name, string) {
	times := append(of(scope, relation.Timestamp), of(scope, relation.Date)...)
	switch {
	case root.joins() && m.chance(2):
		return nameOf(joinColumn, root.schema.Columns[root.schema.Column(joinColumn)].Type), joinColumn + ":"
	case len(times) > 0 && m.chance(3):
		d := name{text: m.fresh("d"), kind: relation.Timestamp}
		return d, fmt.Sprintf("%s: {bucket: %s, every: %s, timezone: %s}", d.text, pick(m.generator, times).text,
			pick(m.generator, []string{"15m", "1h", "6h", "1d", "3d", "1w", "1mo", "1q", "1y"}),
			pick(m.generator, []string{"UTC", "Europe/Berlin", "Europe/Berlin", "America/New_York"}))
	case m.chance(3):
		kind := pick(m.generator, []relation.Kind{relation.Int4, relation.Decimal, relation.Text, relation.Bool, relation.Interval})
		d := name{text: m.fresh("d"), kind: kind}
		text, ok := m.expression(scope, kind, 2)
		if !ok {
			return d, ""
		}
		return d, d.text + ": " + m.quoted(text)
	}
	d := pick(m.generator, orderedOf(scope))
	return d, d.text + ":"
}

// measure is an aggregate over the columns of the rows and what the dimensions
// are made of, or an expression over fields of the group.
func (m *viewMaker) measure(root *viewNode, dimensions, fields []name) (name, string) {
	scope := m.scope(root, false)
	f := name{text: m.fresh("m"), kind: relation.Int8}
	if m.chance(4) {
		f.kind = pick(m.generator, []relation.Kind{relation.Int4, relation.Decimal, relation.Text, relation.Bool})
		text, ok := m.expression(fields, f.kind, 2)
		if !ok {
			return f, ""
		}
		return f, fmt.Sprintf("%s: {expr: %s}", f.text, m.quoted(text))
	}
	text, options := `count: "*"`, ""
	function := ""
	if !m.chance(4) {
		argument := pick(m.generator, append(slices.Clone(scope), dimensions...))
		if m.chance(2) {
			function, f.kind, options = m.ofRows(argument.kind, func() string { return m.order(root, false) })
		} else {
			function, f.kind, options = m.function(argument.kind)
		}
		if function == "" {
			return f, ""
		}
		text = function + ": " + argument.text
		if m.chance(5) {
			computed, ok := m.expression(scope, argument.kind, 1)
			if !ok {
				return f, ""
			}
			text = function + ": " + m.quoted(computed)
		}
	}
	if m.chance(3) {
		text += ", where: " + m.quoted(m.condition(scope, 1))
	}
	return f, fmt.Sprintf("%s: {%s%s}", f.text, text, options)
}

// union makes a view of the rows of two or three relations whose keys have
// columns of the same types.
func (g *generator) union(viewName string, relations []*relation.Schema) string {
	m := &viewMaker{generator: g, schemas: relations}
	first := g.keyed(g.input(relations))
	branches := []keyed{first}
	for range g.between(1, 2) {
		branches = append(branches, g.likeKeyed(first, relations))
	}
	var key []string
	for range first.key {
		key = append(key, m.fresh("k"))
	}
	apart := g.chance(2)
	lines := []string{"version: 1", "view: " + viewName, ""}
	if !apart || g.chance(4) {
		lines = append(lines, "conflict: first")
	}
	lines = append(lines, "union:")
	constant := m.fresh("s")
	for i, branch := range branches {
		s := branch.Schema
		lines = append(lines, "  - from: "+s.Name)
		if apart || g.chance(3) {
			lines = append(lines, fmt.Sprintf("    const: {%s: %s}", constant, string(rune('a'+i))))
		}
		var renamed []string
		for k, column := range branch.key {
			renamed = append(renamed, key[k]+": "+s.Columns[column].Name)
		}
		lines = append(lines, "    rename: {"+strings.Join(renamed, ", ")+"}")
		if g.chance(2) {
			lines = append(lines, "    where: "+m.quoted(m.condition(m.scope(&viewNode{schema: s}, false), 1)))
		}
	}
	fields := slices.Clone(key)
	if apart {
		key = append([]string{constant}, key...)
	}
	lines[2] = "key: [" + strings.Join(key, ", ") + "]"
	return strings.Join(append(lines, g.indexes(fields)...), "\n") + "\n"
}

// keyed is a relation with the key that a union gives it: its primary key or
// another unique one.
type keyed struct {
	*relation.Schema
	key []int
}

func (g *generator) keyed(s *relation.Schema) keyed {
	if len(s.Unique) > 0 && g.chance(2) {
		return keyed{s, s.Unique[0]}
	}
	return keyed{s, s.Key}
}

// likeKeyed picks a relation with a key that unifies with that of another, which may be
// itself.
func (g *generator) likeKeyed(with keyed, relations []*relation.Schema) keyed {
	alike := []keyed{with}
	for _, s := range relations {
		for _, key := range append([][]int{s.Key}, s.Unique...) {
			if unifies(with, keyed{s, key}) {
				alike = append(alike, keyed{s, key})
			}
		}
	}
	return pick(g, alike)
}

func unifies(with, other keyed) bool {
	if len(other.key) != len(with.key) {
		return false
	}
	for k := range other.key {
		a, b := other.Columns[other.key[k]].Type.Kind, with.Columns[with.key[k]].Type.Kind
		number := a.Family() == relation.IntegerFamily && b.Family() == relation.DecimalFamily
		if a.Family() != b.Family() && !number {
			return false
		}
	}
	return true
}

// indexes declares some over root fields, at times.
func (g *generator) indexes(fields []string) []string {
	if len(fields) == 0 || !g.chance(3) {
		return nil
	}
	term := pick(g, fields)
	if g.chance(2) {
		term += " desc"
	}
	if other := pick(g, fields); !strings.HasPrefix(term, other) {
		term += ", " + other
	}
	return []string{"indexes: [[" + term + "]]"}
}
