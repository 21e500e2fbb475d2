package views

import (
	"fmt"
	"slices"
	"sort"

	"odsd/storage/relation"
)

func (c *compiler) addAggregates(node *Node) error {
	for _, field := range node.Scalars {
		if field.Aggregate == nil {
			continue
		}
		if err := c.addAggregate(node, field); err != nil {
			return err
		}
	}
	if n := len(c.plan.Nodes[node.ID].Accumulators); n > MaxAccumulators {
		return fmt.Errorf("%q holds %d aggregates: at most %d", node.Name, n, MaxAccumulators)
	}
	return nil
}

// addAggregate makes the chain of accumulators of one field, from the level
// just above the aggregated rows up to the field's own node.
func (c *compiler) addAggregate(node *Node, field *Field) error {
	a := field.Aggregate
	if len(a.Path) == 0 {
		return fmt.Errorf("aggregate %q has no path", field.Name)
	}
	last := a.Path[len(a.Path)-1]
	accumulator := Accumulator{Func: a.Func, Arg: -1, Via: -1, Type: relation.Type{Scale: -1}}
	if a.Arg != nil {
		accumulator.Arg = c.hidden(c.plan.Nodes[last], a.Arg)
		accumulator.Type = a.Arg.Type
	}
	for level := len(a.Path) - 1; level >= 0; level-- {
		child := a.Path[level]
		holder := c.view.Nodes[child].Parent
		accumulator.Child = child
		accumulator.Gates = nil
		for _, condition := range a.Where {
			if condition.Node == child {
				accumulator.Gates = append(accumulator.Gates, c.hidden(c.plan.Nodes[child], condition.Expr))
			}
		}
		sort.Ints(accumulator.Gates)
		accumulator.Field = -1
		if ranked(a.Func) {
			accumulator.Order = c.orderAt(a, level)
			accumulator.Key = c.plan.Nodes[child].KeyColumns
		}
		if level == 0 {
			if holder != node.ID {
				return fmt.Errorf("aggregate %q does not start below its own node", field.Name)
			}
			accumulator.Field = field.Ordinal
		}
		accumulator.Via = c.accumulator(c.plan.Nodes[holder], accumulator)
		accumulator.Arg = -1
	}
	return nil
}

// orderAt gives the order of a first or last as it stands at a level of the path:
// what rows further up add to it is the same for all rows below one of them.
func (c *compiler) orderAt(a *Aggregate, level int) []AccumulatorTerm {
	var order []AccumulatorTerm
	for _, term := range a.Order {
		at := slices.Index(a.Path, term.Node)
		if at < level {
			continue
		}
		lowered := lowerTerm(term.OrderTerm)
		if at == level {
			lowered.Column = c.hidden(c.plan.Nodes[term.Node], term.Expr)
		}
		order = append(order, lowered)
	}
	return order
}

func lowerTerm(term OrderTerm) AccumulatorTerm {
	return AccumulatorTerm{Column: -1, Type: term.Expr.Type, Desc: term.Desc, NullsFirst: term.NullsFirst}
}

// accumulator gives the ordinal of an equal inner accumulator, or of a new one.
func (c *compiler) accumulator(p *PlanNode, wanted Accumulator) int {
	for _, have := range p.Accumulators {
		if wanted.Field < 0 && have.Field < 0 && have.Child == wanted.Child && have.Func == wanted.Func &&
			have.Arg == wanted.Arg && have.Via == wanted.Via && slices.Equal(have.Gates, wanted.Gates) && slices.Equal(have.Order, wanted.Order) {
			return have.ID
		}
	}
	wanted.ID = len(p.Accumulators)
	p.Accumulators = append(p.Accumulators, wanted)
	return wanted.ID
}
