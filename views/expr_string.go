package views

import (
	"strconv"
	"strings"

	"odsd/storage/relation"
)

// String is the expression's normal form: expressions of the same tree have
// the same text, wherever in a source and however spaced they were written.
// Columns are @occurrence.ordinal and fields $ordinal.
func (e *Expr) String() string {
	var b strings.Builder
	e.write(&b)
	return b.String()
}

func (e *Expr) write(b *strings.Builder) {
	switch e.Op {
	case OpConst:
		writeConstant(b, e.Type, e.Const)
	case OpColumn:
		b.WriteByte('@')
		b.WriteString(strconv.Itoa(e.Occurrence))
		b.WriteByte('.')
		b.WriteString(strconv.Itoa(e.Column))
	case OpField:
		b.WriteByte('$')
		b.WriteString(strconv.Itoa(e.Field))
	case OpItem:
		b.WriteByte('#')
	case OpCall:
		e.writeList(b, e.Name)
	case OpCast:
		e.writeList(b, "cast "+e.Type.Kind.String()+" ")
	case OpNot, OpNeg, OpIf, OpIn:
		e.writeList(b, string(e.Op))
	default:
		b.WriteByte('(')
		e.Args[0].write(b)
		b.WriteString(" " + string(e.Op) + " ")
		e.Args[1].write(b)
		b.WriteByte(')')
	}
}

func (e *Expr) writeList(b *strings.Builder, name string) {
	b.WriteString(name)
	b.WriteByte('(')
	for i, a := range e.Args {
		if i > 0 {
			b.WriteString(", ")
		}
		a.write(b)
	}
	b.WriteByte(')')
}

// writeConstant writes a constant so that its type can be told from it.
func writeConstant(b *strings.Builder, t relation.Type, v relation.Value) {
	switch {
	case v.IsNull():
		b.WriteString("nil:" + t.Kind.String())
		return
	case t.Kind == relation.Text:
		b.WriteString(strconv.Quote(v.Str()))
		return
	case t.Kind == relation.Bool:
		b.WriteString(strconv.FormatBool(v.Bool()))
		return
	case t.Kind == relation.Int4, t.Kind == relation.Decimal && v.Scale() > 0:
		b.Write(relation.AppendText(nil, v))
		return
	}
	b.WriteString(strconv.Quote(string(relation.AppendText(nil, v))) + ":" + t.Kind.String())
	if t.Kind == relation.Array {
		b.WriteString(" of " + t.Elem.String())
	}
}

// Walk visits the expression and everything below it, outermost first.
func (e *Expr) Walk(visit func(*Expr)) {
	if e == nil {
		return
	}
	visit(e)
	for _, a := range e.Args {
		a.Walk(visit)
	}
}

// exceeds counts the nodes of an expression, up to the first beyond a bound.
func (e *Expr) exceeds(bound int) int {
	if e == nil {
		return 0
	}
	count := 1
	for _, a := range e.Args {
		if count > bound {
			break
		}
		count += a.exceeds(bound - count)
	}
	return count
}

// Conjuncts splits a condition at its outermost ands: it is true where all of
// them are. Nil has none.
func Conjuncts(e *Expr) []*Expr {
	if e == nil {
		return nil
	}
	if e.Op != OpAnd {
		return []*Expr{e}
	}
	var list []*Expr
	for _, a := range e.Args {
		list = append(list, Conjuncts(a)...)
	}
	return list
}
