package views

import (
	"math"
	"strconv"
	"strings"

	"odsd/storage/relation"
)

// cast lowers an implicit conversion, which never loses anything but where
// PostgreSQL's loses it too (a bigint beside a float).
func cast(from, to relation.Type, x Eval) Eval {
	return strict1(x, conversion(from.Kind, to.Kind))
}

// conversion converts values that are present.
func conversion(from, to relation.Kind) func(relation.Value) relation.Value {
	switch {
	case from == to:
	case from == relation.JSON && to == relation.Text:
		return jsonText
	case isInteger(from) && isInteger(to):
		return func(v relation.Value) relation.Value { return integer(to, v.Int()) }
	case to == relation.Decimal:
		return castToDecimal
	case to == relation.Float8:
		return castToFloat
	case to == relation.Text:
		return func(v relation.Value) relation.Value { return relation.OfText(v.Str()) }
	case to == relation.Timestamp:
		return midnight
	}
	return func(v relation.Value) relation.Value { return v }
}

// castToDecimal makes a decimal of an integer.
func castToDecimal(v relation.Value) relation.Value {
	if isInteger(v.Kind()) {
		return relation.OfDecimal(v.Int(), 0)
	}
	return v
}

// castToFloat makes a float of any number; a decimal gives the nearest one.
func castToFloat(v relation.Value) relation.Value {
	switch {
	case isInteger(v.Kind()):
		return relation.OfFloat(relation.Float8, float64(v.Int()))
	case isFloat(v.Kind()):
		return relation.OfFloat(relation.Float8, v.Float())
	}
	f, err := strconv.ParseFloat(string(relation.AppendDecimal(nil, v)), 64)
	if err != nil || f == 0 && signOfDecimal(v) != 0 {
		return overflow()
	}
	return relation.OfFloat(relation.Float8, f)
}

func castFunctions() []function {
	return []function{
		{name: "int", signature: "int(x)", summary: "a bigint of a number (rounded), a text, a boolean or a JSON value", min: 1, max: 1, rounds: true,
			check: checkCast(relation.Int8), lower: lowerInt},
		{name: "float", signature: "float(x)", summary: "a double precision of a number, a text or a JSON value", min: 1, max: 1,
			check: checkCast(relation.Float8), lower: lowerFloat},
		{name: "decimal", signature: "decimal(x)", summary: "a numeric of a number, a text or a JSON value", min: 1, max: 1,
			check: checkCast(relation.Decimal), lower: lowerDecimal},
		{name: "text", signature: "text(x)", summary: "any value as PostgreSQL prints it; of JSON what ->> gives", min: 1, max: 1,
			check: checkText, lower: lowerText},
	}
}

func checkCast(k relation.Kind) func(*exprChecker, *call) *Expr {
	return func(c *exprChecker, call *call) *Expr {
		e := call.args[0].e
		from := e.Type.Kind
		if from == relation.Null {
			return constant(relation.TypeOf(k), relation.OfNull())
		}
		if !isNumber(from) && !textual(from) && !(from == relation.Bool && k == relation.Int8) {
			hint := ""
			if from == relation.Timestamp {
				hint = `seconds since 1970 are date_part("epoch", x)`
			}
			return c.report(call.args[0].node, codeType, e.Type.String()+" has no conversion by "+call.name, hint)
		}
		return called(call, k, e)
	}
}

func checkText(_ *exprChecker, call *call) *Expr {
	e := call.args[0].e
	if e.Type.Kind == relation.Null {
		return constant(relation.TypeOf(relation.Text), relation.OfNull())
	}
	return called(call, relation.Text, e)
}

func badCast() relation.Value { return relation.OfError(relation.ErrBadCast) }

func lowerInt(l *lowering, e *Expr) Eval {
	arg := e.Args[0]
	switch k := arg.Type.Kind; {
	case k == relation.Decimal:
		return l.ratio(arg).rounded(func(num, den relation.Value) relation.Value {
			return decimalToInt(quotient(num, den, 0))
		})
	case isFloat(k):
		return strict1(l.lower(arg), floatToInt)
	case isText(k):
		return strict1(l.lower(arg), func(v relation.Value) relation.Value { return parseAs(relation.Int8, v.Str()) })
	case k == relation.JSON:
		return strict1(l.lower(arg), func(v relation.Value) relation.Value {
			if n := jsonNumber(v); n.Kind() == relation.Decimal {
				return decimalToInt(quotient(n, whole(), 0))
			}
			return parseAs(relation.Int8, jsonText(v).Str())
		})
	}
	return strict1(l.lower(arg), func(v relation.Value) relation.Value { return relation.OfInt(relation.Int8, v.Int()) })
}

func decimalToInt(v relation.Value) relation.Value {
	n, scale, ok := v.SmallDecimal()
	if v.IsError() {
		return v
	}
	if !ok || scale != 0 {
		return overflow()
	}
	return relation.OfInt(relation.Int8, n)
}

// floatToInt rounds half to even, as PostgreSQL's cast does.
func floatToInt(v relation.Value) relation.Value {
	f := math.RoundToEven(v.Float())
	if !(f >= -1<<63 && f < 1<<63) {
		return overflow()
	}
	return relation.OfInt(relation.Int8, int64(f))
}

// parseAs reads a text as PostgreSQL's cast does, with space around it allowed.
func parseAs(k relation.Kind, s string) relation.Value {
	v, err := relation.ParseText(relation.TypeOf(k), strings.Trim(s, " \t\r\n\v\f"))
	if err != nil {
		return badCast()
	}
	return v
}

func lowerFloat(l *lowering, e *Expr) Eval {
	x := l.lower(e.Args[0])
	switch k := e.Args[0].Type.Kind; {
	case isNumber(k):
		return strict1(x, castToFloat)
	case k == relation.JSON:
		return strict1(x, func(v relation.Value) relation.Value {
			if n := jsonNumber(v); n.Kind() == relation.Decimal {
				return castToFloat(n)
			}
			return parseAs(relation.Float8, jsonText(v).Str())
		})
	}
	return strict1(x, func(v relation.Value) relation.Value { return parseAs(relation.Float8, v.Str()) })
}

func lowerDecimal(l *lowering, e *Expr) Eval {
	x := l.lower(e.Args[0])
	switch k := e.Args[0].Type.Kind; {
	case isExact(k):
		return strict1(x, castToDecimal)
	case isFloat(k):
		digits := 15
		if k == relation.Float4 {
			digits = 6
		}
		return strict1(x, func(v relation.Value) relation.Value { return floatToDecimal(v, digits) })
	case k == relation.JSON:
		return strict1(x, func(v relation.Value) relation.Value {
			if n := jsonNumber(v); n.Kind() == relation.Decimal {
				return n
			}
			return parseAs(relation.Decimal, jsonText(v).Str())
		})
	}
	return strict1(x, func(v relation.Value) relation.Value { return parseAs(relation.Decimal, v.Str()) })
}

// floatToDecimal keeps the digits that a float is sure of, as PostgreSQL's cast does.
func floatToDecimal(v relation.Value, digits int) relation.Value {
	d, err := relation.ParseDecimal(strconv.FormatFloat(v.Float(), 'g', digits, 64))
	if err != nil {
		return badCast()
	}
	return d
}

func lowerText(l *lowering, e *Expr) Eval {
	x := l.lower(e.Args[0])
	switch k := e.Args[0].Type.Kind; {
	case isText(k):
		return strict1(x, func(v relation.Value) relation.Value { return relation.OfText(v.Str()) })
	case k == relation.JSON:
		return strict1(x, jsonText)
	case k == relation.Bool:
		return strict1(x, func(v relation.Value) relation.Value { return relation.OfText(strconv.FormatBool(v.Bool())) })
	}
	return strict1(x, func(v relation.Value) relation.Value {
		return relation.OfText(string(relation.AppendText(nil, v)))
	})
}
