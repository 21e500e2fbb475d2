package views

import (
	"fmt"
	"strconv"
	"strings"

	"odsd/internal/yamlfile"
	"odsd/storage/relation"
)

// resolveAggregate checks one aggregate: its path, what it adds up, its
// conditions and its type.
func (c *checker) resolveAggregate(f *fieldState) bool {
	def := f.def.Aggregate
	if def == nil || !def.Path.Given() {
		return false
	}
	a := &Aggregate{Func: def.Func, Round: -1}
	f.field.Aggregate = a
	last, ok := c.walkPath(f, a)
	if last == nil {
		return false
	}
	whereOK := c.aggregateWhere(def.Where, a, last)
	if !ok || !c.aggregateType(f, a) {
		return false
	}
	return c.aggregateDefault(f, a) && whereOK
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
	lastNode := a.Path[len(a.Path)-1]
	v := &visible{c: c, what: "`where` of an aggregate", row: last, fields: true, columnsFirst: true,
		sees: func(s *scope) bool {
			for _, n := range a.Path {
				if s.occurrence.Node == n {
					return true
				}
			}
			return false
		}}
	e := v.condition(where)
	if e == nil {
		return false
	}
	for _, part := range Conjuncts(e) {
		nodes := c.nodesOf(part, lastNode)
		if len(nodes) > 1 {
			where.Node.Report(yamlfile.CodeMixed, "split it with `and`, or make it a field of the lower node",
				"one condition reads %s and %s at once", c.ownAlias(nodes[0]), c.ownAlias(nodes[1]))
			return false
		}
		node := lastNode
		if len(nodes) == 1 {
			node = nodes[0]
		}
		a.Where = append(a.Where, AggregateCondition{Node: node, Expr: part})
	}
	return true
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

// aggregateType checks what is aggregated and gives the result its type.
func (c *checker) aggregateType(f *fieldState, a *Aggregate) bool {
	def := f.def.Aggregate
	result, problem := resultType(a)
	if problem != "" {
		def.Path.Node.Report(yamlfile.CodeAggregate, "", "%s", problem)
		return false
	}
	f.field.Type = result
	f.field.Nullable = a.Func != Count && !(a.Func == CountDistinct && c.neverFails(a.Arg))
	if a.Func == Avg && result.Kind == relation.Decimal {
		if !def.Round.Given() {
			def.Path.Node.Report(yamlfile.CodeAggregate, "add `round: 2`, the number of decimal places", "an average of %s needs `round`", a.Arg.Type)
			return false
		}
		places, err := strconv.Atoi(def.Round.Value)
		if err != nil || places < 0 || places > maxDefaultRound {
			def.Round.Node.Report(yamlfile.CodeValue, "", "`round` must be a whole number from 0 to %d", maxDefaultRound)
			return false
		}
		a.Round = int32(places)
		return true
	}
	if def.Round.Given() {
		def.Round.Node.Report(yamlfile.CodeAggregate, "round in a field that uses this one", "`round` is for averages of integers and decimals")
		return false
	}
	return true
}

// counts says whether an aggregate gives a number of rows or values.
func counts(f AggregateFunc) bool { return f == Count || f == CountDistinct }

// neverFails says that what is aggregated cannot be an error: a column of a
// table, or one of a view that is always there.
func (c *checker) neverFails(e *Expr) bool {
	if e.Op != OpColumn {
		return false
	}
	s := c.scopes[e.Occurrence]
	return s.input == nil || s.occurrence.Schema.Columns[e.Column].NotNull
}

func resultType(a *Aggregate) (result relation.Type, problem string) {
	if a.Func == Count {
		return relation.TypeOf(relation.Int8), ""
	}
	kind := a.Arg.Type.Kind
	switch a.Func {
	case CountDistinct:
		if hasOrder(a.Arg.Type) {
			return relation.TypeOf(relation.Int8), ""
		}
	case Min, Max:
		if hasOrder(a.Arg.Type) && kind != relation.Bool {
			return a.Arg.Type, ""
		}
	case Sum:
		switch kind {
		case relation.Int2, relation.Int4:
			return relation.TypeOf(relation.Int8), ""
		case relation.Int8, relation.Decimal:
			return relation.TypeOf(relation.Decimal), ""
		case relation.Float4, relation.Float8:
			return relation.TypeOf(kind), ""
		}
	case Avg:
		switch kind.Family() {
		case relation.IntegerFamily, relation.DecimalFamily:
			return relation.TypeOf(relation.Decimal), ""
		case relation.FloatFamily:
			return relation.TypeOf(relation.Float8), ""
		}
	}
	return relation.Type{}, fmt.Sprintf("%s of values of type %s is not defined", a.Func, a.Arg.Type)
}

// aggregateDefault types the value that stands in for nothing to aggregate.
func (c *checker) aggregateDefault(f *fieldState, a *Aggregate) bool {
	def := f.def.Aggregate.Default
	if !def.Given() {
		return true
	}
	if counts(a.Func) {
		def.Node.Report(yamlfile.CodeDefault, "remove it", "the count of nothing is 0")
		return false
	}
	value, ok := literal(f.field.Type, def.Value)
	if !ok {
		def.Node.Report(yamlfile.CodeDefault, "", "%q is not a value of type %s", def.Value, f.field.Type)
		return false
	}
	a.Default = &value
	return true
}
