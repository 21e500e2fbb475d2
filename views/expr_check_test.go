package views

import (
	"strings"
	"testing"

	"odsd/storage/relation"
)

func sampleRow(t *testing.T) row {
	return row{
		of(t, "small", relation.Int2, "7"),
		of(t, "n", relation.Int4, "42"),
		of(t, "big", relation.Int8, "9000000000"),
		of(t, "total", relation.Decimal, "19.90"),
		of(t, "rate", relation.Float8, "0.5"),
		of(t, "name", relation.Text, "Ada"),
		of(t, "status", relation.Enum, "paid"),
		of(t, "ok", relation.Bool, "true"),
		of(t, "placed_at", relation.Timestamp, "2024-02-29 10:30:00+00"),
		of(t, "day", relation.Date, "2024-02-29"),
		of(t, "nothing", relation.Int4, "nil"),
		of(t, "no_text", relation.Text, "nil"),
		of(t, "no_bool", relation.Bool, "nil"),
		of(t, "broken", relation.Int4, "error"),
		of(t, "attributes", relation.JSON, `{"color": "red", "weight": 12, "sizes": [1, 2.5, {"x": null}]}`),
		{"tags", relation.ArrayOf(relation.Text), relation.OfArray(relation.Text, []relation.Value{relation.OfText("a"), relation.OfText("b"), relation.OfNull()})},
		{"numbers", relation.ArrayOf(relation.Int4), relation.OfArray(relation.Int4, []relation.Value{relation.OfInt(relation.Int4, 1), relation.OfInt(relation.Int4, 2)})},
	}
}

func TestProblems(t *testing.T) {
	tests := []struct{ source, at, message, hint string }{
		{"", "", "empty", ""},
		{"  ", "", "empty", ""},
		{"totl + 1", "totl", `no column "totl"`, ""},
		{"orders.x", "orders.x", `no alias "orders"`, ""},
		{"lowr(name)", "lowr", `no function "lowr"`, "lower"},
		{"now()", "now", `no function "now"`, "must not depend on when"},
		{"total / 2", "total / 2", "needs a rounding", "round(x / y, 2)"},
		{"total * rate", "rate", "numeric and double precision", "decimal(x)"},
		{`name + 1`, "name + 1", "text + integer is not defined", "text(x)"},
		{`placed_at > "yesterday"`, `"yesterday"`, "is not a timestamptz", "2024-01-31T12:30:00Z"},
		{`placed_at - placed_at > "soon"`, `"soon"`, "is not an interval", ""},
		{"1 < n < 3", "<", "not chained", "a < b and b < c"},
		{"n = 1", "=", `unexpected "="`, "=="},
		{"n == 1 AND ok", "AND", `unexpected "AND"`, "and"},
		{"n is null", "is", `unexpected "is"`, "== nil"},
		{"null", "null", "no column", "nil"},
		{"nil", "nil", "no type", ""},
		{"n ?: 1", "n", "not part of the language", "??"},
		{"let x = 1; x", "x = 1; x", "let is not part", "field of its own"},
		{"{a: 1}", "{a: 1", "maps", ""},
		{"[1, 2]", "[1, 2", "list", "in"},
		{"name[0]", "name[0", "by number", ""},
		{"name[1:2]", "name[1:2", "slices", "substr"},
		{"name.first", "name.first", `no alias "name"`, ""},
		{"t.name.first", "t.name.first", "only an alias has members", "json"},
		{"name?.x", "name?.x", "?. is not needed", ""},
		{"$env", "$env", `no name "$env"`, "alias["},
		{"#", "#", `unexpected "#"`, ""},
		{"not n", "n", "boolean is needed", ""},
		{"attributes == attributes", "attributes == attributes", "not compared", "json"},
		{"matches(name, \"(\")", `"("`, "missing closing", "RE2"},
		{"matches(name, name)", "name", "must be constant", ""},
		{"lower()", "lower", "takes 1 argument, and here are 0", "lower(text)"},
		{"2147483647 + 1", "2147483647 + 1", "always fails: overflow", ""},
		{"n / 0 > 1 ? 1/0 : 2", "1/0", "always fails: division_by_zero", ""},
		{"date_trunc(\"fortnight\", placed_at)", `"fortnight"`, "no unit", "week"},
		{"date_trunc(\"day\", placed_at, \"Mars/Base\")", `"Mars/Base"`, "no time zone", "IANA"},
		{"sum(numbers)", "sum", "no function", "aggregates"},
		{"n +", "+", "ends too early", ""},
		{"'a", "", "not terminated", ""},
		{strings.Repeat("(", 300) + "1" + strings.Repeat(")", 300), "(", "nests deeper", "fields of their own"},
		{strings.Repeat("-", 300) + "1", "-", "nests deeper", ""},
		{strings.Repeat("ok ? 1 : ", 300) + "1", "?", "nests deeper", ""},
		{strings.Repeat("(", 10_000_000), "(", "more than the 65536", ""},
		{"n + " + strings.Repeat("n + ", 6000) + "n", "", "more than 10000 parts", ""},
		{"\xff", "\xff", "UTF-8", ""},
		{"lower(" + strings.Repeat("1 < (", 60) + "1" + strings.Repeat(") < 1", 60) + ", 1)", "", "takes 1 argument", ""},
		{strings.Repeat("(", 60) + "ok" + strings.Repeat("?: ok)", 60), "", "not part of the language", "??"},
	}
	for _, tt := range tests {
		name := tt.source[:min(len(tt.source), 40)]
		e, problems := checkExpr(tt.source, sampleRow(t))
		if e != nil || len(problems) == 0 {
			t.Errorf("%s: no problem, and %v", name, e)
			continue
		}
		p := problems[0]
		if p.Offset < 0 || p.Offset+p.Length > len(tt.source) && len(tt.source) > 0 {
			t.Fatalf("%s: place %d+%d outside the source", name, p.Offset, p.Length)
		}
		if !strings.Contains(p.Message, tt.message) || !strings.Contains(p.Hint, tt.hint) {
			t.Errorf("%s: problem %q hint %q, want %q hint %q", name, p.Message, p.Hint, tt.message, tt.hint)
		}
		if at := tt.source[p.Offset : p.Offset+p.Length]; tt.at != "" && at != tt.at {
			t.Errorf("%s: at %q, want %q", name, at, tt.at)
		}
	}
}
