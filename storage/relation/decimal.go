package relation

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/cockroachdb/apd/v3"
)

// A decimal is coefficient × 10^-scale with scale ≥ 0, exactly as PostgreSQL's
// numeric: 1.10 and 1.1 are equal but print differently. A coefficient that
// fits 64 bits is held in place; a larger one as decimal digits in the string.
// The marks below, in place of a scale, are the three special values.
const (
	auxNaN         = -1
	auxInfinite    = -2
	auxNegInfinite = -3
)

// MaxDecimalScale is the most decimal places that PostgreSQL's numeric has.
const MaxDecimalScale = 16383

// OfDecimal makes a decimal from a coefficient and a number of decimal places.
func OfDecimal(coefficient int64, scale int32) Value {
	return Value{kind: Decimal, aux: scale, n: coefficient}
}

// OfDigits makes a decimal from the digits of its coefficient, of any length and
// with a minus where negative, and a number of decimal places; ok is false when
// they are not digits. A long string is aliased.
func OfDigits(digits string, scale int32) (v Value, ok bool) {
	if len(digits) <= 19 {
		n, err := strconv.ParseInt(digits, 10, 64)
		if err == nil {
			return OfDecimal(n, scale), scale >= 0 && digits[0] != '+'
		}
	}
	unsigned := strings.TrimPrefix(digits, "-")
	for i := 0; i < len(unsigned); i++ {
		if unsigned[i] < '0' || unsigned[i] > '9' {
			return Value{}, false
		}
	}
	if len(unsigned) < 19 || unsigned[0] == '0' || scale < 0 {
		return Value{}, false
	}
	if n, err := strconv.ParseInt(digits, 10, 64); err == nil {
		return OfDecimal(n, scale), true
	}
	return Value{kind: Decimal, aux: scale, s: digits}, true
}

// Digits are the coefficient's digits of a finite decimal, with a minus where negative.
func (v Value) Digits() string {
	if v.s != "" {
		return v.s
	}
	return strconv.FormatInt(v.n, 10)
}

// OfDecimalNaN is the decimal that is not a number.
func OfDecimalNaN() Value { return Value{kind: Decimal, aux: auxNaN} }

// OfDecimalInfinity is the infinite decimal of the given sign.
func OfDecimalInfinity(sign int) Value {
	if sign < 0 {
		return Value{kind: Decimal, aux: auxNegInfinite}
	}
	return Value{kind: Decimal, aux: auxInfinite}
}

// IsNaN is true for a decimal or float that is not a number.
func (v Value) IsNaN() bool {
	switch v.kind {
	case Decimal:
		return v.aux == auxNaN
	case Float4, Float8:
		return math.IsNaN(v.Float())
	}
	return false
}

// InfinitySign is +1 or -1 for an infinite decimal or float, else 0.
func (v Value) InfinitySign() int {
	switch {
	case v.kind == Decimal && v.aux == auxInfinite:
		return 1
	case v.kind == Decimal && v.aux == auxNegInfinite:
		return -1
	case (v.kind == Float4 || v.kind == Float8) && math.IsInf(v.Float(), 1):
		return 1
	case (v.kind == Float4 || v.kind == Float8) && math.IsInf(v.Float(), -1):
		return -1
	}
	return 0
}

// IsFinite is true for decimals that are numbers.
func (v Value) isFiniteDecimal() bool { return v.aux >= 0 }

// Scale is the number of decimal places of a finite decimal.
func (v Value) Scale() int32 { return v.aux }

// SmallDecimal gives the coefficient and scale of a finite decimal whose
// coefficient fits 64 bits; ok is false for all others.
func (v Value) SmallDecimal() (coefficient int64, scale int32, ok bool) {
	return v.n, v.aux, v.kind == Decimal && v.aux >= 0 && v.s == ""
}

// Apd copies a finite or special decimal into dst.
func (v Value) Apd(dst *apd.Decimal) {
	dst.Negative, dst.Exponent, dst.Form = false, 0, apd.Finite
	dst.Coeff.SetInt64(0)
	switch v.aux {
	case auxNaN:
		dst.Form = apd.NaN
		return
	case auxInfinite, auxNegInfinite:
		dst.Form = apd.Infinite
		dst.Negative = v.aux == auxNegInfinite
		return
	}
	if v.s != "" {
		dst.Coeff.SetString(strings.TrimPrefix(v.s, "-"), 10)
		dst.Negative = v.s[0] == '-'
	} else {
		dst.Coeff.SetInt64(v.n)
		if v.n < 0 {
			dst.Negative = true
			dst.Coeff.Abs(&dst.Coeff)
		}
	}
	dst.Exponent = -v.aux
}

// FromApd makes a decimal of d. A positive exponent is multiplied out, since
// numeric has no negative scale.
func FromApd(d *apd.Decimal) Value {
	switch d.Form {
	case apd.Infinite:
		if d.Negative {
			return OfDecimalInfinity(-1)
		}
		return OfDecimalInfinity(1)
	case apd.NaN, apd.NaNSignaling:
		return OfDecimalNaN()
	}
	var coefficient apd.BigInt
	coefficient.Set(&d.Coeff)
	scale := -d.Exponent
	if scale < 0 {
		var factor apd.BigInt
		factor.Exp(apd.NewBigInt(10), apd.NewBigInt(int64(-scale)), nil)
		coefficient.Mul(&coefficient, &factor)
		scale = 0
	}
	if d.Negative {
		coefficient.Neg(&coefficient)
	}
	if coefficient.IsInt64() {
		return OfDecimal(coefficient.Int64(), scale)
	}
	return Value{kind: Decimal, aux: scale, s: coefficient.String()}
}

// ParseDecimal reads a numeric as PostgreSQL prints it, or with an exponent.
func ParseDecimal(s string) (Value, error) {
	if v, ok := parseSmallDecimal(s); ok {
		return v, nil
	}
	switch strings.ToLower(strings.TrimPrefix(s, "+")) {
	case "nan":
		return OfDecimalNaN(), nil
	case "infinity", "inf":
		return OfDecimalInfinity(1), nil
	case "-infinity", "-inf":
		return OfDecimalInfinity(-1), nil
	}
	d, _, err := apd.NewFromString(s)
	if err != nil || d.Form != apd.Finite || d.Exponent > 131072 || d.Exponent < -MaxDecimalScale {
		return Value{}, fmt.Errorf("not a numeric value")
	}
	return FromApd(d), nil
}

// parseSmallDecimal is the path that nearly every value takes: an optional
// sign and at most 18 digits with at most one point among them.
func parseSmallDecimal(s string) (Value, bool) {
	digits := s
	negative := false
	if digits != "" && digits[0] == '-' {
		negative, digits = true, digits[1:]
	}
	if digits == "" || len(digits) > 19 {
		return Value{}, false
	}
	var n int64
	scale, point, seen := int32(0), false, 0
	for i := 0; i < len(digits); i++ {
		c := digits[i]
		switch {
		case c == '.' && !point:
			point = true
		case c >= '0' && c <= '9':
			n = n*10 + int64(c-'0')
			seen++
			if point {
				scale++
			}
		default:
			return Value{}, false
		}
	}
	if seen == 0 || seen > 18 {
		return Value{}, false
	}
	if negative {
		n = -n
	}
	return OfDecimal(n, scale), true
}

// AppendDecimal prints a decimal as PostgreSQL does: no exponent, all places.
func AppendDecimal(dst []byte, v Value) []byte {
	switch v.aux {
	case auxNaN:
		return append(dst, "NaN"...)
	case auxInfinite:
		return append(dst, "Infinity"...)
	case auxNegInfinite:
		return append(dst, "-Infinity"...)
	}
	digits := v.s
	var small [20]byte
	if digits == "" {
		digits = string(strconv.AppendInt(small[:0], v.n, 10))
	}
	if digits[0] == '-' {
		dst = append(dst, '-')
		digits = digits[1:]
	}
	scale := int(v.aux)
	for len(digits) <= scale && len(digits) < scale+1 {
		missing := scale + 1 - len(digits)
		digits = strings.Repeat("0", missing) + digits
	}
	dst = append(dst, digits[:len(digits)-scale]...)
	if scale > 0 {
		dst = append(dst, '.')
		dst = append(dst, digits[len(digits)-scale:]...)
	}
	return dst
}

func compareDecimals(a, b Value) int {
	if a.aux == b.aux && a.aux >= 0 && a.s == "" && b.s == "" {
		return compareInts(a.n, b.n)
	}
	if !a.isFiniteDecimal() || !b.isFiniteDecimal() {
		return compareInts(decimalRank(a), decimalRank(b))
	}
	var x, y apd.Decimal
	a.Apd(&x)
	b.Apd(&y)
	return x.Cmp(&y)
}

// decimalRank orders -Infinity, numbers, Infinity, NaN.
func decimalRank(v Value) int64 {
	switch v.aux {
	case auxNegInfinite:
		return -1
	case auxInfinite:
		return 1
	case auxNaN:
		return 2
	}
	return 0
}

// StripZeros is the decimal without trailing zeros after the point, the one
// form that all equal decimals share.
func (v Value) StripZeros() Value {
	if v.kind != Decimal || v.aux <= 0 {
		return v
	}
	if v.s == "" {
		for v.aux > 0 && v.n%10 == 0 {
			v.n /= 10
			v.aux--
		}
		return v
	}
	var d apd.Decimal
	v.Apd(&d)
	d.Reduce(&d)
	return FromApd(&d)
}

// PadScale shows a finite decimal with at least the given number of decimal
// places; every other value is as it is.
func PadScale(v Value, scale int32) Value {
	if v.kind != Decimal || v.aux < 0 || v.aux >= scale {
		return v
	}
	var d apd.Decimal
	v.Apd(&d)
	var factor apd.BigInt
	factor.Exp(apd.NewBigInt(10), apd.NewBigInt(int64(scale-v.aux)), nil)
	d.Coeff.Mul(&d.Coeff, &factor)
	d.Exponent = -scale
	return FromApd(&d)
}
