package enginetest

import (
	"fmt"
	"slices"
	"strings"

	"odsd/storage/relation"
	"odsd/views"
)

// fieldSet says which of a node's fields are wanted, by ordinal.
type fieldSet map[int]bool

func allFields(n *views.Node) fieldSet {
	set := make(fieldSet, len(n.Scalars))
	for i := range n.Scalars {
		set[i] = true
	}
	return set
}

// add puts in the fields that an expression uses, and those that they use.
func (set fieldSet) add(e *views.Expr, n *views.Node) {
	if e == nil {
		return
	}
	if e.Op == views.OpField && !set[e.Field] {
		set[e.Field] = true
		set.add(n.Scalars[e.Field].Expr, n)
	}
	for _, a := range e.Args {
		set.add(a, n)
	}
}

// aggregate computes an aggregate over the instances along its path. Of those
// only the fields that it needs are computed.
func (s *statement) aggregate(f *views.Field) string {
	a := f.Aggregate
	last := s.view.Nodes[a.Path[len(a.Path)-1]]
	wanted := make(map[int]fieldSet)
	for _, node := range a.Path {
		wanted[node] = make(fieldSet)
	}
	wanted[last.ID].add(a.Arg, last)
	for _, t := range a.Order {
		wanted[t.Node].add(t.Expr, s.view.Nodes[t.Node])
	}
	var conditions []string
	for _, c := range a.Where {
		n := s.view.Nodes[c.Node]
		wanted[c.Node].add(c.Expr, n)
		conditions = append(conditions, s.condition(c.Expr, n))
	}
	var from []string
	for _, node := range a.Path {
		from = append(from, fmt.Sprintf("(%s) a%d", s.rows(node, wanted[node]), node))
	}
	arg := ""
	if a.Arg != nil {
		arg = s.expression(a.Arg, last)
	}
	return fmt.Sprintf("(SELECT %s FROM %s%s)", s.aggregated(f, arg, ""), strings.Join(from, "\nCROSS JOIN LATERAL "), where(conditions))
}

// aggregated aggregates an argument; "" counts rows. Only rows that the filter
// lets through are seen by those that take nulls, too: first and last.
func (s *statement) aggregated(f *views.Field, arg, filter string) string {
	a := f.Aggregate
	if arg == "" {
		return "count(*)"
	}
	if a.Arg == nil {
		return "count(" + arg + ")"
	}
	text := ""
	switch a.Func {
	case views.Count:
		return "count(" + arg + ")"
	case views.CountDistinct:
		return "count(DISTINCT " + arg + ")"
	case views.Sum:
		text = s.sum(arg, a.Arg.Type, f.Type)
	case views.Avg:
		text = s.average(arg, a.Arg.Type, a.Round)
	case views.Min:
		text = extreme(arg, a.Arg.Type, "ASC")
	case views.Max:
		text = extreme(arg, a.Arg.Type, "DESC")
	case views.Collect:
		return collected(arg, a)
	case views.First, views.Last:
		text = s.ranked(arg, filter, a)
	}
	if a.Default == nil {
		return text
	}
	return fmt.Sprintf("coalesce(%s, %s)", text, s.constant(*a.Default, f.Type))
}

func (s *statement) sum(arg string, from, to relation.Type) string {
	if from.Kind == relation.Float4 && to.Kind == relation.Float8 {
		arg += "::float8"
	}
	return fmt.Sprintf("sum(%s)::%s", arg, typeName(to))
}

// average divides with enough places that rounding the quotient again cannot
// tell: the factor gives the dividend its places.
func (s *statement) average(arg string, from relation.Type, round int32) string {
	if from.Kind.Family() == relation.FloatFamily {
		return fmt.Sprintf("avg((%s)::float8)", arg)
	}
	places := strings.Repeat("0", int(round)+30)
	return fmt.Sprintf("round(sum((%s)::numeric) * 1.%s / nullif(count(%s), 0), %d)", arg, places, arg, round)
}

// extreme is min or max: of equal values the plainest, where PostgreSQL's own take
// whichever came last.
func extreme(arg string, t relation.Type, direction string) string {
	order := fmt.Sprintf("(%s) %s", arg, direction) + plainestFirst(arg, t)
	return fmt.Sprintf("(array_agg(%s ORDER BY %s) FILTER (WHERE (%s) IS NOT NULL))[1]", arg, order, arg)
}

// ranked is first or last: one end of the array of all values in their order.
func (s *statement) ranked(arg, filter string, a *views.Aggregate) string {
	at := "1"
	if a.Func == views.Last {
		at = "(count(*)" + filter + ")::int"
	}
	if t := a.Arg.Type; t.Kind == relation.Array { // array_agg makes one array of arrays
		return fmt.Sprintf("((array_agg((%s)::text ORDER BY %s)%s)[%s])::%s", arg, s.rankOrder(a), filter, at, typeName(t))
	}
	return fmt.Sprintf("(array_agg(%s ORDER BY %s)%s)[%s]", arg, s.rankOrder(a), filter, at)
}

// rankOrder ends with the key of the rows, and those of the rows above them on the path.
func (s *statement) rankOrder(a *views.Aggregate) string {
	var terms []string
	for _, t := range a.Order {
		terms = append(terms, s.term(t.OrderTerm, s.view.Nodes[t.Node]))
	}
	if len(a.Path) == 0 {
		return strings.Join(append(terms, columnList(0, s.view.Occurrences[0].Schema.Key)), ", ")
	}
	for _, node := range slices.Backward(a.Path) {
		n := s.view.Nodes[node]
		terms = append(terms, columnList(n.Own, n.Key))
	}
	return strings.Join(terms, ", ")
}

// collected is the sorted array of what is not null; of equal values the plainest
// come first, and where they count once, the first of them.
func collected(arg string, a *views.Aggregate) string {
	order, distinct := arg, ""
	switch t := a.Arg.Type; {
	case hasForms(t) && a.Distinct && readsRows(a.Arg):
		return limited(plainestOf(arg, t), a.Limit)
	case t.Kind.Family() == relation.TextFamily:
		order = "(" + arg + `) COLLATE "C"`
	case !a.Distinct:
		order += plainestFirst(arg, t)
	}
	if a.Distinct {
		distinct, arg = "DISTINCT ", order // what DISTINCT sorts by it must aggregate
	}
	return limited(fmt.Sprintf("coalesce(array_agg(%s%s ORDER BY %s) FILTER (WHERE (%s) IS NOT NULL), '{}')", distinct, arg, order, arg), a.Limit)
}

// hasForms says whether equal values of a type may be printed differently.
func hasForms(t relation.Type) bool { return t.Kind == relation.Decimal || t.Kind == relation.Interval }

// plainestFirst orders equal values: decimals by their places, intervals by their time of
// day and then by their days, what is negative last.
func plainestFirst(arg string, t relation.Type) string {
	switch t.Kind {
	case relation.Decimal:
		return fmt.Sprintf(", scale(%s)", arg)
	case relation.Interval:
		time, days := timeOfDay("("+arg+")"), fmt.Sprintf("extract(day FROM (%s))", arg)
		return fmt.Sprintf(", %[1]s < 0, %[1]s, %[2]s < 0, %[2]s", time, days)
	}
	return ""
}

// plainestOf is the sorted array of different values, each as the plainest of its equals.
func plainestOf(arg string, t relation.Type) string {
	all := fmt.Sprintf("SELECT DISTINCT ON (v) v FROM unnest(array_agg(%s)) v WHERE v IS NOT NULL ORDER BY v%s", arg, plainestFirst("v", t))
	return fmt.Sprintf("(SELECT coalesce(array_agg(v ORDER BY v), '{}') FROM (%s) d)", all)
}

func limited(array string, limit int) string {
	if limit == 0 {
		return array
	}
	return fmt.Sprintf("(%s)[1:%d]", array, limit)
}

// readsRows is false for constants, of which PostgreSQL could not tell whose
// rows an aggregate in a subquery is over.
func readsRows(e *views.Expr) bool {
	reads := false
	e.Walk(func(e *views.Expr) { reads = reads || e.Op == views.OpColumn || e.Op == views.OpField })
	return reads
}
