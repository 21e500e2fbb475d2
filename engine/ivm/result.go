package ivm

import (
	"math"
	"math/big"

	"github.com/cockroachdb/apd/v3"

	"odsd/storage/relation"
	"odsd/views"
)

// result is what a count, sum or avg shows for a state.
func (s *partial) result(spec views.Accumulator, field *views.Field) relation.Value {
	switch {
	case s.errors > 0 && !(spec.Func == views.Count && spec.Arg < 0):
		return relation.OfError(relation.ErrFailedInput)
	case spec.Func == views.Count && field.Aggregate.Arg == nil:
		return relation.OfInt(relation.Int8, s.rows)
	case spec.Func == views.Count:
		return relation.OfInt(relation.Int8, s.values)
	case s.values == 0:
		return relation.OfNull()
	}
	kind := field.Type.Kind
	if special, ok := s.special(kind); ok {
		return special
	}
	if kind.Family() == relation.FloatFamily {
		return s.float(kind, spec.Func == views.Avg)
	}
	if spec.Func == views.Avg {
		return s.average(field.Aggregate.Round)
	}
	return s.exactSum(kind)
}

// special is the result where a NaN or an infinity is among the rows.
func (s *partial) special(kind relation.Kind) (relation.Value, bool) {
	sign := 0
	switch {
	case s.nan > 0 || s.posInf > 0 && s.negInf > 0:
	case s.posInf > 0:
		sign = 1
	case s.negInf > 0:
		sign = -1
	default:
		return relation.Value{}, false
	}
	if kind == relation.Decimal {
		if sign == 0 {
			return relation.OfDecimalNaN(), true
		}
		return relation.OfDecimalInfinity(sign), true
	}
	if sign == 0 {
		return relation.OfFloat(kind, math.NaN()), true
	}
	return relation.OfFloat(kind, math.Inf(sign)), true
}

// exactSum of integers or decimals.
func (s *partial) exactSum(kind relation.Kind) relation.Value {
	if kind == relation.Decimal {
		var d apd.Decimal
		setSigned(&d, &s.sum, -s.scale())
		return relation.FromApd(&d)
	}
	if !s.sum.IsInt64() {
		return relation.OfError(relation.ErrOverflow)
	}
	return relation.OfInt(kind, s.sum.Int64())
}

func setSigned(d *apd.Decimal, n *apd.BigInt, exponent int32) {
	d.Negative = n.Sign() < 0
	d.Coeff.Abs(n)
	d.Exponent = exponent
}

// average is sum / values, rounded half away from zero.
func (s *partial) average(places int32) relation.Value {
	var numerator, denominator, quotient, remainder apd.BigInt
	numerator.Abs(&s.sum)
	rescale(&numerator, 0, max(places-s.scale(), 0))
	denominator.SetInt64(s.values)
	rescale(&denominator, 0, max(s.scale()-places, 0))
	quotient.QuoRem(&numerator, &denominator, &remainder)
	remainder.Lsh(&remainder, 1)
	if remainder.Cmp(&denominator) >= 0 {
		quotient.Add(&quotient, apd.NewBigInt(1))
	}
	var d apd.Decimal
	d.Coeff.Set(&quotient)
	d.Negative = s.sum.Sign() < 0 && quotient.Sign() != 0
	d.Exponent = -places
	return relation.FromApd(&d)
}

// float rounds an exact sum, or the exact mean, once.
func (s *partial) float(kind relation.Kind, mean bool) relation.Value {
	denominator := new(big.Int).Lsh(big.NewInt(1), 1074)
	if mean {
		denominator.Mul(denominator, big.NewInt(s.values))
	}
	exact := new(big.Rat).SetFrac(s.sum.MathBigInt(), denominator)
	if kind == relation.Float4 {
		f, _ := exact.Float32()
		return finiteFloat(kind, float64(f))
	}
	f, _ := exact.Float64()
	return finiteFloat(kind, f)
}

// finiteFloat refuses a finite sum that no float can hold.
func finiteFloat(kind relation.Kind, f float64) relation.Value {
	if math.IsInf(f, 0) {
		return relation.OfError(relation.ErrOverflow)
	}
	return relation.OfFloat(kind, f)
}
