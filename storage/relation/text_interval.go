package relation

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

var errInterval = errors.New("expected years, mons, days and hours:minutes:seconds (IntervalStyle = postgres)")

// infiniteInterval is what PostgreSQL 17's infinite intervals are made of.
func infiniteInterval(sign int) Value {
	if sign < 0 {
		return OfInterval(math.MinInt32, math.MinInt32, math.MinInt64)
	}
	return OfInterval(math.MaxInt32, math.MaxInt32, math.MaxInt64)
}

// parseInterval reads "1 year 2 mons -3 days +04:05:06.789".
func parseInterval(s string) (Value, error) {
	switch s {
	case "infinity":
		return infiniteInterval(1), nil
	case "-infinity":
		return infiniteInterval(-1), nil
	}
	var months, days, us int64
	words := strings.Split(s, " ")
	for len(words) > 0 {
		if strings.Contains(words[0], ":") {
			n, ok := parseSpan(words[0])
			if !ok || len(words) > 1 {
				return Value{}, errInterval
			}
			us = n
			break
		}
		if len(words) < 2 {
			return Value{}, errInterval
		}
		n, err := strconv.ParseInt(words[0], 10, 32)
		if err != nil {
			return Value{}, errInterval
		}
		switch strings.TrimSuffix(words[1], "s") {
		case "year":
			months += n * 12
		case "mon":
			months += n
		case "day":
			days += n
		default:
			return Value{}, errInterval
		}
		words = words[2:]
	}
	if months != int64(int32(months)) || days != int64(int32(days)) {
		return Value{}, errOutOfRange
	}
	return OfInterval(int32(months), int32(days), us), nil
}

// parseSpan reads a signed time, whose hours have no limit but that of int64.
func parseSpan(s string) (us int64, ok bool) {
	unsigned, negative := strings.CutPrefix(s, "-")
	if !negative {
		unsigned = strings.TrimPrefix(s, "+")
	}
	hours, rest, _ := strings.Cut(unsigned, ":")
	minutes, seconds, _ := strings.Cut(rest, ":")
	h, okHour := parseDigits(hours, 2, 10)
	m, okMinute := parseDigits(minutes, 2, 2)
	part, okSecond := parseSeconds(seconds)
	if !okHour || !okMinute || !okSecond || m > 59 || h > math.MaxInt64/hour {
		return 0, false
	}
	total := uint64(h)*uint64(hour) + uint64(m)*uint64(minute) + uint64(part)
	switch {
	case negative && total <= 1<<63:
		return int64(-total), true
	case negative || total > math.MaxInt64:
		return 0, false
	}
	return int64(total), true
}

// appendInterval prints the parts that are not zero. A positive part after a
// negative one has its sign.
func appendInterval(dst []byte, v Value) []byte {
	months, days, us := v.Interval()
	switch {
	case months == math.MaxInt32 && days == math.MaxInt32 && us == math.MaxInt64:
		return appendInfinity(dst, InfiniteFuture)
	case months == math.MinInt32 && days == math.MinInt32 && us == math.MinInt64:
		return appendInfinity(dst, InfinitePast)
	}
	start, negative := len(dst), false
	for _, part := range []struct {
		n    int64
		unit string
	}{{int64(months / 12), "year"}, {int64(months % 12), "mon"}, {int64(days), "day"}} {
		if part.n == 0 {
			continue
		}
		dst = appendUnit(dst, start, negative, part.n, part.unit)
		negative = part.n < 0
	}
	if us == 0 && len(dst) > start {
		return dst
	}
	if len(dst) > start {
		dst = append(dst, ' ')
	}
	if negative && us > 0 {
		dst = append(dst, '+')
	}
	return appendClock(dst, us)
}

func appendUnit(dst []byte, start int, afterNegative bool, n int64, unit string) []byte {
	if len(dst) > start {
		dst = append(dst, ' ')
	}
	if afterNegative && n > 0 {
		dst = append(dst, '+')
	}
	dst = strconv.AppendInt(dst, n, 10)
	dst = append(append(dst, ' '), unit...)
	if n != 1 {
		dst = append(dst, 's')
	}
	return dst
}
