package reference

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"odsd/storage/relation"
	"odsd/views"
)

func decimals(t *testing.T, texts ...string) []relation.Value {
	t.Helper()
	var values []relation.Value
	for _, s := range texts {
		if s == "null" {
			values = append(values, relation.OfNull())
			continue
		}
		v, err := relation.ParseDecimal(s)
		if err != nil {
			t.Fatalf("ParseDecimal(%q): %v", s, err)
		}
		values = append(values, v)
	}
	return values
}

func integers(kind relation.Kind, numbers ...int64) []relation.Value {
	var values []relation.Value
	for _, n := range numbers {
		values = append(values, relation.OfInt(kind, n))
	}
	return values
}

func floats(kind relation.Kind, numbers ...float64) []relation.Value {
	var values []relation.Value
	for _, n := range numbers {
		values = append(values, relation.OfFloat(kind, n))
	}
	return values
}

func TestAggregates(t *testing.T) {
	fallback := relation.OfDecimal(0, 2)
	null, failed := relation.OfNull(), relation.OfError(relation.ErrOverflow)
	inf, nan := math.Inf(1), math.NaN()
	big := "123456789012345678901234567890.5"
	tests := []struct {
		name     string
		fn       views.AggregateFunc
		argument relation.Kind
		result   relation.Kind
		round    int32
		def      *relation.Value
		values   []relation.Value
		want     string
	}{
		{"count of nothing", views.Count, relation.Int4, relation.Int8, -1, nil, nil, "0"},
		{"count skips nulls", views.Count, relation.Int4, relation.Int8, -1, nil, append(integers(relation.Int4, 1, 1), null), "2"},
		{"count over an error", views.Count, relation.Int4, relation.Int8, -1, nil, append(integers(relation.Int4, 1), failed), "!failed_input"},
		{"count distinct by value", views.CountDistinct, relation.Decimal, relation.Int8, -1, nil, decimals(t, "1.0", "1.00", "2", "null", "NaN", "NaN"), "3"},
		{"sum of nothing", views.Sum, relation.Decimal, relation.Decimal, -1, nil, nil, "null"},
		{"sum of nulls", views.Sum, relation.Decimal, relation.Decimal, -1, nil, decimals(t, "null", "null"), "null"},
		{"sum of nothing with default", views.Sum, relation.Decimal, relation.Decimal, -1, &fallback, nil, "0.00"},
		{"default does not hide an error", views.Sum, relation.Decimal, relation.Decimal, -1, &fallback, []relation.Value{failed}, "!failed_input"},
		{"sum takes the largest scale", views.Sum, relation.Decimal, relation.Decimal, -1, nil, decimals(t, "1.5", "2.250", "null", "-3"), "0.750"},
		{"sum beyond 64 bits", views.Sum, relation.Decimal, relation.Decimal, -1, nil, decimals(t, big, big, "0.01"), "246913578024691357802469135781.01"},
		{"sum of small negatives", views.Sum, relation.Decimal, relation.Decimal, -1, nil, decimals(t, "-0.03", "0.01"), "-0.02"},
		{"sum of int4 is int8", views.Sum, relation.Int4, relation.Int8, -1, nil, integers(relation.Int4, math.MaxInt32, math.MaxInt32), "4294967294"},
		{"sum of int8 is numeric", views.Sum, relation.Int8, relation.Decimal, -1, nil, integers(relation.Int8, math.MaxInt64, math.MaxInt64), "18446744073709551614"},
		{"sum checks its range at the end", views.Sum, relation.Int8, relation.Int8, -1, nil, integers(relation.Int8, math.MaxInt64, 1, -1), "9223372036854775807"},
		{"sum overflows", views.Sum, relation.Int8, relation.Int8, -1, nil, integers(relation.Int8, math.MaxInt64, 1), "!overflow"},
		{"NaN wins", views.Sum, relation.Decimal, relation.Decimal, -1, nil, decimals(t, "1", "Infinity", "NaN"), "NaN"},
		{"infinity", views.Sum, relation.Decimal, relation.Decimal, -1, nil, decimals(t, "1", "-Infinity"), "-Infinity"},
		{"infinities of both signs", views.Sum, relation.Decimal, relation.Decimal, -1, nil, decimals(t, "Infinity", "-Infinity"), "NaN"},
		{"float sum is exact", views.Sum, relation.Float8, relation.Float8, -1, nil, floats(relation.Float8, 1e308, 1e308, 0.25, -1e308, -1e308), "0.25"},
		{"float sum overflows", views.Sum, relation.Float8, relation.Float8, -1, nil, floats(relation.Float8, 1e308, 1e308), "!overflow"},
		{"float infinities of both signs", views.Sum, relation.Float8, relation.Float8, -1, nil, floats(relation.Float8, inf, -inf), "NaN"},
		{"float NaN wins", views.Sum, relation.Float8, relation.Float8, -1, nil, floats(relation.Float8, inf, nan), "NaN"},
		{"float4 sum overflows its own range", views.Sum, relation.Float4, relation.Float4, -1, nil, floats(relation.Float4, 3e38, 3e38), "!overflow"},
		{"avg rounds half away from zero", views.Avg, relation.Decimal, relation.Decimal, 1, nil, decimals(t, "0.2", "0.3"), "0.3"},
		{"avg of negatives rounds away too", views.Avg, relation.Decimal, relation.Decimal, 1, nil, decimals(t, "-0.2", "-0.3"), "-0.3"},
		{"avg of integers", views.Avg, relation.Int4, relation.Decimal, 2, nil, integers(relation.Int4, 1, 1, 0), "0.67"},
		{"avg keeps the places", views.Avg, relation.Decimal, relation.Decimal, 3, nil, decimals(t, "1", "null", "2"), "1.500"},
		{"avg of floats", views.Avg, relation.Float8, relation.Float8, -1, nil, floats(relation.Float8, 1, 2), "1.5"},
		{"avg of floats rounds once", views.Avg, relation.Float8, relation.Float8, -1, nil, floats(relation.Float8, 1e308, 1e308), "1e+308"},
		{"avg of NaN", views.Avg, relation.Decimal, relation.Decimal, 2, nil, decimals(t, "1", "NaN"), "NaN"},
		{"min keeps the places", views.Min, relation.Decimal, relation.Decimal, -1, nil, decimals(t, "2.0", "1.00", "1.000"), "1.00"},
		{"max: NaN is above everything", views.Max, relation.Decimal, relation.Decimal, -1, nil, decimals(t, "Infinity", "NaN", "null"), "NaN"},
		{"max of texts by bytes", views.Max, relation.Text, relation.Text, -1, nil, []relation.Value{relation.OfText("Z"), relation.OfText("a"), relation.OfText("É")}, `"É"`},
		{"min over an error", views.Min, relation.Int4, relation.Int4, -1, nil, append(integers(relation.Int4, 1), failed), "!failed_input"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			code := aggregateCode{
				aggregate: &views.Aggregate{Func: test.fn, Round: test.round, Default: test.def},
				kind:      test.result, argument: test.argument,
			}
			got := string(appendValue(nil, code.result(test.values)))
			if got != test.want {
				t.Errorf("%s is %s, want %s", test.fn, got, test.want)
			}
		})
	}
}

func TestAggregatesDoNotDependOnOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		numbers := rapid.SliceOfN(rapid.Float64Range(-1e300, 1e300), 1, 20).Draw(t, "numbers")
		shuffled := rapid.Permutation(numbers).Draw(t, "shuffled")
		for _, fn := range []views.AggregateFunc{views.Sum, views.Avg, views.Min, views.Max, views.CountDistinct} {
			code := aggregateCode{aggregate: &views.Aggregate{Func: fn}, kind: relation.Float8, argument: relation.Float8}
			a := code.result(floats(relation.Float8, numbers...))
			b := code.result(floats(relation.Float8, shuffled...))
			if !identical(a, b) {
				t.Fatalf("%s is %v one way and %v the other", fn, a, b)
			}
		}
	})
}
