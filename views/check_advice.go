package views

import (
	"fmt"
	"slices"
	"strings"

	"odsd/internal/yamlfile"
)

// advise warns of what is allowed, and is seldom meant.
func (c *checker) advise() {
	for _, s := range c.scopes {
		condition := s.occurrence.Where
		if s.occurrence.Kind != OneOccurrence && c.view.Kind != UnionView {
			condition = s.node(c).Where
		}
		c.adviseNullable(s.where, condition, s.occurrence.ID)
	}
	for i, b := range c.view.Branches {
		c.adviseNullable(c.def.Branches[i].Where, b.Where, b.Occurrence)
	}
	for _, s := range append(slices.Clone(c.scopes), c.root) {
		for _, f := range s.fields {
			if a := f.field.Aggregate; a != nil && f.def.Aggregate != nil {
				for _, condition := range a.Where {
					c.adviseNullable(f.def.Aggregate.Where, condition.Expr, s.occurrence.ID)
				}
			}
		}
		if c.view.Kind != UnionView && s == c.root {
			break // the root is among the scopes
		}
	}
	c.adviseJoins()
}

// adviseNullable warns of != between a column that may be null and a value that
// is not, in a condition on the rows of an occurrence that does not speak of null.
func (c *checker) adviseNullable(t Text, condition *Expr, of int) {
	if condition == nil || !t.Given() {
		return
	}
	var walk func(e *Expr)
	walk = func(e *Expr) {
		if column := c.surprise(e, of); column != nil && !condition.asksNil(column) {
			name := c.columnName(column)
			hint := fmt.Sprintf("write %s != nil and …, or %s == nil or …", name, name)
			warnUnequal(t, c.scopes[column.Occurrence].occurrence.Schema.Columns[column.Column].Name, hint, fmt.Sprintf("%s may be null, and rows where it is meet this condition: != is null-safe", name))
		}
		for _, arg := range e.Args {
			walk(arg)
		}
	}
	walk(condition)
}

// warnUnequal warns at the != beside a column's name, or at all of the text.
func warnUnequal(t Text, column, hint, message string) {
	for at := 0; ; at += len("!=") {
		next := strings.Index(t.Value[at:], "!=")
		if next < 0 {
			t.Node.Warn(yamlfile.CodeNullable, hint, "%s", message)
			return
		}
		at += next
		left, right := strings.TrimRight(t.Value[:at], " "), strings.TrimLeft(t.Value[at+2:], " ")
		if strings.HasSuffix(left, column) || strings.HasPrefix(right[strings.LastIndexByte(firstWord(right), '.')+1:], column) {
			t.Node.WarnWithin(at, len("!="), yamlfile.CodeNullable, hint, "%s", message)
			return
		}
	}
}

func firstWord(text string) string {
	if end := strings.IndexByte(text, ' '); end >= 0 {
		return text[:end]
	}
	return text
}

// surprise is the column of a != that a null meets; nil for anything else.
func (c *checker) surprise(e *Expr, of int) *Expr {
	if e.Op != OpNeq {
		return nil
	}
	for i, arg := range e.Args {
		column, other := uncast(arg), uncast(e.Args[1-i])
		if column.Op != OpColumn || c.certainly(column, of) {
			continue
		}
		if other.Op == OpConst && !other.Const.IsNull() || other.Op == OpColumn && c.certainly(other, of) {
			return column
		}
	}
	return nil
}

// certainly says whether a column has a value in every row of an occurrence that
// a condition sees: those of another row have none where there is no such row.
func (c *checker) certainly(column *Expr, of int) bool {
	o := c.scopes[column.Occurrence].occurrence
	notNull := o.Schema.Columns[column.Column].NotNull
	for ; o.ID != of && o.Kind == OneOccurrence; o = c.scopes[o.Parent].occurrence {
		notNull = notNull && o.Required
	}
	return notNull
}

// asksNil says whether an expression tests a column for nil anywhere.
func (e *Expr) asksNil(column *Expr) bool {
	if e.testsNil() {
		for _, arg := range e.Args {
			if a := uncast(arg); a.Op == OpColumn && a.Occurrence == column.Occurrence && a.Column == column.Column {
				return true
			}
		}
	}
	return slices.ContainsFunc(e.Args, func(a *Expr) bool { return a.asksNil(column) })
}

// bigTable is from how many rows on a table is big: work on all of them is
// seconds, and no longer unnoticed.
const bigTable = 1_000_000

// adviseJoins warns of joins that need an index of their own on a big table, on
// either side: a row finds the other side's by it.
func (c *checker) adviseJoins() {
	warned := map[string]bool{}
	for _, s := range c.scopes {
		sides := map[*scope][]int{}
		order := []*scope{s}
		for _, eq := range s.occurrence.Join {
			outer := c.scopes[eq.Outer]
			if sides[outer] == nil {
				order = append(order, outer)
			}
			sides[s], sides[outer] = append(sides[s], eq.Column), append(sides[outer], eq.OuterColumn)
		}
		for _, side := range order {
			schema := side.occurrence.Schema
			if len(sides[side]) == 0 || side.input != nil || schema.Rows < bigTable {
				continue
			}
			distinct := slices.Compact(slices.Sorted(slices.Values(sides[side])))
			if keyColumns(schema, distinct, len(side.occurrence.Order) > 0) != nil {
				continue
			}
			columns := columnNames(schema, sides[side])
			if warned[schema.Name+columns] {
				continue
			}
			warned[schema.Name+columns] = true
			s.join.Node.Warn(yamlfile.CodeBigJoin, "`odsd explain "+c.view.Name+"` shows what a change costs",
				"%s has about %s rows, and %s is not its key: an index for this join is built from all of them and kept with every change",
				schema.Name, roundRows(schema.Rows), columns)
		}
	}
}

// roundRows words a number of rows as people do.
func roundRows(n int64) string {
	switch {
	case n >= 1_000_000_000_000_000:
		return "more than 1000 trillion"
	case n >= 1_000_000_000_000:
		return fmt.Sprintf("%.3g trillion", float64(n)/1e12)
	case n >= 1_000_000_000:
		return fmt.Sprintf("%.3g billion", float64(n)/1e9)
	case n >= 1_000_000:
		return fmt.Sprintf("%.3g million", float64(n)/1e6)
	case n >= 10_000:
		return fmt.Sprintf("%.3g thousand", float64(n)/1e3)
	}
	return fmt.Sprint(n)
}
