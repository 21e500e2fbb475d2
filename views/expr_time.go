package views

import (
	"math"
	"time"
	_ "time/tzdata" // zones mean the same wherever the daemon runs

	"odsd/storage/relation"
)

const (
	microsecondsPerDay = 24 * 60 * 60 * 1_000_000
	minTimestamp       = minDate * microsecondsPerDay // 4714-11-24 BC, as in PostgreSQL
	minDate            = -2440588
	maxDate            = 2145042905 // 5874897-12-31, as in PostgreSQL
)

func infiniteTime() relation.Value { return relation.OfError(relation.ErrInfiniteTime) }

// timestamp is an instant within PostgreSQL's range, or an overflow.
func timestamp(us int64, ok bool) relation.Value {
	if !ok || us < minTimestamp || us == relation.InfiniteFuture {
		return overflow()
	}
	return relation.OfTimestamp(us)
}

func date(days int64) relation.Value {
	if days < minDate || days > maxDate {
		return overflow()
	}
	return relation.OfDate(days)
}

// midnight is the instant at which a date begins in UTC. Dates after the year
// 294246 have none.
func midnight(v relation.Value) relation.Value {
	if v.Kind() == relation.Timestamp {
		return v
	}
	if v.IsInfinite() {
		return relation.OfTimestamp(v.Int())
	}
	us, ok := mul64(v.Int(), microsecondsPerDay)
	return timestamp(us, ok)
}

// splitDay cuts an instant into days and microseconds of the day.
func splitDay(us int64) (days, rest int64) {
	days, rest = us/microsecondsPerDay, us%microsecondsPerDay
	if rest < 0 {
		days, rest = days-1, rest+microsecondsPerDay
	}
	return days, rest
}

// civil gives the proleptic Gregorian date of a day; year 0 is 1 BC.
func civil(days int64) (year int64, month, day int) {
	z := days + 719468 // since 0000-03-01
	era := floorDiv(z, 146097)
	doe := z - era*146097
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	day = int(doy - (153*mp+2)/5 + 1)
	month = int(mp+2)%12 + 1
	year = yoe + era*400
	if month <= 2 {
		year++
	}
	return year, month, day
}

// dayOf is the inverse of civil.
func dayOf(year int64, month, day int) int64 {
	if month <= 2 {
		year--
	}
	era := floorDiv(year, 400)
	yoe := year - era*400
	doy := int64((153*((month+9)%12)+2)/5 + day - 1)
	doe := yoe*365 + yoe/4 - yoe/100 + doy
	return era*146097 + doe - 719468
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// zone converts between instants and the wall clock of a place; nil is UTC.
type zone struct{ location *time.Location }

// local gives the wall clock at an instant as if it were UTC.
func (z zone) local(us int64) int64 {
	if z.location == nil {
		return us
	}
	return us + z.offset(us)
}

// offset is what the zone's clock is ahead of UTC at an instant.
func (z zone) offset(us int64) int64 {
	if z.location == nil {
		return 0
	}
	_, seconds := time.UnixMicro(us).In(z.location).Zone()
	return int64(seconds) * 1_000_000
}

// instant is the inverse of local. As in PostgreSQL, a wall clock time that is
// skipped is read with the offset before the change, and one that comes twice
// with the offset after it.
func (z zone) instant(local int64) int64 {
	if z.location == nil {
		return local
	}
	dayBefore := time.UnixMicro(local - microsecondsPerDay).In(z.location)
	_, seconds := dayBefore.Zone()
	before := int64(seconds) * 1_000_000
	_, change := dayBefore.ZoneBounds()
	if change.IsZero() {
		return local - before
	}
	boundary := change.UnixMicro()
	after := z.offset(boundary)
	early, late := local-before, local-after
	switch {
	case early < boundary && late < boundary:
		return early
	case early > boundary && late >= boundary:
		return late
	case early > late:
		return early
	}
	return late
}

// addInterval adds months, then days, on the zone's wall clock, then time. A day
// that the month does not have becomes its last.
func addInterval(us int64, v relation.Value, z zone) relation.Value {
	months, days, rest := v.Interval()
	if months != 0 || days != 0 {
		day, clock := splitDay(z.local(us))
		if months != 0 {
			year, month, d := civil(day)
			total := year*12 + int64(month-1) + int64(months)
			year, month = floorDiv(total, 12), int(total-floorDiv(total, 12)*12)+1
			day = dayOf(year, month, min(d, daysInMonth(year, month)))
		}
		start, ok := mul64(day+int64(days), microsecondsPerDay)
		if !ok || start > math.MaxInt64-2*microsecondsPerDay || start < minTimestamp-2*microsecondsPerDay {
			return overflow()
		}
		us = z.instant(start + clock)
	}
	sum := us + rest
	return timestamp(sum, (us^sum)&(rest^sum) >= 0)
}

func daysInMonth(year int64, month int) int {
	next := dayOf(year+int64(month/12), month%12+1, 1)
	return int(next - dayOf(year, month, 1))
}

// truncate cuts a wall clock time down to a unit.
func truncate(unit string, local int64) int64 {
	if size := clockUnit(unit); size > 0 {
		return floorDiv(local, size) * size
	}
	day, _ := splitDay(local)
	return truncateDay(unit, day) * microsecondsPerDay
}

// clockUnit is the length of the units below a day, else 0.
func clockUnit(unit string) int64 {
	switch unit {
	case "microsecond":
		return 1
	case "millisecond":
		return 1000
	case "second":
		return 1_000_000
	case "minute":
		return 60 * 1_000_000
	case "hour":
		return 60 * 60 * 1_000_000
	}
	return 0
}

func truncateDay(unit string, day int64) int64 {
	year, month, _ := civil(day)
	switch unit {
	case "week":
		return day - isoWeekday(day) + 1
	case "month":
		return dayOf(year, month, 1)
	case "quarter":
		return dayOf(year, (month-1)/3*3+1, 1)
	case "year":
		return dayOf(year, 1, 1)
	case "decade":
		return dayOf(floorDiv(year, 10)*10, 1, 1)
	case "century":
		return dayOf(firstOfPeriod(year, 100), 1, 1)
	case "millennium":
		return dayOf(firstOfPeriod(year, 1000), 1, 1)
	}
	return day
}

// firstOfPeriod is the first year of a century or millennium: 2001 for 2024.
func firstOfPeriod(year, years int64) int64 { return floorDiv(year-1, years)*years + 1 }

// isoWeekday is 1 for Monday to 7 for Sunday.
func isoWeekday(day int64) int64 {
	n := (day + 3) % 7 // 1970-01-01 was a Thursday
	if n < 0 {
		n += 7
	}
	return n + 1
}

// isoWeek gives the year and week to which ISO 8601 counts a day.
func isoWeek(day int64) (year, week int64) {
	thursday := day - isoWeekday(day) + 4
	year, _, _ = civil(thursday)
	return year, (thursday-dayOf(year, 1, 1))/7 + 1
}
