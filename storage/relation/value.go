package relation

import (
	"encoding/binary"
	"math"
	"strings"
)

// Value is one cell. The zero Value is null. Values are immutable; text and
// bytes alias the string they were made from.
//
// Values do not compare with == (1.0 and 1.00 are one number); use Compare
// or Equal.
type Value struct {
	kind Kind
	elem Kind  // of arrays
	aux  int32 // decimals: scale, or one of the aux* marks
	n    int64 // bool, integers, float bits, dates, times, a small decimal's coefficient
	s    string
}

// ErrorCode says why a field could not be computed.
type ErrorCode uint8

// The reasons why a field could not be computed. Stored: append only.
const (
	ErrOverflow       ErrorCode = 1 // beyond the range of the result's type
	ErrDivisionByZero ErrorCode = 2
	ErrBadCast        ErrorCode = 3 // the text or JSON does not hold such a value
	ErrInfiniteTime   ErrorCode = 4 // an infinite date or timestamp where an instant is needed
	ErrBadArgument    ErrorCode = 5 // a function's argument is outside its domain
	ErrFailedInput    ErrorCode = 6 // an aggregate over a failed field
	ErrTooLarge       ErrorCode = 7 // the result exceeds the size budget of an expression
	ErrUnreadable     ErrorCode = 8 // what the source sent is no value of the column's type
)

var errorNames = [...]string{"", "overflow", "division_by_zero", "bad_cast", "infinite_time", "bad_argument", "failed_input", "too_large", "unreadable"}

// String is the code as status and logs print it, "division_by_zero".
func (c ErrorCode) String() string {
	if int(c) < len(errorNames) {
		return errorNames[c]
	}
	return "unknown"
}

// Limits of infinite dates and timestamps, which are values of their own.
const (
	InfiniteFuture = int64(math.MaxInt64)
	InfinitePast   = int64(math.MinInt64)
)

// OfNull is the null value.
func OfNull() Value { return Value{} }

// OfError is the value of a field that could not be computed.
func OfError(c ErrorCode) Value { return Value{kind: Error, n: int64(c)} }

// OfMark is Unchanged or NotSent.
func OfMark(k Kind) Value { return Value{kind: k} }

// OfBool makes a boolean.
func OfBool(b bool) Value {
	if b {
		return Value{kind: Bool, n: 1}
	}
	return Value{kind: Bool}
}

// OfInt makes an integer of the given integer kind; the caller has checked its range.
func OfInt(k Kind, n int64) Value { return Value{kind: k, n: n} }

// OfFloat makes a float of the given float kind; a Float4 is rounded to single precision.
// Negative zero becomes zero: PostgreSQL holds them equal.
func OfFloat(k Kind, f float64) Value {
	if k == Float4 {
		f = float64(float32(f))
	}
	switch {
	case f == 0:
		f = 0
	case math.IsNaN(f):
		f = math.NaN() // one of its many bit patterns, so that it is identical to itself
	}
	return Value{kind: k, n: int64(math.Float64bits(f))}
}

// OfText makes a text.
func OfText(s string) Value { return Value{kind: Text, s: s} }

// OfString makes a value of a kind that is held as a string of bytes: Text,
// Enum, JSON, Bytes, UUID (16 bytes), or Interval (what its Str gave).
func OfString(k Kind, s string) Value { return Value{kind: k, s: s} }

// OfDate makes a date from days since 1970-01-01, or an infinity.
func OfDate(days int64) Value { return Value{kind: Date, n: days} }

// OfTime makes a time of day from microseconds since midnight.
func OfTime(us int64) Value { return Value{kind: Time, n: us} }

// OfTimestamp makes an instant from microseconds since 1970 in UTC, or an infinity.
func OfTimestamp(us int64) Value { return Value{kind: Timestamp, n: us} }

// OfInterval makes an interval of its three independent parts.
func OfInterval(months, days int32, us int64) Value {
	var b [16]byte
	binary.BigEndian.PutUint64(b[0:], uint64(us))
	binary.BigEndian.PutUint32(b[8:], uint32(days))
	binary.BigEndian.PutUint32(b[12:], uint32(months))
	return Value{kind: Interval, s: string(b[:])}
}

// Kind of the value; Null for the null value whatever its column's type.
func (v Value) Kind() Kind { return v.kind }

// IsNull is true for the null value alone.
func (v Value) IsNull() bool { return v.kind == Null }

// IsError is true for a field that could not be computed.
func (v Value) IsError() bool { return v.kind == Error }

// Missing is true for null and for error: where there is nothing to show.
func (v Value) Missing() bool { return v.kind <= Error }

// Code of an error value.
func (v Value) Code() ErrorCode { return ErrorCode(v.n) }

// Bool of a boolean value.
func (v Value) Bool() bool { return v.n != 0 }

// True is the two-valued truth of a condition: null and error count as false.
func (v Value) True() bool { return v.kind == Bool && v.n != 0 }

// Int of an integer, date (days), time or timestamp (microseconds).
func (v Value) Int() int64 { return v.n }

// Float of a float value.
func (v Value) Float() float64 { return math.Float64frombits(uint64(v.n)) }

// Str is the bytes of a text, enum, JSON, bytea or UUID value.
func (v Value) Str() string { return v.s }

// Interval takes an interval apart.
func (v Value) Interval() (months, days int32, us int64) {
	if len(v.s) != 16 {
		return 0, 0, 0
	}
	b := []byte(v.s)
	return int32(binary.BigEndian.Uint32(b[12:])), int32(binary.BigEndian.Uint32(b[8:])), int64(binary.BigEndian.Uint64(b[0:]))
}

// IsInfinite is true for infinite dates and timestamps.
func (v Value) IsInfinite() bool {
	return (v.kind == Date || v.kind == Timestamp) && (v.n == InfiniteFuture || v.n == InfinitePast)
}

// Equal says whether two values are the same under PostgreSQL's = made
// null-safe: null equals null, 1.0 equals 1.00, NaN equals NaN.
func Equal(a, b Value) bool { return Compare(a, b) == 0 }

// Identical says whether two values are the same to the last detail, the
// scale of decimals included: whether writing one over the other is a change.
func Identical(a, b Value) bool { return a == b }

// Compare orders two values of one family as PostgreSQL does under collation
// "C", with null (and error) after everything else. Values of different
// families, which a checked view never compares, order by kind.
func Compare(a, b Value) int {
	if a.Missing() || b.Missing() {
		return compareMissing(a, b)
	}
	if fa, fb := a.kind.Family(), b.kind.Family(); fa != fb {
		return compareInts(int64(fa), int64(fb))
	}
	switch a.kind {
	case Float4, Float8:
		return compareFloats(a.Float(), b.Float())
	case Decimal:
		return compareDecimals(a, b)
	case Interval:
		return compareIntervals(a, b)
	case Array:
		return compareArrays(a, b)
	case Text, Enum, JSON, Bytes, UUID:
		return strings.Compare(a.s, b.s)
	}
	return compareInts(a.n, b.n)
}

func compareMissing(a, b Value) int {
	switch {
	case a.Missing() && b.Missing():
		return 0
	case a.Missing():
		return 1
	}
	return -1
}

func compareInts(a, b int64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// compareFloats puts NaN after every number, as PostgreSQL does.
func compareFloats(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	case a == b:
		return 0
	case math.IsNaN(a) && math.IsNaN(b):
		return 0
	case math.IsNaN(a):
		return 1
	}
	return -1
}

// compareIntervals uses PostgreSQL's convention of 24-hour days and 30-day
// months. The span in microseconds exceeds 64 bits, so days and the rest of
// the day are compared apart.
func compareIntervals(a, b Value) int {
	daysA, restA := intervalSpan(a)
	daysB, restB := intervalSpan(b)
	if c := compareInts(daysA, daysB); c != 0 {
		return c
	}
	return compareInts(restA, restB)
}

func intervalSpan(v Value) (days, rest int64) {
	const day = 24 * 60 * 60 * 1_000_000
	months, d, us := v.Interval()
	days = int64(months)*30 + int64(d) + us/day
	rest = us % day
	if rest < 0 {
		rest += day
		days--
	}
	return days, rest
}

func compareArrays(a, b Value) int {
	x, y := a.List(), b.List()
	for i := 0; i < len(x) && i < len(y); i++ {
		if c := Compare(x[i], y[i]); c != 0 {
			return c
		}
	}
	if c := compareInts(int64(len(x)), int64(len(y))); c != 0 {
		return c
	}
	return strings.Compare(a.Bounds(), b.Bounds()) // some order: they are not equal
}
