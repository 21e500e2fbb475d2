package views

import (
	"fmt"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"

	"odsd/storage/relation"
)

// checkExpr reads and types an expression. It gives either the expression or
// the problems that keep it from being one.
func checkExpr(source string, n names) (*Expr, []exprProblem) {
	node, places, problem := parseExpr(source)
	if problem != nil {
		return nil, []exprProblem{*problem}
	}
	c := &exprChecker{source: places, names: n, functions: functionTable()}
	e := c.check(node)
	if e != nil && e.Type.Kind == relation.Null {
		c.report(node, codeType, "nil alone has no type", "give it one with a function, such as text(nil) or int(nil)")
	}
	return c.result(e)
}

// checkCondition is checkExpr where only a boolean makes sense.
func checkCondition(source string, n names) (*Expr, []exprProblem) {
	node, places, problem := parseExpr(source)
	if problem != nil {
		return nil, []exprProblem{*problem}
	}
	c := &exprChecker{source: places, names: n, functions: functionTable()}
	return c.result(c.condition(node))
}

// exprChecker types expr-lang's tree. Each method gives nil after it has
// reported why there is no expression, and callers then say nothing more.
type exprChecker struct {
	source    *exprSource
	names     names
	functions map[string]function
	problems  []exprProblem
	items     []relation.Type // of the arrays whose elements closures are at, innermost last
	rounding  int             // how many roundings enclose the node at hand without a call between
}

func (c *exprChecker) result(e *Expr) (*Expr, []exprProblem) {
	if len(c.problems) > 0 || e == nil {
		return nil, c.problems
	}
	outermost := *e
	outermost.Source = c.source.text
	return &outermost, nil
}

func (c *exprChecker) report(n ast.Node, code, message, hint string) *Expr {
	return c.reportAt(c.extent(n), code, message, hint)
}

func (c *exprChecker) reportAt(at file.Location, code, message, hint string) *Expr {
	if len(c.problems) < maxExprProblems {
		c.problems = append(c.problems, c.source.problem(at, code, message, hint))
	}
	return nil
}

// check types any node.
func (c *exprChecker) check(n ast.Node) *Expr {
	switch n := n.(type) {
	case *ast.NilNode:
		return constant(relation.TypeOf(relation.Null), relation.OfNull())
	case *ast.BoolNode:
		return constant(relation.TypeOf(relation.Bool), relation.OfBool(n.Value))
	case *ast.StringNode:
		return constant(relation.TypeOf(relation.Text), relation.OfText(n.Value))
	case *ast.IntegerNode, *ast.FloatNode:
		return c.number(n)
	case *ast.IdentifierNode:
		return c.bare(n)
	case *ast.MemberNode:
		return c.member(n)
	case *ast.UnaryNode:
		return c.unary(n)
	case *ast.BinaryNode:
		return c.binary(n)
	case *ast.ConditionalNode:
		return c.conditional(n)
	case *ast.CallNode:
		return c.callNode(n)
	case *ast.BuiltinNode:
		return c.call(n, n.Name, n.Arguments)
	case *ast.PointerNode:
		return c.pointer(n)
	}
	return c.foreign(n)
}

// foreign refuses what expr-lang has and this language has not.
func (c *exprChecker) foreign(n ast.Node) *Expr {
	switch n.(type) {
	case *ast.BytesNode:
		return c.report(n, codeLanguage, "there are no literals of bytes", "")
	case *ast.ChainNode:
		return c.report(n, codeLanguage, "?. is not needed: a column of a missing row is nil", "write a plain dot")
	case *ast.SliceNode:
		return c.report(n, codeLanguage, "slices are not part of the language", "part of a text is substr(x, from, count)")
	case *ast.ArrayNode:
		return c.report(n, codeLanguage, "a list stands only at the right of in", `as in status in ["paid", "shipped"]`)
	case *ast.MapNode, *ast.PairNode:
		return c.report(n, codeLanguage, "maps are not part of the language", "an expression has one value")
	case *ast.VariableDeclaratorNode:
		return c.report(n, codeLanguage, "let is not part of the language", "make it a field of its own")
	case *ast.SequenceNode:
		return c.report(n, codeLanguage, "an expression is one value, not a sequence", "remove the semicolon")
	case *ast.PredicateNode:
		return c.report(n, codeLanguage, "a closure stands only in any, all, filter and map", "")
	}
	return c.report(n, codeLanguage, "this is not part of the language", "")
}

func (c *exprChecker) bare(n *ast.IdentifierNode) *Expr {
	e, problem := c.names.bare(n.Value)
	if problem == nil {
		return e
	}
	hint := problem.Hint
	switch lower := strings.ToLower(n.Value); {
	case lower == "null" || lower == "none" || lower == "undefined":
		hint = "the missing value is written nil"
	case lower == "true" || lower == "false":
		hint = "write " + lower
	case hint == "" && c.functions[n.Value].name != "":
		hint = n.Value + " is a function: " + c.functions[n.Value].signature
	}
	return c.report(n, codeName, problem.Message, hint)
}

// member types alias.name and alias["name"]; nothing else has members.
func (c *exprChecker) member(n *ast.MemberNode) *Expr {
	alias, isName := n.Node.(*ast.IdentifierNode)
	property, isText := n.Property.(*ast.StringNode)
	switch {
	case isName && isText && !n.Optional && !n.Method:
		e, problem := c.names.member(alias.Value, property.Value)
		if problem != nil {
			return c.report(n, codeName, problem.Message, problem.Hint)
		}
		return e
	case n.Method:
		return c.report(n, codeLanguage, "values have no methods", "functions are written f(x)")
	case !isText:
		return c.report(n, codeLanguage, "elements of arrays are not taken by number", "see in, any, all, filter and map")
	case isName:
		return c.report(n, codeLanguage, "?. is not needed: a column of a missing row is nil", "write a plain dot")
	}
	return c.report(n, codeLanguage, "only an alias has members: alias.column", `a part of a JSON value is json(x, "$.path")`)
}

// pointer types # within a closure.
func (c *exprChecker) pointer(n *ast.PointerNode) *Expr {
	if len(c.items) == 0 {
		return c.report(n, codeLanguage, "# stands only in any, all, filter and map", "")
	}
	if n.Name != "" || c.source.slice(n.Location()) != "#" {
		return c.report(n, codeLanguage, "only # itself is known: the element at hand", "elements have no members")
	}
	return &Expr{Op: OpItem, Type: c.items[len(c.items)-1]}
}

// condition types a node that must be boolean; nil counts as false.
func (c *exprChecker) condition(n ast.Node) *Expr {
	e := c.check(n)
	if e == nil {
		return nil
	}
	switch e.Type.Kind {
	case relation.Bool:
		return e
	case relation.Null:
		return constant(relation.TypeOf(relation.Bool), relation.OfNull())
	}
	hint := "compare it with something, as in x != nil"
	if e.Type.Kind.Family() == relation.TextFamily {
		hint = "compare it with something; texts are joined by +"
	}
	return c.report(n, codeType, fmt.Sprintf("a boolean is needed here, and this is %s", e.Type), hint)
}

func (c *exprChecker) conditional(n *ast.ConditionalNode) *Expr {
	if n.Cond == n.Exp1 {
		return c.report(n.Cond, codeLanguage, "?: is not part of the language", "the first value that is not nil is x ?? y")
	}
	condition := c.condition(n.Cond)
	values := c.all([]ast.Node{n.Exp1, n.Exp2})
	if condition == nil || values == nil {
		return nil
	}
	t, ok := c.unify(values, "both sides of ?: must be of one type")
	if !ok {
		return nil
	}
	return c.fold(n, &Expr{Op: OpIf, Type: t, Args: []*Expr{condition, values[0].e, values[1].e}})
}

// operand is a typed node with its place.
type operand struct {
	e    *Expr
	node ast.Node
}

// all types several nodes; nil when any of them failed.
func (c *exprChecker) all(nodes []ast.Node) []operand {
	operands := make([]operand, 0, len(nodes))
	for _, n := range nodes {
		if e := c.check(n); e != nil {
			operands = append(operands, operand{e, n})
		}
	}
	if len(operands) < len(nodes) {
		return nil
	}
	return operands
}

func expressions(operands []operand) []*Expr {
	list := make([]*Expr, len(operands))
	for i, o := range operands {
		list[i] = o.e
	}
	return list
}

func constant(t relation.Type, v relation.Value) *Expr {
	return &Expr{Op: OpConst, Type: t, Const: v}
}

// fold computes a node of constants at once. What always fails is a mistake of
// the author's, told now rather than in every row.
func (c *exprChecker) fold(at ast.Node, e *Expr) *Expr {
	if len(e.Args) == 0 {
		return e
	}
	for _, a := range e.Args {
		if a.Op != OpConst {
			return e
		}
	}
	if e.Op == OpDiv && e.Type.Kind == relation.Decimal {
		return e // has no value of its own: a rounding around it has
	}
	v := e.Compile()(&Env{})
	if v.IsError() {
		return c.report(at, codeConstant, "this part is constant and always fails: "+v.Code().String(), "")
	}
	return constant(e.Type, v)
}
