package relation

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Errors about text say what was expected and never what was found: it is
// somebody's data.

// ErrNotUTF8 is returned for text that is not valid UTF-8, which a SQL_ASCII
// database can hold.
var ErrNotUTF8 = errors.New("text is not valid UTF-8")

var (
	errDigits  = errors.New("expected digits")
	errDecimal = errors.New("expected a decimal number")
)

// errOutOfRange is a value that PostgreSQL has and a Value does not: an
// integer of a narrower kind, or a timestamp after the year 294246.
var errOutOfRange = errors.New("out of range")

// ParseText reads a value as PostgreSQL prints it with DateStyle ISO,
// IntervalStyle postgres and bytea_output hex. A timestamp without a zone is read
// as UTC. Text, JSON and labels of enums alias s. Null has no text: the caller tells it apart.
func ParseText(t Type, s string) (Value, error) {
	v, err := parseText(t, s)
	if err != nil {
		return Value{}, fmt.Errorf("not a valid %s: %w", t, err)
	}
	return v, nil
}

func parseText(t Type, s string) (Value, error) {
	switch t.Kind {
	case Int2, Int4, Int8:
		return parseInt(t.Kind, s)
	case Text, Enum, JSON:
		if !utf8.ValidString(s) {
			return Value{}, ErrNotUTF8
		}
		return OfString(t.Kind, s), nil
	case Decimal:
		return ParseDecimal(s)
	case Timestamp:
		return parseTimestamp(s)
	case Bool:
		return parseBool(s)
	case UUID:
		return parseUUID(s)
	case Date:
		return parseDate(s)
	case Float4, Float8:
		return parseFloat(t.Kind, s)
	case Bytes:
		return parseBytes(s)
	case Time:
		return parseTime(s)
	case Interval:
		return parseInterval(s)
	case Array:
		return parseArray(t.Elem, Delimiter, s)
	}
	return Value{}, errors.New("a type without values")
}

func parseInt(k Kind, s string) (Value, error) {
	size := 64
	switch k {
	case Int2:
		size = 16
	case Int4:
		size = 32
	}
	n, err := strconv.ParseInt(s, 10, size)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return Value{}, errOutOfRange
	case err != nil:
		return Value{}, errDigits
	}
	return OfInt(k, n), nil
}

func parseBool(s string) (Value, error) {
	switch s {
	case "t", "true":
		return OfBool(true), nil
	case "f", "false":
		return OfBool(false), nil
	}
	return Value{}, errors.New("expected t or f")
}

func parseFloat(k Kind, s string) (Value, error) {
	switch s {
	case "NaN", "Infinity", "-Infinity":
	default:
		if strings.Trim(s, "0123456789+-.e") != "" {
			return Value{}, errDecimal
		}
	}
	size := 64
	if k == Float4 {
		size = 32
	}
	f, err := strconv.ParseFloat(s, size)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return Value{}, errOutOfRange
	case err != nil:
		return Value{}, errDecimal
	}
	return OfFloat(k, f), nil
}

// uuidDashes are the places of the dashes in a printed UUID.
var uuidDashes = [...]int{8, 13, 18, 23}

var errUUID = errors.New("expected 32 hexadecimal digits in groups of 8, 4, 4, 4 and 12")

func parseUUID(s string) (Value, error) {
	if len(s) != 36 {
		return Value{}, errUUID
	}
	var digits [32]byte
	n := 0
	for i := 0; i < len(s); i++ {
		if i == uuidDashes[0] || i == uuidDashes[1] || i == uuidDashes[2] || i == uuidDashes[3] {
			if s[i] != '-' {
				return Value{}, errUUID
			}
			continue
		}
		digits[n] = s[i]
		n++
	}
	var id [16]byte
	if _, err := hex.Decode(id[:], digits[:]); err != nil {
		return Value{}, errUUID
	}
	return OfString(UUID, string(id[:])), nil
}

func parseBytes(s string) (Value, error) {
	digits, ok := strings.CutPrefix(s, `\x`)
	if !ok {
		return Value{}, errors.New(`expected \x and hexadecimal digits (bytea_output = hex)`)
	}
	b, err := hex.DecodeString(digits)
	if err != nil {
		return Value{}, errors.New(`expected pairs of hexadecimal digits after \x`)
	}
	return OfString(Bytes, string(b)), nil
}

// AppendText prints a value as PostgreSQL does, with timestamps in UTC. Null
// and error, which have no text, print nothing; within an array they are NULL.
func AppendText(dst []byte, v Value) []byte {
	switch v.kind {
	case Int2, Int4, Int8:
		return strconv.AppendInt(dst, v.n, 10)
	case Text, Enum, JSON:
		return append(dst, v.s...)
	case Decimal:
		return AppendDecimal(dst, v)
	case Timestamp:
		return appendTimestamp(dst, v)
	case Bool:
		if v.Bool() {
			return append(dst, 't')
		}
		return append(dst, 'f')
	case UUID:
		return appendUUID(dst, v.s)
	case Date:
		return appendDate(dst, v)
	case Float4, Float8:
		return appendFloat(dst, v)
	case Bytes:
		return hex.AppendEncode(append(dst, '\\', 'x'), []byte(v.s))
	case Time:
		return appendClock(dst, v.n)
	case Interval:
		return appendInterval(dst, v)
	case Array:
		return appendArray(dst, v)
	}
	return dst
}

func appendUUID(dst []byte, id string) []byte {
	for i := 0; i < len(id); i++ {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			dst = append(dst, '-')
		}
		dst = hex.AppendEncode(dst, []byte{id[i]})
	}
	return dst
}

// appendFloat prints the shortest digits that read back as the same number, with
// an exponent where PostgreSQL uses one.
func appendFloat(dst []byte, v Value) []byte {
	switch {
	case v.IsNaN():
		return append(dst, "NaN"...)
	case v.InfinitySign() > 0:
		return append(dst, "Infinity"...)
	case v.InfinitySign() < 0:
		return append(dst, "-Infinity"...)
	}
	size, limit := 64, 15
	if v.kind == Float4 {
		size, limit = 32, 6
	}
	start := len(dst)
	dst = strconv.AppendFloat(dst, v.Float(), 'e', -1, size)
	_, tail, _ := strings.Cut(string(dst[start:]), "e")
	exponent, err := strconv.Atoi(tail)
	if err == nil && exponent >= -4 && exponent < limit {
		return strconv.AppendFloat(dst[:start], v.Float(), 'f', -1, size)
	}
	return dst
}
