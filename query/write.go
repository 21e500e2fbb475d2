package query

import (
	"encoding/base64"
	"encoding/hex"
	"math"
	"strconv"
	"unicode/utf8"

	"odsd/storage/relation"
)

// writer says how values of one type are written as JSON.
type writer struct {
	kind relation.Kind
	elem relation.Kind // of arrays
	bare bool          // BigInt and Decimal opted out of strings
}

func writerOf(t relation.Type, as string) writer {
	return writer{kind: t.Kind, elem: t.Elem, bare: as != ""}
}

// append writes v. What cannot be shown, a failed computation among it, is null.
func (w writer) append(dst []byte, v relation.Value) []byte {
	switch v.Kind() {
	case relation.Bool:
		return strconv.AppendBool(dst, v.Bool())
	case relation.Int2, relation.Int4:
		return strconv.AppendInt(dst, v.Int(), 10)
	case relation.Int8:
		if w.bare {
			return strconv.AppendInt(dst, v.Int(), 10)
		}
		return append(strconv.AppendInt(append(dst, '"'), v.Int(), 10), '"')
	case relation.Decimal:
		return w.appendDecimal(dst, v)
	case relation.Float4:
		return appendFloat(dst, v.Float(), 32)
	case relation.Float8:
		return appendFloat(dst, v.Float(), 64)
	case relation.Text, relation.Enum:
		return appendString(dst, v.Str())
	case relation.JSON:
		return append(dst, v.Str()...)
	case relation.UUID:
		return appendUUID(dst, v.Str())
	case relation.Bytes:
		dst = append(dst, '"')
		dst = base64.StdEncoding.AppendEncode(dst, []byte(v.Str()))
		return append(dst, '"')
	case relation.Date, relation.Timestamp, relation.Time, relation.Interval:
		return appendCalendar(dst, v)
	case relation.Array:
		return w.appendList(dst, v)
	}
	return append(dst, "null"...)
}

func (w writer) appendDecimal(dst []byte, v relation.Value) []byte {
	if !w.bare {
		return append(appendDecimal(append(dst, '"'), v), '"')
	}
	if v.IsNaN() || v.InfinitySign() != 0 {
		return append(dst, "null"...)
	}
	return appendDecimal(dst, v)
}

// appendDecimal writes what relation.AppendDecimal does, without allocating for
// the numbers that nearly all are.
func appendDecimal(dst []byte, v relation.Value) []byte {
	const places = 18
	n, scale, small := v.SmallDecimal()
	if !small || scale == 0 || scale > places || n == math.MinInt64 {
		return relation.AppendDecimal(dst, v)
	}
	if n < 0 {
		dst, n = append(dst, '-'), -n
	}
	unit := int64(1)
	for range scale {
		unit *= 10
	}
	dst = append(strconv.AppendInt(dst, n/unit, 10), '.')
	return appendDigits(dst, n%unit, int(scale))
}

func (w writer) appendList(dst []byte, v relation.Value) []byte {
	dst = append(dst, '[')
	for i, e := range v.List() {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = w.append(dst, e)
	}
	return append(dst, ']')
}

func appendCalendar(dst []byte, v relation.Value) []byte {
	if v.IsInfinite() {
		return append(dst, "null"...)
	}
	dst = append(dst, '"')
	switch v.Kind() {
	case relation.Date:
		dst = appendDate(dst, v.Int())
	case relation.Timestamp:
		dst = appendDateTime(dst, v.Int())
	case relation.Time:
		dst = appendTime(dst, v.Int())
	case relation.Interval:
		dst = appendDuration(dst, v)
	}
	return append(dst, '"')
}

// appendFloat writes the shortest number that reads back as f, as JSON has it.
func appendFloat(dst []byte, f float64, bits int) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return append(dst, "null"...)
	}
	format := byte('f')
	if size := math.Abs(f); size != 0 && (size < 1e-6 || size >= 1e21) {
		format = 'e'
	}
	return strconv.AppendFloat(dst, f, format, -1, bits)
}

func appendUUID(dst []byte, s string) []byte {
	if len(s) != 16 {
		return append(dst, "null"...)
	}
	dst = append(dst, '"')
	for i, part := range [...]string{s[:4], s[4:6], s[6:8], s[8:10], s[10:]} {
		if i > 0 {
			dst = append(dst, '-')
		}
		dst = hex.AppendEncode(dst, []byte(part))
	}
	return append(dst, '"')
}

const hexDigits = "0123456789abcdef"

// appendString writes a JSON string. Bytes that are not UTF-8 become U+FFFD.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r != utf8.RuneError || size > 1 {
				i += size
				continue
			}
		}
		dst = append(dst, s[start:i]...)
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c == '\n':
			dst = append(dst, '\\', 'n')
		case c == '\t':
			dst = append(dst, '\\', 't')
		case c == '\r':
			dst = append(dst, '\\', 'r')
		case c < ' ':
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		default:
			dst = append(dst, `\ufffd`...)
		}
		i++
		start = i
	}
	return append(append(dst, s[start:]...), '"')
}
