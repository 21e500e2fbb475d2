package enginetest

import (
	"fmt"
	"strconv"
	"strings"

	"odsd/storage/relation"
	"odsd/views"
)

// calls has the functions with an exact counterpart: the arguments are put in
// place of $1, $2, …, or all of them in place of $*.
var calls = map[string]string{
	"lower":       "lower($1)",
	"upper":       "upper($1)",
	"trim":        "btrim($1)",
	"ltrim":       "ltrim($1)",
	"rtrim":       "rtrim($1)",
	"len":         "length($1)",
	"replace":     "replace($1, $2, $3)",
	"starts_with": "starts_with($1, $2)",
	"contains":    "(strpos($1, $2) > 0)",
	"like":        "($1 LIKE $2)",
	"abs":         "abs($1)",
	"floor":       "floor($1)",
	"ceil":        "ceil($1)",
	"text":        "($1)::text",
	"nullif":      "(CASE WHEN $1 IS NOT DISTINCT FROM $2 THEN NULL ELSE $1 END)",
	"coalesce":    "coalesce($*)",
	"between":     "coalesce($1 >= $2 AND $1 <= $3, false)",
	"min_of":      "least($*)",
	"max_of":      "greatest($*)",
	"substr":      "substr($*)",
	"ends_with":   "(right($1, length($2)) = $2)",
	"int":         "($1)::bigint",
	"decimal":     "($1)::numeric",
	"date_trunc":  "date_trunc($*)",
	"date_part":   "date_part($1, $2)",
	"date_add":    "($1 + $2)",
	"to_date":     "($1 AT TIME ZONE 'UTC')",
	"any":         "(CASE WHEN $1 IS NOT NULL THEN EXISTS (SELECT FROM unnest($1) item WHERE $2) END)",
	"all":         "(CASE WHEN $1 IS NOT NULL THEN NOT EXISTS (SELECT FROM unnest($1) item WHERE NOT coalesce($2, false)) END)",
	"filter":      "(CASE WHEN $1 IS NOT NULL THEN ARRAY(SELECT item FROM unnest($1) WITH ORDINALITY i(item, at) WHERE $2 ORDER BY at) END)",
	"map":         "(CASE WHEN $1 IS NOT NULL THEN ARRAY(SELECT $2 FROM unnest($1) WITH ORDINALITY i(item, at) ORDER BY at) END)",
}

// call translates a function. PostgreSQL's result types may be wider or
// narrower than ours; what is written is cast.
func (s *statement) call(e *views.Expr, args []string) string {
	template, known := calls[e.Name]
	if !known || len(e.Args) == 0 {
		return s.refuse("the function %s", e.Name)
	}
	if e.Name == "len" && e.Args[0].Type.Kind == relation.Array {
		return "(cardinality(" + args[0] + "))::" + typeName(e.Type)
	}
	switch e.Args[0].Type.Kind.Family() {
	case relation.NoFamily, relation.BytesFamily:
		return s.refuse("the function %s of %s", e.Name, e.Args[0].Type)
	case relation.JSONFamily:
		if e.Name != "coalesce" { // a conversion
			args[0] = jsonText(args[0])
		}
	}
	places := []string{"$*", strings.Join(args, ", ")}
	for i, a := range args {
		places = append(places, "$"+strconv.Itoa(i+1), a)
	}
	return "(" + strings.NewReplacer(places...).Replace(template) + ")::" + typeName(e.Type)
}

// round rounds decimals half away from zero, as PostgreSQL does. A quotient
// directly below is given enough places first that rounding it twice cannot tell.
func (s *statement) round(e *views.Expr, n *views.Node) string {
	x := e.Args[0]
	if x.Type.Kind != relation.Decimal {
		return s.refuse("round of %s", x.Type)
	}
	places := "0"
	if len(e.Args) > 1 {
		places = s.expression(e.Args[1], n)
	}
	if x.Op == views.OpDiv {
		dividend, divisor := s.expression(x.Args[0], n), s.expression(x.Args[1], n)
		return fmt.Sprintf("round(%s * 1.%s / %s, %s)", dividend, strings.Repeat("0", 40), divisor, places)
	}
	return fmt.Sprintf("round(%s, %s)", s.expression(x, n), places)
}
