package views

import (
	"fmt"
	"regexp"
	"strings"

	"odsd/internal/yamlfile"
	"odsd/storage/relation"
)

// checkRelation checks what an occurrence's rows are: join, condition, order.
func (c *checker) checkRelation(s *scope) {
	if s.occurrence.Kind != RootOccurrence {
		c.checkJoin(s)
	}
	c.checkWhere(s)
	c.checkOrder(s)
	if s.occurrence.Kind == OneOccurrence {
		c.checkToOne(s)
	}
}

// sameNode sees what is stored in one row with s: the node's own relation and
// all of its `one`s.
func sameNode(s *scope) func(*scope) bool {
	return func(other *scope) bool { return other.occurrence.Node == s.occurrence.Node }
}

// fromDown sees s and the `one`s below it.
func fromDown(s *scope) func(*scope) bool {
	return func(other *scope) bool {
		for ; other != nil && other.occurrence.Node == s.occurrence.Node; other = other.parent {
			if other == s {
				return true
			}
		}
		return false
	}
}

// enclosing sees s and everything that it is nested in.
func enclosing(s *scope) func(*scope) bool {
	return func(other *scope) bool {
		for up := s; up != nil; up = up.parent {
			if up == other {
				return true
			}
		}
		return false
	}
}

// joinable sees s, everything that it is nested in, and all `one`s of the nodes
// above: their rows are known before s is joined. A `one` of the same node beside
// s is not.
func (c *checker) joinable(s *scope) func(*scope) bool {
	above := map[int]bool{}
	for n := s.node(c).Parent; n >= 0; n = c.view.Nodes[n].Parent {
		above[n] = true
	}
	encloses := enclosing(s)
	return func(other *scope) bool { return encloses(other) || above[other.occurrence.Node] }
}

func only(s *scope) func(*scope) bool {
	return func(other *scope) bool { return other == s }
}

func (c *checker) checkWhere(s *scope) {
	if !s.where.Given() {
		return
	}
	v := &visible{c: c, what: "`where`", row: s, sees: sameNode(s)}
	if s.occurrence.Kind == OneOccurrence {
		v.what, v.sees = "`where` of a `one`", fromDown(s)
		s.occurrence.Where = v.condition(s.where)
		return
	}
	s.node(c).Where = v.condition(s.where)
}

func (c *checker) checkOrder(s *scope) {
	v := &visible{c: c, what: "`order_by`", row: s, sees: sameNode(s)}
	if s.occurrence.Kind == OneOccurrence {
		v.what, v.sees = "`order_by` of a `one`", only(s)
	}
	var terms []OrderTerm
	for _, t := range s.orderBy {
		term, ok := v.orderTerm(t)
		if ok {
			terms = append(terms, term)
		}
	}
	if s.occurrence.Kind == OneOccurrence {
		s.occurrence.Order = terms
	} else {
		s.node(c).Order = terms
	}
}

// direction is what may follow the expression of a term.
var direction = regexp.MustCompile(`(?i)(?:\s+(asc|desc))?(?:\s+nulls\s+(first|last))?\s*$`)

// orderTerm reads "expr [asc|desc] [nulls first|last]".
func (v *visible) orderTerm(t Text) (OrderTerm, bool) {
	source, term := splitDirection(t.Value)
	term.Expr = v.expression(t, source)
	if term.Expr == nil {
		return term, false
	}
	if !hasOrder(term.Expr.Type) {
		t.Node.Report(yamlfile.CodeOrder, "", "values of type %s have no order", term.Expr.Type)
		return term, false
	}
	return term, true
}

// splitDirection takes a term apart; nulls stand where PostgreSQL puts them,
// unless the term says otherwise.
func splitDirection(text string) (source string, term OrderTerm) {
	m := direction.FindStringSubmatchIndex(text)
	source = text[:m[0]]
	word := func(group int) string {
		if m[2*group] < 0 {
			return ""
		}
		return strings.ToLower(text[m[2*group]:m[2*group+1]])
	}
	term.Desc = word(1) == "desc"
	term.NullsFirst = term.Desc
	if nulls := word(2); nulls != "" {
		term.NullsFirst = nulls == "first"
	}
	return source, term
}

// hasOrder says whether values of a type can stand in keys and orders.
func hasOrder(t relation.Type) bool {
	return t.Kind.Family() != relation.JSONFamily && t.Kind.Family() != relation.ArrayFamily && t.Kind.Family() != relation.NoFamily
}

func (c *checker) checkJoin(s *scope) {
	if !s.join.Given() {
		return // missing, which was reported
	}
	v := &visible{c: c, what: "`join`", row: s, sees: c.joinable(s)}
	e := v.condition(s.join)
	if e == nil || s.dead() {
		return
	}
	for _, part := range Conjuncts(e) {
		if eq, ok := c.equality(s, part); ok {
			s.occurrence.Join = append(s.occurrence.Join, eq)
		}
	}
}

// equality reads one condition of a join.
func (c *checker) equality(s *scope, e *Expr) (Equality, bool) {
	report := func(hint, format string, args ...any) (Equality, bool) {
		s.join.Node.Report(yamlfile.CodeJoin, hint, format, args...)
		return Equality{}, false
	}
	if e.Op != OpEq || len(e.Args) != 2 {
		return report("conditions on one relation belong in `where`", "a join is made of equalities of columns, a.x == b.y, joined by `and`")
	}
	own, outer := uncast(e.Args[0]), uncast(e.Args[1])
	if own.Op != OpColumn || outer.Op != OpColumn {
		if own.Op == OpConst || outer.Op == OpConst {
			return report("conditions on one relation belong in `where`", "both sides of a join are columns")
		}
		return report("join on an expression through a view that has it as a field", "both sides of a join are plain columns")
	}
	id := s.occurrence.ID
	if own.Occurrence != id {
		own, outer = outer, own
	}
	switch {
	case own.Occurrence != id:
		return report("compare a column of "+s.occurrence.Alias+" with a column of an enclosing relation",
			"a condition of the join says nothing of %s", s.occurrence.Alias)
	case outer.Occurrence == id:
		return report("conditions on one relation belong in `where`", "both sides of the join are columns of %s", s.occurrence.Alias)
	case !relation.Comparable(own.Type, outer.Type):
		return report("cast one of them in a view below", "%s is %s and %s is %s: they do not compare",
			c.columnName(own), own.Type, c.columnName(outer), outer.Type)
	case !hasOrder(own.Type):
		return report("", "columns of type %s cannot be joined on", own.Type)
	case !equalAsText(own.Type) || !equalAsText(outer.Type):
		return report("join on a field of a view below, such as `lower(email)`",
			"%s is %s and %s is %s: PostgreSQL holds some of their values equal whose texts differ",
			c.columnName(own), own.Type, c.columnName(outer), outer.Type)
	}
	return Equality{Column: own.Column, Outer: outer.Occurrence, OuterColumn: outer.Column}, true
}

// equalAsText says whether two values of a type that is held as a text are equal
// where their texts are, as far as its name tells.
func equalAsText(t relation.Type) bool {
	switch t.Name[strings.LastIndexByte(t.Name, '.')+1:] { // an extension may stand in any schema
	case "citext", "numrange", "nummultirange":
		return false
	}
	return true
}

// uncast looks through the widening that the checker of expressions inserts:
// joins compare by value within a family.
func uncast(e *Expr) *Expr {
	for e.Op == OpCast && len(e.Args) == 1 {
		e = e.Args[0]
	}
	return e
}

func (c *checker) columnName(e *Expr) string {
	o := c.view.Occurrences[e.Occurrence]
	return o.Alias + "." + o.Schema.Columns[e.Column].Name
}

// checkToOne makes sure that a `one` finds one row, or says which.
func (c *checker) checkToOne(s *scope) {
	if s.dead() || len(s.occurrence.Join) == 0 || len(s.orderBy) > 0 {
		return
	}
	columns := make([]int, 0, len(s.occurrence.Join))
	for _, eq := range s.occurrence.Join {
		columns = append(columns, eq.Column)
	}
	if s.occurrence.Schema.IsUnique(columns) {
		return
	}
	s.at.Node.Report(yamlfile.CodeToOne, fmt.Sprintf("say which with `order_by` over columns of %s, or make it a `many`", s.occurrence.Alias),
		"the join may find several rows: it covers no unique key of %s", s.relation())
}
