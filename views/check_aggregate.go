package views

import (
	"fmt"
	"slices"
	"strings"

	"odsd/internal/yamlfile"
)

// resolveAggregate checks one aggregate: its path, what it adds up, its
// conditions and its type.
func (c *checker) resolveAggregate(f *fieldState) bool {
	def := f.def.Aggregate
	if def == nil || !def.Path.Given() {
		return false
	}
	a := newAggregate(def)
	f.field.Aggregate = a
	last, ok := c.walkPath(f, a)
	if last == nil {
		c.checkAside(def.Where)
		return false
	}
	whereOK := c.aggregateWhere(def.Where, a, last)
	orderOK := c.aggregateOrder(def.OrderBy, a, last)
	if !ok || !c.aggregateType(f, a) {
		return false
	}
	return c.aggregateDefault(f, a) && whereOK && orderOK
}

func newAggregate(def *AggregateDefinition) *Aggregate {
	return &Aggregate{Func: def.Func, Round: -1, Limit: def.Limit, Distinct: def.Distinct}
}

// step is one name of a path and the byte at which it begins.
type step struct {
	name   string
	offset int
}

func splitPath(path string) []step {
	var steps []step
	offset := 0
	for _, name := range strings.Split(path, ".") {
		trimmed := strings.TrimSpace(name)
		steps = append(steps, step{trimmed, offset + strings.Index(name, trimmed)})
		offset += len(name) + 1
	}
	return steps
}

// walkPath follows a path down from the field's object. It gives the last row
// on it, nil where the path breaks off; ok is false where only its end is wrong.
func (c *checker) walkPath(f *fieldState, a *Aggregate) (last *scope, ok bool) {
	path := f.def.Aggregate.Path
	steps := splitPath(path.Value)
	relations := len(steps)
	if a.Func != Count {
		relations--
	}
	s := f.scope
	for i, step := range steps[:relations] {
		sub := s.byName[step.name]
		if sub == nil || sub.def.Kind != OneField && sub.def.Kind != ManyField {
			c.notARelation(f, s, step, i == len(steps)-1)
			if i == len(steps)-1 && len(a.Path) > 0 && !s.dead() && s.column(step.name) >= 0 {
				return s, false // the list before it was meant
			}
			return nil, false
		}
		if sub.child == nil {
			return nil, false
		}
		s = sub.child
		if sub.def.Kind == ManyField {
			a.Path = append(a.Path, sub.field.Node)
		}
	}
	end := steps[len(steps)-1]
	switch {
	case len(a.Path) == 0 && relations == 0:
		c.noList(f, s, end)
		return nil, false
	case len(a.Path) == 0:
		path.Node.Report(yamlfile.CodePath, "a `one` has one row: read its columns by its alias", "no `many` on the path %q", path.Value)
		return nil, false
	case a.Func == Count && s.occurrence.Kind != ManyOccurrence:
		path.Node.ReportWithin(end.offset, len(end.name), yamlfile.CodePath, "count a list", "%q is a row, not a list", end.name)
		return nil, false
	case a.Func == Count:
		return s, true
	}
	return s, c.aggregateArg(f, a, s, end)
}

func (c *checker) notARelation(f *fieldState, s *scope, at step, counted bool) {
	path := f.def.Aggregate.Path
	var known []string
	for _, sub := range s.fields {
		if sub.child != nil {
			known = append(known, sub.def.Name.Value)
		}
	}
	hint := yamlfile.DidYouMean(at.name, known)
	if at.name == "*" {
		hint = "name the list whose rows are counted"
	}
	message := fmt.Sprintf("no `many` or `one` %q among the fields of %s", at.name, s.relation())
	if counted && !s.dead() && s.column(at.name) >= 0 {
		message = fmt.Sprintf("count takes a list, and %q is a column", at.name)
	}
	path.Node.ReportWithin(at.offset, max(len(at.name), 1), yamlfile.CodePath, hint, "%s", message)
}

// noList: the path is one step long, so there is nothing to aggregate over.
func (c *checker) noList(f *fieldState, s *scope, end step) {
	hint := "write list.column, where list is a `many` field"
	if sub := s.byName[end.name]; sub != nil && sub.child != nil && !sub.child.dead() && len(sub.child.columns()) > 0 {
		hint = fmt.Sprintf("name what to aggregate, as %s.%s", end.name, sub.child.columns()[0])
	}
	path := f.def.Aggregate.Path
	path.Node.ReportWithin(end.offset, max(len(end.name), 1), yamlfile.CodePath, hint,
		"%s needs a column of a list, and %q is none", f.def.Aggregate.Func, path.Value)
}

// aggregateArg resolves the last step: a column, or a field where no column
// has that name.
func (c *checker) aggregateArg(f *fieldState, a *Aggregate, s *scope, end step) bool {
	v := &visible{c: c, what: "aggregates", row: s, fields: true, columnsFirst: true, sees: only(s)}
	e, problem := v.bare(end.name)
	if problem != nil {
		if problem.Message != "" {
			f.def.Aggregate.Path.Node.ReportWithin(end.offset, max(len(end.name), 1), yamlfile.CodeName, problem.Hint, "%s", problem.Message)
		}
		return false
	}
	a.Arg = e
	return true
}

// aggregateWhere gives each condition to the node of the path that it reads.
func (c *checker) aggregateWhere(where Text, a *Aggregate, last *scope) bool {
	if !where.Given() {
		return true
	}
	e := c.alongPath("`where` of an aggregate", a, last).condition(where)
	if e == nil {
		return false
	}
	for _, part := range Conjuncts(e) {
		node, ok := c.nodeOf(part, a, where, "condition", "split it with `and`, or make it a field of the lower node")
		if !ok {
			return false
		}
		a.Where = append(a.Where, AggregateCondition{Node: node, Expr: part})
	}
	return true
}

// aggregateOrder gives each term of a first's or last's order to the node of the
// path that it reads.
func (c *checker) aggregateOrder(orderBy []Text, a *Aggregate, last *scope) bool {
	if !ranked(a.Func) {
		return true // a stray order was reported
	}
	v := c.alongPath("`order_by` of an aggregate", a, last)
	sound := true
	for _, t := range orderBy {
		term, ok := v.orderTerm(t)
		node := -1
		if ok {
			node, ok = c.nodeOf(term.Expr, a, t, "term", "make it a field of the lower node")
		}
		a.Order = append(a.Order, AggregateTerm{Node: node, OrderTerm: term})
		sound = sound && ok
	}
	return sound
}

// unknownRow has every name, and says nothing of what it stands for.
type unknownRow struct{}

func (unknownRow) bare(string) (*Expr, *nameProblem)           { return nil, passed }
func (unknownRow) member(string, string) (*Expr, *nameProblem) { return nil, passed }

// checkAside checks of a condition what does not depend on the rows that it is over, which
// were not found.
func (c *checker) checkAside(where Text) {
	if where.Given() {
		_, problems := checkCondition(where.Value, unknownRow{})
		(&visible{c: c}).report(where, problems)
	}
}

// alongPath sees the rows of all nodes on an aggregate's path; bare names are of the last.
func (c *checker) alongPath(what string, a *Aggregate, last *scope) *visible {
	return &visible{c: c, what: what, row: last, fields: true, columnsFirst: true,
		sees: func(s *scope) bool { return slices.Contains(a.Path, s.occurrence.Node) }}
}

// nodeOf is the one node of the path that an expression reads: the last where it
// reads none.
func (c *checker) nodeOf(e *Expr, a *Aggregate, at Text, what, hint string) (node int, ok bool) {
	last := a.Path[len(a.Path)-1]
	switch nodes := c.nodesOf(e, last); len(nodes) {
	case 0:
		return last, true
	case 1:
		return nodes[0], true
	default:
		at.Node.Report(yamlfile.CodeMixed, hint, "one %s reads %s and %s at once", what, c.ownAlias(nodes[0]), c.ownAlias(nodes[1]))
		return -1, false
	}
}

func (c *checker) ownAlias(node int) string {
	return c.view.Occurrences[c.view.Nodes[node].Own].Alias
}

// nodesOf lists the nodes whose rows an expression reads; fields are read of
// the last node only.
func (c *checker) nodesOf(e *Expr, last int) []int {
	var nodes []int
	add := func(n int) {
		for _, have := range nodes {
			if have == n {
				return
			}
		}
		nodes = append(nodes, n)
	}
	e.Walk(func(e *Expr) {
		switch e.Op {
		case OpColumn:
			add(c.view.Occurrences[e.Occurrence].Node)
		case OpField:
			add(last)
		}
	})
	return nodes
}
