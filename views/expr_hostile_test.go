package views

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"odsd/storage/relation"
)

// Hostile expressions end soon, and take little memory: each is refused, or gives
// an error, or a value within bounds.
func TestHostileExpressions(t *testing.T) {
	nested := strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000)
	r := row{
		{"n", relation.TypeOf(relation.Int4), relation.OfInt(relation.Int4, 7)},
		{"d", relation.TypeOf(relation.Decimal), relation.OfDecimal(99999, 2)},
		{"s", relation.TypeOf(relation.Text), relation.OfText(strings.Repeat("a", 1000))},
		{"at", relation.TypeOf(relation.Timestamp), relation.OfTimestamp(1)},
		{"day", relation.TypeOf(relation.Date), relation.OfDate(1)},
		{"deep", relation.TypeOf(relation.JSON), relation.OfString(relation.JSON, nested)},
		{"many", relation.ArrayOf(relation.Int4), relation.OfArray(relation.Int4, make([]relation.Value, 3000))},
		{"list", relation.ArrayOf(relation.Int4), relation.OfArray(relation.Int4, []relation.Value{relation.OfInt(relation.Int4, 1), relation.OfInt(relation.Int4, 2), relation.OfInt(relation.Int4, 3)})},
	}
	chain := func(n int, begin, before, after string) string {
		return strings.Repeat(before, n) + begin + strings.Repeat(after, n)
	}
	growing := chain(200, "s", "replace(", `, "a", "aaaaaaaaaaaaaaaa")`)
	for name, c := range map[string]struct{ source, want string }{
		"source of 64 KiB":        {"n" + strings.Repeat(" ", maxExprSource), "problem: "},
		"parentheses":             {chain(30_000, "n", "(", ")"), "problem: "},
		"parentheses within":      {chain(100, "n", "(", ")"), "7"},
		"not not not":             {strings.Repeat("not ", 15_000) + "true", "problem: "},
		"minus minus":             {strings.Repeat("- ", 30_000) + "n", "problem: "},
		"terms":                   {"n" + strings.Repeat("+n", 30_000), "problem: "},
		"choices":                 {strings.Repeat("n>1?1:", 10_000) + "2", "problem: "},
		"list of many":            {"n in [" + strings.Repeat("1,", 30_000) + "2]", "problem: "},
		"repeats within repeats":  {`matches(s, "(((a{100}){100}){100})")`, "problem: "},
		"wide repeats":            {`matches(s, "` + strings.Repeat(`\\pL{1000}`, 6_000) + `")`, "problem: "},
		"backtracking":            {`matches(s, "(a|aa|a*)*(a+)+b")`, "false"},
		"like with many percents": {`like(s, "` + strings.Repeat("%a", 300) + `b")`, "false"},
		"growing text":            {"len(" + growing + ")", "error too_large"},
		"growing from nothing":    {`len(replace(replace(s, "", s), "", s))`, "1000"},
		"growing by parts":        {"len(" + chain(100, "s", "join_text(split(", `, "a"), "aaaa")`) + ")", "error too_large"},
		"power of powers":         {chain(20, "d", "(", " ** 1000)"), "error overflow"},
		"constant powers":         {chain(5, "9.9", "(", " ** 1000)"), "problem: "},
		"product of products":     {"round(" + strings.Join(strings.Split(strings.Repeat("d", 400), ""), " * ") + ", 2) > 0", "true"},
		"many places":             {"round(d / 3, 1000000)", ""},
		"many negative places":    {"round(d, -1000000)", ""},
		"years beyond":            {`date_add(at, "100000000 years")`, ""},
		"days beyond":             {"day + 2147483647", "error overflow"},
		"moments beyond":          {`at + "170000000 months" + "170000000 months" + "170000000 months"`, "error overflow"},
		"long path of JSON":       {`text(json(deep, "$` + strings.Repeat("[0]", 20_000) + `")) == nil`, ""},
		"path beyond JSON":        {`json(deep, "$.a.b.c") == nil`, "true"},
		"closures within":         {chain(60, "true", "any(list, ", ")"), "problem: "},
		"two closures":            {"all(list, any(list, # > 2))", "true"},
		"a closure over many":     {`len(filter(many, # == 1))`, "0"},
		"two closures over many":  {`len(filter(many, any(many, # == 1)))`, "error too_large"},
		"many that end soon":      {`all(many, any(many, # == nil))`, "error too_large"},
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			began := time.Now()
			value, _ := evaluate(t, c.source, r)
			took := time.Since(began)
			runtime.ReadMemStats(&after)
			if !strings.HasPrefix(value, c.want) {
				t.Errorf("%.100s, want %q", value, c.want)
			}
			// Far beyond what any of them takes, on a machine that is busy, too.
			if allocated := after.TotalAlloc - before.TotalAlloc; took > time.Minute || allocated > 1<<30 {
				t.Errorf("it takes %s and %d MiB", took, allocated>>20)
			}
			t.Logf("%s, %d KiB: %.80s", took, (after.TotalAlloc-before.TotalAlloc)>>10, value)
		})
	}
}

// Everyday expressions take no memory for a row, but for the texts that they make.
func TestExpressionsAllocateLittle(t *testing.T) {
	r := row{
		{"n", relation.TypeOf(relation.Int4), relation.OfInt(relation.Int4, 42)},
		{"price", relation.TypeOf(relation.Decimal), relation.OfDecimal(1990, 2)},
		{"name", relation.TypeOf(relation.Text), relation.OfText("Ada")},
		{"status", relation.TypeOf(relation.Enum), relation.OfString(relation.Enum, "paid")},
		{"at", relation.TypeOf(relation.Timestamp), relation.OfTimestamp(1709202600000000)},
		{"deleted", relation.TypeOf(relation.Timestamp), relation.OfNull()},
	}
	for source, most := range map[string]float64{
		"n": 0, "n * 2 + 1": 0, "n % 7 == 0": 0, "n * price": 0, "price >= 10000": 0, "price + 1.10": 0,
		`status == "paid" and n > 10 and deleted == nil`: 0, `status in ["draft", "paid", "shipped"]`: 0, `deleted ?? at`: 0,
		`n > 40 ? name : "none"`: 0, `starts_with(name, "A")`: 0, `like(name, "A%a")`: 0, `trim(name)`: 0, `date_trunc("month", at)`: 0, `min_of(n, 3)`: 0,
		`round(price / n, 2)`: 2, `name + " Lovelace"`: 1, `upper(name)`: 1, `matches(name, "^A.*a$")`: 0,
	} {
		e, problems := checkExpr(source, r)
		if len(problems) > 0 {
			t.Fatal(source, problems)
		}
		eval, env := e.Compile(), r.env()
		if got := testing.AllocsPerRun(200, func() { eval(env) }); got > most {
			t.Errorf("%s: %v allocations, at most %v are due", source, got, most)
		}
	}
}
