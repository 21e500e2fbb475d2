package reference

import (
	"context"

	"odsd/storage/relation"
	"odsd/views"
)

// group is one group of a group-by view: its dimensions and its rows.
type group struct {
	dimensions []relation.Value // in the order of View.KeyFields
	rows       []views.Env
}

// groups visits the rows of a group-by view.
func (r *run) groups(ctx context.Context, visit func(*Document) error) error {
	all, err := r.gather(ctx)
	if err != nil {
		return err
	}
	for _, g := range all {
		fields := r.measure(g)
		if !holds(r.having, &views.Env{Rows: make([][]relation.Value, 1), Fields: fields}) {
			continue
		}
		if err := visit(r.showRow(fields)); err != nil {
			return err
		}
	}
	return nil
}

// gather puts every row into its group. A row whose condition is not true, or
// one of whose dimensions cannot be computed, is in none; null is a value as
// any other.
func (r *run) gather(ctx context.Context) ([]*group, error) {
	var all []*group
	byKey := make(map[string]*group)
	root := &r.nodes[0]
	err := r.rows.All(r.view.Occurrences[0].Schema.Name, func(row []relation.Value) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		env := views.Env{Rows: [][]relation.Value{row}}
		if !holds(root.where, &env) {
			return nil
		}
		dimensions, ok := r.dimensions(&env)
		if !ok {
			return nil
		}
		g := byKey[identity(dimensions)]
		if g == nil {
			g = &group{dimensions: dimensions}
			byKey[identity(dimensions)] = g
			all = append(all, g)
		}
		g.rows = append(g.rows, env)
		return nil
	})
	return all, err
}

func (r *run) dimensions(env *views.Env) (dimensions []relation.Value, ok bool) {
	root := &r.nodes[0]
	for _, ordinal := range r.view.KeyFields {
		v := shown(root.scalars[ordinal](env))
		if v.IsError() {
			return nil, false
		}
		dimensions = append(dimensions, canonical(v, root.Scalars[ordinal].Type))
	}
	return dimensions, true
}

// canonical is the one of several equal values that a group shows: the rows of
// a group may say 1.0 and 1.00. Decimals have no more places than they need and
// no fewer than are declared, intervals no months where days do.
func canonical(v relation.Value, t relation.Type) relation.Value {
	switch v.Kind() {
	case relation.Decimal:
		return relation.PadScale(v.StripZeros(), t.Scale)
	case relation.Interval:
		return plainInterval(intervalSpan(v))
	}
	return v
}

// measure computes a group's fields: aggregates over its rows, and expressions
// over other fields.
func (r *run) measure(g *group) []relation.Value {
	root := &r.nodes[0]
	env := views.Env{Rows: make([][]relation.Value, 1), Fields: make([]relation.Value, len(root.Scalars))}
	isDimension := make(map[int]bool)
	for i, ordinal := range r.view.KeyFields {
		env.Fields[ordinal] = g.dimensions[i]
		isDimension[ordinal] = true
	}
	for _, ordinal := range root.EvalOrder {
		switch {
		case isDimension[ordinal]:
		case root.Scalars[ordinal].Aggregate != nil:
			env.Fields[ordinal] = shown(root.sums[ordinal].overRows(g.rows, r.view.Occurrences[0].Schema.Key))
		default:
			env.Fields[ordinal] = shown(root.scalars[ordinal](&env))
		}
	}
	return env.Fields
}

// overRows computes the aggregate over the rows of a group, which have this key.
func (c *aggregateCode) overRows(rows []views.Env, key []int) relation.Value {
	if c.ranks() {
		return c.pick(c.rowCandidates(rows, key))
	}
	var values []relation.Value
	for i := range rows {
		switch {
		case !c.allowsRow(&rows[i]):
		case c.arg == nil:
			values = append(values, relation.OfBool(true))
		default:
			values = append(values, c.arg(&rows[i]))
		}
	}
	return c.result(values)
}

func (c *aggregateCode) rowCandidates(rows []views.Env, key []int) []candidate {
	var all []candidate
	for i := range rows {
		if !c.allowsRow(&rows[i]) {
			continue
		}
		one := candidate{value: c.arg(&rows[i]), keys: [][]relation.Value{columnsOf(rows[i].Rows[0], key)}}
		for _, t := range c.terms {
			one.terms = append(one.terms, t.eval(&rows[i]))
		}
		all = append(all, one)
	}
	return all
}

func (c *aggregateCode) allowsRow(env *views.Env) bool {
	for _, conditions := range c.where {
		for _, condition := range conditions {
			if !holds(condition, env) {
				return false
			}
		}
	}
	return true
}
