package ivm

import (
	"encoding/binary"
	"errors"
	"math"
	"sort"

	"github.com/cockroachdb/apd/v3"

	"odsd/storage/relation"
)

var errDamaged = errors.New("damaged state: rebuild the view")

// partial is the state of a count, sum or avg, and the counts of an ordered
// accumulator. It is a pure function of the rows that it covers, whatever the
// order in which they came and went, and partials add up.
//
// The sum is an integer: of integers and decimals in units of 10^-scale, where
// scale is the largest among the rows (as PostgreSQL shows it); of floats in
// units of 2^-1074, the smallest float, so that no digit is lost until the
// result is rounded, once.
type partial struct {
	rows, values, errors int64 // rows; those that are not null; those that failed
	nan, posInf, negInf  int64
	distinct             int64        // values of a multiset that differ
	scales               []scaleCount // of finite decimals, ascending
	sum                  apd.BigInt
}

type scaleCount struct {
	scale int32
	count int64
}

func (s *partial) empty() bool { return s.rows == 0 }

// of makes the partial of a single row.
func (s *partial) of(v relation.Value) {
	*s = partial{rows: 1}
	switch {
	case v.IsNull():
		return
	case v.IsError():
		s.errors = 1
		return
	}
	s.values = 1
	switch {
	case v.IsNaN():
		s.nan = 1
	case v.InfinitySign() > 0:
		s.posInf = 1
	case v.InfinitySign() < 0:
		s.negInf = 1
	default:
		s.ofFinite(v)
	}
}

func (s *partial) ofFinite(v relation.Value) {
	switch v.Kind().Family() {
	case relation.IntegerFamily:
		s.sum.SetInt64(v.Int())
	case relation.FloatFamily:
		s.sum.Set(floatUnits(v.Float()))
	case relation.DecimalFamily:
		s.scales = []scaleCount{{v.Scale(), 1}}
		if coefficient, _, ok := v.SmallDecimal(); ok {
			s.sum.SetInt64(coefficient)
			return
		}
		var d apd.Decimal
		v.Apd(&d)
		s.sum.Set(&d.Coeff)
		if d.Negative {
			s.sum.Neg(&s.sum)
		}
	}
}

// floatUnits is a finite float in units of 2^-1074.
func floatUnits(f float64) *apd.BigInt {
	bits := math.Float64bits(f)
	exponent := int(bits>>52) & 0x7FF
	mantissa := int64(bits & (1<<52 - 1))
	if exponent == 0 {
		exponent = 1
	} else {
		mantissa |= 1 << 52
	}
	if f < 0 {
		mantissa = -mantissa
	}
	var units apd.BigInt
	units.SetInt64(mantissa)
	return units.Lsh(&units, uint(exponent-1))
}

func (s *partial) add(other *partial) { s.combine(other, 1) }

func (s *partial) subtract(other *partial) { s.combine(other, -1) }

func (s *partial) combine(other *partial, sign int64) {
	s.rows += sign * other.rows
	s.values += sign * other.values
	s.errors += sign * other.errors
	s.nan += sign * other.nan
	s.posInf += sign * other.posInf
	s.negInf += sign * other.negInf
	s.distinct += sign * other.distinct
	common := max(s.scale(), other.scale())
	var addend apd.BigInt
	addend.Set(&other.sum)
	rescale(&addend, other.scale(), common)
	rescale(&s.sum, s.scale(), common)
	if sign > 0 {
		s.sum.Add(&s.sum, &addend)
	} else {
		s.sum.Sub(&s.sum, &addend)
	}
	s.countScales(other.scales, sign)
	rescale(&s.sum, common, s.scale())
}

// scale of the sum: the largest scale among the rows.
func (s *partial) scale() int32 {
	if len(s.scales) == 0 {
		return 0
	}
	return s.scales[len(s.scales)-1].scale
}

func (s *partial) countScales(others []scaleCount, sign int64) {
	for _, other := range others {
		at := sort.Search(len(s.scales), func(k int) bool { return s.scales[k].scale >= other.scale })
		if at == len(s.scales) || s.scales[at].scale != other.scale {
			s.scales = append(s.scales, scaleCount{})
			copy(s.scales[at+1:], s.scales[at:])
			s.scales[at] = scaleCount{scale: other.scale}
		}
		s.scales[at].count += sign * other.count
		if s.scales[at].count == 0 {
			s.scales = append(s.scales[:at], s.scales[at+1:]...)
		}
	}
}

// rescale turns units of 10^-from into units of 10^-to. Going down is exact:
// only scales that no row has any more are left.
func rescale(sum *apd.BigInt, from, to int32) {
	if from == to || sum.Sign() == 0 {
		return
	}
	distance := to - from
	if distance < 0 {
		distance = -distance
	}
	var factor apd.BigInt
	factor.Exp(apd.NewBigInt(10), apd.NewBigInt(int64(distance)), nil)
	if to > from {
		sum.Mul(sum, &factor)
	} else {
		sum.Quo(sum, &factor)
	}
}

func (s *partial) equal(o *partial) bool {
	if s.rows != o.rows || s.values != o.values || s.errors != o.errors ||
		s.distinct != o.distinct || s.nan != o.nan || s.posInf != o.posInf || s.negInf != o.negInf ||
		len(s.scales) != len(o.scales) || s.sum.Cmp(&o.sum) != 0 {
		return false
	}
	for k := range s.scales {
		if s.scales[k] != o.scales[k] {
			return false
		}
	}
	return true
}

// encode appends the stored form:
//
//	rows, values, errors, NaNs, +∞, -∞, distinct   varints
//	number of scales, (scale, count)…    varints
//	sign of the sum, its magnitude       one byte, big-endian bytes
func (s *partial) encode(b []byte) []byte {
	for _, n := range []int64{s.rows, s.values, s.errors, s.nan, s.posInf, s.negInf, s.distinct, int64(len(s.scales))} {
		b = binary.AppendVarint(b, n)
	}
	for _, c := range s.scales {
		b = binary.AppendVarint(b, int64(c.scale))
		b = binary.AppendVarint(b, c.count)
	}
	if s.sum.Sign() < 0 {
		b = append(b, 1)
	} else {
		b = append(b, 0)
	}
	return append(b, s.sum.Bytes()...)
}

func (s *partial) decode(b []byte) error {
	read := func() int64 {
		n, size := binary.Varint(b)
		if size <= 0 {
			b = nil
			return 0
		}
		b = b[size:]
		return n
	}
	s.rows, s.values, s.errors = read(), read(), read()
	s.nan, s.posInf, s.negInf = read(), read(), read()
	s.distinct = read()
	scales := read()
	if scales < 0 || scales > int64(len(b)) {
		return errDamaged
	}
	for range scales {
		s.scales = append(s.scales, scaleCount{int32(read()), read()})
	}
	if len(b) == 0 {
		return errDamaged
	}
	s.sum.SetBytes(b[1:])
	if b[0] == 1 {
		s.sum.Neg(&s.sum)
	}
	return nil
}
