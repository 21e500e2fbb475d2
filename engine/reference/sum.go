package reference

import (
	"math"
	"math/big"

	"odsd/storage/relation"
)

// maxWholeDigits is the most digits that PostgreSQL's numeric has before the point.
const maxWholeDigits = 131072

// sum adds values that are not null. Integers and decimals are added exactly
// and the result is checked against its type; floats are added exactly too and
// rounded once, so that their order does not matter.
func (c *aggregateCode) sum(values []relation.Value) relation.Value {
	if c.argument.Family() == relation.FloatFamily {
		return roundFloat(c.kind, addFloats(values), 1)
	}
	if special, ok := addSpecial(values); ok {
		return special
	}
	total, scale := addDecimals(values)
	if c.kind == relation.Decimal {
		return ofDecimal(total, scale)
	}
	if !total.IsInt64() {
		return relation.OfError(relation.ErrOverflow)
	}
	return relation.OfInt(c.kind, total.Int64())
}

// average divides the exact sum by the number of values. The mean of integers
// and decimals is rounded half away from zero to the declared places; that of
// floats is rounded to its type.
func (c *aggregateCode) average(values []relation.Value) relation.Value {
	count := int64(len(values))
	if c.argument.Family() == relation.FloatFamily {
		return roundFloat(c.kind, addFloats(values), count)
	}
	if special, ok := addSpecial(values); ok {
		return special
	}
	total, scale := addDecimals(values)
	return ofDecimal(divideRounded(total, scale, count, c.aggregate.Round), c.aggregate.Round)
}

// addSpecial is the sum when NaN or an infinity is among the decimals: NaN
// wins, and infinities of both signs are NaN.
func addSpecial(values []relation.Value) (sum relation.Value, special bool) {
	positive, negative := false, false
	for _, v := range values {
		if v.IsNaN() {
			return relation.OfDecimalNaN(), true
		}
		positive = positive || v.InfinitySign() > 0
		negative = negative || v.InfinitySign() < 0
	}
	switch {
	case positive && negative:
		return relation.OfDecimalNaN(), true
	case positive:
		return relation.OfDecimalInfinity(1), true
	case negative:
		return relation.OfDecimalInfinity(-1), true
	}
	return relation.Value{}, false
}

// addDecimals adds integers or finite decimals. The sum has as many places as
// the input that has most, as in PostgreSQL.
func addDecimals(values []relation.Value) (total *big.Int, scale int32) {
	for _, v := range values {
		if v.Kind() == relation.Decimal {
			scale = max(scale, v.Scale())
		}
	}
	total = new(big.Int)
	for _, v := range values {
		total.Add(total, coefficient(v, scale))
	}
	return total, scale
}

// coefficient is v × 10^scale; the scale is at least v's.
func coefficient(v relation.Value, scale int32) *big.Int {
	if v.Kind() != relation.Decimal {
		return new(big.Int).Mul(big.NewInt(v.Int()), powerOfTen(scale))
	}
	digits := make([]byte, 0, 24)
	for _, b := range relation.AppendDecimal(nil, v) {
		if b != '.' {
			digits = append(digits, b)
		}
	}
	n, _ := new(big.Int).SetString(string(digits), 10)
	return n.Mul(n, powerOfTen(scale-v.Scale()))
}

func powerOfTen(n int32) *big.Int {
	return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil)
}

// divideRounded gives total × 10^-scale ÷ count in units of 10^-places,
// rounded half away from zero.
func divideRounded(total *big.Int, scale int32, count int64, places int32) *big.Int {
	numerator := new(big.Int).Mul(total, powerOfTen(places))
	divisor := new(big.Int).Mul(big.NewInt(count), powerOfTen(scale))
	negative := numerator.Sign() < 0
	numerator.Abs(numerator)
	// ⌊(2n + d) ÷ 2d⌋ rounds the half up, which of absolutes is away from zero.
	numerator.Lsh(numerator, 1).Add(numerator, divisor)
	quotient := numerator.Quo(numerator, divisor.Lsh(divisor, 1))
	if negative {
		quotient.Neg(quotient)
	}
	return quotient
}

func ofDecimal(coefficient *big.Int, scale int32) relation.Value {
	digits := new(big.Int).Abs(coefficient).String()
	if len(digits)-int(scale) > maxWholeDigits {
		return relation.OfError(relation.ErrOverflow)
	}
	if coefficient.IsInt64() {
		return relation.OfDecimal(coefficient.Int64(), scale)
	}
	for len(digits) <= int(scale) {
		digits = "0" + digits
	}
	text := digits[:len(digits)-int(scale)]
	if scale > 0 {
		text += "." + digits[len(digits)-int(scale):]
	}
	if coefficient.Sign() < 0 {
		text = "-" + text
	}
	v, err := relation.ParseDecimal(text)
	if err != nil {
		return relation.OfError(relation.ErrOverflow)
	}
	return v
}

// floatSum is the exact sum of floats: finite ones in exact, the others apart.
type floatSum struct {
	exact              *big.Float
	nan                bool
	positive, negative bool // an infinity of that sign was among them
}

// addFloats adds without rounding: the precision covers the whole range of
// float8, from 2^-1074 to 2^1024, and 64 bits of carry.
func addFloats(values []relation.Value) floatSum {
	s := floatSum{exact: new(big.Float).SetPrec(1074 + 1024 + 64)}
	for _, v := range values {
		f := v.Float()
		switch {
		case math.IsNaN(f):
			s.nan = true
		case math.IsInf(f, 0):
			s.positive = s.positive || f > 0
			s.negative = s.negative || f < 0
		default:
			s.exact.Add(s.exact, big.NewFloat(f))
		}
	}
	return s
}

// roundFloat divides an exact sum and rounds the quotient once to the float
// kind; beyond its range it is an overflow, as in PostgreSQL.
func roundFloat(kind relation.Kind, s floatSum, divisor int64) relation.Value {
	switch {
	case s.nan, s.positive && s.negative:
		return relation.OfFloat(kind, math.NaN())
	case s.positive:
		return relation.OfFloat(kind, math.Inf(1))
	case s.negative:
		return relation.OfFloat(kind, math.Inf(-1))
	}
	exact, _ := s.exact.Rat(nil)
	exact.Quo(exact, new(big.Rat).SetInt64(divisor))
	f, _ := exact.Float64()
	if kind == relation.Float4 {
		single, _ := exact.Float32()
		f = float64(single)
	}
	if math.IsInf(f, 0) {
		return relation.OfError(relation.ErrOverflow)
	}
	return relation.OfFloat(kind, f)
}
