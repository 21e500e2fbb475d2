package query

import (
	"encoding/json"
	"fmt"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"odsd/storage/relation"
)

func TestDecimalsAreWrittenAsRelationDoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.OneOf(rapid.Int64(), rapid.Int64Range(-1000, 1000), rapid.SampledFrom([]int64{math.MinInt64, math.MaxInt64})).Draw(t, "n")
		v := relation.OfDecimal(n, rapid.Int32Range(0, 25).Draw(t, "scale"))
		if got, want := string(appendDecimal(nil, v)), string(relation.AppendDecimal(nil, v)); got != want {
			t.Fatalf("%s, want %s", got, want)
		}
	})
}

// TestInstants: what is written is RFC 3339 of the same instant and reads back as it.
func TestInstants(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		us := rapid.Int64Range(-62_135_596_800_000_000, 253_402_300_799_999_999).Draw(t, "us") // years 1 to 9999
		written := string(appendDateTime(nil, us))
		if want := time.UnixMicro(us).UTC().Format("2006-01-02T15:04:05.000000Z"); written != want {
			t.Fatalf("%d: %s, want %s", us, written, want)
		}
		if back, ok := parseDateTime(written); !ok || back != us {
			t.Fatalf("%s reads back as %d, want %d", written, back, us)
		}
		zoned := time.UnixMicro(us).In(time.FixedZone("", rapid.IntRange(-23*60, 23*60).Draw(t, "zone")*60))
		if back, ok := parseDateTime(zoned.Format(time.RFC3339Nano)); zoned.Year() > 0 && zoned.Year() < 10_000 && (!ok || back != us) {
			t.Fatalf("%s reads back as %d, want %d", zoned, back, us)
		}
	})
}

func TestDatesOfAllTimes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		days := rapid.Int64Range(-2_440_588, 106_000_000).Draw(t, "days") // PostgreSQL's range
		written := string(appendDate(nil, days))
		if back, rest, ok := parseDate(written); !ok || rest != "" || back != days {
			t.Fatalf("%d: %s reads back as %d", days, written, back)
		}
	})
	for text, want := range map[string]int64{"1970-01-01": 0, "2000-02-29": 11016, "-000001-12-31": -719529, "+010000-01-01": 2932897} {
		if got, _, ok := parseDate(text); !ok || got != want {
			t.Errorf("%s: %d, want %d", text, got, want)
		}
	}
}

func TestDurations(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := relation.OfInterval(rapid.Int32().Draw(t, "months"), rapid.Int32().Draw(t, "days"), rapid.Int64Range(-1<<60, 1<<60).Draw(t, "us"))
		written := string(appendDuration(nil, v))
		if back, ok := parseDuration(written); !ok || !relation.Identical(back, v) {
			t.Fatalf("%s reads back as another", written)
		}
	})
	for text, ok := range map[string]bool{"P1Y2M3DT4H5M6.7S": true, "P2W": true, "PT-0.5S": true, "P": false, "PT": false, "P1H": false, "1D": false, "P1.5D": false, "PT1": false, "P1DT": false} {
		if _, got := parseDuration(text); got != ok {
			t.Errorf("%s: %t, want %t", text, got, ok)
		}
	}
}

func TestTimesOfDay(t *testing.T) {
	for text, want := range map[string]int64{"00:00": 0, "24:00:00": day, "23:59:59.999999": day - 1, "01:02:03.5": hour + 2*minute + 3*second + 500_000} {
		if us, rest, ok := parseTime(text); !ok || rest != "" || us != want {
			t.Errorf("%s: %d", text, us)
		}
	}
	for _, text := range []string{"24:00:01", "1:02", "12:60", "12:00:60", "12:00:00.", "aa:bb"} {
		if _, rest, ok := parseTime(text); ok && rest == "" {
			t.Errorf("%s was read", text)
		}
	}
}

// TestStringsAreJSON: whatever bytes a text has, it is written as a JSON string
// of the same characters.
func TestStringsAreJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := string(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes"))
		var back string
		if err := json.Unmarshal(appendString(nil, s), &back); err != nil {
			t.Fatal(err)
		}
		if want := string([]rune(s)); back != want {
			t.Fatalf("%q reads back as %q", s, back)
		}
	})
}

// TestInputOfScalars: what a scalar takes as a literal or in JSON, and what not.
func TestInputOfScalars(t *testing.T) {
	for _, c := range []struct {
		scalar string
		form   inputForm
		text   string
		want   string // PostgreSQL's print or "" for refused
	}{
		{scalarInt, integerForm, "2147483647", "2147483647"}, {scalarInt, integerForm, "2147483648", ""}, {scalarInt, fractionForm, "1e3", "1000"},
		{scalarInt, fractionForm, "1.5", ""}, {scalarInt, stringForm, "1", ""}, {scalarInt, booleanForm, "true", ""},
		{scalarBigInt, stringForm, "-9223372036854775808", "-9223372036854775808"}, {scalarBigInt, stringForm, "9223372036854775808", ""},
		{scalarBigInt, stringForm, "+1", ""}, {scalarBigInt, stringForm, " 1", ""}, {scalarBigInt, integerForm, "5", "5"}, {scalarBigInt, fractionForm, "1e30", ""},
		{scalarFloat, integerForm, "1", "1"}, {scalarFloat, fractionForm, "1e400", ""}, {scalarFloat, stringForm, "1", ""},
		{scalarDecimal, stringForm, "19.90", "19.90"}, {scalarDecimal, fractionForm, "0.10", "0.10"}, {scalarDecimal, stringForm, "x", ""}, {scalarDecimal, stringForm, "", ""},
		{scalarString, stringForm, "", "text"}, {scalarString, integerForm, "1", ""}, {scalarBoolean, booleanForm, "false", "false"}, {scalarBoolean, stringForm, "false", ""},
		{scalarUUID, stringForm, "123E4567-e89b-12d3-a456-426614174000", "uuid"}, {scalarUUID, stringForm, "123e4567e89b12d3a456426614174000", ""},
		{scalarBytes, stringForm, "AP8Q", "bytes"}, {scalarBytes, stringForm, "AP8", ""}, {scalarDate, stringForm, "2023-02-29", ""}, {scalarDate, stringForm, "2024-02-29", "date"},
		{scalarDateTime, stringForm, "2024-01-02T03:04:05", ""}, {scalarDateTime, stringForm, "2024-01-02 03:04:05+01:00", "instant"}, {scalarJSON, stringForm, "{}", ""},
	} {
		t.Run(fmt.Sprintf("%s %s", c.scalar, c.text), func(t *testing.T) {
			v, ok := parseScalar(c.scalar, c.form, c.text)
			if ok != (c.want != "") {
				t.Fatalf("taken: %t", ok)
			}
			switch v.Kind() {
			case relation.Int4, relation.Int8:
				if ok && fmt.Sprint(v.Int()) != c.want {
					t.Errorf("%d", v.Int())
				}
			case relation.Decimal:
				if ok && string(relation.AppendDecimal(nil, v)) != c.want {
					t.Errorf("%s", relation.AppendDecimal(nil, v))
				}
			}
		})
	}
}
