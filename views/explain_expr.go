package views

import (
	"strconv"
	"strings"

	"odsd/storage/relation"
)

// text prints an expression of a node: as it was written where that is known,
// else with the names of the view. What the checker added (casts) is left out.
func (x explainer) text(e *Expr, n *Node) string {
	switch {
	case e == nil:
		return ""
	case e.Source != "":
		return e.Source
	}
	switch e.Op {
	case OpConst:
		return constantAsText(e)
	case OpColumn:
		return x.column(e.Occurrence, e.Column)
	case OpField:
		if e.Field < len(n.Scalars) {
			return n.Scalars[e.Field].Name
		}
		return "?"
	case OpItem:
		return "#"
	case OpCast:
		return x.text(e.Args[0], n)
	case OpNot:
		return "not " + x.text(e.Args[0], n)
	case OpNeg:
		return "-" + x.text(e.Args[0], n)
	case OpIf:
		return "(" + x.text(e.Args[0], n) + " ? " + x.text(e.Args[1], n) + " : " + x.text(e.Args[2], n) + ")"
	case OpCall:
		return e.Name + "(" + x.list(e.Args, n) + ")"
	case OpIn:
		return x.text(e.Args[0], n) + " in [" + x.list(e.Args[1:], n) + "]"
	}
	if len(e.Args) != 2 {
		return string(e.Op) + "(" + x.list(e.Args, n) + ")"
	}
	return x.operand(e.Args[0], n) + " " + string(e.Op) + " " + x.operand(e.Args[1], n)
}

// operand is in brackets where it has operands of its own.
func (x explainer) operand(e *Expr, n *Node) string {
	text := x.text(e, n)
	for e.Op == OpCast {
		e = e.Args[0]
	}
	switch e.Op {
	case OpConst, OpColumn, OpField, OpItem, OpCall, OpIf:
		return text
	}
	return "(" + text + ")"
}

func (x explainer) list(args []*Expr, n *Node) string {
	texts := make([]string, len(args))
	for i, a := range args {
		texts[i] = x.text(a, n)
	}
	return strings.Join(texts, ", ")
}

func constantAsText(e *Expr) string {
	switch {
	case e.Const.IsNull():
		return "nil"
	case e.Const.Kind().Family() == relation.TextFamily:
		return strconv.Quote(e.Const.Str())
	case e.Const.Kind() == relation.Bool:
		return strconv.FormatBool(e.Const.Bool())
	}
	return string(relation.AppendText(nil, e.Const))
}
