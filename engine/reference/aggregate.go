package reference

import (
	"slices"

	"odsd/storage/relation"
	"odsd/views"
)

// aggregateCode is an aggregate field with its expressions compiled.
type aggregateCode struct {
	aggregate *views.Aggregate
	kind      relation.Kind // of the result
	argument  relation.Kind // of what is aggregated; Null where rows are counted
	arg       views.Eval
	where     map[int][]views.Eval // conditions by the node that they read
	terms     []termCode           // the order of a first or last
}

func compileAggregate(f *views.Field) aggregateCode {
	a := f.Aggregate
	code := aggregateCode{aggregate: a, kind: f.Type.Kind, where: make(map[int][]views.Eval), terms: compileTerms(a.Order)}
	if a.Arg != nil {
		code.arg, code.argument = a.Arg.Compile(), a.Arg.Type.Kind
	}
	for _, c := range a.Where {
		code.where[c.Node] = append(code.where[c.Node], c.Expr.Compile())
	}
	return code
}

// over computes the aggregate for the instance that holds it.
func (c *aggregateCode) over(r *run, in *instance) relation.Value {
	if c.ranks() {
		return c.pick(c.candidates(r, in, nil))
	}
	return c.result(c.inputs(in, 0, nil))
}

// inputs gathers what is aggregated: the argument's value for every row at the
// end of the path for which all conditions hold on the way, nulls included.
// Where rows are counted each gives true.
func (c *aggregateCode) inputs(in *instance, step int, values []relation.Value) []relation.Value {
	node := c.aggregate.Path[step]
	for _, below := range in.lists[node] {
		switch {
		case !c.allows(below):
		case step < len(c.aggregate.Path)-1:
			values = c.inputs(below, step+1, values)
		case c.arg == nil:
			values = append(values, relation.OfBool(true))
		default:
			values = append(values, c.arg(&below.env))
		}
	}
	return values
}

func (c *aggregateCode) allows(in *instance) bool {
	for _, condition := range c.where[in.node] {
		if !holds(condition, &in.env) {
			return false
		}
	}
	return true
}

// result aggregates values. One failed input fails it; nulls do not count; of
// nothing (or nulls only) there is none, and the default stands in.
func (c *aggregateCode) result(values []relation.Value) relation.Value {
	if slices.ContainsFunc(values, relation.Value.IsError) {
		return relation.OfError(relation.ErrFailedInput)
	}
	values = slices.DeleteFunc(values, relation.Value.IsNull)
	switch c.aggregate.Func {
	case views.Count:
		return relation.OfInt(relation.Int8, int64(len(values)))
	case views.CountDistinct:
		return relation.OfInt(relation.Int8, countDistinct(values))
	case views.Collect:
		return c.collect(values)
	}
	if len(values) == 0 {
		if c.aggregate.Default != nil {
			return *c.aggregate.Default
		}
		return relation.OfNull()
	}
	switch c.aggregate.Func {
	case views.Sum:
		return c.sum(values)
	case views.Avg:
		return c.average(values)
	case views.Min:
		return extreme(values, func(v, best relation.Value) int { return relation.Compare(v, best) })
	}
	return extreme(values, func(v, best relation.Value) int { return relation.Compare(best, v) })
}

func countDistinct(values []relation.Value) int64 {
	distinct := make(map[string]bool)
	for _, v := range values {
		distinct[identity([]relation.Value{v})] = true
	}
	return int64(len(distinct))
}

// extreme is the value that comes first. Values may be equal and yet print
// differently (1.0 and 1.00, 1 month and 30 days); so that the result does not
// depend on which was there before, the plainer one is taken.
func extreme(values []relation.Value, compare func(v, best relation.Value) int) relation.Value {
	best := values[0]
	for _, v := range values[1:] {
		d := compare(v, best)
		if d < 0 || d == 0 && plainer(v, best) {
			best = v
		}
	}
	return best
}

// plainer orders equal values: the decimal with fewer places, the interval with
// less time of day and then fewer days, where what is negative comes last.
func plainer(a, b relation.Value) bool {
	switch a.Kind() {
	case relation.Decimal:
		return a.Scale() < b.Scale()
	case relation.Interval:
		_, daysA, usA := a.Interval()
		_, daysB, usB := b.Interval()
		return uint64(usA) < uint64(usB) || usA == usB && uint32(daysA) < uint32(daysB)
	}
	return false
}
