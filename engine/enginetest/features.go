package enginetest

import (
	"fmt"
	"slices"
	"strings"

	"odsd/engine"
	"odsd/storage/relation"
	"odsd/views"
)

// Features names what a case contains of what a view or a history of rows can have:
// the tally of a run's cases says how far the generator reaches.
func Features(c *Case, checked []*views.View) []string {
	f := &features{found: map[string]bool{}, views: map[string]*views.View{}}
	for _, v := range checked {
		f.views[v.Name] = v
	}
	for _, v := range checked {
		f.view(v)
	}
	f.steps(c)
	f.rows(c, checked)
	var names []string
	for name := range f.found {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

type features struct {
	found map[string]bool
	views map[string]*views.View
}

// has notes a feature where a condition is true.
func (f *features) has(name string, condition bool) {
	if condition {
		f.found[name] = true
	}
}

func (f *features) view(v *views.View) {
	f.has("view of "+string(v.Kind), true)
	f.has("having on "+string(v.Kind), v.Having != nil)
	f.has("checks", len(v.Checks) > 0)
	f.has("composite key", len(v.Key) > 1 || len(v.KeyFields) > 1)
	f.has("composite primary key", len(v.Occurrences[0].Schema.Key) > 1)
	f.has("declared index", len(v.Indexes) > 0)
	for _, ordinal := range v.KeyFields {
		f.has("key of "+v.Nodes[0].Scalars[ordinal].Type.Kind.String()+" in "+string(v.Kind), true)
	}
	for _, column := range v.Key {
		f.has("key of "+v.Occurrences[0].Schema.Columns[column].Type.Kind.String(), true)
	}
	f.has("document key beside the primary key", v.Kind == views.DocumentView && !slices.Equal(v.Key, v.Occurrences[0].Schema.Key))
	f.below(v)
	for _, n := range v.Nodes {
		f.node(v, n)
	}
	for _, o := range v.Occurrences {
		f.occurrence(v, o)
	}
	if v.Kind == views.UnionView {
		f.union(v)
	}
}

// below looks at the views that a view stands on.
func (f *features) below(v *views.View) {
	for _, o := range v.Occurrences {
		under := f.views[o.Schema.Name]
		if under == nil {
			continue
		}
		f.has("view on "+string(under.Kind), true)
		f.has("view joined to a view", o.Kind != views.RootOccurrence)
		for _, deeper := range under.Occurrences {
			if last := f.views[deeper.Schema.Name]; last != nil {
				f.has("view on a view on "+string(last.Kind), true)
			}
		}
	}
}

func (f *features) node(v *views.View, n *views.Node) {
	depth := 0
	for at := n; at.Parent >= 0; at = v.Nodes[at.Parent] {
		depth++
	}
	f.has(fmt.Sprintf("list at depth %d", depth), depth > 0)
	f.has("list inside a one", depth > 0 && v.Occurrences[v.Occurrences[n.Own].Parent].Kind == views.OneOccurrence)
	f.has("hidden list", n.Hidden)
	f.has("limit", n.Limit > 0)
	f.has("where", n.Where != nil)
	for _, term := range n.Order {
		f.has("order, descending", term.Desc)
		f.has("order, nulls not where they are by default", term.NullsFirst != term.Desc)
		f.has("order by "+term.Expr.Type.Kind.String(), true)
		f.has("order by a to-one field or expression", term.Expr.Op != views.OpColumn || term.Expr.Occurrence != n.Own)
	}
	for _, field := range n.Scalars {
		f.has("field of "+field.Type.Kind.String(), true)
		f.has("computed field of "+field.Type.Kind.String(), field.Expr != nil && field.Expr.Op != views.OpColumn)
		f.has("field computed inside a one", field.Within != n.Own && field.Expr != nil && field.Expr.Op != views.OpColumn)
		if field.Aggregate != nil {
			f.aggregate(v, field.Aggregate)
		} else {
			f.has("bucket", zoneOf(field.Expr) != "")
		}
	}
}

func (f *features) aggregate(v *views.View, a *views.Aggregate) {
	place := string(v.Kind)
	f.has(fmt.Sprintf("%s in %s", a.Func, place), true)
	f.has(fmt.Sprintf("%s over %d levels", a.Func, len(a.Path)), len(a.Path) > 1)
	f.has("aggregate where", len(a.Where) > 0)
	f.has("aggregate where on several levels", len(a.Where) > 1)
	f.has("aggregate default", a.Default != nil)
	f.has("collect with a limit", a.Limit > 0)
	f.has("collect of distinct values", a.Distinct)
	if a.Arg != nil {
		f.has("aggregate of "+a.Arg.Type.Kind.String(), true)
	}
	for _, c := range a.Where {
		f.has("aggregate where on a to-one", readsOne(v, v.Nodes[c.Node], c.Expr))
	}
	if len(a.Path) > 0 {
		last := v.Nodes[a.Path[len(a.Path)-1]]
		f.has("aggregate over a to-one", readsOne(v, last, a.Arg))
	}
	f.has("aggregate of an aggregate", a.Arg != nil && readsAggregate(v, a))
}

// readsAggregate says whether the argument is a field that is itself an aggregate.
func readsAggregate(v *views.View, a *views.Aggregate) bool {
	if a.Arg.Op != views.OpField || len(a.Path) == 0 {
		return false
	}
	fields := v.Nodes[a.Path[len(a.Path)-1]].Scalars
	return a.Arg.Field < len(fields) && fields[a.Arg.Field].Aggregate != nil
}

// readsOne says whether an expression reads a row beside the node's own.
func readsOne(v *views.View, n *views.Node, e *views.Expr) bool {
	if e == nil {
		return false
	}
	reads := e.Op == views.OpColumn && e.Occurrence != n.Own
	reads = reads || e.Op == views.OpField && len(v.Nodes) > n.ID && n.Scalars[e.Field].Within != n.Own
	return reads || slices.ContainsFunc(e.Args, func(a *views.Expr) bool { return readsOne(v, n, a) })
}

func (f *features) occurrence(v *views.View, o *views.Occurrence) {
	f.has("required one", o.Required)
	f.has("one picked by its order", o.Kind == views.OneOccurrence && len(o.Order) > 0)
	f.has("one with a condition", o.Kind == views.OneOccurrence && o.Where != nil)
	f.has("composite join", len(o.Join) > 1)
	if o.Parent < 0 {
		return
	}
	parent := v.Occurrences[o.Parent]
	f.has("one inside a one", o.Kind == views.OneOccurrence && parent.Kind == views.OneOccurrence)
	f.has("self-join", o.Schema.Name == parent.Schema.Name)
	f.has("join across sources", SourceOf(o.Schema.Name) != SourceOf(parent.Schema.Name) && strings.Contains(o.Schema.Name, ".") && strings.Contains(parent.Schema.Name, "."))
	for _, eq := range o.Join {
		f.has("join on "+o.Schema.Columns[eq.Column].Type.Kind.String(), true)
		f.has("join to another than the nearest", eq.Outer != o.Parent)
		a, b := o.Schema.Columns[eq.Column].Type.Kind, v.Occurrences[eq.Outer].Schema.Columns[eq.OuterColumn].Type.Kind
		f.has("join of different numbers", a != b)
	}
}

func (f *features) union(v *views.View) {
	key := map[string]bool{}
	constant := false
	for i, b := range v.Branches {
		schema := v.Occurrences[b.Occurrence].Schema
		f.has("union of a relation with itself", key[schema.Name])
		key[schema.Name] = true
		f.has("union branch where", b.Where != nil)
		for _, field := range v.KeyFields {
			column := b.Columns[field]
			constant = constant || column.Op == views.OpConst
			f.has("union keyed beside a primary key", column.Op == views.OpColumn && !slices.Contains(schema.Key, column.Column))
			f.has("union that widens a key", column.Op == views.OpCast)
		}
		f.has("union of three", i == 2)
	}
	f.has("union with conflicts", !constant)
}

func (f *features) steps(c *Case) {
	for _, step := range c.Steps {
		sources := map[string]bool{}
		for _, t := range step {
			sources[t.Source] = true
			f.transaction(c, t)
		}
		f.has("commit of several sources", len(sources) > 1)
		f.has("commit of several transactions of one source", len(step) > len(sources))
	}
}

func (f *features) transaction(c *Case, t Transaction) {
	truncated := map[string]bool{}
	deleted := map[string]bool{}
	for _, change := range t.Changes {
		s := schemaNamed(c, change.Relation)
		name := change.Relation + fmt.Sprint(change.Key)
		switch change.Operation {
		case engine.Truncate:
			f.has("truncate", true)
			truncated[change.Relation] = true
		case engine.Delete:
			deleted[name] = true
		case engine.Insert:
			f.has("insert after a truncate", truncated[change.Relation])
			f.has("insert under a key just deleted", deleted[change.Relation+fmt.Sprint(keyOfCells(s, change.Set))])
		case engine.Update:
			for _, cell := range change.Set {
				f.has("changed key", slices.Contains(s.Key, cell.Column))
				spare := relation.Equal(cell.Value, spareOf(cell.Value.Kind()))
				f.has("key swap", slices.Contains(s.Key, cell.Column) && spare)
			}
		}
	}
}

func schemaNamed(c *Case, name string) *relation.Schema {
	for _, s := range c.Schemas {
		if s.Name == name {
			return s
		}
	}
	return &relation.Schema{Name: name}
}
