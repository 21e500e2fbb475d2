package enginetest

import (
	"fmt"
	"strings"

	"odsd/storage/relation"
	"odsd/views"
)

// condition is an expression that restricts rows: null counts as false, as it
// does in WHERE.
func (s *statement) condition(e *views.Expr, n *views.Node) string {
	return "(" + s.expression(e, n) + ")"
}

// expression translates a checked expression that reads the rows of a node.
func (s *statement) expression(e *views.Expr, n *views.Node) string {
	if e.Op == views.OpCall && e.Name == "round" {
		return s.round(e, n)
	}
	if e.Op == views.OpCall && e.Name == "json" {
		return s.json(e, n)
	}
	args := make([]string, len(e.Args))
	for i, a := range e.Args {
		args[i] = s.expression(a, n)
	}
	switch e.Op {
	case views.OpConst:
		return s.constant(e.Const, e.Type)
	case views.OpColumn:
		return columnName(e.Occurrence, e.Column)
	case views.OpField:
		return fieldName(n.ID, e.Field)
	case views.OpCast:
		return s.cast(e, args[0])
	case views.OpItem:
		return itemName
	case views.OpAdd, views.OpSub, views.OpMul, views.OpDiv, views.OpMod, views.OpNeg:
		return s.arithmetic(e, args)
	case views.OpCall:
		if e.Name == "bucket" {
			return s.bucket(e, args[0])
		}
		return s.call(e, args)
	}
	return s.logic(e, args)
}

// logic has two truth values: null counts as false, equality knows null.
func (s *statement) logic(e *views.Expr, args []string) string {
	if e.Args[0].Type.Kind == relation.JSON && (e.Op == views.OpEq || e.Op == views.OpNeq) {
		return s.jsonIsNil(e, args)
	}
	switch e.Op {
	case views.OpEq:
		return fmt.Sprintf("(%s IS NOT DISTINCT FROM %s)", args[0], args[1])
	case views.OpNeq:
		return fmt.Sprintf("(%s IS DISTINCT FROM %s)", args[0], args[1])
	case views.OpLt, views.OpLte, views.OpGt, views.OpGte:
		return fmt.Sprintf("coalesce(%s %s %s, false)", args[0], e.Op, args[1])
	case views.OpAnd, views.OpOr:
		return fmt.Sprintf("(coalesce(%s, false) %s coalesce(%s, false))", args[0], e.Op, args[1])
	case views.OpNot:
		return fmt.Sprintf("(NOT coalesce(%s, false))", args[0])
	case views.OpIf:
		return fmt.Sprintf("(CASE WHEN %s THEN %s ELSE %s END)", args[0], args[1], args[2])
	case views.OpElse:
		return fmt.Sprintf("coalesce(%s, %s)", args[0], args[1])
	case views.OpIn:
		return s.membership(e, args)
	}
	return s.refuse("the operator %s", e.Op)
}

func (s *statement) membership(e *views.Expr, args []string) string {
	if len(e.Args) == 2 && e.Args[1].Type.Kind == relation.Array {
		return elementIsIn(args[0], args[1])
	}
	var tests []string
	for _, a := range args[1:] {
		tests = append(tests, fmt.Sprintf("%s IS NOT DISTINCT FROM %s", args[0], a))
	}
	if len(tests) == 0 {
		return "false"
	}
	return "(" + strings.Join(tests, " OR ") + ")"
}

// arithmetic is PostgreSQL's own, except where its quotients of numerics have
// fewer places than are asked for.
func (s *statement) arithmetic(e *views.Expr, args []string) string {
	for _, a := range e.Args {
		switch a.Type.Kind.Family() {
		case relation.IntegerFamily, relation.DecimalFamily, relation.FloatFamily,
			relation.IntervalFamily, relation.TimestampFamily, relation.DateFamily:
		case relation.TextFamily:
			if e.Op == views.OpAdd {
				return fmt.Sprintf("(%s || %s)", args[0], args[1])
			}
		default:
			return s.refuse("%s of %s", e.Op, a.Type)
		}
	}
	switch {
	case e.Op == views.OpNeg:
		return fmt.Sprintf("(- %s)", args[0])
	case e.Op == views.OpDiv && e.Type.Kind == relation.Decimal:
		return s.refuse("a quotient of decimals that is not rounded at once")
	}
	return fmt.Sprintf("(%s %s %s)::%s", args[0], e.Op, args[1], typeName(e.Type))
}

// constant is a typed literal.
func (s *statement) constant(v relation.Value, t relation.Type) string {
	if v.IsNull() {
		return "NULL::" + typeName(t)
	}
	if v.Kind() == relation.Bool {
		return fmt.Sprint(v.Bool())
	}
	if v.IsError() {
		return s.refuse("a constant of kind %s", v.Kind())
	}
	return quoteText(string(relation.AppendText(nil, v))) + "::" + typeName(t)
}

func quoteText(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

// typeName names a type for a cast. Enums are text throughout the statement.
func typeName(t relation.Type) string {
	switch t.Kind {
	case relation.Null, relation.Enum:
		return "text"
	case relation.JSON:
		return "json"
	case relation.Array:
		return typeName(relation.TypeOf(t.Elem)) + "[]"
	}
	return t.Kind.String()
}
