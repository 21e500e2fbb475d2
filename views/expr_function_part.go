package views

import (
	"fmt"

	"odsd/storage/relation"
)

// partUnits lists the fields that date_part takes from a value of a kind.
func partUnits(k relation.Kind) []string {
	clock := []string{"microsecond", "millisecond", "second", "minute", "hour", "epoch"}
	switch k {
	case relation.Time:
		return clock
	case relation.Interval:
		return append(clock, "day", "month", "year")
	}
	return append(clock, "day", "week", "month", "quarter", "year", "decade", "century", "millennium", "isoyear", "dow", "isodow", "doy")
}

func checkDatePart(c *exprChecker, call *call) *Expr {
	o := call.args[1]
	x := o.e
	clock := x.Type.Kind == relation.Time || x.Type.Kind == relation.Interval
	if !clock {
		if x = c.needTime(call, 1); x == nil {
			return nil
		}
	}
	unit := c.needUnit(call, 0, partUnits(x.Type.Kind))
	zone, ok := c.needZone(call, 2)
	switch {
	case unit == nil || !ok:
		return nil
	case len(zone) > 0 && x.Type.Kind != relation.Timestamp:
		return c.report(call.args[2].node, codeType, fmt.Sprintf("a %s has no time zone", x.Type), "leave the time zone out")
	}
	kind := relation.Int4
	switch unit.Const.Str() {
	case "second", "millisecond", "epoch":
		kind = relation.Decimal
	}
	return called(call, kind, append([]*Expr{unit, x}, zone...)...)
}

func lowerDatePart(l *lowering, e *Expr) Eval {
	unit, x, z := e.Args[0].Const.Str(), l.lower(e.Args[1]), zoneArgument(e, 2)
	switch e.Args[1].Type.Kind {
	case relation.Time:
		return strict1(x, func(v relation.Value) relation.Value { return clockPart(unit, v.Int(), v.Int()) })
	case relation.Interval:
		return strict1(x, func(v relation.Value) relation.Value { return intervalPart(unit, v) })
	}
	return strict1(x, func(v relation.Value) relation.Value {
		if v.IsInfinite() {
			return infiniteTime()
		}
		if v = midnight(v); v.IsError() {
			return v
		}
		day, clock := splitDay(z.local(v.Int()))
		if part := dayPart(unit, day); part.Kind() == relation.Int4 {
			return part
		}
		return clockPart(unit, clock, v.Int())
	})
}

// clockPart takes a field of a time of day; epoch is the microseconds since the
// beginning that seconds are counted from.
func clockPart(unit string, us, epoch int64) relation.Value {
	const minute = 60 * 1_000_000
	switch unit {
	case "hour":
		return integer(relation.Int4, us/(60*minute))
	case "minute":
		return integer(relation.Int4, us/minute%60)
	case "second":
		return relation.OfDecimal(us%minute, 6)
	case "millisecond":
		return relation.OfDecimal(us%minute, 3)
	case "microsecond":
		return integer(relation.Int4, us%minute)
	}
	return relation.OfDecimal(epoch, 6)
}

// dayPart takes a field of a date; null for those of the clock.
func dayPart(unit string, day int64) relation.Value {
	year, month, d := civil(day)
	part := int64(0)
	switch unit {
	case "day":
		part = int64(d)
	case "month":
		part = int64(month)
	case "quarter":
		part = int64(month-1)/3 + 1
	case "year":
		part = commonYear(year)
	case "week":
		_, part = isoWeek(day)
	case "isoyear":
		year, _ = isoWeek(day)
		part = commonYear(year)
	case "dow":
		part = isoWeekday(day) % 7
	case "isodow":
		part = isoWeekday(day)
	case "doy":
		part = day - dayOf(year, 1, 1) + 1
	case "decade":
		part = floorDiv(year, 10)
	case "century":
		part = period(year, 100)
	case "millennium":
		part = period(year, 1000)
	default:
		return relation.Value{}
	}
	return integer(relation.Int4, part)
}

// commonYear counts years without a year 0: 1 BC is -1.
func commonYear(year int64) int64 {
	if year <= 0 {
		return year - 1
	}
	return year
}

// period is the century or millennium of a year; there is none with the number 0.
func period(year, years int64) int64 {
	if year > 0 {
		return (year + years - 1) / years
	}
	return -((years - 1 - (year - 1)) / years)
}

// intervalPart takes a field of an interval; its epoch counts a year as 365.25
// days and a month as 30, as PostgreSQL does.
func intervalPart(unit string, v relation.Value) relation.Value {
	months, days, us := v.Interval()
	switch unit {
	case "year":
		return integer(relation.Int4, int64(months/12))
	case "month":
		return integer(relation.Int4, int64(months%12))
	case "day":
		return integer(relation.Int4, int64(days))
	case "epoch":
		quarterDays := int64(months/12)*1461 + (int64(months%12)*30+int64(days))*4
		whole := mulDecimals(relation.OfDecimal(quarterDays, 0), relation.OfDecimal(microsecondsPerDay/4, 6))
		return addDecimals(whole, relation.OfDecimal(us, 6))
	}
	return clockPart(unit, us, us)
}
