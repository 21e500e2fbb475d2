package views

import (
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
)

// extent is the place of a whole subtree, from its first token to its last.
// expr-lang shares nodes (of a < b < c the b), so each is visited once: a tree
// of them may be exponentially larger than its text.
func (c *exprChecker) extent(n ast.Node) file.Location {
	v := extentVisitor{at: file.Location{From: -1}, seen: map[ast.Node]bool{}}
	v.visit(n)
	if v.at.From < 0 {
		return c.source.whole()
	}
	return v.at
}

type extentVisitor struct {
	at   file.Location
	seen map[ast.Node]bool
}

func (v *extentVisitor) visit(n ast.Node) {
	if n == nil || v.seen[n] {
		return
	}
	v.seen[n] = true
	if _, conditional := n.(*ast.ConditionalNode); !conditional { // its location is the token that follows
		v.add(n.Location())
	}
	for _, child := range children(n) {
		v.visit(child)
	}
}

func (v *extentVisitor) add(at file.Location) {
	if at.To == 0 {
		return
	}
	if v.at.From < 0 || at.From < v.at.From {
		v.at.From = at.From
	}
	v.at.To = max(v.at.To, at.To)
}

// children lists the nodes directly below one; nil ones may be among them.
func children(n ast.Node) []ast.Node {
	switch n := n.(type) {
	case *ast.UnaryNode:
		return []ast.Node{n.Node}
	case *ast.BinaryNode:
		return []ast.Node{n.Left, n.Right}
	case *ast.ChainNode:
		return []ast.Node{n.Node}
	case *ast.MemberNode:
		return []ast.Node{n.Node, n.Property}
	case *ast.SliceNode:
		return []ast.Node{n.Node, n.From, n.To}
	case *ast.CallNode:
		return append([]ast.Node{n.Callee}, n.Arguments...)
	case *ast.BuiltinNode:
		return n.Arguments
	case *ast.PredicateNode:
		return []ast.Node{n.Node}
	case *ast.ConditionalNode:
		return []ast.Node{n.Cond, n.Exp1, n.Exp2}
	case *ast.VariableDeclaratorNode:
		return []ast.Node{n.Value, n.Expr}
	case *ast.SequenceNode:
		return n.Nodes
	case *ast.ArrayNode:
		return n.Nodes
	case *ast.MapNode:
		return n.Pairs
	case *ast.PairNode:
		return []ast.Node{n.Key, n.Value}
	}
	return nil
}
