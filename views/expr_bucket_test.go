package views

import (
	"math"
	"os"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"odsd/storage/relation"
)

const bucketFile = "testdata/buckets.txt"

// TestBuckets compares buckets with the SQL that means the same, where there
// is one; lines without SQL say what PostgreSQL has no word for.
func TestBuckets(t *testing.T) {
	text, err := os.ReadFile(bucketFile)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	answer := recorded
	if *postgresDSN != "" {
		answer = asked(t)
	}
	for i, line := range lines {
		source, want, ok := strings.Cut(line, " => ")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		source, sql, hasSQL := strings.Cut(source, " -- ")
		if hasSQL {
			want = answer(sql, want)
			lines[i] = source + " -- " + sql + " => " + want
		}
		every, rest, _ := strings.Cut(source, " ")
		zone, instant, _ := strings.Cut(rest, " ")
		v, err := parseInstant(instant)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if got := show(bucketed(t, every, zone, v)); got != want {
			t.Errorf("%s\n gives %s\n want  %s", source, got, want)
		}
	}
	if *postgresDSN != "" {
		if err := os.WriteFile(bucketFile, []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func bucketed(t interface{ Fatal(...any) }, every, zone string, v relation.Value) relation.Value {
	column := &Expr{Op: OpColumn, Type: relation.TypeOf(v.Kind())}
	e, problem := bucketOf(column, every, zone)
	if problem != "" {
		t.Fatal(problem)
	}
	return e.Compile()(&Env{Rows: [][]relation.Value{{v}}})
}

// A bucket begins no later than what is in it, and its start is in it. Two
// instants share a bucket only if the clock shows times of one span at both.
func TestBucketsHoldTheirStart(t *testing.T) {
	zones := []string{"UTC", "Europe/Berlin", "America/New_York", "America/Havana", "America/Sao_Paulo", "America/St_Johns",
		"Australia/Lord_Howe", "Asia/Beirut", "Asia/Kolkata", "Asia/Gaza", "Pacific/Apia", "Africa/Casablanca", "Antarctica/Troll"}
	lengths := []string{"1m", "5m", "15m", "30m", "1h", "2h", "6h", "12h", "1d", "2d", "7d", "30d", "1w", "1mo", "1q", "1y"}
	rapid.Check(t, func(t *rapid.T) {
		every, name := rapid.SampledFrom(lengths).Draw(t, "every"), rapid.SampledFrom(zones).Draw(t, "zone")
		us := rapid.Int64Range(-3_000_000_000, 3_000_000_000).Draw(t, "seconds") * 1_000_000
		b, ok := parseBucket(every)
		z, err := loadZone(name)
		if !ok || err != nil {
			t.Fatal(every, name, err)
		}
		if z.location != nil && rapid.Bool().Draw(t, "near a change") {
			if begin, _ := z.span(us); begin != math.MinInt64 {
				us = begin + rapid.Int64Range(-180, 180).Draw(t, "minutes")*60_000_000
			}
		}
		b.zone = z
		start := b.start(us)
		if start > us {
			t.Fatalf("%d lies in a bucket that begins %d µs later", us, start-us)
		}
		if again := b.start(start); again != start {
			t.Fatalf("the bucket of %d begins at %d, whose own begins at %d", us, start, again)
		}
		if b.localStart(z.local(start)) != b.localStart(z.local(us)) {
			t.Fatalf("the clock shows another bucket at %d, the start, than at %d", start, us)
		}
	})
}

func TestBucketLengths(t *testing.T) {
	for _, every := range []string{"1m", "30m", "1h", "12h", "1d", "366d", "1w", "1mo", "1q", "1y"} {
		if _, ok := parseBucket(every); !ok {
			t.Errorf("%s is refused", every)
		}
	}
	for _, every := range []string{"", "d", "0d", "01d", "-1d", "1", "1 d", "1D", "1s", "7m", "60m", "5h", "24h", "367d", "2w", "2mo", "4q", "10y", "1d1h", "1000d"} {
		if _, ok := parseBucket(every); ok {
			t.Errorf("%s is taken", every)
		}
	}
}

func TestBucketsOfOddValues(t *testing.T) {
	for _, c := range []struct {
		value relation.Value
		want  string
	}{
		{relation.OfNull(), "nil"},
		{relation.OfError(relation.ErrBadCast), "error bad_cast"},
		{relation.OfTimestamp(relation.InfiniteFuture), "infinity"},
		{relation.OfDate(0), "1969-12-31 23:00:00+00"}, // a date is its midnight in the zone
	} {
		typ := relation.Timestamp
		if c.value.Kind() == relation.Date {
			typ = relation.Date
		}
		e, problem := bucketOf(&Expr{Op: OpColumn, Type: relation.TypeOf(typ)}, "1d", "Europe/Berlin")
		if problem != "" {
			t.Fatal(problem)
		}
		if got := show(e.Compile()(&Env{Rows: [][]relation.Value{{c.value}}})); got != c.want {
			t.Errorf("%v: %s, want %s", c.value, got, c.want)
		}
	}
	if _, problem := bucketOf(&Expr{Op: OpColumn, Type: relation.TypeOf(relation.Text)}, "1d", "UTC"); problem == "" {
		t.Error("a bucket of texts")
	}
	if e, _ := checkExpr(`bucket(placed_at, "1d", "UTC")`, row{of(t, "placed_at", relation.Timestamp, "nil")}); e != nil {
		t.Error("an expression calls bucket")
	}
}

func BenchmarkBucketInZone(b *testing.B) {
	x, _ := parseBucket("1d")
	x.zone, _ = loadZone("Europe/Berlin")
	for i := range b.N {
		x.start(1_700_000_000_000_000 + int64(i)*1_000_000_000)
	}
}
