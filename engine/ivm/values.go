package ivm

import (
	"odsd/storage/relation"
	"odsd/views"
)

// values goes from the leaves to the root: it computes the rows of dirty
// instances and feeds the differences to the accumulators above, whose holders
// thereby become dirty themselves.
func (p *pass) values() error {
	for n := len(p.view.nodes) - 1; n >= 0; n-- {
		for _, i := range p.lists[n] {
			if !i.dirty {
				continue
			}
			if err := p.evaluate(i); err != nil {
				return err
			}
			if err := p.contribute(i); err != nil {
				return err
			}
		}
	}
	return nil
}

// evaluate computes the row of an instance that exists.
func (p *pass) evaluate(i *instance) error {
	if !i.exists {
		return nil
	}
	if err := p.bind(i); err != nil {
		return err
	}
	n := i.node
	if i.newRow == nil {
		i.newRow = make([]relation.Value, len(n.columns))
	}
	if err := p.evaluateAggregates(i); err != nil {
		return err
	}
	p.env.enter(i)
	p.env.Fields = i.newRow[:len(n.def.Scalars)]
	for _, ordinal := range n.def.EvalOrder {
		field := n.def.Scalars[ordinal]
		switch {
		case p.env.Rows[field.Within] == nil:
			i.newRow[ordinal] = relation.OfNull()
		case field.Aggregate == nil:
			i.newRow[ordinal] = shown(n.columns[ordinal](&p.env.Env))
		}
	}
	for c := len(n.def.Scalars); c < len(n.columns); c++ {
		i.newRow[c] = p.hidden(n, c)
	}
	p.decideHaving(i)
	return nil
}

// decideHaving tells whether a root is hidden, once its fields are known.
func (p *pass) decideHaving(i *instance) {
	if i.parent != nil || p.view.having == nil {
		return
	}
	p.env.Fields = i.newRow[:len(i.node.def.Scalars)]
	holds := p.view.having(&p.env.Env)
	i.hides = !holds.True()
	if holds.IsError() {
		i.failure = holds.Code()
	}
}

// hidden computes a stored column that is no field, in the environment that
// has been entered.
func (p *pass) hidden(n *node, c int) relation.Value {
	if column := n.Columns[c]; column.From == views.FromPresent {
		return relation.OfBool(p.env.Rows[column.Ordinal] != nil)
	}
	return n.columns[c](&p.env.Env)
}

// shown is a field's value as documents show it: an infinite time is no
// instant, hence an error of the field.
func shown(v relation.Value) relation.Value {
	if v.IsInfinite() {
		return relation.OfError(relation.ErrInfiniteTime)
	}
	return v
}

// evaluateAggregates fills the fields that accumulators feed. An accumulator
// that nothing touched still has the result that the stored row shows.
func (p *pass) evaluateAggregates(i *instance) error {
	for a, spec := range i.node.Accumulators {
		if spec.Field < 0 {
			continue
		}
		touched := i.touchedAccumulator(a)
		if touched == nil && i.existed() {
			i.newRow[spec.Field] = i.oldRow[spec.Field]
			continue
		}
		value, err := p.accumulatorResult(i, a, touched)
		if err != nil {
			return err
		}
		field := i.node.def.Scalars[spec.Field]
		i.newRow[spec.Field] = shown(finish(field, value))
	}
	return nil
}

// finish applies what the definition says of an aggregate's result.
func finish(field *views.Field, v relation.Value) relation.Value {
	if v.IsNull() && field.Aggregate.Default != nil {
		return *field.Aggregate.Default
	}
	return v
}

// contribute takes an instance's old contribution out of the accumulators
// above it and puts the new one in.
func (p *pass) contribute(i *instance) error {
	if i.parent == nil {
		return nil
	}
	for a, spec := range i.parent.node.Accumulators {
		if spec.Child != i.node.Node {
			continue
		}
		changed, err := p.contributeTo(i, a, spec)
		if err != nil {
			return err
		}
		if changed && i.parent.exists {
			i.parent.dirty = true
		}
	}
	return nil
}

// counts says whether a row takes part: it exists and all gates are true.
func counts(row []relation.Value, gates []int) bool {
	if row == nil {
		return false
	}
	for _, gate := range gates {
		if !row[gate].True() {
			return false
		}
	}
	return true
}
