package relation

import (
	"encoding/binary"
	"strconv"
	"strings"
)

// An array's elements are held in its string, one after the other: the kind,
// the length of what follows as a varint, and the element's own form. It is a
// private form, and the one that rows store. Before them stand the bounds of an
// array whose first index is not 1, where it has any: a byte that is no kind,
// their length as a varint, and their text.

const boundsMark = 0xFF

// OfArray makes an array of elements of one kind; nulls may be among them, and
// arrays, for PostgreSQL's arrays of more than one dimension.
func OfArray(elem Kind, elements []Value) Value {
	b := make([]byte, 0, 16*len(elements))
	for _, e := range elements {
		b = appendElement(b, e)
	}
	return Value{kind: Array, elem: elem, s: string(b)}
}

// OfEncodedArray makes an array of what Str of an array gave.
func OfEncodedArray(elem Kind, encoded string) Value {
	return Value{kind: Array, elem: elem, s: encoded}
}

// WithBounds gives an array other bounds than those that begin with 1, as
// PostgreSQL prints them: "[0:2]", or "[2:3][0:1]" for two dimensions; "" takes them away.
func (v Value) WithBounds(bounds string) Value {
	_, elements := splitBounds(v.s)
	if bounds != "" {
		b := binary.AppendUvarint([]byte{boundsMark}, uint64(len(bounds)))
		elements = string(append(append(b, bounds...), elements...))
	}
	v.s = elements
	return v
}

// Bounds of an array where they do not begin with 1, else "".
func (v Value) Bounds() string {
	bounds, _ := splitBounds(v.s)
	return bounds
}

func splitBounds(s string) (bounds, elements string) {
	if s == "" || s[0] != boundsMark {
		return "", s
	}
	size, used := binary.Uvarint([]byte(s[1:min(len(s), 11)]))
	if used <= 0 || size > uint64(len(s)-1-used) {
		return "", "" // a damaged store
	}
	s = s[1+used:]
	if !ValidBounds(s[:size]) {
		return "", ""
	}
	return s[:size], s[size:]
}

// ValidBounds says whether a text is bounds as PostgreSQL prints them:
// [lower:upper] for each dimension.
func ValidBounds(s string) bool {
	if s == "" {
		return false
	}
	for dimensions := 0; s != ""; dimensions++ {
		lower, rest, colon := strings.Cut(s, ":")
		upper, after, closed := strings.Cut(rest, "]")
		first, opened := strings.CutPrefix(lower, "[")
		if !colon || !closed || !opened || !validBound(first) || !validBound(upper) || dimensions == maxArrayDimensions {
			return false
		}
		s = after
	}
	return true
}

func validBound(s string) bool {
	n, err := strconv.ParseInt(s, 10, 32)
	return err == nil && strconv.FormatInt(n, 10) == s
}

// Elem is the kind of an array's elements.
func (v Value) Elem() Kind { return v.elem }

func appendElement(b []byte, e Value) []byte {
	b = append(b, byte(e.kind))
	if e.Missing() {
		return b
	}
	var fixed [12]byte
	binary.BigEndian.PutUint32(fixed[0:], uint32(e.aux))
	binary.BigEndian.PutUint64(fixed[4:], uint64(e.n))
	b = append(b, byte(e.elem))
	b = append(b, fixed[:]...)
	b = binary.AppendUvarint(b, uint64(len(e.s)))
	return append(b, e.s...)
}

// List gives an array's elements. A malformed array, which only a damaged
// store can hold, ends where it stops making sense.
func (v Value) List() []Value {
	var list []Value
	_, s := splitBounds(v.s)
	for len(s) > 0 {
		e := Value{kind: Kind(s[0])}
		s = s[1:]
		if !e.Missing() {
			if len(s) < 13 {
				break
			}
			head := []byte(s[:13])
			e.elem = Kind(head[0])
			e.aux = int32(binary.BigEndian.Uint32(head[1:]))
			e.n = int64(binary.BigEndian.Uint64(head[5:]))
			size, used := binary.Uvarint([]byte(s[13:min(len(s), 23)]))
			if used <= 0 || size > uint64(len(s)-13-used) {
				break
			}
			s = s[13+used:]
			e.s, s = s[:size], s[size:]
			if !e.wellFormed() {
				break
			}
		}
		list = append(list, e)
	}
	return list
}

// wellFormed says whether the parts of an element fit together, so that
// nothing that is done with it can go wrong.
func (v Value) wellFormed() bool {
	switch v.kind.Family() {
	case NoFamily:
		return false
	case DecimalFamily:
		if v.aux < 0 {
			return v.aux >= auxNegInfinite && v.n == 0 && v.s == ""
		}
		d, ok := OfDigits(v.Digits(), v.aux)
		return ok && d == v && v.aux <= maxElementScale
	case UUIDFamily, IntervalFamily:
		return len(v.s) == 16
	}
	return true
}

// maxElementScale bounds the zeros that a damaged scale can make a printer write.
const maxElementScale = 1 << 20
