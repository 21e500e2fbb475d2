package views

import (
	"fmt"

	"github.com/expr-lang/expr/ast"

	"odsd/storage/relation"
)

func (c *exprChecker) unary(n *ast.UnaryNode) *Expr {
	if n.Operator == "not" || n.Operator == "!" {
		rounding := c.leaveRounding()
		e := c.negatable(n.Node)
		c.rounding = rounding
		if e == nil {
			return nil
		}
		return c.fold(n, &Expr{Op: OpNot, Type: relation.TypeOf(relation.Bool), Args: []*Expr{e}})
	}
	e := c.check(n.Node)
	if e == nil {
		return nil
	}
	if e.Type.Kind == relation.Null {
		return e
	}
	if !isNumber(e.Type.Kind) && (n.Operator == "+" || e.Type.Kind != relation.Interval) {
		return c.report(n.Node, codeType, fmt.Sprintf("%s needs a number, and this is %s", n.Operator, e.Type), mixHint(e.Type, relation.TypeOf(relation.Int4)))
	}
	if n.Operator == "+" {
		return e
	}
	return c.negated(n, e)
}

// negatable types what not stands before; the hint is for who expects it to
// bind as loosely as in SQL.
func (c *exprChecker) negatable(n ast.Node) *Expr {
	before := len(c.problems)
	e := c.condition(n)
	if e == nil && len(c.problems) == before+1 && c.problems[before].Code == codeType {
		c.problems[before].Hint = "not binds closer than comparisons: write not (x == y), x not in [a, b]"
	}
	return e
}

// negated also gives -9223372036854775808 and -2147483648 their own types
// back, which their digits alone exceed.
func (c *exprChecker) negated(n *ast.UnaryNode, e *Expr) *Expr {
	if e.Op == OpConst && isExact(e.Type.Kind) && literalNode(n.Node) {
		v := negateDecimal(castToDecimal(e.Const))
		if i, scale, ok := v.SmallDecimal(); ok && scale == 0 && isWholeLiteral(e) {
			return integerConstant(i)
		}
		return constant(relation.TypeOf(relation.Decimal), v)
	}
	return c.fold(n, &Expr{Op: OpNeg, Type: relation.TypeOf(e.Type.Kind), Args: []*Expr{e}})
}

func literalNode(n ast.Node) bool {
	switch n.(type) {
	case *ast.IntegerNode, *ast.FloatNode:
		return true
	}
	return false
}

func isWholeLiteral(e *Expr) bool {
	return isInteger(e.Type.Kind) || e.Const.Scale() == 0
}

// leaveRounding enters a part whose value is not rounded by what encloses it;
// the caller restores what it gives.
func (c *exprChecker) leaveRounding() int {
	rounding := c.rounding
	c.rounding = 0
	return rounding
}

func (c *exprChecker) binary(n *ast.BinaryNode) *Expr {
	switch n.Operator {
	case "+", "-", "*", "/", "%":
		return c.arithmetic(n)
	case "??":
		return c.orElse(n)
	}
	rounding := c.leaveRounding()
	defer func() { c.rounding = rounding }()
	switch n.Operator {
	case "and", "&&":
		return c.logic(n, OpAnd)
	case "or", "||":
		return c.logic(n, OpOr)
	case "==", "!=", "<", "<=", ">", ">=":
		return c.comparison(n)
	case "in":
		return c.membership(n)
	case "**", "^":
		return c.power(n)
	case "contains", "matches":
		return c.call(n, n.Operator, []ast.Node{n.Left, n.Right})
	case "startsWith":
		return c.call(n, "starts_with", []ast.Node{n.Left, n.Right})
	case "endsWith":
		return c.call(n, "ends_with", []ast.Node{n.Left, n.Right})
	case "..":
		return c.report(n, codeLanguage, "a range stands only at the right of in", "as in quantity in 1..10")
	}
	return c.report(n, codeLanguage, fmt.Sprintf("the operator %s is not part of the language", n.Operator), "")
}

func (c *exprChecker) logic(n *ast.BinaryNode, op Op) *Expr {
	if s := c.source.slice(n.Location()); s != "" && (s[0] == '<' || s[0] == '>') {
		// expr-lang reads a < b < c as a < b && b < c, with b twice in its tree.
		return c.reportAt(n.Location(), codeLanguage, "comparisons are not chained", "write a < b and b < c")
	}
	left, right := c.condition(n.Left), c.condition(n.Right)
	if left == nil || right == nil {
		return nil
	}
	return c.fold(n, &Expr{Op: op, Type: relation.TypeOf(relation.Bool), Args: []*Expr{left, right}})
}

func (c *exprChecker) comparison(n *ast.BinaryNode) *Expr {
	operands := c.all([]ast.Node{n.Left, n.Right})
	if operands == nil || !c.comparable(n, operands) {
		return nil
	}
	return c.fold(n, &Expr{Op: Op(n.Operator), Type: relation.TypeOf(relation.Bool), Args: expressions(operands)})
}

// comparable brings operands to types that relation.Compare compares, and
// refuses those that have no equality of their own.
func (c *exprChecker) comparable(n ast.Node, operands []operand) bool {
	t := operands[0].e.Type
	same := true
	for _, o := range operands {
		same = same && relation.Comparable(t, o.e.Type)
	}
	if !same {
		var ok bool
		if t, ok = c.unify(operands, "these do not compare"); !ok {
			return false
		}
	}
	if t.Kind == relation.JSON && countPresent(operands) > 1 {
		c.report(n, codeType, "JSON values are not compared: equal ones may be written differently",
			"compare a part of them, as in text(json(x, \"$.path\"))")
		return false
	}
	return true
}

// countPresent counts the operands other than nil itself.
func countPresent(operands []operand) int {
	count := 0
	for _, o := range operands {
		if o.e.Op != OpConst || !o.e.Const.IsNull() {
			count++
		}
	}
	return count
}

func (c *exprChecker) orElse(n *ast.BinaryNode) *Expr {
	operands := c.all([]ast.Node{n.Left, n.Right})
	if operands == nil {
		return nil
	}
	t, ok := c.unify(operands, "both sides of ?? must be of one type")
	if !ok {
		return nil
	}
	return c.fold(n, &Expr{Op: OpElse, Type: t, Args: expressions(operands)})
}

// membership types x in [a, b], x in array and x in 1..10.
func (c *exprChecker) membership(n *ast.BinaryNode) *Expr {
	switch right := n.Right.(type) {
	case *ast.ArrayNode:
		return c.inList(n, right)
	case *ast.BinaryNode:
		if right.Operator == ".." {
			return c.inRange(n, right)
		}
	}
	operands := c.all([]ast.Node{n.Left, n.Right})
	if operands == nil {
		return nil
	}
	array := operands[1].e
	if array.Op == OpClaim {
		array.Type = relation.ArrayOf(relation.Text)
	}
	if array.Type.Kind != relation.Array {
		return c.report(n.Right, codeType, fmt.Sprintf("in needs a list or an array, and this is %s", array.Type),
			`write [a, b]; a part of a text is found by contains(x, "part")`)
	}
	item := c.asElement(operands[0], relation.TypeOf(array.Type.Elem))
	if item == nil {
		return nil
	}
	return c.fold(n, &Expr{Op: OpIn, Type: relation.TypeOf(relation.Bool), Args: []*Expr{item, array}})
}

func (c *exprChecker) inList(n *ast.BinaryNode, list *ast.ArrayNode) *Expr {
	operands := c.all(append([]ast.Node{n.Left}, list.Nodes...))
	if operands == nil || !c.comparable(n, operands) {
		return nil
	}
	args := expressions(operands)
	op := OpIn
	if len(args) == 2 && args[1].Type.Kind == relation.Array {
		op = OpEq // so that OpIn with an array always means its elements
	}
	return c.fold(n, &Expr{Op: op, Type: relation.TypeOf(relation.Bool), Args: args})
}

// asElement brings what is looked for in an array to the elements' type.
func (c *exprChecker) asElement(o operand, t relation.Type) *Expr {
	if relation.Comparable(o.e.Type, t) {
		return o.e
	}
	if _, adapts, _ := literalAs(o.e, t); !adapts {
		if common, ok := commonType(o.e.Type, t); !ok || common.Kind != t.Kind {
			return c.report(o.node, codeType, fmt.Sprintf("%s is not found among elements of type %s", o.e.Type, t), mixHint(o.e.Type, t))
		}
	}
	return c.convert(o, t)
}

// inRange types x in low..high, whose ends belong to it.
func (c *exprChecker) inRange(n, r *ast.BinaryNode) *Expr {
	operands := c.all([]ast.Node{n.Left, r.Left, r.Right})
	if operands == nil {
		return nil
	}
	for _, o := range operands {
		if !isInteger(o.e.Type.Kind) && o.e.Type.Kind != relation.Null {
			return c.report(o.node, codeType, fmt.Sprintf("a range is of integers, and this is %s", o.e.Type), "write x >= low and x <= high")
		}
	}
	return c.fold(n, &Expr{Op: OpCall, Name: between, Type: relation.TypeOf(relation.Bool), Args: expressions(operands)})
}

// between is how a range is called in the checked tree; it is not a function
// of the language.
const between = "between"
