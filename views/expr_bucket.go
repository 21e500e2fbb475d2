package views

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"time"

	"odsd/storage/relation"
)

// bucketName is the call that a `bucket` dimension becomes: of a date or
// instant, the length, and the time zone, the latter two constant texts. It is
// no function of the language: no expression can call it.
const bucketName = "bucket"

// A bucket is a span of a place's wall clock: of all instants whose clock shows
// a time from its start up to the next bucket's start. Its value is the instant
// at which it begins, never later than an instant in it.
//
//   - Weeks begin on Mondays; spans of several days are counted from
//     2001-01-01, a Monday; minutes and hours from midnight.
//   - Where the clock is put forward over a bucket's start, the bucket begins when
//     the clock jumps; a day may have 23 hours.
//   - Where the clock is put back, a bucket is longer: a day may have 25 hours. Only
//     buckets of an hour or less keep the two passes apart, as date_trunc does.
type bucket struct {
	count int64
	unit  string // minute, hour, day, week, month, quarter, year
	zone  zone
}

var bucketLength = regexp.MustCompile(`^([1-9][0-9]{0,2})(m|h|d|w|mo|q|y)$`)

const (
	maxBucketDays = 366
	everyHint     = "minutes and hours that divide an hour or a day (5m, 15m, 30m, 1h, 6h), days (1d, 7d), 1w, 1mo, 1q or 1y"
)

// parseBucket reads how long a bucket is; the zone is UTC until it is set.
func parseBucket(every string) (b bucket, ok bool) {
	m := bucketLength.FindStringSubmatch(every)
	if m == nil {
		return bucket{}, false
	}
	count, _ := strconv.ParseInt(m[1], 10, 64) // at most three digits
	b = bucket{count: count}
	switch m[2] {
	case "m":
		b.unit, ok = "minute", count < 60 && 60%count == 0
	case "h":
		b.unit, ok = "hour", count < 24 && 24%count == 0
	case "d":
		b.unit, ok = "day", count <= maxBucketDays
	case "w":
		b.unit, ok = "week", count == 1
	case "mo":
		b.unit, ok = "month", count == 1
	case "q":
		b.unit, ok = "quarter", count == 1
	case "y":
		b.unit, ok = "year", count == 1
	}
	return b, ok
}

// bucketOf makes the expression of a bucket dimension; problem is "" where it can be.
func bucketOf(of *Expr, every, timezone string) (e *Expr, problem string) {
	if !temporal(of.Type.Kind) {
		return nil, fmt.Sprintf("a bucket needs a date or timestamp, and this is %s", of.Type)
	}
	text := relation.TypeOf(relation.Text)
	return &Expr{Op: OpCall, Name: bucketName, Type: relation.TypeOf(relation.Timestamp), Args: []*Expr{
		of, constant(text, relation.OfText(every)), constant(text, relation.OfText(timezone)),
	}}, ""
}

func lowerBucket(l *lowering, e *Expr) Eval {
	b, ok := parseBucket(e.Args[1].Const.Str())
	z, err := loadZone(e.Args[2].Const.Str())
	if !ok || err != nil {
		return constantly(relation.OfError(relation.ErrBadArgument)) // the checker has read both
	}
	b.zone = z
	return strict1(l.lower(e.Args[0]), func(v relation.Value) relation.Value {
		v = startOf(v, z)
		if v.IsError() || v.IsInfinite() {
			return v
		}
		return timestamp(b.start(v.Int()), true)
	})
}

// start is the instant at which the bucket of an instant begins.
func (b bucket) start(us int64) int64 {
	start := b.localStart(b.zone.local(us))
	switch {
	case b.zone.location == nil:
		return start
	case b.short():
		return b.zone.arrival(us, start)
	}
	return b.zone.earliest(us, start)
}

// short buckets keep the two passes of a repeated hour apart.
func (b bucket) short() bool { return b.unit == "minute" || b.unit == "hour" && b.count == 1 }

// firstBucketDay is 2001-01-01, a Monday, from which spans of days are counted.
const firstBucketDay = 11323

// localStart cuts a wall clock time down to the start of its bucket.
func (b bucket) localStart(local int64) int64 {
	if size := clockUnit(b.unit); size > 0 {
		day, clock := splitDay(local)
		size *= b.count
		return day*microsecondsPerDay + clock/size*size
	}
	day, _ := splitDay(local)
	if b.unit == "day" {
		day = firstBucketDay + floorDiv(day-firstBucketDay, b.count)*b.count
	} else {
		day = truncateDay(b.unit, day)
	}
	return day * microsecondsPerDay
}

// arrival is the last instant, at or before one given, at which the clock came
// to show start or jumped over it, without having been put back since.
func (z zone) arrival(us, start int64) int64 {
	for {
		begin, offset := z.span(us)
		at := start - offset
		if at >= begin {
			return at
		}
		if before := begin + z.offset(begin-1); before <= start {
			return begin // the clock jumped over start, or was put back to after it
		}
		us = begin - 1
	}
}

// earliest is the first instant at which the clock shows start or later, where
// it is known to do so at an instant given.
func (z zone) earliest(us, start int64) int64 {
	const ahead = 16 * 60 * 60 * 1_000_000 // no clock ever was as far ahead of UTC
	found, end := us, int64(math.MaxInt64)
	for {
		begin, offset := z.span(us)
		if at := max(start-offset, begin); at < end {
			found = min(found, at)
		}
		if begin < start-ahead {
			return found
		}
		us, end = begin-1, begin
	}
}

// span gives when the offset of an instant came into force, and the offset.
func (z zone) span(us int64) (begin, offset int64) {
	t := time.UnixMicro(us).In(z.location)
	_, seconds := t.Zone()
	start, _ := t.ZoneBounds()
	if start.IsZero() {
		return math.MinInt64, int64(seconds) * 1_000_000
	}
	return start.UnixMicro(), int64(seconds) * 1_000_000
}
