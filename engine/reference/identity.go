package reference

import (
	"math"
	"strconv"

	"odsd/storage/relation"
)

const microsecondsADay = 24 * 60 * 60 * 1_000_000

// identity maps values to a text such that two lists of values have the same
// text iff they are equal value by value under relation.Equal.
func identity(values []relation.Value) string {
	var b []byte
	for _, v := range values {
		b = appendIdentity(b, v)
	}
	return string(b)
}

func appendIdentity(b []byte, v relation.Value) []byte {
	if v.Missing() {
		return append(b, '-', ';')
	}
	b = strconv.AppendInt(b, int64(v.Kind().Family()), 10)
	b = append(b, ':')
	switch v.Kind() {
	case relation.Decimal:
		b = relation.AppendDecimal(b, v.StripZeros())
	case relation.Float4, relation.Float8:
		b = appendFloatIdentity(b, v.Float())
	case relation.Interval:
		b = appendIntervalIdentity(b, v)
	case relation.Array:
		list := v.List()
		b = strconv.AppendInt(b, int64(len(list)), 10)
		b = append(b, '[')
		for _, e := range list {
			b = appendIdentity(b, e)
		}
		b = append(append(b, ']'), v.Bounds()...)
	case relation.Text, relation.Enum, relation.JSON, relation.Bytes, relation.UUID:
		b = strconv.AppendInt(b, int64(len(v.Str())), 10)
		b = append(b, '"')
		b = append(b, v.Str()...)
	default:
		b = strconv.AppendInt(b, v.Int(), 10)
	}
	return append(b, ';')
}

// appendFloatIdentity gives all NaNs one text; their bits may differ.
func appendFloatIdentity(b []byte, f float64) []byte {
	if math.IsNaN(f) {
		return append(b, "NaN"...)
	}
	return strconv.AppendUint(b, math.Float64bits(f), 16)
}

// appendIntervalIdentity follows PostgreSQL: a month equals 30 days, a day 24 hours.
func appendIntervalIdentity(b []byte, v relation.Value) []byte {
	days, us := intervalSpan(v)
	b = strconv.AppendInt(b, days, 10)
	b = append(b, '/')
	return strconv.AppendInt(b, us, 10)
}

// intervalSpan is the length of an interval in days and the rest of a day.
func intervalSpan(v relation.Value) (days, us int64) {
	m, d, u := v.Interval()
	days, us = int64(m)*30+int64(d)+u/microsecondsADay, u%microsecondsADay
	if us < 0 {
		days, us = days-1, us+microsecondsADay
	}
	return days, us
}

// plainInterval is an interval of this length without months, as long as it has
// no more days than an interval holds; past them it is in months, and what does
// not fit there in days, then in hours.
func plainInterval(days, us int64) relation.Value {
	var months int64
	if days != within32(days) {
		months = within32(days / 30)
	}
	rest := days - months*30
	whole := within32(rest)
	return relation.OfInterval(int32(months), int32(whole), (rest-whole)*microsecondsADay+us)
}

func within32(n int64) int64 { return max(math.MinInt32, min(math.MaxInt32, n)) }
