package views

import (
	"odsd/internal/yamlfile"
	"odsd/storage/relation"
)

// resolve types a field, and first whatever it uses.
func (c *checker) resolve(f *fieldState) {
	if f.state != unresolved {
		return
	}
	f.state = resolving
	c.path = append(c.path, f)
	ok := true
	switch f.def.Kind {
	case ScalarField:
		ok = c.resolveScalar(f)
	case AggregateField:
		if f.role == measure {
			ok = c.resolveMeasure(f)
		} else {
			ok = c.resolveAggregate(f)
		}
	}
	c.path = c.path[:len(c.path)-1]
	f.state = broken
	if ok {
		f.state = resolved
		c.checkAs(f)
	}
}

func (c *checker) resolveScalar(f *fieldState) bool {
	switch {
	case f.def.failed:
		return false
	case f.role == dimension:
		return c.resolveDimension(f)
	case !f.def.Expr.Given():
		return c.resolveBare(f)
	}
	v := &visible{c: c, what: "fields", row: f.scope, self: f, fields: true, sees: sameNode(f.scope)}
	if f.role == measure {
		v = c.overGroups("measures")
	}
	e := v.expression(f.def.Expr, f.def.Expr.Value)
	if e == nil {
		return false
	}
	if e.Type.Kind.Family() == relation.NoFamily {
		f.def.Expr.Node.Report(yamlfile.CodeNoType, "", "the expression is always nil, so the field has no type")
		return false
	}
	c.setExpr(f, e)
	return true
}

// resolveBare: the field is the column of its name.
func (c *checker) resolveBare(f *fieldState) bool {
	if f.scope.dead() {
		return false
	}
	v := &visible{c: c, what: "fields", row: f.scope, self: f, sees: only(f.scope)}
	name := f.def.Name.Value
	column := f.scope.column(name)
	if column < 0 {
		p := v.unknownColumn(f.scope, name, nil)
		f.def.Name.Node.Report(yamlfile.CodeName, p.Hint, "%s", p.Message)
		return false
	}
	c.setExpr(f, columnRef(f.scope, column))
	return true
}

func (c *checker) setExpr(f *fieldState, e *Expr) {
	f.field.Expr = e
	f.field.Type = e.Type
	f.field.Nullable = !c.certain(f, e)
	if e.Op == OpColumn && f.field.Description == "" {
		f.field.Description = c.view.Occurrences[e.Occurrence].Schema.Columns[e.Column].Description
	}
}

// certain says that a field always has a value to show where its object is: a
// not-null column of a row that is there whenever the object is. Infinite times,
// floats that are no numbers and JSON's own null are shown as null, so values of
// these types are never certain.
func (c *checker) certain(f *fieldState, e *Expr) bool {
	switch e.Type.Kind.Family() {
	case relation.DateFamily, relation.TimestampFamily, relation.FloatFamily, relation.JSONFamily:
		return false
	}
	switch e.Op {
	case OpCast:
		return len(e.Args) == 1 && c.certain(f, e.Args[0])
	case OpField:
		used := c.view.Nodes[f.scope.occurrence.Node].Scalars[e.Field]
		return !used.Nullable && c.present(f.scope, c.scopes[used.Within])
	case OpColumn:
		s := c.scopes[e.Occurrence]
		return s.occurrence.Schema.Columns[e.Column].NotNull && c.present(f.scope, s)
	}
	return false
}

// present says that whenever the object of one scope is there, so is the row of
// another of the same node: it encloses the first, or hangs under one that does by
// required `one`s.
func (c *checker) present(object, row *scope) bool {
	for {
		if enclosing(object)(row) {
			return true
		}
		if !row.occurrence.Required || row.parent == nil {
			return false
		}
		row = row.parent
	}
}

// checkAs checks `graphql: {as: …}`, which gives up exactness for convenience.
func (c *checker) checkAs(f *fieldState) {
	f.field.As = f.def.As.Value
	if f.def.Kind == AggregateField && counts(f.def.Aggregate.Func) && f.field.As == "" {
		f.field.As = "Int"
	}
	if !f.def.As.Given() {
		return
	}
	if f.def.Kind == OneField || f.def.Kind == ManyField {
		f.def.As.Node.Report(yamlfile.CodeGraphQL, "", "`as` is for numbers; this field has rows")
		return
	}
	kind := f.field.Type.Kind
	if kind != relation.Int8 && (kind != relation.Decimal || f.field.As == "Int") {
		f.def.As.Node.Report(yamlfile.CodeGraphQL, "bigint can be shown as Int or Float, numeric as Float",
			"a value of type %s cannot be shown as %s", f.field.Type, f.field.As)
		return
	}
	if f.def.Kind == ScalarField {
		f.field.Nullable = true // beyond the type's range it shows null
	}
}

// orderEvaluation lists a node's fields such that each comes after those it
// uses. Cycles were reported when fields were typed; what is in one is left out.
func (c *checker) orderEvaluation(n *Node) {
	state := make([]resolution, len(n.Scalars))
	var visit func(ordinal int)
	visit = func(ordinal int) {
		if state[ordinal] != unresolved {
			return
		}
		state[ordinal] = resolving
		if e := n.Scalars[ordinal].Expr; e != nil {
			e.Walk(func(e *Expr) {
				if e.Op == OpField {
					visit(e.Field)
				}
			})
		}
		state[ordinal] = resolved
		n.EvalOrder = append(n.EvalOrder, ordinal)
	}
	for ordinal := range n.Scalars {
		visit(ordinal)
	}
}
