package views

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/expr-lang/expr/ast"

	"odsd/storage/relation"
)

// maxLiteralDigits bounds number literals, and so what computing constants costs.
const maxLiteralDigits = 1000

// number types a number literal by its source text: PostgreSQL's types, an
// integer where it fits, else bigint, else numeric; numeric with a point.
func (c *exprChecker) number(n ast.Node) *Expr {
	text := strings.ReplaceAll(c.source.slice(n.Location()), "_", "")
	if len(text) > 1 && text[0] == '0' && strings.ContainsRune("xXoObB", rune(text[1])) {
		i, err := strconv.ParseInt(text, 0, 64)
		if err != nil {
			return c.report(n, codeLiteral, "the number does not fit 64 bits", "")
		}
		return integerConstant(i)
	}
	if i, err := strconv.ParseInt(text, 10, 64); err == nil {
		return integerConstant(i)
	}
	v, err := relation.ParseDecimal(text)
	if err != nil || len(relation.AppendDecimal(nil, v)) > maxLiteralDigits {
		return c.report(n, codeLiteral, fmt.Sprintf("not a number of at most %d digits", maxLiteralDigits), "")
	}
	return constant(relation.TypeOf(relation.Decimal), v)
}

func integerConstant(i int64) *Expr {
	kind := relation.Int8
	if int64(int32(i)) == i {
		kind = relation.Int4
	}
	return constant(relation.TypeOf(kind), relation.OfInt(kind, i))
}

// literalAs gives a constant the type that stands beside it: a number literal
// becomes a float, a text a date, an instant, an interval or a UUID. adapts is
// false where the constant keeps its own type.
func literalAs(e *Expr, t relation.Type) (adapted *Expr, adapts bool, err error) {
	if e.Op != OpConst {
		return nil, false, nil
	}
	from, to := e.Type.Kind, t.Kind
	switch {
	case from == relation.Null:
		return constant(t, relation.OfNull()), true, nil
	case from == relation.Text && parsedBeside(to):
		v, err := parseLiteral(to, e.Const.Str())
		if err != nil {
			return nil, true, fmt.Errorf("%q is not %s", e.Const.Str(), withArticle(relation.TypeOf(to).String()))
		}
		return constant(relation.TypeOf(to), v), true, nil
	case to.Family() == relation.FloatFamily && isExact(from):
		v := castToFloat(e.Const)
		if v.IsError() {
			return nil, true, fmt.Errorf("the number is beyond the range of %s", t)
		}
		return constant(relation.TypeOf(to), relation.OfFloat(to, v.Float())), true, nil
	}
	return nil, false, nil
}

func withArticle(noun string) string {
	if strings.ContainsAny(noun[:1], "aeio") { // a uuid
		return "an " + noun
	}
	return "a " + noun
}

// parsedBeside lists the kinds that a text literal takes on beside them, as in
// PostgreSQL.
func parsedBeside(k relation.Kind) bool {
	switch k {
	case relation.Date, relation.Time, relation.Timestamp, relation.Interval, relation.UUID:
		return true
	}
	return false
}

// parseLiteral reads a text literal as people write them, which is more than
// the one form that PostgreSQL prints.
func parseLiteral(k relation.Kind, s string) (relation.Value, error) {
	s = strings.TrimSpace(s)
	switch k {
	case relation.Interval:
		return parseInterval(s)
	case relation.Timestamp:
		return parseInstant(s)
	}
	return relation.ParseText(relation.TypeOf(k), s)
}

// parseInstant reads "2024-01-31", "2024-01-31 12:30" and ISO 8601's forms with
// a T and a Z; without an offset the time is UTC.
func parseInstant(s string) (relation.Value, error) {
	date, clock, _ := strings.Cut(strings.Replace(s, "T", " ", 1), " ")
	if clock == "" && strings.Count(date, "-") == 2 {
		clock = "00:00:00"
	}
	if strings.HasSuffix(clock, "Z") {
		clock = strings.TrimSuffix(clock, "Z") + "+00"
	}
	if zone := strings.IndexAny(clock, "+-"); zone >= 0 {
		clock = withSeconds(clock[:zone]) + clock[zone:]
	} else {
		clock = withSeconds(clock)
	}
	return relation.ParseText(relation.TypeOf(relation.Timestamp), strings.TrimSpace(date+" "+clock))
}

func withSeconds(clock string) string {
	if strings.Count(clock, ":") == 1 {
		return clock + ":00"
	}
	return clock
}

func isInteger(k relation.Kind) bool { return k.Family() == relation.IntegerFamily }
func isExact(k relation.Kind) bool   { return isInteger(k) || k == relation.Decimal }
func isFloat(k relation.Kind) bool   { return k.Family() == relation.FloatFamily }
func isNumber(k relation.Kind) bool  { return isExact(k) || isFloat(k) }
func isText(k relation.Kind) bool    { return k.Family() == relation.TextFamily }

// commonType is the type that values of both types have without loss, as
// PostgreSQL picks it for CASE and coalesce.
func commonType(a, b relation.Type) (relation.Type, bool) {
	switch {
	case a == b, b.Kind == relation.Null:
		return a, true
	case a.Kind == relation.Null:
		return b, true
	case isInteger(a.Kind) && isInteger(b.Kind):
		return relation.TypeOf(max(a.Kind, b.Kind)), true
	case isExact(a.Kind) && isExact(b.Kind):
		return relation.TypeOf(relation.Decimal), true
	case a.Kind == relation.Float4 && b.Kind == relation.Float4:
		return relation.TypeOf(relation.Float4), true
	case isFloat(a.Kind) && (isFloat(b.Kind) || isInteger(b.Kind)), isInteger(a.Kind) && isFloat(b.Kind):
		return relation.TypeOf(relation.Float8), true
	case a.Kind == relation.JSON && b.Kind == relation.JSON:
		return relation.TypeOf(relation.JSON), true // json beside jsonb
	case textual(a.Kind) && textual(b.Kind):
		return relation.TypeOf(relation.Text), true
	case temporal(a.Kind) && temporal(b.Kind):
		return relation.TypeOf(max(a.Kind, b.Kind)), true // a date beside an instant is its midnight, UTC
	case a.Kind == relation.Array && b.Kind == relation.Array:
		return relation.ArrayOf(a.Elem), a.Elem == b.Elem
	case a.Kind == b.Kind:
		return relation.TypeOf(a.Kind), true
	}
	return relation.Type{}, false
}

// textual kinds unify to text: JSON beside a text is its text.
func textual(k relation.Kind) bool { return isText(k) || k == relation.JSON }

func temporal(k relation.Kind) bool { return k == relation.Date || k == relation.Timestamp }

// unify brings operands to their common type, in place. Constants adapt to
// what is not constant.
func (c *exprChecker) unify(operands []operand, rule string) (relation.Type, bool) {
	t := relation.TypeOf(relation.Null)
	for _, constants := range []bool{false, true} {
		for _, o := range operands {
			if (o.e.Op == OpConst) != constants {
				continue
			}
			if _, adapts, _ := literalAs(o.e, t); adapts {
				if t.Kind == relation.Float4 && isExact(o.e.Type.Kind) {
					t = relation.TypeOf(relation.Float8) // as real * 1.5 is in PostgreSQL
				}
				continue
			}
			common, ok := commonType(t, o.e.Type)
			if !ok {
				c.report(o.node, codeType, fmt.Sprintf("%s: %s and %s", rule, t, o.e.Type), mixHint(t, o.e.Type))
				return t, false
			}
			t = common
		}
	}
	for i, o := range operands {
		e := c.convert(o, t)
		if e == nil {
			return t, false
		}
		operands[i].e = e
	}
	return t, true
}

// mixHint says how to bring two types together.
func mixHint(a, b relation.Type) string {
	is := func(k relation.Kind) bool { return a.Kind == k || b.Kind == k }
	switch {
	case isFloat(a.Kind) && b.Kind == relation.Decimal || isFloat(b.Kind) && a.Kind == relation.Decimal:
		return "convert one: decimal(x) is exact from there on, float(x) is not"
	case (isText(a.Kind) || isText(b.Kind)) && (isNumber(a.Kind) || isNumber(b.Kind)):
		return "convert one: text(x), int(x) or decimal(x); numbers are written without quotes"
	case is(relation.JSON):
		return "convert it: text(x), int(x), decimal(x) or float(x)"
	case is(relation.Text):
		return "convert one of them, as in text(x)"
	}
	return ""
}

// convert gives an operand the type t, which commonType found.
func (c *exprChecker) convert(o operand, t relation.Type) *Expr {
	e, adapts, err := literalAs(o.e, t)
	if err != nil {
		return c.report(o.node, codeLiteral, err.Error(), literalHint(t.Kind))
	}
	if adapts {
		return e
	}
	if o.e.Type.Kind == t.Kind {
		return o.e
	}
	return c.fold(o.node, &Expr{Op: OpCast, Type: t, Args: []*Expr{o.e}})
}

func literalHint(k relation.Kind) string {
	switch k {
	case relation.Date:
		return `as in "2024-01-31"`
	case relation.Timestamp:
		return `as in "2024-01-31T12:30:00Z"`
	case relation.Time:
		return `as in "12:30:00"`
	case relation.Interval:
		return `as in "1 month 3 days"`
	case relation.UUID:
		return `as in "6ba7b810-9dad-11d1-80b4-00c04fd430c8"`
	}
	return ""
}
