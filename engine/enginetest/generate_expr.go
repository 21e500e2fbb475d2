package enginetest

import (
	"fmt"

	"odsd/storage/relation"
)

// of lists the names of a kind, integers of any width being of one.
func of(scope []name, kind relation.Kind) []name {
	var list []name
	for _, n := range scope {
		if n.kind.Family() == kind.Family() {
			list = append(list, n)
		}
	}
	return list
}

// leaf is a name of the kind or, at times, a literal. ok is false where there
// is neither.
func (g *generator) leaf(scope []name, kind relation.Kind) (text string, ok bool) {
	if names := of(scope, kind); len(names) > 0 && !g.chance(5) {
		return pick(g, names).text, true
	}
	switch kind.Family() {
	case relation.IntegerFamily:
		return fmt.Sprint(g.IntN(5)), true
	case relation.DecimalFamily:
		return pick(g, []string{"0.5", "1.50", "2.0", "10.25"}), true
	case relation.TextFamily:
		return pick(g, []string{`"a"`, `"B"`, `"aa"`, `""`}), true
	case relation.BoolFamily:
		return pick(g, []string{"true", "false"}), true
	}
	return "", false
}

// expression makes an expression of a kind, of limited depth, with parentheses
// wherever they could matter.
func (g *generator) expression(scope []name, kind relation.Kind, depth int) (string, bool) {
	switch kind {
	case relation.Bool:
		return g.condition(scope, depth), true
	case relation.Array:
		return "", false
	}
	if depth == 0 || g.chance(4) {
		if kind == relation.Text && g.chance(4) {
			return g.asText(scope), true
		}
		if part, ok := g.fromJSON(scope, kind); ok && g.chance(3) {
			return part, true
		}
		return g.leaf(scope, kind)
	}
	a, ok := g.expression(scope, kind, depth-1)
	b, okToo := g.expression(scope, kind, depth-1)
	if !ok || !okToo {
		return a, ok
	}
	switch g.IntN(8) {
	case 0:
		return fmt.Sprintf("(%s ?? %s)", a, b), true
	case 1:
		return fmt.Sprintf("(%s ? %s : %s)", g.condition(scope, depth-1), a, b), true
	case 2:
		if kind == relation.JSON {
			return fmt.Sprintf("coalesce(%s, %s)", a, b), true
		}
		return fmt.Sprintf("%s(%s, %s)", pick(g, []string{"min_of", "max_of", "coalesce", "nullif"}), a, b), true
	}
	switch kind.Family() {
	case relation.IntegerFamily:
		return g.integer(scope, a, b), true
	case relation.DecimalFamily:
		return g.exact(a, b), true
	case relation.TextFamily:
		return g.text(a, b), true
	case relation.FloatFamily:
		return fmt.Sprintf("(%s %s %s)", a, pick(g, []string{"+", "-"}), b), true
	case relation.TimestampFamily:
		return g.instant(scope, a), true
	case relation.IntervalFamily:
		return g.interval(scope, a, b), true
	}
	return a, true
}

func (g *generator) instant(scope []name, a string) string {
	if spans := of(scope, relation.Interval); len(spans) > 0 && g.chance(3) {
		return fmt.Sprintf("(%s %s %s)", a, pick(g, []string{"+", "-"}), pick(g, spans).text)
	}
	if g.chance(2) {
		return fmt.Sprintf("date_add(%s, \"%s\")", a, pick(g, []string{"1 month", "-1 day", "36 hours"}))
	}
	return fmt.Sprintf("date_trunc(\"%s\", %s)", pick(g, []string{"year", "month", "day", "hour"}), a)
}

func (g *generator) integer(scope []name, a, b string) string {
	switch g.IntN(8) {
	case 0:
		if t, ok := g.leaf(scope, relation.Text); ok {
			return fmt.Sprintf("len(%s)", t)
		}
	case 1:
		return fmt.Sprintf("abs(%s)", a)
	case 4:
		if t, ok := g.leaf(scope, relation.Timestamp); ok {
			return fmt.Sprintf("date_part(\"%s\", %s)", pick(g, []string{"year", "month", "day", "hour"}), t)
		}
	case 5:
		if d := of(scope, relation.Bool); len(d) > 0 {
			return fmt.Sprintf("(%s ? 1 : 2)", pick(g, d).text)
		}
	case 2:
		if g.options.Failing {
			return fmt.Sprintf("(%s %s %s)", a, pick(g, []string{"/", "%"}), b)
		}
		return fmt.Sprintf("(%s / %d)", a, g.between(2, 3))
	case 3:
		if g.options.Failing {
			return fmt.Sprintf("(%s * 2000000000)", a)
		}
	}
	return fmt.Sprintf("(%s %s %s)", a, pick(g, []string{"+", "-", "*"}), b)
}

func (g *generator) exact(a, b string) string {
	switch g.IntN(6) {
	case 0:
		return fmt.Sprintf("round(%s / 3, %d)", a, g.IntN(4))
	case 1:
		return fmt.Sprintf("round(%s, %d)", a, g.IntN(3))
	case 2:
		if g.options.Failing {
			return fmt.Sprintf("round(%s / %s, 2)", a, b)
		}
		return fmt.Sprintf("abs(%s)", a)
	}
	return fmt.Sprintf("(%s %s %s)", a, pick(g, []string{"+", "-", "*"}), b)
}

func (g *generator) text(a, b string) string {
	switch g.IntN(8) {
	case 0:
		return fmt.Sprintf("trim(%s)", a)
	case 1:
		return fmt.Sprintf("replace(%s, \"a\", %s)", a, b)
	case 2:
		return fmt.Sprintf("substr(%s, %d, %d)", a, g.IntN(3), g.IntN(3))
	case 3:
		return fmt.Sprintf("substr(%s, %d)", a, g.between(-1, 3))
	}
	return fmt.Sprintf("(%s + %s)", a, b)
}

// asText prints a value of any kind.
func (g *generator) asText(scope []name) string {
	return fmt.Sprintf("text(%s)", pick(g, scope).text)
}

// condition makes a boolean.
func (g *generator) condition(scope []name, depth int) string {
	if depth > 0 {
		switch g.IntN(6) {
		case 0:
			return fmt.Sprintf("(%s and %s)", g.condition(scope, depth-1), g.condition(scope, depth-1))
		case 1:
			return fmt.Sprintf("(%s or %s)", g.condition(scope, depth-1), g.condition(scope, depth-1))
		case 2:
			return fmt.Sprintf("(not %s)", g.condition(scope, depth-1))
		}
	}
	subject := pick(g, scope)
	if subject.kind == relation.Array && !g.chance(4) {
		return g.arrayCondition(scope, subject)
	}
	if subject.kind == relation.JSON && g.chance(2) {
		part, _ := g.fromJSON([]name{subject}, relation.JSON)
		return fmt.Sprintf("(%s == %s)", part, pick(g, []string{`"a"`, `"B"`, "nil"}))
	}
	switch {
	case !ordered(subject.kind), g.chance(5):
		return fmt.Sprintf("(%s %s nil)", subject.text, pick(g, []string{"==", "!="}))
	case subject.kind == relation.Bool && g.chance(2):
		return subject.text
	}
	other, ok := g.expression(scope, subject.kind, max(depth-1, 0))
	if !ok {
		other = subject.text
	}
	if subject.kind == relation.Text && g.chance(3) {
		return g.textCondition(subject.text, other)
	}
	if subject.kind == relation.Interval && g.chance(3) {
		return fmt.Sprintf(`(%s %s "%s")`, subject.text, pick(g, []string{"==", "!=", "<", ">="}), pick(g, intervals))
	}
	if subject.kind.Family() == relation.IntegerFamily && g.chance(4) {
		return fmt.Sprintf("(%s in [%d, %d, %s])", subject.text, g.IntN(5), g.IntN(5), other)
	}
	return fmt.Sprintf("(%s %s %s)", subject.text, pick(g, []string{"==", "!=", "<", "<=", ">", ">="}), other)
}

func (g *generator) textCondition(a, b string) string {
	if g.chance(4) {
		return fmt.Sprintf("like(%s, \"%s\")", a, pick(g, []string{"%", "_", "a%", "%a", "_%_", "%b%"}))
	}
	return fmt.Sprintf("%s(%s, %s)", pick(g, []string{"starts_with", "ends_with", "contains"}), a, b)
}
