package views

import (
	"strings"
	"testing"

	"odsd/storage/relation"
)

// meaning is a rule of the language and what it says in cases.
func meaning(t *testing.T, cases [][2]string) {
	t.Helper()
	for _, c := range cases {
		if got, _ := evaluate(t, c[0], sampleRow(t)); got != c[1] {
			t.Errorf("%s: %s, want %s", c[0], got, c[1])
		}
	}
}

func TestEqualityIsNullSafe(t *testing.T) {
	meaning(t, [][2]string{
		{"nil == nil", "true"}, {"nothing == nil", "true"}, {"nil == nothing", "true"}, {"nothing != nil", "false"},
		{"n == nil", "false"}, {"n != nil", "true"}, {"nothing == nothing", "true"}, {"nothing == n", "false"},
		{"nothing != n", "true"}, {"nothing != nothing", "false"}, {"no_text == name", "false"}, {"no_text != 'Ada'", "true"},
		{"no_text == no_text", "true"}, {"no_bool == false", "false"}, {"no_bool != true", "true"}, {"attributes != nil", "true"},
	})
}

func TestOrderWithNullIsFalse(t *testing.T) {
	meaning(t, [][2]string{
		{"nothing < 1", "false"}, {"nothing <= 1", "false"}, {"nothing > 1", "false"}, {"nothing >= 1", "false"},
		{"1 < nothing", "false"}, {"nothing <= nothing", "false"}, {"nothing < nil", "false"}, {"no_text < 'x'", "false"},
		{"not (nothing < 1)", "true"}, {"total > nothing", "false"},
	})
}

func TestNullCountsAsFalseInLogic(t *testing.T) {
	meaning(t, [][2]string{
		{"no_bool and ok", "false"}, {"ok and no_bool", "false"}, {"no_bool or ok", "true"}, {"ok or no_bool", "true"},
		{"no_bool or no_bool", "false"}, {"not no_bool", "true"}, {"!nil", "true"}, {"nil or ok", "true"}, {"no_bool ? 1 : 2", "2"},
		{"(no_bool and ok) == false", "true"}, {"no_bool", "nil"},
	})
	e, problems := checkCondition("no_bool", sampleRow(t))
	if len(problems) > 0 || e.Compile()(sampleRow(t).env()).True() {
		t.Error("a null condition holds")
	}
}

func TestNullFlowsThroughArithmeticAndText(t *testing.T) {
	meaning(t, [][2]string{
		{"n + nothing", "nil"}, {"nothing * 2", "nil"}, {"-nothing", "nil"}, {"total - nothing", "nil"}, {"rate / nothing", "nil"},
		{"round(total / nothing, 2)", "nil"}, {"name + no_text", "nil"}, {"lower(no_text)", "nil"}, {"replace(name, no_text, 'x')", "nil"},
		{"contains(name, no_text)", "nil"}, {"like(no_text, 'x')", "nil"}, {"substr(name, nothing)", "nil"}, {"abs(nothing)", "nil"},
		{"int(no_text)", "nil"}, {"text(nothing)", "nil"}, {"n + nil", "nil"}, {"date_trunc('day', nil)", "nil"}, {"hash(no_text)", "nil"},
	})
}

func TestErrorsFlowButAreNotNull(t *testing.T) {
	meaning(t, [][2]string{
		{"broken + 1", "error bad_cast"}, {"broken + nothing", "error bad_cast"}, {"nothing + broken", "error bad_cast"},
		{"broken == nil", "error bad_cast"}, {"broken == nothing", "error bad_cast"}, {"broken < 1", "error bad_cast"},
		{"broken ?? 1", "error bad_cast"}, {"coalesce(nothing, broken, 1)", "error bad_cast"}, {"coalesce(1, broken)", "1"},
		{"nothing ?? 1 + 1", "problem: ?? cannot be mixed with other operators without parentheses"}, {"nothing ?? broken", "error bad_cast"}, {"min_of(1, broken)", "error bad_cast"}, {"broken in [1]", "error bad_cast"},
		{"not (broken == 1)", "error bad_cast"}, {"broken == 1 ? 1 : 2", "error bad_cast"}, {"ok ? 1 : broken", "1"},
		{"broken in numbers", "error bad_cast"}, {"n / (n - 42) + broken", "error division_by_zero"}, {"nullif(broken, 1)", "error bad_cast"},
	})
}

func TestAnErrorIsATruthNotKnown(t *testing.T) {
	meaning(t, [][2]string{
		{"broken == 1 and not ok", "false"}, {"not ok and broken == 1", "false"}, {"broken == 1 and ok", "error bad_cast"},
		{"ok and broken == 1", "error bad_cast"}, {"broken == 1 and no_bool", "false"}, {"broken == 1 or ok", "true"},
		{"ok or broken == 1", "true"}, {"broken == 1 or not ok", "error bad_cast"}, {"n in [broken, 42]", "true"}, {"n in [broken, 41]", "error bad_cast"},
		{"any(numbers, 1 / (# - 1) > 0)", "true"}, {"all(numbers, 1 / (# - 1) > 0)", "error division_by_zero"},
		{"all(numbers, 1 / (# - 1) < 0)", "false"},
	})
}

func TestNumbersHavePostgreSQLsTypes(t *testing.T) {
	tests := []struct {
		source string
		kind   relation.Kind
	}{
		{"small + small", relation.Int2}, {"small + n", relation.Int4}, {"small + 1", relation.Int4}, {"n + big", relation.Int8},
		{"n + total", relation.Decimal}, {"n + 1.5", relation.Decimal}, {"n + rate", relation.Float8}, {"rate + 1.5", relation.Float8},
		{"1", relation.Int4}, {"2147483648", relation.Int8}, {"-2147483648", relation.Int4}, {"9223372036854775808", relation.Decimal},
		{"-9223372036854775808", relation.Int8}, {"1.0", relation.Decimal}, {"1e3", relation.Decimal}, {"n / 2", relation.Int4},
		{"small % 2", relation.Int4}, {"-small", relation.Int2}, {"ok ? small : big", relation.Int8}, {"ok ? n : total", relation.Decimal},
		{"small ?? n", relation.Int4}, {"n ** 2", relation.Int8}, {"len(name)", relation.Int4}, {"int(total)", relation.Int8},
		{"day + 1", relation.Date}, {"day - day", relation.Int4}, {"placed_at - day", relation.Interval}, {"status", relation.Enum},
		{"status + name", relation.Text}, {"status ?? name", relation.Text}, {"json(attributes, '$.x')", relation.JSON},
	}
	for _, tt := range tests {
		e, problems := checkExpr(tt.source, sampleRow(t))
		if len(problems) > 0 {
			t.Errorf("%s: %v", tt.source, problems)
			continue
		}
		if e.Type.Kind != tt.kind {
			t.Errorf("%s is %s, want %s", tt.source, e.Type, tt.kind)
		}
		if v := e.Compile()(sampleRow(t).env()); !v.Missing() && v.Kind() != tt.kind {
			t.Errorf("%s gives a %s, want %s", tt.source, v.Kind(), tt.kind)
		}
	}
}

func TestDecimalsAreExact(t *testing.T) {
	meaning(t, [][2]string{
		{"1.10", "1.10"}, {"total * 1.10", "21.8900"}, {"total + 0.100", "20.000"}, {"total == 19.900", "true"}, {"total + n", "61.90"},
		{"0.1 + 0.2 == 0.3", "true"}, {"total * 12345678901234567890", "245679010134567901011.00"}, {"total in [19.9, 1]", "true"},
		{"round(total / 3, 2)", "6.63"}, {"round(1 / 3.0 * 300, 2)", "100.00"}, {"round(total / 3 + total / 3 + total / 3, 4)", "19.9000"},
		{"round((total / 3) / (total / 9), 1)", "3.0"}, {"round(total / (n - 42), 2)", "error division_by_zero"},
		{"round(1 / (total / (n - 42)), 2)", "error division_by_zero"}, {"round(n / (total * 0 / 7), 2)", "error division_by_zero"},
		{"round(ok ? total / 3 : 0, 1)", "6.6"}, {"round(total / nothing ?? 0, 1)", "error division_by_zero"},
		{"round((total / nothing) ?? 0, 1)", "0.0"}, {"round(-(total / 8), 2)", "-2.49"}, {"int(total / 3)", "7"}, {"floor(-total / 3)", "-7"},
		{"ceil(total / 3)", "7"}, {"round(coalesce(total / 3, 0), 2)", "problem: the division of decimals needs a rounding around it"},
		{"1.1 ** 10", "2.5937424601"}, {"total % 0", "error division_by_zero"}, {"total * rate", "problem: these do not mix: numeric and double precision"},
	})
}

func TestIntegersOverflowAndTruncate(t *testing.T) {
	meaning(t, [][2]string{
		{"n * 100000000", "error overflow"}, {"small * small * small * small * small * small", "error overflow"}, {"big * big", "error overflow"},
		{"big * big * 1.0", "error overflow"}, {"big * (big * 1.0)", "81000000000000000000.0"}, {"big - -9223372036854775808", "error overflow"}, {"-big - -9223372036854775808", "9223372027854775808"}, {"small - 32760 - n", "-32795"}, {"7 / 2", "3"}, {"-7 / 2", "-3"}, {"n % -5", "2"}, {"n / (n - 42)", "error division_by_zero"},
		{"n ** 40", "error overflow"}, {"(0 * n - 2) ** 63", "-9223372036854775808"}, {"n ** 0", "1"}, {"(0 * n + 2) ** 63", "error overflow"}, {"9223372036854775807 + small", "error overflow"}, {"-9223372036854775808 - small", "error overflow"},
		{"-9223372036854775808 * (small - 6)", "-9223372036854775808"}, {"-9223372036854775808 / (6 - small)", "error overflow"},
		{"-9223372036854775808 % (6 - small)", "0"}, {"abs(-9223372036854775808 + 0 * small)", "error overflow"},
	})
}

func TestFloatsFollowPostgreSQL(t *testing.T) {
	meaning(t, [][2]string{
		{"rate * 1e308 * 1e10", "error overflow"}, {"rate / 0", "error division_by_zero"}, {"rate == 0.5", "true"}, {"rate in [0.5]", "true"},
		{"rate ** -1", "2"}, {"(rate - 0.5) ** -1", "error bad_argument"}, {"(rate - 1) ** 0.5", "error bad_argument"}, {"int(rate * 5)", "2"}, {"int(rate * 7)", "4"},
		{"rate % 2", "problem: % is not defined for floats"}, {"decimal(rate) + total", "20.40"},
	})
}

func TestLiteralsTakeTheTypeBesideThem(t *testing.T) {
	meaning(t, [][2]string{
		{"day == '2024-02-29'", "true"}, {"placed_at in ['2024-02-29T10:30:00Z', '2024-01-01']", "true"}, {"placed_at >= '2024-02-29'", "true"},
		{"placed_at ?? '2024-01-01'", "2024-02-29 10:30:00+00"}, {"day > '2024-02-30'", `problem: "2024-02-30" is not a date`},
		{"status == 'paid'", "true"}, {"status in ['paid', 'draft']", "true"}, {"total == '19.90'", "problem: these do not compare: numeric and text"},
		{"placed_at - '2024-02-28 10:00+00'", "1 day 00:30:00"}, {"day + '1 month'", "2024-03-29 00:00:00+00"},
	})
}

func TestInfiniteTimesAreErrorsOfFields(t *testing.T) {
	r := row{of(t, "x", relation.Timestamp, "infinity"), of(t, "d", relation.Date, "-infinity"), of(t, "y", relation.Timestamp, "2024-01-01 00:00:00+00")}
	for _, source := range []string{"x", "d", "x + '1 day'", "date_trunc('day', x)", "to_date(x)"} {
		e, problems := checkExpr(source, r)
		if len(problems) > 0 {
			t.Fatalf("%s: %v", source, problems)
		}
		if v := e.CompileField()(r.env()); v.Code() != relation.ErrInfiniteTime {
			t.Errorf("%s as a field gives %s", source, show(v))
		}
	}
	if got, _ := evaluate(t, "x > y and d < '2024-01-01'", r); got != "true" {
		t.Errorf("infinite times compare: %s", got)
	}
}

func TestResultsAreBounded(t *testing.T) {
	long := "replace(replace(replace(replace(name + 'aaaaaaaaaa', 'a', 'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb'), 'b', 'cccccccccccccccccccccccccccccccccccccccccccccccccc'), 'c', 'dddddddddddddddddddddddddddddddddddddddddddddddddddddd'), 'd', 'eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee')"
	meaning(t, [][2]string{{"len(" + long + ")", "error too_large"}})
}

func TestDimensionsOfArraysAreOneList(t *testing.T) {
	inner := func(a, b int64) relation.Value {
		return relation.OfArray(relation.Int4, []relation.Value{relation.OfInt(relation.Int4, a), relation.OfInt(relation.Int4, b)})
	}
	r := row{{"m", relation.ArrayOf(relation.Int4), relation.OfArray(relation.Int4, []relation.Value{inner(1, 2), inner(3, 4)})}}
	for source, want := range map[string]string{
		"4 in m": "true", "5 in m": "false", "len(m)": "4", "any(m, # == 3)": "true", "map(m, # + 1)": "{2,3,4,5}", "join_text(m, '-')": "'1-2-3-4'",
		"any(m, any(m, # == 1) and # == 4)": "true",
	} {
		if got, _ := evaluate(t, source, r); got != want {
			t.Errorf("%s: %s, want %s", source, got, want)
		}
	}
}

func TestNullifKeepsItsType(t *testing.T) {
	meaning(t, [][2]string{
		{"nullif(n, 42.0)", "nil"}, {"nullif(n, 41.5)", "42"}, {"nullif(nothing, 1)", "nil"}, {"nullif(n, nothing)", "42"},
		{"nullif(day, placed_at)", "2024-02-29"}, {"nullif(nil, 1)", "nil"}, {"nullif('2024-02-29', day)", "nil"},
		{"nullif(json(attributes, '$.color'), 'red')", "nil"}, {"nullif(n, rate)", "42"},
		{strings.Repeat("nullif(", 100) + "n" + strings.Repeat(", 1.5)", 100), "42"},
	})
}

// TestNormalForm: the same meaning has the same text, wherever it was written.
func TestNormalForm(t *testing.T) {
	tests := []struct{ a, b, want string }{
		{"n+1 > 2", " ( n  + 1 ) > 2 // as it is", "((@0.1 + 1) > 2)"},
		{"ok && !no_bool", "ok and not no_bool", "(@0.7 and not(@0.12))"},
		{"name in ['a','b']", `t.name in ["a", "b"]`, `in(@0.5, "a", "b")`},
		{"lower(name) contains 'x'", "name | lower() | contains('x')", `contains(lower(@0.5), "x")`},
		{"total * 1.10", "total * 1.1_0", "(@0.3 * 1.10)"},
		{"n ^ 2", "n ** (1 + 1)", "(@0.1 ** 2)"},
		{"day > '2024-01-01'", "day > to_date('2024-01-01')", `(@0.9 > "2024-01-01":date)`},
		{"nothing ?? 0", "nothing ?? (1 - 1)", "(@0.10 ?? 0)"},
	}
	for _, tt := range tests {
		for _, source := range []string{tt.a, tt.b} {
			e, problems := checkExpr(source, sampleRow(t))
			if len(problems) > 0 {
				t.Errorf("%s: %v", source, problems)
				continue
			}
			if e.String() != tt.want {
				t.Errorf("%s: %s, want %s", source, e, tt.want)
			}
			if e.Source != source {
				t.Errorf("%s: source %q", source, e.Source)
			}
		}
	}
}

func TestConjuncts(t *testing.T) {
	e, problems := checkCondition("n == 1 and (ok and name == 'x') and (ok or no_bool)", sampleRow(t))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	var got string
	for _, c := range Conjuncts(e) {
		got += c.String() + "; "
	}
	if want := `(@0.1 == 1); @0.7; (@0.5 == "x"); (@0.7 or @0.12); `; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	columns := 0
	e.Walk(func(e *Expr) {
		if e.Op == OpColumn {
			columns++
		}
	})
	if columns != 5 || Conjuncts(nil) != nil {
		t.Errorf("%d columns walked", columns)
	}
}

func TestMissingRowsAreNull(t *testing.T) {
	e, problems := checkExpr("n == nil and name == nil", sampleRow(t))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	for _, env := range []*Env{{}, {Rows: [][]relation.Value{nil}}, {Rows: [][]relation.Value{{}}}} {
		if !e.Compile()(env).True() {
			t.Errorf("a row that is not there has columns: %v", env)
		}
	}
}
