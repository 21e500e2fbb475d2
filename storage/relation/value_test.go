package relation

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// Each list is in the order in which PostgreSQL sorts it; neighbours that it
// holds equal share an inner list.
func TestCompareOrdersAsPostgres(t *testing.T) {
	i := func(k Kind, n int64) Value { return OfInt(k, n) }
	f := func(x float64) Value { return OfFloat(Float8, x) }
	d := func(s string) Value {
		v, err := ParseDecimal(s)
		if err != nil {
			t.Fatalf("%q: %v", s, err)
		}
		return v
	}
	iv := OfInterval
	array := func(v ...Value) Value { return OfArray(Int4, v) }
	for name, groups := range map[string][][]Value{
		"bool":     {{OfBool(false)}, {OfBool(true)}, {OfNull(), OfError(ErrOverflow)}},
		"integers": {{i(Int8, math.MinInt64)}, {i(Int2, -1), i(Int8, -1)}, {i(Int4, 0)}, {i(Int8, math.MaxInt64)}, {OfNull()}},
		"floats":   {{f(math.Inf(-1))}, {f(-1)}, {f(0), f(math.Copysign(0, -1)), OfFloat(Float4, 0)}, {f(0.5), OfFloat(Float4, 0.5)}, {f(math.Inf(1))}, {f(math.NaN())}, {OfNull()}},
		"decimals": {{d("-Infinity")}, {d("-99999999999999999999")}, {d("-1.1"), d("-1.10")}, {d("0"), d("0.000")}, {d("0.1")}, {d("1"), d("1.00")},
			{d("99999999999999999999"), d("99999999999999999999.0")}, {d("Infinity")}, {d("NaN")}, {OfNull()}},
		"text":       {{OfText("")}, {OfText("B"), OfString(Enum, "B")}, {OfText("a")}, {OfText("aa")}, {OfText("é")}, {OfNull()}},
		"dates":      {{OfDate(InfinitePast)}, {OfDate(-1)}, {OfDate(0)}, {OfDate(InfiniteFuture)}, {OfNull()}},
		"timestamps": {{OfTimestamp(InfinitePast)}, {OfTimestamp(0)}, {OfTimestamp(1)}, {OfTimestamp(InfiniteFuture)}},
		"intervals":  {{iv(-1, 0, 0)}, {iv(0, 0, -1)}, {iv(0, 0, 0)}, {iv(0, 1, 0), iv(0, 0, day)}, {iv(1, 0, 0), iv(0, 30, 0)}, {iv(0, 31, -day/2), iv(1, 0, day/2)}, {iv(12, 0, 0)}, {iv(0, 365, 0)}},
		"arrays":     {{array()}, {array(i(Int4, 1))}, {array(i(Int4, 1), i(Int4, 1))}, {array(i(Int4, 1), OfNull())}, {array(i(Int4, 2)), array(i(Int8, 2))}, {OfNull()}},
	} {
		for x, left := range groups {
			for y, right := range groups {
				for _, a := range left {
					for _, b := range right {
						if got, want := Compare(a, b), compareInts(int64(x), int64(y)); got != want {
							t.Errorf("%s: %s and %s compare %d, want %d", name, AppendText(nil, a), AppendText(nil, b), got, want)
						}
					}
				}
			}
		}
	}
}

func TestIdenticalIsStricterThanEqual(t *testing.T) {
	nan := math.Float64frombits(math.Float64bits(math.NaN()) ^ 1)
	for _, c := range []struct {
		a, b             Value
		equal, identical bool
	}{
		{OfDecimal(110, 2), OfDecimal(11, 1), true, false},
		{OfNull(), OfError(ErrOverflow), true, false},
		{OfError(ErrBadCast), OfError(ErrOverflow), true, false},
		{OfInterval(1, 0, 0), OfInterval(0, 30, 0), true, false},
		{OfInt(Int2, 1), OfInt(Int4, 1), true, false},
		{OfFloat(Float8, nan), OfFloat(Float8, math.NaN()), true, true},
		{OfFloat(Float8, math.Copysign(0, -1)), OfFloat(Float8, 0), true, true},
		{OfFloat(Float4, 0.1), OfFloat(Float4, float64(float32(0.1))), true, true},
		{OfText("a"), OfText("a"), true, true},
		{OfText("a"), OfText("b"), false, false},
	} {
		if Equal(c.a, c.b) != c.equal || Identical(c.a, c.b) != c.identical {
			t.Errorf("%v and %v: equal %v, identical %v", c.a, c.b, Equal(c.a, c.b), Identical(c.a, c.b))
		}
	}
}

func TestTruth(t *testing.T) {
	for _, v := range []Value{OfNull(), OfError(ErrOverflow), OfBool(false), OfInt(Int4, 1)} {
		if v.True() {
			t.Errorf("%v is true", v)
		}
	}
	if !OfBool(true).True() || !OfNull().Missing() || !OfError(ErrOverflow).Missing() || OfMark(Unchanged).Missing() {
		t.Error("true, null, error or unchanged is not what it is")
	}
}

// The order is total within a family: sorting by it gives a sorted list
// whatever the order before.
func TestCompareIsAnOrder(t *testing.T) {
	for k := Bool; k <= Enum; k++ {
		t.Run(k.String(), rapid.MakeCheck(func(t *rapid.T) {
			list := rapid.SliceOfN(rapid.OneOf(printable(k), rapid.Just(OfNull())), 0, 6).Draw(t, "list")
			slices.SortFunc(list, Compare)
			for x := range list {
				for y := x; y < len(list); y++ {
					if Compare(list[x], list[y]) > 0 || Compare(list[x], list[y]) != -Compare(list[y], list[x]) {
						t.Fatalf("%v and %v are in no order", list[x], list[y])
					}
				}
			}
		}))
	}
}

func TestIntervalParts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		months, days, us := rapid.Int32().Draw(t, "months"), rapid.Int32().Draw(t, "days"), rapid.Int64().Draw(t, "us")
		m, d, u := OfInterval(months, days, us).Interval()
		if m != months || d != days || u != us {
			t.Fatalf("%d %d %d became %d %d %d", months, days, us, m, d, u)
		}
	})
	if m, d, us := OfString(Interval, "short").Interval(); m != 0 || d != 0 || us != 0 {
		t.Error("a damaged interval is not empty")
	}
}

func TestNamesOfKindsAndCodes(t *testing.T) {
	for k, want := range map[Kind]string{Int4: "integer", Decimal: "numeric", Timestamp: "timestamptz", Unchanged: "unchanged"} {
		if k.String() != want {
			t.Errorf("kind %d is %q, want %q", k, k, want)
		}
	}
	if got := ArrayOf(Text).String(); got != "text[]" {
		t.Errorf("an array of text is %q", got)
	}
	if ErrDivisionByZero.String() != "division_by_zero" || ErrorCode(200).String() != "unknown" {
		t.Error("error codes have other names")
	}
	if !Comparable(TypeOf(Int2), TypeOf(Int8)) || Comparable(TypeOf(Int2), TypeOf(Decimal)) || Comparable(ArrayOf(Int2), ArrayOf(Text)) || Comparable(TypeOf(Null), TypeOf(Null)) {
		t.Error("types compare that should not, or the other way round")
	}
}
