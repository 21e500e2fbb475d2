package reference

import (
	"slices"

	"odsd/storage/relation"
	"odsd/views"
)

// candidate is a row that a first or last may take its value from.
type candidate struct {
	value relation.Value
	terms []relation.Value   // of the order
	keys  [][]relation.Value // of the row, then of those above it on the path
}

// termCode is a term of an aggregate's order, compiled.
type termCode struct {
	node int
	orderCode
}

func compileTerms(terms []views.AggregateTerm) []termCode {
	var codes []termCode
	for _, t := range terms {
		codes = append(codes, termCode{t.Node, orderCode{eval: t.Expr.Compile(), term: t.OrderTerm}})
	}
	return codes
}

// ranks says whether the aggregate takes the value of one row.
func (c *aggregateCode) ranks() bool {
	return c.aggregate.Func == views.First || c.aggregate.Func == views.Last
}

// candidates gathers the rows at the end of the path for which all conditions
// hold on the way; way has the instances from the top down so far.
func (c *aggregateCode) candidates(r *run, in *instance, way []*instance) []candidate {
	if len(way) == len(c.aggregate.Path) {
		return []candidate{c.candidate(r, way)}
	}
	var all []candidate
	for _, below := range in.lists[c.aggregate.Path[len(way)]] {
		if c.allows(below) {
			all = append(all, c.candidates(r, below, append(slices.Clone(way), below))...)
		}
	}
	return all
}

func (c *aggregateCode) candidate(r *run, way []*instance) candidate {
	one := candidate{value: c.arg(&way[len(way)-1].env)}
	for _, t := range c.terms {
		at := slices.IndexFunc(way, func(in *instance) bool { return in.node == t.node })
		one.terms = append(one.terms, t.eval(&way[at].env))
	}
	for k := len(way) - 1; k >= 0; k-- {
		code := &r.nodes[way[k].node]
		one.keys = append(one.keys, columnsOf(way[k].env.Rows[code.Own], code.Key))
	}
	return one
}

// pick sorts the candidates and takes the value at one end. A value that could
// not be computed fails the aggregate only where it is taken.
func (c *aggregateCode) pick(all []candidate) relation.Value {
	slices.SortFunc(all, c.compareCandidates)
	value := relation.OfNull()
	switch {
	case len(all) == 0:
	case c.aggregate.Func == views.First:
		value = all[0].value
	default:
		value = all[len(all)-1].value
	}
	switch {
	case value.IsError():
		return relation.OfError(relation.ErrFailedInput)
	case value.IsNull() && c.aggregate.Default != nil:
		return *c.aggregate.Default
	}
	return value
}

func (c *aggregateCode) compareCandidates(a, b candidate) int {
	for i, t := range c.terms {
		if d := compareTerm(t.term, a.terms[i], b.terms[i]); d != 0 {
			return d
		}
	}
	for i := range a.keys {
		if d := compareKeys(a.keys[i], b.keys[i]); d != 0 {
			return d
		}
	}
	return 0
}

// collect sorts values into a list; of equal ones the plainer comes first.
func (c *aggregateCode) collect(values []relation.Value) relation.Value {
	slices.SortFunc(values, func(a, b relation.Value) int {
		d := relation.Compare(a, b)
		switch {
		case d != 0:
			return d
		case plainer(a, b):
			return -1
		case plainer(b, a):
			return 1
		}
		return 0
	})
	if c.aggregate.Distinct {
		values = slices.CompactFunc(values, relation.Equal)
	}
	if limit := c.aggregate.Limit; limit > 0 && len(values) > limit {
		values = values[:limit]
	}
	return relation.OfArray(c.argument, values)
}
