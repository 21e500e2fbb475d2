package views

import (
	"fmt"
	"math"

	"odsd/storage/relation"
)

func numberFunctions() []function {
	return []function{
		{name: "abs", signature: "abs(x)", summary: "the magnitude of a number", min: 1, max: 1, check: checkSameNumber, lower: lowerAbs},
		{name: "round", signature: "round(x, places)", summary: "rounds half away from zero to decimal places, 0 unless given; a float to the nearest whole number, half to even",
			min: 1, max: 2, rounds: true, check: checkRound, lower: lowerRound},
		{name: "floor", signature: "floor(x)", summary: "the largest whole number that is not above x", min: 1, max: 1, rounds: true, check: checkWhole, lower: lowerFloor},
		{name: "ceil", signature: "ceil(x)", summary: "the smallest whole number that is not below x", min: 1, max: 1, rounds: true, check: checkWhole, lower: lowerCeil},
		{name: "min_of", signature: "min_of(x, …)", summary: "the smallest of the values that are not nil", min: 1, max: -1, check: checkExtreme, lower: lowerExtreme(-1)},
		{name: "max_of", signature: "max_of(x, …)", summary: "the largest of the values that are not nil", min: 1, max: -1, check: checkExtreme, lower: lowerExtreme(1)},
	}
}

// needNumber gives argument i if it is a number; nil's type becomes integer.
func (c *exprChecker) needNumber(call *call, i int) *Expr {
	e := call.args[i].e
	if e.Type.Kind == relation.Null {
		return constant(relation.TypeOf(relation.Int4), relation.OfNull())
	}
	if !isNumber(e.Type.Kind) {
		c.report(call.args[i].node, codeType, fmt.Sprintf("%s needs a number, and this is %s", call.name, e.Type), mixHint(e.Type, relation.TypeOf(relation.Int4)))
		return nil
	}
	return e
}

func called(call *call, k relation.Kind, args ...*Expr) *Expr {
	return &Expr{Op: OpCall, Name: call.name, Type: relation.TypeOf(k), Args: args}
}

func checkSameNumber(c *exprChecker, call *call) *Expr {
	x := c.needNumber(call, 0)
	if x == nil {
		return nil
	}
	return called(call, x.Type.Kind, x)
}

func checkWhole(c *exprChecker, call *call) *Expr {
	return checkSameNumber(c, call)
}

func checkRound(c *exprChecker, call *call) *Expr {
	x := c.needNumber(call, 0)
	if x == nil {
		return nil
	}
	if len(call.args) == 1 {
		return called(call, x.Type.Kind, x)
	}
	if isFloat(x.Type.Kind) {
		return c.report(call.args[0].node, codeType, "a float is not rounded to decimal places", "write round(decimal(x), places)")
	}
	places := c.needInteger(call, 1)
	if places == nil {
		return nil
	}
	if x.Type.Kind != relation.Decimal {
		if x = c.convert(operand{x, call.args[0].node}, relation.TypeOf(relation.Decimal)); x == nil {
			return nil
		}
	}
	return called(call, relation.Decimal, x, places)
}

// needInteger gives argument i if it is an integer.
func (c *exprChecker) needInteger(call *call, i int) *Expr {
	e := call.args[i].e
	switch {
	case e.Type.Kind == relation.Null:
		return constant(relation.TypeOf(relation.Int4), relation.OfNull())
	case !isInteger(e.Type.Kind):
		c.report(call.args[i].node, codeType, fmt.Sprintf("%s needs an integer here, and this is %s", call.name, e.Type), "int(x) makes one")
		return nil
	}
	return e
}

func checkExtreme(c *exprChecker, call *call) *Expr {
	t, ok := c.unify(call.args, call.name+" needs values of one type")
	switch {
	case !ok:
		return nil
	case t.Kind == relation.JSON:
		return c.report(call.node, codeType, "JSON values have no order", "take a part of them, as in int(json(x, \"$.path\"))")
	}
	return &Expr{Op: OpCall, Name: call.name, Type: t, Args: expressions(call.args)}
}

// lowerExtreme keeps the value whose order against the others is sign; nulls
// are passed over, as PostgreSQL's least and greatest do.
func lowerExtreme(sign int) func(*lowering, *Expr) Eval {
	return func(l *lowering, e *Expr) Eval {
		args := l.all(e.Args)
		return func(env *Env) relation.Value {
			var best relation.Value
			for _, arg := range args {
				v := arg(env)
				if v.IsError() {
					return v
				}
				if best.IsNull() || !v.IsNull() && relation.Compare(v, best)*sign > 0 {
					best = v
				}
			}
			return best
		}
	}
}

func lowerAbs(l *lowering, e *Expr) Eval {
	x, k := l.lower(e.Args[0]), e.Type.Kind
	switch {
	case isInteger(k):
		return strict1(x, func(v relation.Value) relation.Value {
			if v.Int() >= 0 {
				return v
			}
			if v.Int() == math.MinInt64 {
				return overflow()
			}
			return integer(k, -v.Int())
		})
	case isFloat(k):
		return strict1(x, func(v relation.Value) relation.Value { return relation.OfFloat(k, math.Abs(v.Float())) })
	}
	return strict1(x, func(v relation.Value) relation.Value {
		if signOfDecimal(v) < 0 {
			return negateDecimal(v)
		}
		return v
	})
}

func lowerRound(l *lowering, e *Expr) Eval {
	switch k := e.Type.Kind; {
	case isInteger(k):
		return l.lower(e.Args[0])
	case isFloat(k):
		return strict1(l.lower(e.Args[0]), func(v relation.Value) relation.Value {
			return relation.OfFloat(k, math.RoundToEven(v.Float()))
		})
	}
	x := l.ratio(e.Args[0])
	if len(e.Args) == 1 {
		return x.rounded(func(a, b relation.Value) relation.Value { return quotient(a, b, 0) })
	}
	if places := e.Args[1]; places.Op == OpConst && !places.isNil() {
		n := clampPlaces(places.Const.Int())
		return x.rounded(func(a, b relation.Value) relation.Value { return quotient(a, b, n) })
	}
	return x.roundedTo(l.lower(e.Args[1]))
}

// clampPlaces bounds decimal places to what a numeric can have.
func clampPlaces(n int64) int32 {
	return int32(min(max(n, -relation.MaxDecimalScale), relation.MaxDecimalScale))
}

func lowerFloor(l *lowering, e *Expr) Eval { return lowerTowards(l, e, math.Floor, -1) }
func lowerCeil(l *lowering, e *Expr) Eval  { return lowerTowards(l, e, math.Ceil, 1) }

// lowerTowards rounds down (-1) or up (1).
func lowerTowards(l *lowering, e *Expr, float func(float64) float64, sign int) Eval {
	switch k := e.Type.Kind; {
	case isInteger(k):
		return l.lower(e.Args[0])
	case isFloat(k):
		return strict1(l.lower(e.Args[0]), func(v relation.Value) relation.Value {
			return relation.OfFloat(k, float(v.Float()))
		})
	}
	return l.ratio(e.Args[0]).rounded(func(a, b relation.Value) relation.Value {
		return quotientTowards(a, b, sign)
	})
}
