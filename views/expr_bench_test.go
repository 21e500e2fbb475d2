package views

import (
	"testing"

	"odsd/storage/relation"
)

func BenchmarkEval(b *testing.B) {
	r := row{
		{"n", relation.TypeOf(relation.Int4), relation.OfInt(relation.Int4, 42)},
		{"quantity", relation.TypeOf(relation.Int4), relation.OfInt(relation.Int4, 3)},
		{"price", relation.TypeOf(relation.Decimal), relation.OfDecimal(1990, 2)},
		{"name", relation.TypeOf(relation.Text), relation.OfText("Ada")},
		{"last", relation.TypeOf(relation.Text), relation.OfText("Lovelace")},
		{"status", relation.TypeOf(relation.Text), relation.OfText("paid")},
		{"at", relation.TypeOf(relation.Timestamp), relation.OfTimestamp(1709202600000000)},
		{"deleted", relation.TypeOf(relation.Timestamp), relation.OfNull()},
	}
	for _, bench := range []struct{ name, source string }{
		{"column", "n"},
		{"predicate", `status == "paid" and n > 10 and deleted == nil`},
		{"in", `status in ["draft", "paid", "shipped"]`},
		{"arithmetic", "n * 2 + quantity - 1"},
		{"decimal multiply", "quantity * price"},
		{"decimal round", "round(price / quantity, 2)"},
		{"decimal compare", "price >= 10000"},
		{"concat", `name + " " + last`},
		{"coalesce", `last ?? name ?? ""`},
		{"trim", `trim(name)`},
		{"lower", `lower(name)`},
		{"like", `like(name, "A%a")`},
		{"matches", `matches(name, "^A.*a$")`},
		{"trunc", `date_trunc("month", at)`},
		{"trunc zone", `date_trunc("day", at, "Europe/Berlin")`},
	} {
		b.Run(bench.name, func(b *testing.B) {
			e, problems := checkExpr(bench.source, r)
			if len(problems) > 0 {
				b.Fatal(problems)
			}
			eval, env := e.Compile(), r.env()
			b.ReportAllocs()
			for b.Loop() {
				if eval(env).IsError() {
					b.Fatal("error")
				}
			}
		})
	}
}

func BenchmarkCheck(b *testing.B) {
	r := row{{"n", relation.TypeOf(relation.Int4), relation.OfInt(relation.Int4, 42)}}
	b.ReportAllocs()
	for b.Loop() {
		if _, problems := checkExpr("abs(n) > 10 and n * 2 < 100", r); len(problems) > 0 {
			b.Fatal(problems)
		}
	}
}
