package relation

import (
	"errors"
	"fmt"
	"strings"
)

var errArray = errors.New("expected elements between braces, separated by commas")

// maxArrayDimensions is PostgreSQL's own limit.
const maxArrayDimensions = 6

// Delimiter stands between the elements of nearly all arrays; a type may set
// another one, as box does.
const Delimiter = ','

// arrayReader reads PostgreSQL's text of an array.
type arrayReader struct {
	elem      Type
	delimiter byte
	s         string // what is left
}

// ParseArray reads an array whose elements have a delimiter of their own; see ParseText.
func ParseArray(t Type, delimiter byte, s string) (Value, error) {
	v, err := parseArray(t.Elem, delimiter, s)
	if err != nil {
		return Value{}, fmt.Errorf("not a valid %s: %w", t, err)
	}
	return v, nil
}

// parseArray reads {1,NULL,"a b",{…}}, with its bounds before it where its
// first index is not 1: [0:1]={1,2}.
func parseArray(elem Kind, delimiter byte, s string) (Value, error) {
	bounds := ""
	if strings.HasPrefix(s, "[") {
		bounds, s, _ = strings.Cut(s, "=")
		if !ValidBounds(bounds) {
			return Value{}, errArray
		}
	}
	r := arrayReader{elem: TypeOf(elem), delimiter: delimiter, s: s}
	v, err := r.array(1)
	if err == nil && r.s != "" {
		return Value{}, errArray
	}
	if bounds != "" {
		v = v.WithBounds(bounds)
	}
	return v, err
}

func (r *arrayReader) array(depth int) (Value, error) {
	if !r.accept('{') {
		return Value{}, errArray
	}
	if depth > maxArrayDimensions {
		return Value{}, errors.New("an array has at most 6 dimensions")
	}
	var list []Value
	for !r.accept('}') {
		if len(list) > 0 && !r.accept(r.delimiter) {
			return Value{}, errArray
		}
		v, err := r.element(depth)
		if err != nil {
			return Value{}, err
		}
		if len(list) > 0 && (v.kind == Array) != (list[0].kind == Array) {
			return Value{}, errArray
		}
		list = append(list, v)
	}
	return OfArray(r.elem.Kind, list), nil
}

func (r *arrayReader) accept(c byte) bool {
	if r.s == "" || r.s[0] != c {
		return false
	}
	r.s = r.s[1:]
	return true
}

func (r *arrayReader) element(depth int) (Value, error) {
	switch {
	case strings.HasPrefix(r.s, "{"):
		return r.array(depth + 1)
	case r.accept('"'):
		s, ok := r.quoted()
		if !ok {
			return Value{}, errArray
		}
		return parseText(r.elem, s)
	}
	end := r.end()
	if end <= 0 || r.s[end] != r.delimiter && r.s[end] != '}' {
		return Value{}, errArray
	}
	s := r.s[:end]
	r.s = r.s[end:]
	if strings.EqualFold(s, "NULL") {
		return OfNull(), nil
	}
	return parseText(r.elem, s)
}

// end finds what may stand after an element without quotes; -1 where nothing does.
func (r *arrayReader) end() int {
	if r.delimiter == Delimiter {
		return strings.IndexAny(r.s, `,{}"\`)
	}
	end := strings.IndexAny(r.s, `{}"\`)
	if at := strings.IndexByte(r.s, r.delimiter); at >= 0 && (at < end || end < 0) {
		return at
	}
	return end
}

// quoted reads up to the closing quote; a backslash stands before a quote and
// before another backslash.
func (r *arrayReader) quoted() (string, bool) {
	end := strings.IndexAny(r.s, `"\`)
	if end >= 0 && r.s[end] == '"' { // nearly always nothing is escaped
		s := r.s[:end]
		r.s = r.s[end+1:]
		return s, true
	}
	var b strings.Builder
	for end >= 0 {
		b.WriteString(r.s[:end])
		if r.s[end] == '"' {
			r.s = r.s[end+1:]
			return b.String(), true
		}
		if end+1 == len(r.s) {
			return "", false
		}
		b.WriteByte(r.s[end+1])
		r.s = r.s[end+2:]
		end = strings.IndexAny(r.s, `"\`)
	}
	return "", false
}

func appendArray(dst []byte, v Value) []byte {
	if bounds := v.Bounds(); bounds != "" {
		dst = append(append(dst, bounds...), '=')
	}
	dst = append(dst, '{')
	for i, e := range v.List() {
		if i > 0 {
			dst = append(dst, ',')
		}
		switch {
		case e.Missing():
			dst = append(dst, "NULL"...)
		case e.kind == Array:
			dst = appendArray(dst, e)
		default:
			start := len(dst)
			dst = AppendText(dst, e)
			dst = quoteFrom(dst, start)
		}
	}
	return append(dst, '}')
}

// quoteFrom puts the element that begins at start in quotes where it needs them.
func quoteFrom(dst []byte, start int) []byte {
	s := string(dst[start:])
	if s != "" && !strings.ContainsAny(s, "{}\",\\ \t\n\r\v\f") && !strings.EqualFold(s, "NULL") {
		return dst
	}
	dst = append(dst[:start], '"')
	for i := 0; i < len(s); i++ {
		if s[i] == '"' || s[i] == '\\' {
			dst = append(dst, '\\')
		}
		dst = append(dst, s[i])
	}
	return append(dst, '"')
}
