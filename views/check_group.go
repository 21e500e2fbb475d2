package views

import (
	"fmt"

	"odsd/internal/yamlfile"
)

// groupRole says what a field of a group-by view is.
type groupRole uint8

const (
	noRole groupRole = iota // not of a group
	dimension
	measure
)

// addGroupFields makes the fields of a group-by view: dimensions, then measures.
func (c *checker) addGroupFields(s *scope, n *Node) {
	c.addFields(s, n, c.def.Dimensions, &n.Fields)
	dimensions := len(s.fields)
	var measures []*FieldDefinition
	for _, def := range c.def.Measures {
		if s.byName[def.Name.Value] != nil {
			def.Name.Node.Report(yamlfile.CodeGroup, "give the measure another name", "%q is already a dimension", def.Name.Value)
			continue
		}
		measures = append(measures, def)
	}
	c.addFields(s, n, measures, &n.Fields)
	for i, f := range s.fields {
		if f.role = measure; i < dimensions {
			f.role = dimension
		}
	}
}

// overRows sees the rows of a group: columns, and dimensions by what they are made of.
func (c *checker) overRows(what string) *visible {
	return &visible{c: c, what: what, row: c.root, fields: true, inlined: true, sees: only(c.root)}
}

// overGroups sees finished documents or groups: the root's fields alone.
func (c *checker) overGroups(what string) *visible {
	return &visible{c: c, what: what, row: c.root, fields: true, grouped: true, sees: func(*scope) bool { return false }}
}

func (c *checker) resolveDimension(f *fieldState) bool {
	var e *Expr
	switch {
	case f.def.Bucket != nil:
		e = c.bucket(f)
	case f.def.Expr.Given():
		v := c.overRows("`group_by`")
		v.self = f
		e = v.expression(f.def.Expr, f.def.Expr.Value)
	default:
		if !c.resolveBare(f) {
			return false
		}
		e = f.field.Expr
	}
	if e == nil {
		return false
	}
	if !hasOrder(e.Type) {
		f.def.Name.Node.Report(yamlfile.CodeGroup, "", "values of type %s cannot be grouped by", e.Type)
		return false
	}
	c.setExpr(f, e)
	return true
}

// bucket makes the expression of a dimension over time.
func (c *checker) bucket(f *fieldState) *Expr {
	def := f.def.Bucket
	if !def.Every.Given() || !def.Timezone.Given() {
		return nil // missing, which was reported
	}
	v := c.overRows("`bucket`")
	v.self = f
	of := v.expression(def.Of, def.Of.Value)
	_, known := parseBucket(def.Every.Value)
	if !known {
		def.Every.Node.Report(yamlfile.CodeValue, everyHint, "%q is not the length of a bucket", def.Every.Value)
	}
	if _, err := loadZone(def.Timezone.Value); err != nil {
		def.Timezone.Node.Report(yamlfile.CodeValue, `names are those of the IANA database, as in Europe/Berlin`, "no time zone %q", def.Timezone.Value)
		known = false
	}
	if of == nil || !known {
		return nil
	}
	e, problem := bucketOf(of, def.Every.Value, def.Timezone.Value)
	if e == nil {
		def.Of.Node.Report(codeType, "to_time(x) makes a timestamp of a text or of seconds", "%s", problem)
	}
	return e
}

// resolveMeasure checks an aggregate over the rows of a group.
func (c *checker) resolveMeasure(f *fieldState) bool {
	def := f.def.Aggregate
	if def == nil || !def.Path.Given() {
		return false
	}
	a := newAggregate(def)
	f.field.Aggregate = a
	ok := c.measureArg(a, def)
	if def.Where.Given() {
		v := c.overRows("`where` of a measure")
		v.columnsFirst = true
		e := v.condition(def.Where)
		for _, part := range Conjuncts(e) {
			a.Where = append(a.Where, AggregateCondition{Expr: part})
		}
		ok = ok && e != nil
	}
	ok = c.measureOrder(def.OrderBy, a) && ok
	known := a.Arg != nil || a.Func == Count
	return known && c.aggregateType(f, a) && c.aggregateDefault(f, a) && ok
}

// measureOrder checks the order of a first or last over the rows of a group.
func (c *checker) measureOrder(orderBy []Text, a *Aggregate) bool {
	if !ranked(a.Func) {
		return true
	}
	v := c.overRows("`order_by` of a measure")
	v.columnsFirst = true
	sound := true
	for _, t := range orderBy {
		term, ok := v.orderTerm(t)
		a.Order = append(a.Order, AggregateTerm{OrderTerm: term})
		sound = sound && ok
	}
	return sound
}

func (c *checker) measureArg(a *Aggregate, def *AggregateDefinition) bool {
	if a.Func == Count {
		if def.Path.Value != "*" {
			hint := fmt.Sprintf(`write {count: "*"}; with "where: %s != nil" where only those count`, def.Path.Value)
			def.Path.Node.Report(yamlfile.CodePath, hint, "count counts the rows of the group")
		}
		return def.Path.Value == "*"
	}
	v := c.overRows("measures")
	v.columnsFirst = true
	a.Arg = v.expression(def.Path, def.Path.Value)
	return a.Arg != nil
}

// checkDimensions makes the dimensions the key of the view.
func (c *checker) checkDimensions() {
	for _, f := range c.root.fields {
		if f.role == dimension {
			c.view.KeyFields = append(c.view.KeyFields, f.field.Ordinal)
		}
	}
}

// checkHaving checks the condition on finished documents or groups.
func (c *checker) checkHaving() {
	if c.def.Having.Given() {
		c.view.Having = c.overGroups("`having`").condition(c.def.Having)
	}
}
