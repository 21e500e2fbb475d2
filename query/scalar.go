package query

import (
	"encoding/base64"
	"encoding/hex"
	"math"
	"strconv"
	"strings"

	"odsd/storage/relation"
)

// The scalars of the schema. A type that has none of its own is a String as
// PostgreSQL prints it.
const (
	scalarInt      = "Int"
	scalarFloat    = "Float"
	scalarString   = "String"
	scalarBoolean  = "Boolean"
	scalarBigInt   = "BigInt"
	scalarDecimal  = "Decimal"
	scalarDateTime = "DateTime"
	scalarDate     = "Date"
	scalarTime     = "Time"
	scalarDuration = "Duration"
	scalarJSON     = "JSON"
	scalarUUID     = "UUID"
	scalarBytes    = "Bytes"
)

// scalarDescription is what the schema says of a scalar that GraphQL does not define.
func scalarDescription(name string) string {
	switch name {
	case scalarBigInt:
		return "A 64-bit integer, as a string of digits so that no client rounds it."
	case scalarDecimal:
		return "An exact decimal number, as a string with all its places."
	case scalarDateTime:
		return "An instant as RFC 3339 in UTC with microseconds, 2024-01-02T03:04:05.678901Z."
	case scalarDate:
		return "A day, 2024-01-02."
	case scalarTime:
		return "A time of day, 03:04:05.678901."
	case scalarDuration:
		return "A span of time as ISO 8601, P1Y2M3DT4H5M6.7S."
	case scalarJSON:
		return "Any JSON value."
	case scalarUUID:
		return "A UUID in its usual form of 36 characters."
	case scalarBytes:
		return "Bytes in base64."
	}
	return ""
}

// scalarOf names the scalar that shows a kind; as is the field's opt-out, "Int" or "Float".
func scalarOf(k relation.Kind, as string) string {
	if as != "" {
		return as
	}
	switch k {
	case relation.Bool:
		return scalarBoolean
	case relation.Int2, relation.Int4:
		return scalarInt
	case relation.Int8:
		return scalarBigInt
	case relation.Float4, relation.Float8:
		return scalarFloat
	case relation.Decimal:
		return scalarDecimal
	case relation.Bytes:
		return scalarBytes
	case relation.UUID:
		return scalarUUID
	case relation.Date:
		return scalarDate
	case relation.Time:
		return scalarTime
	case relation.Timestamp:
		return scalarDateTime
	case relation.Interval:
		return scalarDuration
	case relation.JSON:
		return scalarJSON
	}
	return scalarString
}

// inputForm is the form in which an input value was written, as a literal or in JSON.
type inputForm uint8

const (
	integerForm inputForm = iota
	fractionForm
	stringForm
	booleanForm
)

// parseScalar reads an input value of a scalar.
func parseScalar(scalar string, form inputForm, text string) (v relation.Value, ok bool) {
	switch form {
	case booleanForm:
		return relation.OfBool(text == "true"), scalar == scalarBoolean
	case stringForm:
		return parseScalarString(scalar, text)
	}
	switch scalar {
	case scalarInt:
		n, ok := parseInteger(text, form, math.MinInt32, math.MaxInt32)
		return relation.OfInt(relation.Int4, n), ok
	case scalarBigInt:
		n, ok := parseInteger(text, form, math.MinInt64, math.MaxInt64)
		return relation.OfInt(relation.Int8, n), ok
	case scalarFloat:
		f, err := strconv.ParseFloat(text, 64)
		return relation.OfFloat(relation.Float8, f), err == nil
	case scalarDecimal:
		d, err := relation.ParseDecimal(text)
		return d, err == nil
	}
	return v, false
}

func parseScalarString(scalar, text string) (v relation.Value, ok bool) {
	switch scalar {
	case scalarString:
		return relation.OfText(text), true
	case scalarBigInt:
		n, ok := parseInteger(text, integerForm, math.MinInt64, math.MaxInt64)
		return relation.OfInt(relation.Int8, n), ok
	case scalarDecimal:
		d, err := relation.ParseDecimal(text)
		return d, err == nil && text != ""
	case scalarDateTime:
		us, ok := parseDateTime(text)
		return relation.OfTimestamp(us), ok
	case scalarDate:
		days, rest, ok := parseDate(text)
		return relation.OfDate(days), ok && rest == ""
	case scalarTime:
		us, rest, ok := parseTime(text)
		return relation.OfTime(us), ok && rest == ""
	case scalarDuration:
		return parseDuration(text)
	case scalarUUID:
		return parseUUID(text)
	case scalarBytes:
		b, err := base64.StdEncoding.DecodeString(text)
		return relation.OfString(relation.Bytes, string(b)), err == nil
	}
	return v, false
}

// parseInteger also takes JSON's 1.0 and 1e3, which some clients write for integers.
func parseInteger(text string, form inputForm, low, high int64) (int64, bool) {
	if form == fractionForm {
		f, err := strconv.ParseFloat(text, 64)
		const exact = 1 << 53
		if err != nil || f != math.Trunc(f) || math.Abs(f) > exact {
			return 0, false
		}
		text = strconv.FormatInt(int64(f), 10)
	}
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil && n >= low && n <= high && !strings.HasPrefix(text, "+")
}

func parseUUID(text string) (relation.Value, bool) {
	if len(text) != 36 || text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-' {
		return relation.Value{}, false
	}
	b, err := hex.DecodeString(text[:8] + text[9:13] + text[14:18] + text[19:23] + text[24:])
	return relation.OfString(relation.UUID, string(b)), err == nil
}
