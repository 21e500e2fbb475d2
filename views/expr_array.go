package views

import (
	"fmt"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"

	"odsd/storage/relation"
)

func arrayFunctions() []function {
	return []function{
		{name: "any", signature: "any(array, # > 0)", summary: "whether the condition holds for at least one element, which is #", min: 2, max: 2, lower: lowerAny},
		{name: "all", signature: "all(array, # > 0)", summary: "whether the condition holds for every element, which is #", min: 2, max: 2, lower: lowerAll},
		{name: "filter", signature: "filter(array, # > 0)", summary: "the elements for which the condition holds", min: 2, max: 2, lower: lowerFilter},
		{name: "map", signature: "map(array, # * 2)", summary: "the array of what an expression makes of each element", min: 2, max: 2, lower: lowerMap},
	}
}

func closureFunction(name string) bool {
	switch name {
	case "any", "all", "filter", "map":
		return true
	}
	return false
}

// closureCall types any, all, filter and map, whose second argument reads the
// elements of the first as #.
// maxClosures bounds how deep closures nest: each level multiplies the work by
// the length of an array.
const maxClosures = 2

func (c *exprChecker) closureCall(n ast.Node, f function, arguments []ast.Node) *Expr {
	rounding := c.leaveRounding()
	defer func() { c.rounding = rounding }()
	array := c.check(arguments[0])
	if array == nil {
		return nil
	}
	if array.Type.Kind != relation.Array {
		return c.report(arguments[0], codeType, fmt.Sprintf("%s needs an array, and this is %s", f.name, array.Type), "")
	}
	if len(c.items) == maxClosures {
		return c.report(n, codeBudget, fmt.Sprintf("any, all, filter and map nest at most %d deep", maxClosures), "make a field of the inner one")
	}
	body := arguments[1]
	if p, ok := body.(*ast.PredicateNode); ok {
		body = p.Node
	}
	c.items = append(c.items, relation.TypeOf(array.Type.Elem))
	defer func() { c.items = c.items[:len(c.items)-1] }()
	return c.closure(n, f.name, array, body)
}

func (c *exprChecker) closure(n ast.Node, name string, array *Expr, body ast.Node) *Expr {
	result := relation.TypeOf(relation.Bool)
	var e *Expr
	if name == "map" {
		if e = c.check(body); e == nil {
			return nil
		}
		if k := e.Type.Kind; k == relation.Array || k == relation.Null {
			return c.report(body, codeType, fmt.Sprintf("map makes an array of values, and this is %s", e.Type), "")
		}
		result = relation.ArrayOf(e.Type.Kind)
	} else if e = c.condition(body); e == nil {
		return nil
	}
	if name == "filter" {
		result = array.Type
	}
	return &Expr{Op: OpCall, Name: name, Type: result, Args: []*Expr{array, e}}
}

// maxElements bounds how many elements a closure and those within it go through
// for one value: an array is long at most, two within one another multiply.
const maxElements = 2 << 20

// each runs a closure for every element of an array until it says stop. The
// element of an enclosing closure is put back after. Past the bound the closure
// fails, and with it what encloses it.
func each(env *Env, array relation.Value, body Eval, visit func(element, v relation.Value) (stop bool)) {
	list := elements(array)
	if env.closures == 0 {
		env.elements = 0
	}
	enclosing := env.item
	env.elements += len(list)
	env.closures++
	for _, element := range list {
		env.item = element
		v := body(env)
		spent := env.elements > maxElements
		if spent {
			v = tooLarge()
		}
		if visit(element, v) || spent {
			break
		}
	}
	env.item = enclosing
	env.closures--
}

func lowerAny(l *lowering, e *Expr) Eval { return lowerQuantifier(l, e, true) }
func lowerAll(l *lowering, e *Expr) Eval { return lowerQuantifier(l, e, false) }

// lowerQuantifier looks for an element whose condition is decisive; without
// one, an error among the conditions is the result.
func lowerQuantifier(l *lowering, e *Expr, decisive bool) Eval {
	array, body := l.lower(e.Args[0]), l.lower(e.Args[1])
	return func(env *Env) relation.Value {
		a := array(env)
		if a.Missing() {
			return a
		}
		result := relation.OfBool(!decisive)
		each(env, a, body, func(_, v relation.Value) bool {
			switch {
			case v.IsError():
				result = v
			case v.True() == decisive:
				result = relation.OfBool(decisive)
				return true
			}
			return false
		})
		return result
	}
}

func lowerFilter(l *lowering, e *Expr) Eval {
	return lowerEach(l, e, e.Type.Elem, func(kept []relation.Value, element, v relation.Value) []relation.Value {
		if v.True() {
			return append(kept, element)
		}
		return kept
	})
}

func lowerMap(l *lowering, e *Expr) Eval {
	return lowerEach(l, e, e.Type.Elem, func(made []relation.Value, _, v relation.Value) []relation.Value {
		return append(made, v)
	})
}

// lowerEach makes an array from what a closure gives for each element; an
// error of one is the result's.
func lowerEach(l *lowering, e *Expr, elem relation.Kind, gather func(list []relation.Value, element, v relation.Value) []relation.Value) Eval {
	array, body := l.lower(e.Args[0]), l.lower(e.Args[1])
	return func(env *Env) relation.Value {
		a := array(env)
		if a.Missing() {
			return a
		}
		var list []relation.Value
		var failure relation.Value
		size := 0
		each(env, a, body, func(element, v relation.Value) bool {
			size += len(v.Str())
			switch {
			case v.IsError():
				failure = v
			case size > maxResult:
				failure = tooLarge()
			default:
				list = gather(list, element, v)
			}
			return failure.IsError()
		})
		if failure.IsError() {
			return failure
		}
		return relation.OfArray(elem, list)
	}
}

// elements lists an array's elements in order, those of inner arrays too: an
// array of several dimensions counts as one list.
func elements(array relation.Value) []relation.Value {
	list := array.List()
	if !slices.ContainsFunc(list, func(v relation.Value) bool { return v.Kind() == relation.Array }) {
		return list
	}
	var flat []relation.Value
	for _, e := range list {
		if e.Kind() == relation.Array {
			flat = append(flat, elements(e)...)
		} else {
			flat = append(flat, e)
		}
	}
	return flat
}

func checkSplit(c *exprChecker, call *call) *Expr {
	args := c.needTexts(call)
	if args == nil {
		return nil
	}
	return &Expr{Op: OpCall, Name: call.name, Type: relation.ArrayOf(relation.Text), Args: args}
}

func lowerSplit(l *lowering, e *Expr) Eval {
	return strict2(l.lower(e.Args[0]), l.lower(e.Args[1]), func(v, separator relation.Value) relation.Value {
		s, sep := v.Str(), separator.Str()
		if len(s) > maxResult/16 { // each part costs some bytes of its own
			return tooLarge()
		}
		var list []relation.Value
		switch {
		case s == "":
		case sep == "":
			list = append(list, relation.OfText(s))
		default:
			for part := range strings.SplitSeq(s, sep) {
				list = append(list, relation.OfText(part))
			}
		}
		return relation.OfArray(relation.Text, list)
	})
}

func checkJoinText(c *exprChecker, call *call) *Expr {
	array := call.args[0].e
	switch {
	case array.Type.Kind == relation.Null:
		array = constant(relation.ArrayOf(relation.Text), relation.OfNull())
	case array.Type.Kind != relation.Array:
		return c.report(call.args[0].node, codeType, fmt.Sprintf("join_text needs an array, and this is %s", array.Type), "")
	}
	args := []*Expr{array}
	for i := 1; i < len(call.args); i++ {
		e := c.needText(call, i)
		if e == nil {
			return nil
		}
		args = append(args, e)
	}
	return called(call, relation.Text, args...)
}

func lowerJoinText(l *lowering, e *Expr) Eval {
	array, separator := l.lower(e.Args[0]), l.lower(e.Args[1])
	if len(e.Args) == 2 {
		return strict2(array, separator, func(a, s relation.Value) relation.Value {
			return joinText(a, s.Str(), relation.Value{})
		})
	}
	absent := l.lower(e.Args[2])
	return func(env *Env) relation.Value {
		a, s, n := array(env), separator(env), absent(env)
		if a.Missing() || s.Missing() || n.IsError() {
			return failed(failed(a, s), n)
		}
		return joinText(a, s.Str(), n)
	}
}

// joinText joins elements as PostgreSQL prints them, those of inner arrays too;
// null ones appear as the text absent, or not at all where that is null.
func joinText(array relation.Value, separator string, absent relation.Value) relation.Value {
	var text []byte
	some := false
	for _, e := range elements(array) {
		if e.IsNull() {
			e = absent
		}
		if e.IsNull() {
			continue
		}
		if some {
			text = append(text, separator...)
		}
		some = true
		text = relation.AppendText(text, e)
		if len(text) > maxResult {
			return tooLarge()
		}
	}
	return relation.OfText(string(text))
}
