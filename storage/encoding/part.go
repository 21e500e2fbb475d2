package encoding

import (
	"encoding/binary"
	"math"
	"math/bits"
	"strconv"
	"strings"

	"odsd/storage/relation"
)

// Part says how one part of a key sorts. The zero Part is ascending with nulls
// last, as identities are written.
type Part struct{ Desc, NullsFirst bool }

// First bytes of parts, see doc.go.
const (
	nullFirst = 0x01
	nullLast  = 0xFE

	falseByte = 0x02
	trueByte  = 0x03
	valueByte = 0x02

	intNegative = 0x18 // minus the number of bytes
	intSmall    = 0x18 // plus the value
	intSmallEnd = 200  // values below it stand in the first byte
	intPositive = 0xDF // plus the number of bytes

	decimalNegInfinite = 0x03
	decimalNegative    = 0x04
	decimalZero        = 0x05
	decimalPositive    = 0x06
	decimalInfinite    = 0x07
	decimalNaN         = 0x08

	arrayByte = 0xF8
	arrayEnd  = 0x00
	// arrayBounds comes before no element and after none that goes on.
	arrayBounds = 0x01

	escapeByte    = 0x00
	escapedZero   = 0xFF
	escapedEnd    = 0x01
	floatLength   = 9
	uuidLength    = 17
	microsecsADay = 24 * 60 * 60 * 1_000_000
)

// AppendPart appends the order-preserving, prefix-free form of v. Null and
// error give the null marker.
func AppendPart(dst []byte, p Part, v relation.Value) []byte {
	if v.Kind().Family() == relation.NoFamily {
		if p.NullsFirst {
			return append(dst, nullFirst)
		}
		return append(dst, nullLast)
	}
	start := len(dst)
	dst = appendValue(dst, v)
	if p.Desc {
		invert(dst[start:])
	}
	return dst
}

func appendValue(dst []byte, v relation.Value) []byte {
	switch v.Kind() {
	case relation.Int2, relation.Int4, relation.Int8, relation.Date, relation.Time, relation.Timestamp:
		return appendInt(dst, v.Int())
	case relation.Text, relation.Enum, relation.JSON, relation.Bytes:
		return appendEscaped(dst, v.Str())
	case relation.UUID:
		var id [uuidLength]byte
		id[0] = valueByte
		copy(id[1:], v.Str())
		return append(dst, id[:]...)
	case relation.Bool:
		if v.Bool() {
			return append(dst, trueByte)
		}
		return append(dst, falseByte)
	case relation.Float4, relation.Float8:
		return binary.BigEndian.AppendUint64(append(dst, valueByte), sortableFloat(v.Float()))
	case relation.Decimal:
		return appendDecimal(dst, v)
	case relation.Interval:
		days, rest := intervalSpan(v)
		return appendInt(appendInt(dst, days), rest)
	case relation.Array:
		return appendArray(dst, v)
	}
	return append(dst, nullLast)
}

func invert(b []byte) {
	for i := range b {
		b[i] = ^b[i]
	}
}

// appendInt writes small numbers in one byte and others in as few as they
// need: keys are mostly ids and dates, and short keys are fast keys.
func appendInt(dst []byte, n int64) []byte {
	if n >= 0 && n < intSmallEnd {
		return append(dst, byte(intSmall+n))
	}
	var b [9]byte
	if n >= 0 {
		size := (bits.Len64(uint64(n)) + 7) / 8
		binary.BigEndian.PutUint64(b[1:], uint64(n))
		b[8-size] = byte(intPositive + size)
		return append(dst, b[8-size:]...)
	}
	size := max(1, (bits.Len64(uint64(^n))+7)/8)
	binary.BigEndian.PutUint64(b[1:], uint64(n)) // the complement of ^n
	b[8-size] = byte(intNegative - size)
	return append(dst, b[8-size:]...)
}

func appendEscaped(dst []byte, s string) []byte {
	dst = append(dst, valueByte)
	for {
		zero := strings.IndexByte(s, escapeByte)
		if zero < 0 {
			dst = append(dst, s...)
			return append(dst, escapeByte, escapedEnd)
		}
		dst = append(dst, s[:zero]...)
		dst = append(dst, escapeByte, escapedZero)
		s = s[zero+1:]
	}
}

// sortableFloat maps floats to integers of the same order, NaN last.
func sortableFloat(f float64) uint64 {
	switch {
	case f == 0:
		return 1 << 63 // negative zero too
	case math.IsNaN(f):
		return math.Float64bits(math.NaN()) | 1<<63
	}
	n := math.Float64bits(f)
	if n>>63 != 0 {
		return ^n
	}
	return n | 1<<63
}

// intervalSpan is an interval's length by PostgreSQL's convention, by which
// intervals compare.
func intervalSpan(v relation.Value) (days, rest int64) {
	months, d, us := v.Interval()
	days = int64(months)*30 + int64(d) + us/microsecsADay
	rest = us % microsecsADay
	if rest < 0 {
		rest += microsecsADay
		days--
	}
	return days, rest
}

func appendDecimal(dst []byte, v relation.Value) []byte {
	switch {
	case v.IsNaN():
		return append(dst, decimalNaN)
	case v.InfinitySign() > 0:
		return append(dst, decimalInfinite)
	case v.InfinitySign() < 0:
		return append(dst, decimalNegInfinite)
	}
	coefficient, scale, small := v.SmallDecimal()
	if !small {
		digits, negative := strings.CutPrefix(v.Digits(), "-")
		return appendDigits(dst, negative, []byte(digits), v.Scale())
	}
	if coefficient == 0 {
		return append(dst, decimalZero)
	}
	magnitude := uint64(coefficient)
	if coefficient < 0 {
		magnitude = -magnitude
	}
	var digits [20]byte
	return appendDigits(dst, coefficient < 0, strconv.AppendUint(digits[:0], magnitude, 10), scale)
}

// appendDigits writes a number that is not zero: its sign, the exponent by
// which its digits are a fraction below one, and its digits in pairs without
// zeros at the end.
func appendDigits(dst []byte, negative bool, digits []byte, scale int32) []byte {
	exponent := int64(len(digits)) - int64(scale)
	for len(digits) > 1 && digits[len(digits)-1] == '0' {
		digits = digits[:len(digits)-1]
	}
	if negative {
		dst = append(dst, decimalNegative)
	} else {
		dst = append(dst, decimalPositive)
	}
	start := len(dst)
	dst = appendInt(dst, exponent)
	for i := 0; i < len(digits); i += 2 {
		pair := (digits[i] - '0') * 10
		if i+1 < len(digits) {
			pair += digits[i+1] - '0'
		}
		dst = append(dst, 2*pair+1)
	}
	dst[len(dst)-1]-- // the last pair is even, which ends the part
	if negative {
		invert(dst[start:])
	}
	return dst
}

// appendArray writes elements ascending with nulls last, as arrays compare.
func appendArray(dst []byte, v relation.Value) []byte {
	dst = append(dst, arrayByte)
	for _, e := range v.List() {
		dst = AppendPart(dst, Part{}, e)
	}
	if bounds := v.Bounds(); bounds != "" {
		dst = append(append(append(dst, arrayBounds), bounds...), arrayBounds)
	}
	return append(dst, arrayEnd)
}
