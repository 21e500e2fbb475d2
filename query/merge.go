package query

import (
	"github.com/graphql-go/graphql/language/ast"
	"github.com/graphql-go/graphql/language/kinds"
)

// fieldGroup is all selections of one response name in one object: they are
// answered as one field with the union of their selections.
type fieldGroup struct {
	response string
	fields   []*ast.Field
}

func (g *fieldGroup) name() string { return g.fields[0].Name.Value }

func (g *fieldGroup) selections() []*ast.SelectionSet {
	var sets []*ast.SelectionSet
	for _, f := range g.fields {
		if f.SelectionSet != nil {
			sets = append(sets, f.SelectionSet)
		}
	}
	return sets
}

// collect gathers the fields of selection sets of one object, in the order
// of their first appearance. Every type of our schema is an object, so each
// fragment that validated applies. included decides on directives; nil
// includes all.
func (d *document) collect(sets []*ast.SelectionSet, included func([]*ast.Directive) bool) []*fieldGroup {
	c := collector{document: d, included: included, byName: map[string]*fieldGroup{}, seen: map[string]bool{}}
	for _, set := range sets {
		c.add(set)
	}
	return c.groups
}

type collector struct {
	*document
	included func([]*ast.Directive) bool
	groups   []*fieldGroup
	byName   map[string]*fieldGroup
	seen     map[string]bool // fragments spread already
}

func (c *collector) add(set *ast.SelectionSet) {
	for _, selection := range set.Selections {
		switch s := selection.(type) {
		case *ast.Field:
			if c.includes(s.Directives) {
				c.field(s)
			}
		case *ast.InlineFragment:
			if c.includes(s.Directives) {
				c.add(s.SelectionSet)
			}
		case *ast.FragmentSpread:
			f := c.fragments[s.Name.Value]
			if f != nil && !c.seen[s.Name.Value] && c.includes(s.Directives) {
				c.seen[s.Name.Value] = true
				c.add(f.SelectionSet)
			}
		}
	}
}

func (c *collector) includes(directives []*ast.Directive) bool {
	return c.included == nil || len(directives) == 0 || c.included(directives)
}

func (c *collector) field(f *ast.Field) {
	response := f.Name.Value
	if f.Alias != nil {
		response = f.Alias.Value
	}
	group := c.byName[response]
	if group == nil {
		group = &fieldGroup{response: response}
		c.byName[response] = group
		c.groups = append(c.groups, group)
	}
	group.fields = append(group.fields, f)
}

// checkMerging is the rule that fields of one response name must be one field
// with the same arguments. graphql-go's own form of it compares all pairs; this
// one compares each with the first, and bounds fields and depth of the whole
// reply while it is at it.
func (d *document) checkMerging(limits Limits) []*Error {
	for _, o := range d.operations {
		m := merger{document: d, limits: limits}
		if err := m.object([]*ast.SelectionSet{o.SelectionSet}, 1, false); err != nil {
			return []*Error{err}
		}
	}
	return nil
}

type merger struct {
	*document
	limits Limits
	fields int
}

func (m *merger) object(sets []*ast.SelectionSet, depth int, introspection bool) *Error {
	for _, g := range m.collect(sets, nil) {
		first := g.fields[0]
		m.fields += len(g.fields)
		if m.fields > m.limits.Fields {
			return m.failAt(first, failure(TooComplex, "", "the operation has more than %d fields, fragments put in place", m.limits.Fields))
		}
		within := introspection || isIntrospection(g.name())
		if depth > m.limits.Depth && !within {
			return m.failAt(first, failure(TooComplex, "", "fields are nested deeper than %d", m.limits.Depth))
		}
		for _, other := range g.fields[1:] {
			if other.Name.Value != first.Name.Value || !m.sameArguments(first.Arguments, other.Arguments) {
				return m.failAt(other, failure(ValidationFailed, "give one of them another alias",
					"%q stands for two different fields or for one with different arguments", g.response))
			}
		}
		if sets := g.selections(); len(sets) > 0 {
			if err := m.object(sets, depth+1, within); err != nil {
				return err
			}
		}
	}
	return nil
}

func isIntrospection(field string) bool { return field == "__schema" || field == "__type" }

func (m *merger) sameArguments(a, b []*ast.Argument) bool {
	if len(a) != len(b) {
		return false
	}
	if len(a) == 0 {
		return true
	}
	byName := make(map[string]ast.Value, len(a))
	for _, arg := range a {
		byName[arg.Name.Value] = arg.Value
	}
	for _, arg := range b {
		if value, ok := byName[arg.Name.Value]; !ok || !m.sameValue(value, arg.Value) {
			return false
		}
	}
	return true
}

func (m *merger) sameValue(a, b ast.Value) bool {
	if a.GetKind() != b.GetKind() || m.isNull(a) != m.isNull(b) {
		return false
	}
	switch a := a.(type) {
	case *ast.Variable:
		return a.Name.Value == b.(*ast.Variable).Name.Value
	case *ast.ListValue:
		other := b.(*ast.ListValue)
		if len(a.Values) != len(other.Values) {
			return false
		}
		for i := range a.Values {
			if !m.sameValue(a.Values[i], other.Values[i]) {
				return false
			}
		}
		return true
	case *ast.ObjectValue:
		return m.sameObject(a, b.(*ast.ObjectValue))
	}
	return a.GetValue() == b.GetValue()
}

func (m *merger) sameObject(a, b *ast.ObjectValue) bool {
	if len(a.Fields) != len(b.Fields) {
		return false
	}
	byName := make(map[string]ast.Value, len(a.Fields))
	for _, f := range a.Fields {
		byName[f.Name.Value] = f.Value
	}
	for _, f := range b.Fields {
		if value, ok := byName[f.Name.Value]; !ok || !m.sameValue(value, f.Value) {
			return false
		}
	}
	return true
}

// isNull says whether a value of the document is the literal null.
func (d *document) isNull(v ast.Value) bool {
	return v != nil && v.GetKind() == kinds.EnumValue && d.nulls[v.GetLoc().Start]
}
