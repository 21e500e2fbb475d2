package views

import "odsd/storage/relation"

// addGroups lowers a group-by view: one accumulator a measure over the columns
// that a row contributes, and one more that counts the rows, since a group is
// there as long as it has any.
func (c *compiler) addGroups() {
	root := c.view.Nodes[0]
	p := c.plan.Nodes[0]
	for _, field := range root.Scalars {
		a := field.Aggregate
		if a == nil {
			continue
		}
		accumulator := Accumulator{ID: len(p.Accumulators), Func: a.Func, Arg: -1, Via: -1, Field: field.Ordinal, Type: relation.Type{Scale: -1}}
		if a.Arg != nil {
			accumulator.Arg = c.input(a.Arg)
			accumulator.Type = a.Arg.Type
		}
		for _, condition := range a.Where {
			accumulator.Gates = append(accumulator.Gates, c.input(condition.Expr))
		}
		for _, term := range a.Order {
			lowered := lowerTerm(term.OrderTerm)
			lowered.Column = c.input(term.Expr)
			accumulator.Order = append(accumulator.Order, lowered)
		}
		if ranked(a.Func) {
			for _, column := range c.view.Occurrences[root.Own].Schema.Key {
				accumulator.Key = append(accumulator.Key, c.input(c.columnExpr(root.Own, column)))
			}
		}
		p.Accumulators = append(p.Accumulators, accumulator)
	}
	p.Accumulators = append(p.Accumulators, Accumulator{
		ID: len(p.Accumulators), Func: Count, Arg: -1, Via: -1, Field: -1, Type: relation.Type{Scale: -1},
	})
	c.plan.Occurrences = append(c.plan.Occurrences, &PlanOccurrence{Down: Lookup{Arrangement: -1}})
}

// input gives the ordinal of a column that rows contribute, adding it where
// there is none.
func (c *compiler) input(e *Expr) int {
	text := e.String()
	for i, column := range c.plan.Input {
		if column.Name == text {
			return i
		}
	}
	c.plan.Input = append(c.plan.Input, PlanColumn{Name: text, Type: e.Type, From: FromExpr, Expr: e})
	return len(c.plan.Input) - 1
}

// addBranches lowers a union: the row of a branch is found by the key.
func (c *compiler) addBranches() {
	for i, branch := range c.view.Branches {
		o := c.view.Occurrences[branch.Occurrence]
		lowered := PlanBranch{Branch: i}
		var conditions []condition
		for _, field := range c.view.KeyFields {
			column := -1
			if e := branch.Columns[field]; e != nil {
				column = columnOf(e)
			}
			lowered.Keys = append(lowered.Keys, column)
			if column >= 0 {
				conditions = append(conditions, condition{column, ColumnOf{o.ID, column}})
			}
		}
		lowered.Lookup = c.lookup(o, conditions, nil)
		c.plan.Branches = append(c.plan.Branches, lowered)
		c.plan.Occurrences = append(c.plan.Occurrences, &PlanOccurrence{Occurrence: o.ID, Down: Lookup{Arrangement: -1}})
	}
}

// columnOf is the column that an expression is, widened perhaps; -1 for others.
func columnOf(e *Expr) int {
	for e.Op == OpCast {
		e = e.Args[0]
	}
	if e.Op == OpColumn {
		return e.Column
	}
	return -1
}
