package query

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"odsd/views"
)

// alongs are the key of people and their indexes; a + stands before what ascends.
var alongs = [][]string{
	{"+region", "+id"}, {"+country", "-score"}, {"+score"}, {"-seen", "+tier"}, {"-tier"}, {"+id"},
}

// along draws a filter and an order that an index, or the key, could serve, read
// forward or backward: leading parts at one value or several, then perhaps a range.
func (d *drawer) along(o object) (naiveOrder, naiveFilter) {
	parts := rapid.SampledFrom(alongs).Draw(d.T, "along")
	backward := rapid.Bool().Draw(d.T, "backward")
	held := rapid.IntRange(0, len(parts)).Draw(d.T, "held")
	var filters []naiveFilter
	var terms []naiveOrder
	hold := func(f *views.Field, operators ...string) string {
		name := rapid.SampledFrom(operators).Draw(d.T, "held by")
		inner := d.held(o, f, name)
		filters = append(filters, naiveFilter{"{" + inner.text + "}", inner.of})
		return name
	}
	for i, part := range parts {
		f := o.fields[slices.IndexFunc(o.fields, func(f *views.Field) bool { return f.GraphQL == part[1:] })]
		asked := true
		switch {
		case i < held:
			asked = hold(f, "_eq", "_in", "_in") == "_in" && rapid.Bool().Draw(d.T, "asked")
		case i == held && rapid.Bool().Draw(d.T, "range"):
			hold(f, "_gt", "_gte", "_lt", "_lte")
		}
		if asked {
			direction := "ASC"
			if (part[0] == '-') != backward {
				direction = "DESC"
			}
			terms = append(terms, directed(o, f, direction))
		}
	}
	where := naiveFilter{"{_and: [" + joined(filters) + "]}", func(in *instance) int { return naiveAnd(filters, in) }}
	return orderOf(terms), where
}

// count notes by which ways a list is found.
func (l *naiveList) count(s *Service, taken map[string]int) {
	declared := ""
	if len(l.declared) > 0 {
		declared = "query (" + strings.Join(l.declared, ", ") + ") "
	}
	text, err := s.Explain(context.Background(), &Request{
		Query: fmt.Sprintf("%s{ indexedList(%s) { nodes %s } }", declared, l.arguments, l.selection), Variables: l.variables,
	})
	if err != nil {
		l.Fatal(err)
	}
	for _, way := range waysOf(text) {
		taken[way]++
	}
}

// waysOf reads an explanation.
func waysOf(text string) (ways []string) {
	text, _, _ = strings.Cut(text, "\n  indexedList.") // lists in the documents are not meant
	line := func(label string) string {
		_, rest, _ := strings.Cut(text, "  "+label)
		first, _, _ := strings.Cut(rest, "\n")
		return first
	}
	access, order := line("access"), line("order")
	note := func(way string, is bool) {
		if is {
			ways = append(ways, way)
		}
	}
	backward := strings.Contains(order, "read backward")
	several, merged := strings.Contains(access, "_in ["), strings.Contains(order, "merged")
	byKey := !strings.Contains(access, "index")
	ranged := strings.Contains(access, "_gt") || strings.Contains(access, "_lt")
	note("sorted", strings.Contains(order, "sorted"))
	note("forward", strings.Contains(order, "as the documents come") && !byKey)
	note("backward", backward && !byKey)
	note("backward by key", backward && byKey)
	note("several one after the other", several && !merged && !byKey)
	note("several merged", merged && !backward)
	note("several merged backward", merged && backward)
	note("several keys", several && byKey)
	note("several keys backward", several && byKey && backward)
	note("a range below equality", ranged && strings.Contains(access, " and "))
	note("a range backward", ranged && backward)
	return ways
}
