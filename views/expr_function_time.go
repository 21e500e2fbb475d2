package views

import (
	"fmt"
	"strings"
	"time"

	"github.com/expr-lang/expr/ast"

	"odsd/storage/relation"
)

func timeFunctions() []function {
	return []function{
		{name: "date_trunc", signature: `date_trunc("month", x, "Europe/Berlin")`, summary: "the instant at which the unit that x lies in began, in UTC or a time zone", min: 2, max: 3, check: checkDateTrunc, lower: lowerDateTrunc},
		{name: "date_part", signature: `date_part("year", x, "Europe/Berlin")`, summary: "one field of a date, instant, time or interval: integers; second, millisecond and epoch are decimals", min: 2, max: 3, check: checkDatePart, lower: lowerDatePart},
		{name: "date_add", signature: `date_add(x, "1 month", "Europe/Berlin")`, summary: "a date or instant moved by an interval, an instant", min: 2, max: 3, check: checkDateAdd, lower: lowerDateAdd},
		{name: "to_date", signature: `to_date(x, "Europe/Berlin")`, summary: "the date of an instant in UTC or a time zone, or of a text", min: 1, max: 2, check: checkToDate, lower: lowerToDate},
		{name: "to_time", signature: `to_time(x, "Europe/Berlin")`, summary: "the instant of a text, of a date's midnight, or of seconds since 1970", min: 1, max: 2, check: checkToTime, lower: lowerToTime},
	}
}

// isTemporalSum says whether + or - is the arithmetic of dates.
func isTemporalSum(op Op, left, right relation.Kind) bool {
	datelike := func(k relation.Kind) bool { return temporal(k) || k == relation.Interval }
	return (op == OpAdd || op == OpSub) && (datelike(left) || datelike(right))
}

// temporalSum types the sums of dates, instants and intervals. The result
// types are PostgreSQL's: date + integer is a date, date - date an integer,
// instants have intervals between them, anything moved by an interval is an
// instant. A text beside them is an interval after +, and after - what stands left.
func (c *exprChecker) temporalSum(n *ast.BinaryNode, op Op, operands []operand) *Expr {
	for i, o := range operands {
		other := operands[1-i].e.Type
		if o.e.Op != OpConst || o.e.Type.Kind != relation.Text && o.e.Type.Kind != relation.Null {
			continue
		}
		as := relation.TypeOf(relation.Interval)
		if op == OpSub && o.e.Type.Kind == relation.Text {
			as = other
		}
		if operands[i].e = c.convert(o, as); operands[i].e == nil {
			return nil
		}
	}
	left, right := operands[0].e, operands[1].e
	kind, ok := temporalResult(op, left.Type.Kind, right.Type.Kind)
	if !ok {
		return c.report(n, codeType, fmt.Sprintf("%s %s %s is not defined", left.Type, n.Operator, right.Type), "dates and instants are moved by date_add")
	}
	if op == OpAdd && !temporal(left.Type.Kind) && temporal(right.Type.Kind) {
		left, right = right, left
	}
	return c.fold(n, &Expr{Op: op, Type: relation.TypeOf(kind), Args: []*Expr{left, right}})
}

func temporalResult(op Op, left, right relation.Kind) (relation.Kind, bool) {
	if op == OpAdd && temporal(right) {
		left, right = right, left
	}
	switch {
	case temporal(left) && right == relation.Interval:
		return relation.Timestamp, true
	case left == relation.Interval && right == relation.Interval:
		return relation.Interval, true
	case left == relation.Date && isInteger(right):
		return relation.Date, true
	case op == OpSub && left == relation.Date && right == relation.Date:
		return relation.Int4, true
	case op == OpSub && temporal(left) && temporal(right):
		return relation.Interval, true
	}
	return relation.Null, false
}

// isTemporal says whether an arithmetic node is one that temporalSum made.
func (e *Expr) isTemporal() bool {
	k := e.Args[0].Type.Kind
	return temporal(k) || k == relation.Interval
}

// temporalSum lowers what the checker's temporalSum made.
func temporalSum(e *Expr, x, y Eval) Eval {
	left, right := e.Args[0].Type.Kind, e.Args[1].Type.Kind
	switch {
	case left == relation.Interval && e.Op == OpSub:
		return strict2(x, y, func(a, b relation.Value) relation.Value {
			if b = negateInterval(b); b.IsError() {
				return b
			}
			return addIntervals(a, b)
		})
	case left == relation.Interval:
		return strict2(x, y, addIntervals)
	case right == relation.Interval && e.Op == OpSub:
		return strict2(x, y, func(a, b relation.Value) relation.Value {
			if b = negateInterval(b); b.IsError() {
				return b
			}
			return move(a, b, zone{})
		})
	case right == relation.Interval:
		return strict2(x, y, func(a, b relation.Value) relation.Value { return move(a, b, zone{}) })
	case isInteger(right):
		return strict2(x, y, moveDate(e.Op))
	case e.Type.Kind == relation.Int4:
		return strict2(x, y, daysBetween)
	}
	return strict2(x, y, func(a, b relation.Value) relation.Value {
		a, b = midnight(a), midnight(b)
		if a.IsError() || b.IsError() {
			return failed(a, b)
		}
		return betweenInstants(a, b)
	})
}

// move adds an interval to a date or instant; an infinite one stays.
func move(v, interval relation.Value, z zone) relation.Value {
	v = startOf(v, z)
	if v.IsError() || v.IsInfinite() {
		return v
	}
	return addInterval(v.Int(), interval, z)
}

// startOf is the instant itself, or the one at which a date begins in a zone.
func startOf(v relation.Value, z zone) relation.Value {
	if v.Kind() == relation.Timestamp {
		return v
	}
	v = midnight(v)
	if v.IsError() || v.IsInfinite() {
		return v
	}
	return timestamp(z.instant(v.Int()), true)
}

func moveDate(op Op) func(a, b relation.Value) relation.Value {
	return func(a, b relation.Value) relation.Value {
		if a.IsInfinite() {
			return a
		}
		days := b.Int()
		if days > 1<<33 || days < -1<<33 {
			return overflow()
		}
		if op == OpSub {
			days = -days
		}
		return date(a.Int() + days)
	}
}

func daysBetween(a, b relation.Value) relation.Value {
	if a.IsInfinite() || b.IsInfinite() {
		return infiniteTime()
	}
	return integer(relation.Int4, a.Int()-b.Int())
}

// needTime gives argument i as a date or instant; a constant text is read as an instant.
func (c *exprChecker) needTime(call *call, i int) *Expr {
	o := call.args[i]
	switch k := o.e.Type.Kind; {
	case temporal(k):
		return o.e
	case o.e.Op == OpConst && (k == relation.Text || k == relation.Null):
		return c.convert(o, relation.TypeOf(relation.Timestamp))
	}
	return c.report(o.node, codeType, fmt.Sprintf("%s needs a date or timestamp, and this is %s", call.name, o.e.Type), "to_time(x) or to_date(x) makes one of a text")
}

// needUnit gives argument i as the normal name of a unit among allowed.
func (c *exprChecker) needUnit(call *call, i int, allowed []string) *Expr {
	o := call.args[i]
	if o.e.Op != OpConst || o.e.Type.Kind != relation.Text {
		return c.report(o.node, codeType, fmt.Sprintf("the unit of %s must be a constant text", call.name), `as in "month"`)
	}
	unit := unitName(o.e.Const.Str())
	for _, a := range allowed {
		if a == unit {
			return constant(relation.TypeOf(relation.Text), relation.OfText(unit))
		}
	}
	return c.report(o.node, codeLiteral, fmt.Sprintf("%s has no unit %q", call.name, o.e.Const.Str()), "it is one of "+strings.Join(allowed, ", "))
}

// unitName takes the plurals that PostgreSQL takes.
func unitName(s string) string {
	s = strings.ToLower(s)
	switch s {
	case "centuries":
		return "century"
	case "millennia":
		return "millennium"
	}
	return strings.TrimSuffix(s, "s")
}

// needZone gives argument i, the constant name of a time zone; missing at the
// end it is nothing.
func (c *exprChecker) needZone(call *call, i int) (args []*Expr, ok bool) {
	if i >= len(call.args) {
		return nil, true
	}
	o := call.args[i]
	if o.e.Op != OpConst || o.e.Type.Kind != relation.Text {
		c.report(o.node, codeType, "the time zone must be a constant text", `as in "Europe/Berlin"`)
		return nil, false
	}
	if _, err := loadZone(o.e.Const.Str()); err != nil {
		c.report(o.node, codeLiteral, fmt.Sprintf("no time zone %q", o.e.Const.Str()), `names are those of the IANA database, as in "Europe/Berlin"`)
		return nil, false
	}
	return []*Expr{o.e}, true
}

func loadZone(name string) (zone, error) {
	if name == "" || name == "Local" {
		return zone{}, fmt.Errorf("not the name of a time zone")
	}
	location, err := time.LoadLocation(name)
	if err != nil || location == time.UTC {
		return zone{}, err
	}
	return zone{location}, nil
}

// zoneArgument is the zone that a call names as argument i, else UTC.
func zoneArgument(e *Expr, i int) zone {
	if i >= len(e.Args) {
		return zone{}
	}
	z, _ := loadZone(e.Args[i].Const.Str()) // the checker has loaded it
	return z
}

func truncUnits() []string {
	return []string{"microsecond", "millisecond", "second", "minute", "hour", "day", "week", "month", "quarter", "year", "decade", "century", "millennium"}
}

func checkDateTrunc(c *exprChecker, call *call) *Expr {
	unit, x := c.needUnit(call, 0, truncUnits()), c.needTime(call, 1)
	zone, ok := c.needZone(call, 2)
	if unit == nil || x == nil || !ok {
		return nil
	}
	return called(call, relation.Timestamp, append([]*Expr{unit, x}, zone...)...)
}

func lowerDateTrunc(l *lowering, e *Expr) Eval {
	unit, z := e.Args[0].Const.Str(), zoneArgument(e, 2)
	return strict1(l.lower(e.Args[1]), func(v relation.Value) relation.Value {
		v = startOf(v, z)
		if v.IsError() || v.IsInfinite() {
			return v
		}
		us := v.Int()
		local := z.local(us)
		start := truncate(unit, local)
		if clockUnit(unit) > 0 { // within the hour the offset stays
			return timestamp(us-(local-start), true)
		}
		return timestamp(z.instant(start), true)
	})
}

func checkDateAdd(c *exprChecker, call *call) *Expr {
	x := c.needTime(call, 0)
	o := call.args[1]
	zone, ok := c.needZone(call, 2)
	if k := o.e.Type.Kind; k != relation.Interval && (o.e.Op != OpConst || k != relation.Text && k != relation.Null) {
		return c.report(o.node, codeType, fmt.Sprintf("date_add needs an interval, and this is %s", o.e.Type), literalHint(relation.Interval))
	}
	interval := c.convert(o, relation.TypeOf(relation.Interval))
	if x == nil || interval == nil || !ok {
		return nil
	}
	return called(call, relation.Timestamp, append([]*Expr{x, interval}, zone...)...)
}

func lowerDateAdd(l *lowering, e *Expr) Eval {
	z := zoneArgument(e, 2)
	return strict2(l.lower(e.Args[0]), l.lower(e.Args[1]), func(v, interval relation.Value) relation.Value {
		return move(v, interval, z)
	})
}

func checkToDate(c *exprChecker, call *call) *Expr {
	o := call.args[0]
	zone, ok := c.needZone(call, 1)
	if !ok {
		return nil
	}
	x := o.e
	if !temporal(x.Type.Kind) {
		if x = c.needText(call, 0); x == nil {
			return nil
		}
	}
	if len(zone) > 0 && x.Type.Kind != relation.Timestamp {
		return c.report(call.args[1].node, codeType, "only an instant has another date in another time zone", "leave the time zone out")
	}
	return called(call, relation.Date, append([]*Expr{x}, zone...)...)
}

func lowerToDate(l *lowering, e *Expr) Eval {
	x, z := l.lower(e.Args[0]), zoneArgument(e, 1)
	switch e.Args[0].Type.Kind {
	case relation.Date:
		return x
	case relation.Timestamp:
		return strict1(x, func(v relation.Value) relation.Value {
			if v.IsInfinite() {
				return relation.OfDate(v.Int())
			}
			day, _ := splitDay(z.local(v.Int()))
			return relation.OfDate(day)
		})
	}
	return strict1(x, func(v relation.Value) relation.Value { return parseAs(relation.Date, v.Str()) })
}

func checkToTime(c *exprChecker, call *call) *Expr {
	o := call.args[0]
	zone, ok := c.needZone(call, 1)
	if !ok {
		return nil
	}
	x := o.e
	if k := x.Type.Kind; !temporal(k) && !isNumber(k) {
		if x = c.needText(call, 0); x == nil {
			return nil
		}
	}
	if len(zone) > 0 && x.Type.Kind != relation.Date {
		return c.report(call.args[1].node, codeType, "only a date's midnight depends on a time zone", "leave the time zone out")
	}
	return called(call, relation.Timestamp, append([]*Expr{x}, zone...)...)
}

func lowerToTime(l *lowering, e *Expr) Eval {
	x, z := l.lower(e.Args[0]), zoneArgument(e, 1)
	switch k := e.Args[0].Type.Kind; {
	case k == relation.Timestamp:
		return x
	case k == relation.Date:
		return strict1(x, func(v relation.Value) relation.Value { return startOf(v, z) })
	case isNumber(k):
		return strict1(x, sinceEpoch)
	}
	return strict1(x, func(v relation.Value) relation.Value {
		t, err := parseInstant(strings.TrimSpace(v.Str()))
		if err != nil {
			return badCast()
		}
		return t
	})
}

// sinceEpoch is the instant that many seconds after 1970 began, to the
// microsecond.
func sinceEpoch(v relation.Value) relation.Value {
	if isFloat(v.Kind()) {
		us := floatToInt(relation.OfFloat(relation.Float8, v.Float()*1e6))
		if us.IsError() {
			return us
		}
		return timestamp(us.Int(), true)
	}
	us := decimalToInt(quotient(mulDecimals(castToDecimal(v), relation.OfDecimal(1_000_000, 0)), whole(), 0))
	if us.IsError() {
		return us
	}
	return timestamp(us.Int(), true)
}
