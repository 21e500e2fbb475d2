package query

import (
	"math"
	"strconv"
	"strings"

	"odsd/storage/relation"
)

const (
	microsecond = int64(1)
	second      = 1_000_000 * microsecond
	minute      = 60 * second
	hour        = 60 * minute
	day         = 24 * hour
)

// civil turns days since 1970-01-01 into a date of the proleptic Gregorian
// calendar; the year before 1 is 0, as ISO 8601 has it.
func civil(days int64) (year, month, dayOfMonth int64) {
	// Count from 0000-03-01, so that a leap day ends its year, in eras of 400 years.
	days += 719468
	era := floorDiv(days, 146097)
	dayOfEra := days - era*146097
	yearOfEra := (dayOfEra - dayOfEra/1460 + dayOfEra/36524 - dayOfEra/146096) / 365
	dayOfYear := dayOfEra - (365*yearOfEra + yearOfEra/4 - yearOfEra/100)
	m := (5*dayOfYear + 2) / 153
	dayOfMonth = dayOfYear - (153*m+2)/5 + 1
	month = m + 3
	year = yearOfEra + era*400
	if month > 12 {
		month -= 12
		year++
	}
	return year, month, dayOfMonth
}

// daysOf is the inverse of civil.
func daysOf(year, month, dayOfMonth int64) int64 {
	if month <= 2 {
		year--
		month += 12
	}
	era := floorDiv(year, 400)
	yearOfEra := year - era*400
	dayOfYear := (153*(month-3)+2)/5 + dayOfMonth - 1
	return era*146097 + yearOfEra*365 + yearOfEra/4 - yearOfEra/100 + dayOfYear - 719468
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

func appendDate(dst []byte, days int64) []byte {
	year, month, dayOfMonth := civil(days)
	switch {
	case year < 0:
		dst = appendDigits(append(dst, '-'), -year, 6)
	case year > 9999:
		dst = appendDigits(append(dst, '+'), year, 6)
	default:
		dst = appendDigits(dst, year, 4)
	}
	dst = appendDigits(append(dst, '-'), month, 2)
	return appendDigits(append(dst, '-'), dayOfMonth, 2)
}

// appendDateTime writes RFC 3339 in UTC, always with six decimal places, so
// that texts of one century compare as their instants do.
func appendDateTime(dst []byte, us int64) []byte {
	days := floorDiv(us, day)
	dst = append(appendDate(dst, days), 'T')
	rest := us - days*day
	dst = appendClock(dst, rest)
	dst = appendDigits(append(dst, '.'), rest%second, 6)
	return append(dst, 'Z')
}

func appendTime(dst []byte, us int64) []byte {
	return appendFraction(appendClock(dst, us), us%second)
}

func appendClock(dst []byte, us int64) []byte {
	dst = appendDigits(dst, us/hour, 2)
	dst = appendDigits(append(dst, ':'), us%hour/minute, 2)
	return appendDigits(append(dst, ':'), us%minute/second, 2)
}

// appendFraction writes decimal places of a second without trailing zeros.
func appendFraction(dst []byte, us int64) []byte {
	if us == 0 {
		return dst
	}
	dst = appendDigits(append(dst, '.'), us, 6)
	for dst[len(dst)-1] == '0' {
		dst = dst[:len(dst)-1]
	}
	return dst
}

func appendDigits(dst []byte, n int64, width int) []byte {
	start := len(dst)
	dst = strconv.AppendInt(dst, n, 10)
	for missing := width - (len(dst) - start); missing > 0; missing-- {
		dst = append(dst, 0)
		copy(dst[start+1:], dst[start:])
		dst[start] = '0'
	}
	return dst
}

// appendDuration writes ISO 8601 as PostgreSQL's intervalstyle iso_8601 does:
// each part has its own sign.
func appendDuration(dst []byte, v relation.Value) []byte {
	months, days, us := v.Interval()
	start := len(dst)
	dst = append(dst, 'P')
	dst = appendPart(dst, int64(months/12), 'Y')
	dst = appendPart(dst, int64(months%12), 'M')
	dst = appendPart(dst, int64(days), 'D')
	if us != 0 {
		dst = append(dst, 'T')
		dst = appendPart(dst, us/hour, 'H')
		dst = appendPart(dst, us%hour/minute, 'M')
		if rest := us % minute; rest != 0 {
			if rest < 0 {
				dst = append(dst, '-')
				rest = -rest
			}
			dst = strconv.AppendInt(dst, rest/second, 10)
			dst = append(appendFraction(dst, rest%second), 'S')
		}
	}
	if len(dst) == start+1 {
		return append(dst, "T0S"...)
	}
	return dst
}

func appendPart(dst []byte, n int64, unit byte) []byte {
	if n == 0 {
		return dst
	}
	return append(strconv.AppendInt(dst, n, 10), unit)
}

func parseDateTime(s string) (us int64, ok bool) {
	days, s, ok := parseDate(s)
	if !ok || s == "" || (s[0] != 'T' && s[0] != 't' && s[0] != ' ') {
		return 0, false
	}
	clock, s, ok := parseTime(s[1:])
	if !ok {
		return 0, false
	}
	offset, ok := parseZone(s)
	// PostgreSQL's range of timestamps, 4713 BC to 294276 AD.
	if !ok || days < -2_440_588 || days > 106_751_990 {
		return 0, false
	}
	return days*day + clock - offset, true
}

func parseZone(s string) (us int64, ok bool) {
	if s == "Z" || s == "z" {
		return 0, true
	}
	if len(s) != 6 || (s[0] != '+' && s[0] != '-') || s[3] != ':' {
		return 0, false
	}
	h, okHours := parseDigits(s[1:3])
	m, okMinutes := parseDigits(s[4:6])
	us = h*hour + m*minute
	if s[0] == '-' {
		us = -us
	}
	return us, okHours && okMinutes && h < 24 && m < 60
}

// parseDate reads a date at the start of s; years beyond four digits have a sign.
func parseDate(s string) (days int64, rest string, ok bool) {
	width, sign := 4, int64(1)
	if s != "" && (s[0] == '+' || s[0] == '-') {
		if s[0] == '-' {
			sign = -1
		}
		s, width = s[1:], 6
	}
	if len(s) < width+6 || s[width] != '-' || s[width+3] != '-' {
		return 0, s, false
	}
	year, okYear := parseDigits(s[:width])
	month, okMonth := parseDigits(s[width+1 : width+3])
	dayOfMonth, okDay := parseDigits(s[width+4 : width+6])
	if !okYear || !okMonth || !okDay || month < 1 || month > 12 || dayOfMonth < 1 {
		return 0, s, false
	}
	days = daysOf(sign*year, month, dayOfMonth)
	_, m, d := civil(days)
	return days, s[width+6:], m == month && d == dayOfMonth
}

// parseTime reads a time of day at the start of s, 24:00 included.
func parseTime(s string) (us int64, rest string, ok bool) {
	if len(s) < 5 || s[2] != ':' {
		return 0, s, false
	}
	h, okHours := parseDigits(s[:2])
	m, okMinutes := parseDigits(s[3:5])
	us, s = h*hour+m*minute, s[5:]
	if len(s) >= 3 && s[0] == ':' {
		sec, okSeconds := parseDigits(s[1:3])
		okMinutes = okMinutes && okSeconds && sec < 60
		us, s = us+sec*second, s[3:]
		if s != "" && s[0] == '.' {
			places := digitsAt(s, 1)
			fraction, okFraction := parseMicroseconds(s[1 : 1+places])
			okMinutes = okMinutes && okFraction
			us, s = us+fraction, s[1+places:]
		}
	}
	return us, s, okHours && okMinutes && m < 60 && us <= day
}

// parseMicroseconds reads decimal places of a second; those beyond six are cut.
func parseMicroseconds(s string) (int64, bool) {
	if s == "" {
		return 0, false
	}
	if len(s) > 6 {
		s = s[:6]
	}
	return parseDigits(s + "000000"[len(s):])
}

func parseDigits(s string) (int64, bool) {
	if s == "" || digitsAt(s, 0) != len(s) || len(s) > 18 {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil
}

// parseDuration reads ISO 8601 with a sign on any part; only seconds have decimal places.
func parseDuration(s string) (relation.Value, bool) {
	bad := relation.Value{}
	if !strings.HasPrefix(s, "P") || len(s) < 3 {
		return bad, false
	}
	var months, days, us int64
	date := true
	for s = s[1:]; s != ""; {
		if s[0] == 'T' && date && len(s) > 1 {
			s, date = s[1:], false
			continue
		}
		n, fraction, unit, rest, ok := durationPart(s)
		if !ok || (fraction != 0 && unit != 'S') || n > math.MaxInt32 || n < math.MinInt32 {
			return bad, false
		}
		s = rest
		switch {
		case date && unit == 'Y':
			months += 12 * n
		case date && unit == 'M':
			months += n
		case date && unit == 'W':
			days += 7 * n
		case date && unit == 'D':
			days += n
		case !date && unit == 'H':
			us += n * hour
		case !date && unit == 'M':
			us += n * minute
		case !date && unit == 'S':
			us += n*second + fraction
		default:
			return bad, false
		}
	}
	if months != int64(int32(months)) || days != int64(int32(days)) {
		return bad, false
	}
	return relation.OfInterval(int32(months), int32(days), us), true
}

func durationPart(s string) (n, fraction int64, unit byte, rest string, ok bool) {
	negative := s[0] == '-'
	if negative || s[0] == '+' {
		s = s[1:]
	}
	whole := digitsAt(s, 0)
	n, ok = parseDigits(s[:whole])
	s = s[whole:]
	if ok && s != "" && s[0] == '.' {
		places := digitsAt(s, 1)
		fraction, ok = parseMicroseconds(s[1 : 1+places])
		s = s[1+places:]
	}
	if !ok || s == "" {
		return 0, 0, 0, "", false
	}
	if negative {
		n, fraction = -n, -fraction
	}
	return n, fraction, s[0], s[1:], true
}
