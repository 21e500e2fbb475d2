package enginetest

import (
	"fmt"
	"strings"

	"odsd/storage/relation"
	"odsd/views"
)

// checks declares, at times, what a view expects of its documents: of fields as
// they are, and of expressions over them.
func (g *generator) checks(v *views.View) string {
	if !g.chance(2) {
		return ""
	}
	m := &viewMaker{generator: g}
	var fields []*views.Field
	var scope []name
	for _, f := range v.Nodes[0].Fields {
		if f.Kind == views.ScalarField || f.Kind == views.AggregateField {
			fields = append(fields, f)
			scope = append(scope, nameOf(f.Name, f.Type))
		}
	}
	if len(fields) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("checks:\n")
	for i := range g.between(1, 3) {
		f := pick(g, fields)
		fmt.Fprintf(&b, "  - name: c%d\n", i+1)
		switch {
		case g.chance(3):
			b.WriteString("    expression: " + m.quoted(m.condition(scope, 1)) + "\n")
		case g.chance(2) && f.Type.Kind != relation.Bool && ordered(f.Type.Kind):
			b.WriteString("    accepted_values: {" + f.Name + ": " + m.accepted(f) + "}\n")
		default:
			b.WriteString("    not_null: " + f.Name + "\n")
		}
	}
	return b.String()
}

// accepted lists some values of a field's type.
func (m *viewMaker) accepted(f *views.Field) string {
	var values []string
	for range m.between(1, 3) {
		v := m.value(relation.Column{Type: f.Type, NotNull: true})
		values = append(values, m.quoted(string(relation.AppendText(nil, v))))
	}
	return "[" + strings.Join(values, ", ") + "]"
}
