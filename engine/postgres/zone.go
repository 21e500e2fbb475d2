package postgres

import (
	"slices"
	"time"

	"odsd/storage/relation"
)

const (
	second        = 1_000_000 // in microseconds
	secondsPerDay = 24 * 60 * 60
)

// instant reads a local date and time, given as microseconds since 1970 as if
// it were UTC, in a time zone as PostgreSQL's AT TIME ZONE does: a time that a
// clock skipped is read with the offset before the change, one that it showed
// twice with the offset after it.
func instant(local int64, zone *time.Location) int64 {
	sec := local / second
	if local%second < 0 {
		sec--
	}
	return local - offset(sec, zone)*second
}

// offset is the zone's seconds east of UTC at a local time. Like PostgreSQL it
// looks for the first change of the clock from the day before on.
func offset(local int64, zone *time.Location) int64 {
	day := local - mod(local, secondsPerDay)
	eve := time.Unix(day-secondsPerDay, 0).In(zone)
	_, before := eve.Zone()
	_, change := eve.ZoneBounds()
	if change.IsZero() {
		return int64(before)
	}
	_, after := change.Zone()
	ifBefore, ifAfter, boundary := local-int64(before), local-int64(after), change.Unix()
	switch {
	case ifBefore < boundary && ifAfter < boundary:
		return int64(before)
	case ifBefore > boundary && ifAfter >= boundary:
		return int64(after)
	case ifBefore > ifAfter: // skipped
		return int64(before)
	}
	return int64(after) // shown twice
}

func mod(a, b int64) int64 {
	m := a % b
	if m < 0 {
		m += b
	}
	return m
}

// toInstant shifts a timestamp, or the timestamps of an array, that was read
// as if it were UTC.
func toInstant(v relation.Value, zone *time.Location) relation.Value {
	switch {
	case v.Kind() == relation.Timestamp && !v.IsInfinite():
		return relation.OfTimestamp(instant(v.Int(), zone))
	case v.Kind() == relation.Array:
		elements := v.List()
		for i := range elements {
			elements[i] = toInstant(elements[i], zone)
		}
		return relation.OfArray(v.Elem(), elements).WithBounds(v.Bounds())
	}
	return v
}

// skipped says whether a timestamp that was read as if it were UTC, or one of an array, is of an hour that
// the zone's clocks left out. Its instant is that of another local time.
func skipped(v relation.Value, zone *time.Location) bool {
	switch {
	case v.Kind() == relation.Timestamp && !v.IsInfinite():
		at := instant(v.Int(), zone)
		_, east := time.UnixMicro(at).In(zone).Zone()
		return at+int64(east)*second != v.Int()
	case v.Kind() == relation.Array:
		return slices.ContainsFunc(v.List(), func(element relation.Value) bool { return skipped(element, zone) })
	}
	return false
}
