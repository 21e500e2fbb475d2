package relation

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

const (
	microsecond = int64(1)
	second      = 1_000_000 * microsecond
	minute      = 60 * second
	hour        = 60 * minute
	day         = 24 * hour
)

var (
	errDate  = errors.New("expected year-month-day, or infinity")
	errClock = errors.New("expected hours:minutes:seconds")
	errZone  = errors.New("expected a zone as hours:minutes from UTC")
)

func parseDate(s string) (Value, error) {
	if n, ok := infinite(s); ok {
		return OfDate(n), nil
	}
	s, bc := strings.CutSuffix(s, " BC")
	days, err := parseDays(s, bc)
	return OfDate(days), err
}

// infinite reads the infinities of dates and timestamps.
func infinite(s string) (int64, bool) {
	switch s {
	case "infinity":
		return InfiniteFuture, true
	case "-infinity":
		return InfinitePast, true
	}
	return 0, false
}

// parseDays reads year-month-day as days since 1970.
func parseDays(s string, bc bool) (int64, error) {
	y, rest, _ := strings.Cut(s, "-")
	m, d, _ := strings.Cut(rest, "-")
	year, okYear := parseDigits(y, 1, 7)
	month, okMonth := parseDigits(m, 2, 2)
	dom, okDay := parseDigits(d, 2, 2)
	if !okYear || !okMonth || !okDay || year < 1 || month < 1 || month > 12 {
		return 0, errDate
	}
	if bc {
		year = 1 - year // there is no year 0
	}
	if dom < 1 || dom > daysIn(year, month) {
		return 0, errDate
	}
	return daysSince1970(year, month, dom), nil
}

// parseDigits reads a number of at least low and at most high digits.
func parseDigits(s string, low, high int) (n int64, ok bool) {
	if len(s) < low || len(s) > high {
		return 0, false
	}
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = n*10 + int64(s[i]-'0')
	}
	return n, true
}

func daysIn(year, month int64) int64 {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// The Gregorian calendar, extended to all times, repeats after 400 years; counted
// from the first of March, the leap day comes last in its year.
const daysIn400Years = 146097

func daysSince1970(year, month, dom int64) int64 {
	month -= 3
	if month < 0 {
		month += 12
		year--
	}
	era := floorDiv(year, 400)
	ofEra := year - era*400
	ofYear := (153*month+2)/5 + dom - 1
	return era*daysIn400Years + ofEra*365 + ofEra/4 - ofEra/100 + ofYear - 719468
}

func civil(days int64) (year, month, dom int64) {
	days += 719468
	era := floorDiv(days, daysIn400Years)
	ofEra := days - era*daysIn400Years
	year = (ofEra - ofEra/1460 + ofEra/36524 - ofEra/146096) / 365
	ofYear := ofEra - (365*year + year/4 - year/100)
	month = (5*ofYear + 2) / 153
	dom = ofYear - (153*month+2)/5 + 1
	year += era * 400
	if month += 3; month > 12 {
		month -= 12
		year++
	}
	return year, month, dom
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

func parseTime(s string) (Value, error) {
	us, err := parseClock(s)
	if err != nil || us > day {
		return Value{}, errClock
	}
	return OfTime(us), nil
}

// parseClock reads hours:minutes:seconds.fraction of a day; the hours go to 24.
func parseClock(s string) (us int64, err error) {
	if len(s) < 8 || s[2] != ':' || s[5] != ':' {
		return 0, errClock
	}
	h, okHour := parseDigits(s[:2], 2, 2)
	m, okMinute := parseDigits(s[3:5], 2, 2)
	seconds, okSecond := parseSeconds(s[6:])
	if !okHour || !okMinute || !okSecond || h > 24 || m > 59 {
		return 0, errClock
	}
	return h*hour + m*minute + seconds, nil
}

// parseSeconds reads seconds with up to six decimal places as microseconds.
func parseSeconds(s string) (us int64, ok bool) {
	whole, fraction, point := strings.Cut(s, ".")
	n, ok := parseDigits(whole, 2, 2)
	if !ok || n > 59 {
		return 0, false
	}
	us = n * second
	if !point {
		return us, true
	}
	part, ok := parseDigits(fraction, 1, 6)
	for range 6 - len(fraction) {
		part *= 10
	}
	return us + part, ok
}

func parseTimestamp(s string) (Value, error) {
	if n, ok := infinite(s); ok {
		return OfTimestamp(n), nil
	}
	s, bc := strings.CutSuffix(s, " BC")
	date, clock, _ := strings.Cut(s, " ")
	days, err := parseDays(date, bc)
	if err != nil {
		return Value{}, errors.New("expected year-month-day hours:minutes:seconds, or infinity")
	}
	var offset int64
	if at := strings.IndexAny(clock, "+-"); at >= 0 {
		if offset, err = parseZone(clock[at:]); err != nil {
			return Value{}, err
		}
		clock = clock[:at]
	}
	us, err := parseClock(clock)
	if err != nil {
		return Value{}, err
	}
	us -= offset
	if days > math.MaxInt64/day-2 || days < math.MinInt64/day+2 {
		return Value{}, errOutOfRange
	}
	return OfTimestamp(days*day + us), nil
}

// parseZone reads +hh, +hh:mm or +hh:mm:ss, east of UTC, as microseconds.
func parseZone(s string) (int64, error) {
	sign := int64(1)
	if s[0] == '-' {
		sign = -1
	}
	var total int64
	unit := hour
	for part := range strings.SplitSeq(s[1:], ":") {
		n, ok := parseDigits(part, 2, 2)
		if !ok || n > 59 || unit < second {
			return 0, errZone
		}
		total += n * unit
		unit /= 60
	}
	return sign * total, nil
}

func appendDate(dst []byte, v Value) []byte {
	if v.IsInfinite() {
		return appendInfinity(dst, v.n)
	}
	year, month, dom := civil(v.n)
	dst = appendDay(dst, year, month, dom)
	return appendEra(dst, year)
}

func appendInfinity(dst []byte, n int64) []byte {
	if n == InfinitePast {
		dst = append(dst, '-')
	}
	return append(dst, "infinity"...)
}

func appendTimestamp(dst []byte, v Value) []byte {
	if v.IsInfinite() {
		return appendInfinity(dst, v.n)
	}
	days := floorDiv(v.n, day)
	year, month, dom := civil(days)
	dst = append(appendDay(dst, year, month, dom), ' ')
	dst = appendClock(dst, v.n-days*day)
	return appendEra(append(dst, "+00"...), year)
}

// appendDay prints a day; years before 1 count back from 1 BC.
func appendDay(dst []byte, year, month, dom int64) []byte {
	if year <= 0 {
		year = 1 - year
	}
	dst = appendPadded(dst, year, 4)
	dst = appendPadded(append(dst, '-'), month, 2)
	return appendPadded(append(dst, '-'), dom, 2)
}

func appendEra(dst []byte, year int64) []byte {
	if year <= 0 {
		return append(dst, " BC"...)
	}
	return dst
}

func appendPadded(dst []byte, n int64, width int) []byte {
	var digits [20]byte
	printed := strconv.AppendInt(digits[:0], n, 10)
	for i := len(printed); i < width; i++ {
		dst = append(dst, '0')
	}
	return append(dst, printed...)
}

// appendClock prints microseconds as hours:minutes:seconds, with a fraction
// without zeros at its end.
func appendClock(dst []byte, us int64) []byte {
	magnitude := uint64(us)
	if us < 0 {
		dst = append(dst, '-')
		magnitude = -magnitude
	}
	dst = appendPadded(dst, int64(magnitude/uint64(hour)), 2)
	dst = appendPadded(append(dst, ':'), int64(magnitude/uint64(minute)%60), 2)
	dst = appendPadded(append(dst, ':'), int64(magnitude/uint64(second)%60), 2)
	fraction := int64(magnitude % uint64(second))
	if fraction == 0 {
		return dst
	}
	dst = appendPadded(append(dst, '.'), fraction, 6)
	for dst[len(dst)-1] == '0' {
		dst = dst[:len(dst)-1]
	}
	return dst
}
