package views

import (
	"math"
	"math/bits"

	"github.com/cockroachdb/apd/v3"

	"odsd/storage/relation"
)

// Decimals are exact: sums have the larger scale of their operands, products
// the sum of the scales, as in PostgreSQL. Coefficients of 64 bits, nearly all,
// are computed in place; larger ones as big integers, within PostgreSQL's limits.

// maxDecimalDigits is how many digits a numeric has before the point.
const maxDecimalDigits = 131072

func decimalArithmetic(e *Expr, x, y Eval) Eval {
	var f func(a, b relation.Value) relation.Value
	switch e.Op {
	case OpAdd:
		f = addDecimals
	case OpSub:
		f = subDecimals
	case OpMul:
		f = mulDecimals
	case OpMod:
		f = modDecimals
	case OpPow:
		return decimalPower(x, e.Args[1].Const.Int())
	default: // a division, which only a rounding lowers
		return constantly(relation.OfError(relation.ErrBadArgument))
	}
	return strict2(x, y, f)
}

// pow10 gives the powers of ten that fit 64 bits.
func pow10(n int32) (int64, bool) {
	if n < 0 || int(n) >= len(powersOfTen) {
		return 0, false
	}
	return powersOfTen[n], true
}

var powersOfTen = [...]int64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18}

// aligned gives two small decimals' coefficients at their larger scale.
func aligned(a, b relation.Value) (x, y int64, scale int32, ok bool) {
	x, sa, okA := a.SmallDecimal()
	y, sb, okB := b.SmallDecimal()
	switch {
	case !okA || !okB:
		return 0, 0, 0, false
	case sa == sb:
		return x, y, sa, true
	case sa < sb:
		factor, fits := pow10(sb - sa)
		x, ok = mul64(x, factor)
		return x, y, sb, ok && fits
	}
	factor, fits := pow10(sa - sb)
	y, ok = mul64(y, factor)
	return x, y, sa, ok && fits
}

func addDecimals(a, b relation.Value) relation.Value {
	if x, y, scale, ok := aligned(a, b); ok {
		if sum := x + y; (x^sum)&(y^sum) >= 0 {
			return relation.OfDecimal(sum, scale)
		}
	}
	if v, special := specialSum(a, b); special {
		return v
	}
	var x, y apd.BigInt
	scale := max(a.Scale(), b.Scale())
	bigCoefficient(&x, a, scale)
	bigCoefficient(&y, b, scale)
	return bigDecimal(x.Add(&x, &y), scale)
}

func subDecimals(a, b relation.Value) relation.Value {
	return addDecimals(a, negateDecimal(b))
}

func mulDecimals(a, b relation.Value) relation.Value {
	x, sa, okA := a.SmallDecimal()
	y, sb, okB := b.SmallDecimal()
	if okA && okB && sa+sb <= relation.MaxDecimalScale {
		if product, ok := mul64(x, y); ok {
			return relation.OfDecimal(product, sa+sb)
		}
	}
	if v, special := specialProduct(a, b); special {
		return v
	}
	var p, q apd.BigInt
	bigCoefficient(&p, a, a.Scale())
	bigCoefficient(&q, b, b.Scale())
	return bigDecimal(p.Mul(&p, &q), a.Scale()+b.Scale())
}

// modDecimals has the sign of the dividend and the larger scale.
func modDecimals(a, b relation.Value) relation.Value {
	switch {
	case a.IsNaN() || b.IsNaN():
		return relation.OfDecimalNaN()
	case signOfDecimal(b) == 0:
		return relation.OfError(relation.ErrDivisionByZero)
	case a.InfinitySign() != 0:
		return relation.OfDecimalNaN()
	case b.InfinitySign() != 0:
		return a
	}
	if x, y, scale, ok := aligned(a, b); ok && y != -1 {
		return relation.OfDecimal(x%y, scale)
	}
	var x, y apd.BigInt
	scale := max(a.Scale(), b.Scale())
	bigCoefficient(&x, a, scale)
	bigCoefficient(&y, b, scale)
	return bigDecimal(x.Rem(&x, &y), scale)
}

// decimalPower multiplies by squaring. No square is computed that is not part
// of the result, so none overflows where the result does not.
func decimalPower(x Eval, exponent int64) Eval {
	return strict1(x, func(base relation.Value) relation.Value {
		result := whole()
		for n := exponent; n > 0; n >>= 1 {
			if base.IsError() {
				return base
			}
			if n&1 == 1 {
				if result = mulDecimals(result, base); result.IsError() {
					return result
				}
			}
			if n > 1 {
				base = mulDecimals(base, base)
			}
		}
		return result
	})
}

func negateDecimal(v relation.Value) relation.Value {
	if n, scale, ok := v.SmallDecimal(); ok && n != math.MinInt64 {
		return relation.OfDecimal(-n, scale)
	}
	switch {
	case v.IsNaN():
		return v
	case v.InfinitySign() != 0:
		return relation.OfDecimalInfinity(-v.InfinitySign())
	}
	var x apd.BigInt
	bigCoefficient(&x, v, v.Scale())
	return bigDecimal(x.Neg(&x), v.Scale())
}

// specialSum adds where an operand is NaN or infinite.
func specialSum(a, b relation.Value) (relation.Value, bool) {
	sa, sb := a.InfinitySign(), b.InfinitySign()
	switch {
	case a.IsNaN() || b.IsNaN(), sa*sb < 0:
		return relation.OfDecimalNaN(), true
	case sa != 0:
		return a, true
	case sb != 0:
		return b, true
	}
	return relation.Value{}, false
}

// specialProduct multiplies where an operand is NaN or infinite.
func specialProduct(a, b relation.Value) (relation.Value, bool) {
	switch {
	case a.IsNaN() || b.IsNaN():
		return relation.OfDecimalNaN(), true
	case a.InfinitySign() == 0 && b.InfinitySign() == 0:
		return relation.Value{}, false
	}
	sign := signOfDecimal(a) * signOfDecimal(b)
	if sign == 0 {
		return relation.OfDecimalNaN(), true
	}
	return relation.OfDecimalInfinity(sign), true
}

// signOfDecimal is -1, 0 or 1; 0 for NaN.
func signOfDecimal(v relation.Value) int {
	if n, _, ok := v.SmallDecimal(); ok {
		return orderOfInts(n, 0)
	}
	if v.IsNaN() || v.InfinitySign() != 0 {
		return v.InfinitySign()
	}
	return relation.Compare(v, relation.OfDecimal(0, 0))
}

// bigCoefficient sets dst to the finite decimal's coefficient at a scale that is
// not below its own.
func bigCoefficient(dst *apd.BigInt, v relation.Value, scale int32) {
	var d apd.Decimal
	v.Apd(&d)
	dst.Set(&d.Coeff)
	if d.Negative {
		dst.Neg(dst)
	}
	if scale > v.Scale() {
		var factor apd.BigInt
		dst.Mul(dst, bigPow10(&factor, int64(scale-v.Scale())))
	}
}

func bigPow10(dst *apd.BigInt, n int64) *apd.BigInt {
	return dst.Exp(apd.NewBigInt(10), apd.NewBigInt(n), nil)
}

// bigDecimal makes a decimal within PostgreSQL's limits.
func bigDecimal(coefficient *apd.BigInt, scale int32) relation.Value {
	if scale > relation.MaxDecimalScale || apd.NumDigits(coefficient)-int64(scale) > maxDecimalDigits {
		return overflow()
	}
	d := apd.Decimal{Negative: coefficient.Sign() < 0, Exponent: -scale}
	d.Coeff.Abs(coefficient)
	return relation.FromApd(&d)
}

// quotient is x / y rounded half away from zero to n decimal places. It is
// computed from the operands themselves, so it is rounded once.
func quotient(x, y relation.Value, n int32) relation.Value {
	if v, special := specialQuotient(x, y, n); special {
		return v
	}
	n = min(max(n, -relation.MaxDecimalScale), relation.MaxDecimalScale)
	if v, ok := smallQuotient(x, y, n); ok {
		return v
	}
	var num, den, factor, rest apd.BigInt
	bigCoefficient(&num, x, x.Scale())
	bigCoefficient(&den, y, y.Scale())
	negative := (num.Sign() < 0) != (den.Sign() < 0)
	num.Abs(&num)
	den.Abs(&den)
	if shift := int64(n) + int64(y.Scale()) - int64(x.Scale()); shift >= 0 {
		num.Mul(&num, bigPow10(&factor, shift))
	} else {
		den.Mul(&den, bigPow10(&factor, -shift))
	}
	num.QuoRem(&num, &den, &rest)
	if rest.Add(&rest, &rest).Cmp(&den) >= 0 {
		num.Add(&num, apd.NewBigInt(1))
	}
	if negative {
		num.Neg(&num)
	}
	if n < 0 {
		num.Mul(&num, bigPow10(&factor, int64(-n)))
		n = 0
	}
	return bigDecimal(&num, n)
}

func specialQuotient(x, y relation.Value, n int32) (relation.Value, bool) {
	switch {
	case x.IsNaN() || y.IsNaN():
		return relation.OfDecimalNaN(), true
	case x.InfinitySign() != 0 && y.InfinitySign() != 0:
		return relation.OfDecimalNaN(), true
	case y.InfinitySign() != 0:
		return relation.OfDecimal(0, max(n, 0)), true
	case signOfDecimal(y) == 0:
		return relation.OfError(relation.ErrDivisionByZero), true
	case x.InfinitySign() != 0:
		return relation.OfDecimalInfinity(x.InfinitySign() * signOfDecimal(y)), true
	}
	return relation.Value{}, false
}

// smallQuotient is quotient where 128 bits hold the scaled dividend and 64 the rest.
func smallQuotient(x, y relation.Value, n int32) (relation.Value, bool) {
	a, sa, okA := x.SmallDecimal()
	b, sb, okB := y.SmallDecimal()
	if !okA || !okB || n < 0 {
		return relation.Value{}, false
	}
	num, den := magnitude(a), magnitude(b)
	high, low := uint64(0), num
	if shift := n + sb - sa; shift >= 0 {
		factor, ok := pow10(shift)
		if !ok {
			return relation.Value{}, false
		}
		high, low = bits.Mul64(num, uint64(factor))
	} else {
		factor, ok := pow10(-shift)
		overflowed, scaled := bits.Mul64(den, uint64(factor))
		if !ok || overflowed != 0 {
			return relation.Value{}, false
		}
		den = scaled
	}
	if high >= den {
		return relation.Value{}, false
	}
	q, rest := bits.Div64(high, low, den)
	if q >= math.MaxInt64 {
		return relation.Value{}, false
	}
	if rest >= den-rest {
		q++
	}
	if (a < 0) != (b < 0) {
		return relation.OfDecimal(-int64(q), n), true
	}
	return relation.OfDecimal(int64(q), n), true
}

// quotientTowards is x / y rounded down (-1) or up (1) to a whole number.
func quotientTowards(x, y relation.Value, sign int) relation.Value {
	if v, special := specialQuotient(x, y, 0); special {
		return v
	}
	nearest := quotient(x, y, 0)
	if nearest.IsError() {
		return nearest
	}
	// x / y - nearest has the sign of (x - nearest*y) * y.
	product := mulDecimals(nearest, y)
	if product.IsError() {
		return product
	}
	rest := signOfDecimal(subDecimals(x, product)) * signOfDecimal(y)
	if rest*sign > 0 {
		return addDecimals(nearest, relation.OfDecimal(int64(sign), 0))
	}
	return nearest
}
