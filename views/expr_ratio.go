package views

import "odsd/storage/relation"

// ratio computes a decimal expression that may divide, as an exact fraction:
// only the rounding around it makes a number of it, and rounds once. So
// round(a / b * 100, 2) is right to the last digit.
type ratio struct {
	// eval gives numerator and denominator, both present, or a null or error
	// numerator.
	eval func(*Env) (num, den relation.Value)
}

func whole() relation.Value { return relation.OfDecimal(1, 0) }

// ratio lowers the argument of a rounding.
func (l *lowering) ratio(e *Expr) ratio {
	if !divides(e) {
		x := l.lower(e)
		return ratio{func(env *Env) (relation.Value, relation.Value) { return x(env), whole() }}
	}
	switch e.Op {
	case OpIf:
		return conditionalRatio(l.lower(e.Args[0]), l.ratio(e.Args[1]), l.ratio(e.Args[2]))
	case OpElse:
		return orElseRatio(l.ratio(e.Args[0]), l.ratio(e.Args[1]))
	case OpNeg:
		return negatedRatio(l.ratio(e.Args[0]))
	}
	if e.Op == OpDiv && !divides(e.Args[0]) && !divides(e.Args[1]) {
		return simpleRatio(l.lower(e.Args[0]), l.lower(e.Args[1]))
	}
	return combinedRatio(e.Op, l.ratio(e.Args[0]), l.ratio(e.Args[1]))
}

// divides says whether a division of decimals makes the value of e, so that it
// has no value before it is rounded.
func divides(e *Expr) bool {
	if e.Type.Kind != relation.Decimal {
		return false
	}
	switch e.Op {
	case OpDiv:
		return true
	case OpAdd, OpSub, OpMul, OpElse:
		return divides(e.Args[0]) || divides(e.Args[1])
	case OpIf:
		return divides(e.Args[1]) || divides(e.Args[2])
	case OpNeg:
		return divides(e.Args[0])
	}
	return false
}

func simpleRatio(x, y Eval) ratio {
	return ratio{func(env *Env) (relation.Value, relation.Value) {
		a, b := x(env), y(env)
		if a.Missing() || b.Missing() {
			return failed(a, b), b
		}
		return a, b
	}}
}

func conditionalRatio(condition Eval, x, y ratio) ratio {
	return ratio{func(env *Env) (relation.Value, relation.Value) {
		c := condition(env)
		switch {
		case c.True():
			return x.eval(env)
		case c.IsError():
			return c, c
		}
		return y.eval(env)
	}}
}

func orElseRatio(x, y ratio) ratio {
	return ratio{func(env *Env) (relation.Value, relation.Value) {
		num, den := x.eval(env)
		if num.IsNull() {
			return y.eval(env)
		}
		return num, den
	}}
}

func negatedRatio(x ratio) ratio {
	return ratio{func(env *Env) (relation.Value, relation.Value) {
		num, den := x.eval(env)
		if num.Missing() {
			return num, den
		}
		return negateDecimal(num), den
	}}
}

// combinedRatio computes + - * / of fractions.
func combinedRatio(op Op, x, y ratio) ratio {
	return ratio{func(env *Env) (relation.Value, relation.Value) {
		a, b := settled(x.eval(env))
		c, d := settled(y.eval(env))
		if a.Missing() || c.Missing() {
			return failed(a, c), b
		}
		switch op {
		case OpMul:
			return fraction(mulDecimals(a, c), mulDecimals(b, d))
		case OpDiv:
			return fraction(mulDecimals(a, d), mulDecimals(b, c))
		case OpSub:
			c = negateDecimal(c)
		}
		left, right := mulDecimals(a, d), mulDecimals(b, c)
		if left.Missing() || right.Missing() {
			return failed(left, right), b
		}
		return fraction(addDecimals(left, right), mulDecimals(b, d))
	}}
}

// settled makes a whole of a fraction that is special or divides by zero, so
// that the arithmetic of fractions meets none but finite denominators.
func settled(num, den relation.Value) (relation.Value, relation.Value) {
	if num.Missing() {
		return num, den
	}
	if v, special := specialQuotient(num, den, 0); special {
		return v, whole()
	}
	return num, den
}

func fraction(num, den relation.Value) (relation.Value, relation.Value) {
	if den.IsError() {
		return den, den
	}
	return num, den
}

// rounded is the fraction's value under a rounding.
func (r ratio) rounded(round func(num, den relation.Value) relation.Value) Eval {
	return func(env *Env) relation.Value {
		num, den := r.eval(env)
		if num.Missing() {
			return num
		}
		return round(num, den)
	}
}

// roundedTo rounds to a computed number of decimal places.
func (r ratio) roundedTo(places Eval) Eval {
	return func(env *Env) relation.Value {
		num, den := r.eval(env)
		n := places(env)
		if num.Missing() || n.Missing() {
			return failed(num, n)
		}
		return quotient(num, den, clampPlaces(n.Int()))
	}
}
