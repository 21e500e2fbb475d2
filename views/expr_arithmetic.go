package views

import (
	"fmt"

	"github.com/expr-lang/expr/ast"

	"odsd/storage/relation"
)

var arithmeticOps = map[string]Op{"+": OpAdd, "-": OpSub, "*": OpMul, "/": OpDiv, "%": OpMod}

// arithmetic types + - * / %. The result types are PostgreSQL's.
func (c *exprChecker) arithmetic(n *ast.BinaryNode) *Expr {
	rounding := c.rounding
	if n.Operator == "%" {
		c.rounding = 0
	}
	operands := c.all([]ast.Node{n.Left, n.Right})
	c.rounding = rounding
	if operands == nil {
		return nil
	}
	op := arithmeticOps[n.Operator]
	left, right := operands[0].e.Type, operands[1].e.Type
	switch {
	case op == OpAdd && textual(left.Kind) && textual(right.Kind):
		return c.concat(n, operands)
	case isTemporalSum(op, left.Kind, right.Kind):
		return c.temporalSum(n, op, operands)
	case !isNumber(left.Kind) && left.Kind != relation.Null, !isNumber(right.Kind) && right.Kind != relation.Null:
		return c.report(n, codeType, fmt.Sprintf("%s %s %s is not defined", left, n.Operator, right), mixHint(left, right))
	}
	return c.numeric(n, op, operands)
}

func (c *exprChecker) concat(n ast.Node, operands []operand) *Expr {
	text := relation.TypeOf(relation.Text)
	args := make([]*Expr, 0, 2)
	for _, o := range operands {
		e := c.convert(o, text)
		if e == nil {
			return nil
		}
		args = append(args, e)
	}
	return c.fold(n, &Expr{Op: OpAdd, Type: text, Args: args})
}

func (c *exprChecker) numeric(n *ast.BinaryNode, op Op, operands []operand) *Expr {
	t, ok := c.numericType(operands)
	switch {
	case !ok:
		return nil
	case t.Kind == relation.Null:
		return operands[0].e
	case op == OpMod && isFloat(t.Kind):
		return c.report(n, codeType, "% is not defined for floats", "convert them: decimal(x) % decimal(y)")
	case op == OpDiv && t.Kind == relation.Decimal && c.rounding == 0:
		return c.report(n, codeType, "the division of decimals needs a rounding around it",
			"write round(x / y, 2), or floor or ceil")
	}
	return c.fold(n, &Expr{Op: op, Type: relation.TypeOf(t.Kind), Args: expressions(operands)})
}

// numericType leaves integers of different width as they are: the result's
// width is checked, whatever the operands'.
func (c *exprChecker) numericType(operands []operand) (relation.Type, bool) {
	left, right := operands[0].e.Type, operands[1].e.Type
	if isInteger(left.Kind) && isInteger(right.Kind) {
		return relation.TypeOf(max(left.Kind, right.Kind)), true
	}
	return c.unify(operands, "these do not mix")
}

// power types x ** y. A power of exact numbers is exact, so its exponent must
// be known: a whole constant.
func (c *exprChecker) power(n *ast.BinaryNode) *Expr {
	operands := c.all([]ast.Node{n.Left, n.Right})
	if operands == nil {
		return nil
	}
	base, exponent := operands[0].e, operands[1].e
	for _, o := range operands {
		if !isNumber(o.e.Type.Kind) {
			return c.report(o.node, codeType, fmt.Sprintf("** needs numbers, and this is %s", o.e.Type), mixHint(o.e.Type, relation.TypeOf(relation.Int4)))
		}
	}
	if isFloat(base.Type.Kind) || isFloat(exponent.Type.Kind) {
		if _, ok := c.unify(operands, "these do not mix"); !ok {
			return nil
		}
		return c.fold(n, &Expr{Op: OpPow, Type: relation.TypeOf(relation.Float8), Args: expressions(operands)})
	}
	if exponent.Op != OpConst || !isInteger(exponent.Type.Kind) || exponent.Const.Int() < 0 || exponent.Const.Int() > maxExponent {
		return c.report(n.Right, codeType, fmt.Sprintf("the exponent of an exact number is a whole constant from 0 to %d", maxExponent),
			"write float(x) ** y where an approximate result will do")
	}
	kind := relation.Decimal
	if isInteger(base.Type.Kind) {
		kind = relation.Int8
	}
	return c.fold(n, &Expr{Op: OpPow, Type: relation.TypeOf(kind), Args: expressions(operands)})
}

// maxExponent bounds the work that a power of an exact number takes.
const maxExponent = 1000
