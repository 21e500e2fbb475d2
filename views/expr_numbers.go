package views

import (
	"math"
	"math/bits"

	"odsd/storage/relation"
)

func overflow() relation.Value { return relation.OfError(relation.ErrOverflow) }

// arithmetic lowers + - * / % ** and negation by the type of the result, which
// the checker has made the type of both operands (but for integers, whose
// width only the result's is checked against).
func (l *lowering) arithmetic(e *Expr) Eval {
	x := l.lower(e.Args[0])
	if e.Op == OpNeg {
		return negation(e.Type.Kind, x)
	}
	y := l.lower(e.Args[1])
	switch k := e.Type.Kind; {
	case e.isTemporal():
		return temporalSum(e, x, y)
	case isText(k):
		return concat(x, y)
	case isInteger(k):
		return integerArithmetic(e, k, x, y)
	case isFloat(k):
		return strict2(x, y, floatOperation(e.Op, k))
	}
	return decimalArithmetic(e, x, y)
}

func negation(k relation.Kind, x Eval) Eval {
	switch {
	case isInteger(k):
		return strict1(x, func(v relation.Value) relation.Value {
			if v.Int() == math.MinInt64 {
				return overflow()
			}
			return integer(k, -v.Int())
		})
	case isFloat(k):
		return strict1(x, func(v relation.Value) relation.Value { return relation.OfFloat(k, -v.Float()) })
	case k == relation.Interval:
		return strict1(x, negateInterval)
	}
	return strict1(x, negateDecimal)
}

// integer is n as the kind k, or an overflow.
func integer(k relation.Kind, n int64) relation.Value {
	if k == relation.Int4 && int64(int32(n)) != n || k == relation.Int2 && int64(int16(n)) != n {
		return overflow()
	}
	return relation.OfInt(k, n)
}

// bounds are the least and the greatest integer of a kind.
func bounds(k relation.Kind) (low, high int64) {
	switch k {
	case relation.Int2:
		return math.MinInt16, math.MaxInt16
	case relation.Int4:
		return math.MinInt32, math.MaxInt32
	}
	return math.MinInt64, math.MaxInt64
}

// integerArithmetic spells its operators out: a call less for each operation
// of each row.
func integerArithmetic(e *Expr, k relation.Kind, x, y Eval) Eval {
	if c := e.Args[1]; c.Op == OpConst && !c.isNil() {
		return integerWithConstant(e.Op, k, x, c.Const.Int())
	}
	low, high := bounds(k)
	switch e.Op {
	case OpAdd:
		return func(env *Env) relation.Value {
			a, b := x(env), y(env)
			if a.Missing() || b.Missing() {
				return failed(a, b)
			}
			sum := a.Int() + b.Int()
			if (a.Int()^sum)&(b.Int()^sum) < 0 || sum < low || sum > high {
				return overflow()
			}
			return relation.OfInt(k, sum)
		}
	case OpSub:
		return func(env *Env) relation.Value {
			a, b := x(env), y(env)
			if a.Missing() || b.Missing() {
				return failed(a, b)
			}
			difference := a.Int() - b.Int()
			if (a.Int()^b.Int())&(a.Int()^difference) < 0 || difference < low || difference > high {
				return overflow()
			}
			return relation.OfInt(k, difference)
		}
	case OpMul:
		return strict2(x, y, func(a, b relation.Value) relation.Value { return mulIntegers(k, a.Int(), b.Int()) })
	case OpDiv:
		return strict2(x, y, func(a, b relation.Value) relation.Value { return divIntegers(k, a.Int(), b.Int()) })
	}
	return strict2(x, y, func(a, b relation.Value) relation.Value { return modIntegers(k, a.Int(), b.Int()) })
}

func integerWithConstant(op Op, k relation.Kind, x Eval, n int64) Eval {
	low, high := bounds(k)
	if op == OpSub && n != math.MinInt64 {
		op, n = OpAdd, -n
	}
	switch op {
	case OpAdd:
		return func(env *Env) relation.Value {
			a := x(env)
			if a.Missing() {
				return a
			}
			sum := a.Int() + n
			if (a.Int()^sum)&(n^sum) < 0 || sum < low || sum > high {
				return overflow()
			}
			return relation.OfInt(k, sum)
		}
	case OpSub:
		return strict1(x, func(a relation.Value) relation.Value {
			if a.Int() >= 0 {
				return overflow()
			}
			return integer(k, a.Int()-n)
		})
	case OpMul:
		return strict1(x, func(a relation.Value) relation.Value { return mulIntegers(k, a.Int(), n) })
	case OpDiv:
		return strict1(x, func(a relation.Value) relation.Value { return divIntegers(k, a.Int(), n) })
	case OpMod:
		return strict1(x, func(a relation.Value) relation.Value { return modIntegers(k, a.Int(), n) })
	}
	return integerPower(x, n)
}

func mulIntegers(k relation.Kind, a, b int64) relation.Value {
	product, ok := mul64(a, b)
	if !ok {
		return overflow()
	}
	return integer(k, product)
}

// mul64 multiplies, or says that the product does not fit.
func mul64(a, b int64) (int64, bool) {
	if a == int64(int32(a)) && b == int64(int32(b)) {
		return a * b, true
	}
	high, low := bits.Mul64(magnitude(a), magnitude(b))
	if (a < 0) != (b < 0) {
		return -int64(low), high == 0 && low <= 1<<63
	}
	return int64(low), high == 0 && low <= math.MaxInt64
}

func magnitude(a int64) uint64 {
	if a < 0 {
		return -uint64(a)
	}
	return uint64(a)
}

// divIntegers truncates toward zero.
func divIntegers(k relation.Kind, a, b int64) relation.Value {
	switch {
	case b == 0:
		return relation.OfError(relation.ErrDivisionByZero)
	case b == -1 && a == math.MinInt64:
		return overflow()
	}
	return integer(k, a/b)
}

// modIntegers has the sign of the dividend.
func modIntegers(k relation.Kind, a, b int64) relation.Value {
	switch b {
	case 0:
		return relation.OfError(relation.ErrDivisionByZero)
	case -1:
		return relation.OfInt(k, 0)
	}
	return integer(k, a%b)
}

func integerPower(x Eval, exponent int64) Eval {
	return strict1(x, func(v relation.Value) relation.Value {
		result, base, ok := int64(1), v.Int(), true
		for n := exponent; n > 0; n >>= 1 {
			if n&1 == 1 {
				if result, ok = mul64(result, base); !ok {
					return overflow()
				}
			}
			if n > 1 {
				if base, ok = mul64(base, base); !ok {
					return overflow()
				}
			}
		}
		return relation.OfInt(relation.Int8, result)
	})
}

// floatOperation computes in double precision; a real is rounded once, which
// gives what computing in single precision would.
func floatOperation(op Op, k relation.Kind) func(a, b relation.Value) relation.Value {
	switch op {
	case OpAdd:
		return func(a, b relation.Value) relation.Value { return floatResult(k, a.Float()+b.Float(), a, b) }
	case OpSub:
		return func(a, b relation.Value) relation.Value { return floatResult(k, a.Float()-b.Float(), a, b) }
	case OpMul:
		return func(a, b relation.Value) relation.Value {
			v := floatResult(k, a.Float()*b.Float(), a, b)
			if !v.IsError() && v.Float() == 0 && a.Float() != 0 && b.Float() != 0 {
				return overflow()
			}
			return v
		}
	case OpDiv:
		return func(a, b relation.Value) relation.Value { return divideFloats(k, a, b) }
	}
	return powerOfFloats
}

// floatResult refuses, as PostgreSQL does, an infinity that finite operands gave.
func floatResult(k relation.Kind, f float64, a, b relation.Value) relation.Value {
	v := relation.OfFloat(k, f)
	if v.InfinitySign() != 0 && a.InfinitySign() == 0 && b.InfinitySign() == 0 {
		return overflow()
	}
	return v
}

func divideFloats(k relation.Kind, a, b relation.Value) relation.Value {
	if b.Float() == 0 && !a.IsNaN() {
		return relation.OfError(relation.ErrDivisionByZero)
	}
	v := floatResult(k, a.Float()/b.Float(), a, b)
	if !v.IsError() && v.Float() == 0 && a.Float() != 0 && b.InfinitySign() == 0 {
		return overflow()
	}
	return v
}

func powerOfFloats(a, b relation.Value) relation.Value {
	x, y := a.Float(), b.Float()
	switch {
	case x == 0 && y < 0, x < 0 && !math.IsInf(y, 0) && y != math.Trunc(y):
		return relation.OfError(relation.ErrBadArgument)
	}
	v := floatResult(relation.Float8, math.Pow(x, y), a, b)
	if !v.IsError() && v.Float() == 0 && x != 0 && a.InfinitySign() == 0 && b.InfinitySign() == 0 {
		return overflow()
	}
	return v
}
