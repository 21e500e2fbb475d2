package enginetest

import (
	"fmt"
	"strings"

	"odsd/storage/relation"
	"odsd/views"
)

// itemName is the element of an array within any, all, filter and map.
const itemName = "item"

// elementIsIn is membership in an array: null is found among null elements.
func elementIsIn(element, array string) string {
	return fmt.Sprintf("EXISTS (SELECT FROM unnest(%s) element WHERE %s IS NOT DISTINCT FROM element)", array, element)
}

// jsonText is a JSON value's text: a string's characters, null for null.
func jsonText(value string) string { return "(" + value + " #>> '{}')" }

// cast is an implicit conversion.
func (s *statement) cast(e *views.Expr, arg string) string {
	if e.Args[0].Type.Kind == relation.JSON && e.Type.Kind == relation.Text {
		return jsonText(arg)
	}
	return fmt.Sprintf("(%s)::%s", arg, typeName(e.Type))
}

// jsonIsNil compares JSON with nil, which is all that it is compared with: PostgreSQL's
// json has no equality.
func (s *statement) jsonIsNil(e *views.Expr, args []string) string {
	value := args[0]
	if e.Args[0].Op == views.OpConst {
		value = args[1]
	}
	if e.Op == views.OpNeq {
		return "(" + value + " IS NOT NULL)"
	}
	return "(" + value + " IS NULL)"
}

// json takes a part of a JSON value step by step; JSON's null is null.
func (s *statement) json(e *views.Expr, n *views.Node) string {
	part := s.expression(e.Args[0], n)
	path := strings.NewReplacer("[", ".[", "]", "").Replace(strings.TrimPrefix(e.Args[1].Const.Str(), "$"))
	for _, step := range strings.Split(path, ".")[1:] {
		if number, found := strings.CutPrefix(step, "["); found {
			part += " -> " + number
		} else {
			part += " -> " + quoteText(step)
		}
	}
	return fmt.Sprintf("(SELECT part FROM (SELECT %s AS part) p WHERE json_typeof(part) <> 'null')", part)
}

// timeOfDay is what an interval has beside months and days, in microseconds.
func timeOfDay(interval string) string {
	return fmt.Sprintf("(extract(hour FROM %[1]s) * 3600000000 + extract(minute FROM %[1]s) * 60000000 + extract(microsecond FROM %[1]s))", interval)
}

// withoutMonths is an interval as days and a part of a day that is not negative.
func withoutMonths(interval string) string {
	microseconds := "((extract(year FROM v) * 12 + extract(month FROM v)) * 30 + extract(day FROM v)) * 86400000000 + " + timeOfDay("v")
	return fmt.Sprintf("(SELECT make_interval(days => d::int) + (us - d * 86400000000)::float8 * interval '1 microsecond'"+
		" FROM (SELECT us, floor(us / 86400000000) AS d FROM (SELECT %s AS us FROM (SELECT %s AS v) a) b) c)", microseconds, interval)
}
