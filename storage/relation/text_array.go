package relation

import (
	"errors"
	"strings"
)

var errArray = errors.New("expected elements between braces, separated by commas")

// maxArrayDimensions is PostgreSQL's own limit.
const maxArrayDimensions = 6

// arrayReader reads PostgreSQL's text of an array.
type arrayReader struct {
	elem Type
	s    string // what is left
}

// parseArray reads {1,NULL,"a b",{…}}. An array whose first index is not 1,
// which prints its bounds, is refused: a list has no place for them.
func parseArray(elem Kind, s string) (Value, error) {
	if strings.HasPrefix(s, "[") {
		return Value{}, errors.New("an array whose lower bounds are not 1 cannot be held")
	}
	r := arrayReader{elem: TypeOf(elem), s: s}
	v, err := r.array(1)
	if err == nil && r.s != "" {
		return Value{}, errArray
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
		if len(list) > 0 && !r.accept(',') {
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
	end := strings.IndexAny(r.s, `,{}"\`)
	if end <= 0 || r.s[end] != ',' && r.s[end] != '}' {
		return Value{}, errArray
	}
	s := r.s[:end]
	r.s = r.s[end:]
	if strings.EqualFold(s, "NULL") {
		return OfNull(), nil
	}
	return parseText(r.elem, s)
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
