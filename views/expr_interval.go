package views

import (
	"fmt"
	"math"
	"strings"

	"odsd/storage/relation"
)

// parseInterval reads what people write for an interval: numbers with units,
// and a time of day, in any sequence ("1 month 3 days", "-2 weeks", "1 day 04:05:06").
func parseInterval(s string) (relation.Value, error) {
	words := strings.Fields(strings.ToLower(s))
	var sum intervalSum
	for i := 0; i < len(words); i++ {
		word := words[i]
		if strings.Contains(word, ":") {
			if err := sum.addClock(word); err != nil {
				return relation.Value{}, err
			}
			continue
		}
		number := strings.TrimRight(word, "abcdefghijklmnopqrstuvwxyz")
		unit := word[len(number):]
		if unit == "" && i+1 < len(words) {
			i++
			unit = words[i]
		}
		if err := sum.add(number, unit); err != nil {
			return relation.Value{}, err
		}
	}
	if len(words) == 0 {
		return relation.Value{}, fmt.Errorf("the interval is empty")
	}
	return sum.value()
}

// intervalSum gathers an interval's parts as exact decimals.
type intervalSum struct{ months, days, microseconds int64 }

func (s *intervalSum) add(number, unit string) error {
	n, err := relation.ParseDecimal(strings.TrimPrefix(number, "+"))
	if err != nil || n.Kind() != relation.Decimal {
		return fmt.Errorf("%q is not a number of an interval", number)
	}
	part, factor := s.unit(unit)
	if part == nil {
		return fmt.Errorf("%q is not a unit of an interval", unit)
	}
	scaled := mulDecimals(n, relation.OfDecimal(factor, 0)).StripZeros()
	whole, scale, ok := scaled.SmallDecimal()
	if !ok || scale != 0 {
		return fmt.Errorf("%s %s is not a whole number of months, days or microseconds", number, unit)
	}
	sum := *part + whole
	if (*part^sum)&(whole^sum) < 0 {
		return fmt.Errorf("the interval is out of range")
	}
	*part = sum
	return nil
}

// unit gives the part that a unit counts for, and how much of it.
func (s *intervalSum) unit(unit string) (part *int64, factor int64) {
	const second = 1_000_000
	if unit != "s" && unit != "ms" && unit != "us" {
		unit = strings.TrimSuffix(unit, "s")
	}
	switch unit {
	case "year", "yr", "y":
		return &s.months, 12
	case "month", "mon":
		return &s.months, 1
	case "week", "w":
		return &s.days, 7
	case "day", "d":
		return &s.days, 1
	case "hour", "hr", "h":
		return &s.microseconds, 3600 * second
	case "minute", "min", "m":
		return &s.microseconds, 60 * second
	case "second", "sec", "s":
		return &s.microseconds, second
	case "millisecond", "msec", "ms":
		return &s.microseconds, 1000
	case "microsecond", "usec", "us":
		return &s.microseconds, 1
	}
	return nil, 0
}

// addClock adds [-]hours:minutes[:seconds].
func (s *intervalSum) addClock(word string) error {
	digits, negative := strings.CutPrefix(word, "-")
	parts := strings.Split(strings.TrimPrefix(digits, "+"), ":")
	if len(parts) > 3 {
		return fmt.Errorf("%q is not a time of an interval", word)
	}
	for i, part := range parts {
		if part == "" || part[0] == '-' || part[0] == '+' {
			return fmt.Errorf("%q is not a time of an interval", word)
		}
		if negative {
			part = "-" + part
		}
		if err := s.add(part, []string{"hour", "minute", "second"}[i]); err != nil {
			return err
		}
	}
	return nil
}

func (s *intervalSum) value() (relation.Value, error) {
	if !fitsInt32(s.months) || !fitsInt32(s.days) {
		return relation.Value{}, fmt.Errorf("the interval is out of range")
	}
	return relation.OfInterval(int32(s.months), int32(s.days), s.microseconds), nil
}

func fitsInt32(n int64) bool { return n == int64(int32(n)) }

// addIntervals adds part by part.
func addIntervals(a, b relation.Value) relation.Value {
	months, days, us := a.Interval()
	moreMonths, moreDays, more := b.Interval()
	sumMonths, sumDays, sum := int64(months)+int64(moreMonths), int64(days)+int64(moreDays), us+more
	if !fitsInt32(sumMonths) || !fitsInt32(sumDays) || (us^sum)&(more^sum) < 0 {
		return overflow()
	}
	return relation.OfInterval(int32(sumMonths), int32(sumDays), sum)
}

func negateInterval(v relation.Value) relation.Value {
	months, days, us := v.Interval()
	if months == math.MinInt32 || days == math.MinInt32 || us == math.MinInt64 {
		return overflow()
	}
	return relation.OfInterval(-months, -days, -us)
}

// betweenInstants is a - b as PostgreSQL gives it: whole days, and the rest.
func betweenInstants(a, b relation.Value) relation.Value {
	if a.IsInfinite() || b.IsInfinite() {
		return infiniteTime()
	}
	difference := a.Int() - b.Int()
	if (a.Int()^b.Int())&(a.Int()^difference) < 0 {
		return overflow()
	}
	return relation.OfInterval(0, int32(difference/microsecondsPerDay), difference%microsecondsPerDay)
}
