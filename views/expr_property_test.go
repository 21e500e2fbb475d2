package views

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/expr-lang/expr"
	"pgregory.net/rapid"

	"odsd/storage/relation"
)

// TestAgreesWithExprLang compares with expr-lang's own machine, on present
// values and where the meanings are the same.
func TestAgreesWithExprLang(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.Int64Range(-1000, 1000).Draw(t, "a"), rapid.Int64Range(-1000, 1000).Draw(t, "b")
		x := rapid.Float64Range(-1e6, 1e6).Draw(t, "x")
		s, u := rapid.StringMatching(`[ -~]{0,6}`).Draw(t, "s"), rapid.StringMatching(`[ab]{0,2}`).Draw(t, "u")
		p := rapid.Bool().Draw(t, "p")
		source := drawBool(t, 4)

		theirs, err := expr.Eval(source, map[string]any{"a": a, "b": b, "x": x, "s": s, "u": u, "p": p})
		if err != nil {
			t.Skip("expr-lang: ", err)
		}
		columns := row{
			{"a", relation.TypeOf(relation.Int8), relation.OfInt(relation.Int8, a)},
			{"b", relation.TypeOf(relation.Int8), relation.OfInt(relation.Int8, b)},
			{"x", relation.TypeOf(relation.Float8), relation.OfFloat(relation.Float8, x)},
			{"s", relation.TypeOf(relation.Text), relation.OfText(s)},
			{"u", relation.TypeOf(relation.Text), relation.OfText(u)},
			{"p", relation.TypeOf(relation.Bool), relation.OfBool(p)},
		}
		e, problems := checkExpr(source, columns)
		if len(problems) > 0 {
			t.Fatalf("%s: %+v", source, problems)
		}
		ours := e.Compile()(columns.env())
		if ours.IsError() {
			t.Skip("beyond 64 bits")
		}
		if ours.Kind() != relation.Bool || ours.Bool() != theirs {
			t.Fatalf("%s: %s, expr-lang says %v", source, show(ours), theirs)
		}
	})
}

func drawBool(t *rapid.T, depth int) string {
	if depth == 0 {
		return rapid.SampledFrom([]string{"p", "true", "false"}).Draw(t, "boolean")
	}
	d := depth - 1
	switch rapid.IntRange(0, 9).Draw(t, "condition") {
	case 0:
		return "(" + drawBool(t, d) + rapid.SampledFrom([]string{" and ", " or ", " && ", " || "}).Draw(t, "logic") + drawBool(t, d) + ")"
	case 1:
		return "not (" + drawBool(t, d) + ")"
	case 2:
		return drawInt(t, d) + drawComparison(t) + drawInt(t, d)
	case 3:
		return drawFloat(t, d) + drawComparison(t) + drawFloat(t, d)
	case 4:
		return drawText(t, d) + drawComparison(t) + drawText(t, d)
	case 5:
		return drawText(t, d) + rapid.SampledFrom([]string{" contains ", " startsWith ", " endsWith ", " not contains "}).Draw(t, "test") + drawText(t, d)
	case 6:
		return drawText(t, d) + " in [" + drawText(t, d) + ", " + drawText(t, d) + "]"
	case 7:
		return drawInt(t, d) + " not in [" + drawInt(t, d) + ", " + drawInt(t, d) + "]"
	case 8:
		return "(" + drawBool(t, d) + " ? " + drawBool(t, d) + " : " + drawBool(t, d) + ")"
	}
	return drawInt(t, d) + " in -5..b"
}

func drawComparison(t *rapid.T) string {
	return " " + rapid.SampledFrom([]string{"==", "!=", "<", "<=", ">", ">="}).Draw(t, "comparison") + " "
}

func drawInt(t *rapid.T, depth int) string {
	if depth == 0 {
		return rapid.SampledFrom([]string{"a", "b", "7", "0x1F", "1_0"}).Draw(t, "integer")
	}
	d := depth - 1
	switch rapid.IntRange(0, 4).Draw(t, "integral") {
	case 0:
		return "(" + drawInt(t, d) + rapid.SampledFrom([]string{" + ", " - ", " * "}).Draw(t, "operator") + drawInt(t, d) + ")"
	case 1:
		return "(" + drawInt(t, d) + " % " + strconv.Itoa(rapid.IntRange(1, 9).Draw(t, "modulus")) + ")"
	case 2:
		return "(-" + drawInt(t, d) + ")"
	case 3:
		return "len(" + drawText(t, d) + ")"
	}
	return "abs(" + drawInt(t, d) + ")"
}

func drawFloat(t *rapid.T, depth int) string {
	if depth == 0 {
		return rapid.SampledFrom([]string{"x", "float(a)"}).Draw(t, "float")
	}
	d := depth - 1
	switch rapid.IntRange(0, 3).Draw(t, "floating") {
	case 0:
		return "(" + drawFloat(t, d) + rapid.SampledFrom([]string{" + ", " - ", " * "}).Draw(t, "operator") + drawFloat(t, d) + ")"
	case 1:
		return fmt.Sprintf("(%s / %g)", drawFloat(t, d), rapid.Float64Range(1, 100).Draw(t, "divisor"))
	case 2:
		return "floor(" + drawFloat(t, d) + ")"
	}
	return "(x * 1.5)"
}

func drawText(t *rapid.T, depth int) string {
	if depth == 0 {
		return rapid.SampledFrom([]string{"s", "u", `"a"`, "'b c'"}).Draw(t, "text")
	}
	d := depth - 1
	switch rapid.IntRange(0, 3).Draw(t, "textual") {
	case 0:
		return "(" + drawText(t, d) + " + " + drawText(t, d) + ")"
	case 1:
		return "upper(" + drawText(t, d) + ")"
	case 2:
		return "replace(" + drawText(t, d) + `, "a", "xy")`
	}
	return "lower(" + drawText(t, d) + ")"
}

// TestDecimalArithmeticIsThatOfFractions compares decimals of every size with
// big rationals: exact, with PostgreSQL's scales, rounded once.
func TestDecimalArithmeticIsThatOfFractions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x, y := drawDecimal(t, "x"), drawDecimal(t, "y")
		p, q := fractionOf(x), fractionOf(y)
		places := rapid.Int32Range(-3, 12).Draw(t, "places")
		checkDecimal(t, addDecimals(x, y), p.plus(q), max(x.Scale(), y.Scale()))
		checkDecimal(t, subDecimals(x, y), p.minus(q), max(x.Scale(), y.Scale()))
		checkDecimal(t, mulDecimals(x, y), p.times(q), x.Scale()+y.Scale())
		if signOfDecimal(y) == 0 {
			return
		}
		quotientFraction := p.over(q)
		checkDecimal(t, quotient(x, y, places), quotientFraction.rounded(int(places)), max(places, 0))
		checkDecimal(t, quotientTowards(x, y, -1), quotientFraction.floor(), 0)
		checkDecimal(t, quotientTowards(x, y, 1), quotientFraction.ceil(), 0)
		rest := modDecimals(x, y)
		if s := signOfDecimal(rest); s != 0 && s != signOfDecimal(x) {
			t.Fatalf("%s %% %s = %s has another sign", show(x), show(y), show(rest))
		}
		checkDecimal(t, rest, p.minus(q.times(quotientFraction.truncated())), max(x.Scale(), y.Scale()))
	})
}

func drawDecimal(t *rapid.T, name string) relation.Value {
	digits := rapid.StringMatching(`-?[0-9]{1,30}`).Draw(t, name)
	if rapid.Bool().Draw(t, name+" small") {
		digits = digits[:min(len(digits), rapid.IntRange(2, 19).Draw(t, name+" digits"))]
	}
	if places := rapid.IntRange(0, 12).Draw(t, name+" places"); places > 0 {
		digits += "." + strings.Repeat("7", places)
	}
	v, err := relation.ParseDecimal(digits)
	if err != nil {
		t.Fatal(err)
	}
	return v
}
