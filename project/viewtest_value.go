package project

import (
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"

	"odsd/internal/yamlfile"
	"odsd/storage/relation"
	"odsd/views"
)

// readValue reads a cell as its column's or field's type has it: a scalar as
// PostgreSQL writes it or expressions do, a list for an array, anything for JSON. labels are those
// of an enum, none where they are not known. As a stored value a decimal takes
// the scale of its type.
func readValue(n yamlfile.Node, t relation.Type, labels []string, stored bool) (relation.Value, bool) {
	switch {
	case n.Bad():
		return relation.Value{}, false
	case n.IsEmpty():
		return relation.OfNull(), true
	case t.Kind == relation.JSON && !n.IsScalar():
		var b []byte
		b, ok := appendJSON(nil, n)
		return relation.OfString(relation.JSON, string(b)), ok
	case t.Kind == relation.Array && n.IsSequence():
		return readArray(n, t, labels, stored)
	case !n.IsScalar():
		n.Reject(yamlfile.CodeShape, "", "a value of type %s cannot be a mapping or a list", t)
		return relation.Value{}, false
	}
	text := n.Value()
	if t.Kind == relation.Enum && len(labels) > 0 && !slices.Contains(labels, text) {
		n.Reject(yamlfile.CodeValue, yamlfile.DidYouMean(text, labels), "%s has no label %q", t, text)
		return relation.Value{}, false
	}
	value, err := parseCell(t, text, stored)
	if err != nil {
		n.Reject(yamlfile.CodeValue, "values are written as PostgreSQL prints them", "%v", err)
		return relation.Value{}, false
	}
	return value, true
}

func readArray(n yamlfile.Node, t relation.Type, labels []string, stored bool) (relation.Value, bool) {
	elem := relation.TypeOf(t.Elem)
	var list []relation.Value
	ok := true
	for _, item := range n.Items("an array") {
		value, read := readValue(item, elem, labels, stored)
		list = append(list, value)
		ok = ok && read
	}
	return relation.OfArray(t.Elem, list), ok
}

var (
	errNotJSON = errors.New("not valid JSON: write a mapping, a list, or JSON in quotes")
	errScale   = errors.New("more decimal places than the column has")
)

func parseCell(t relation.Type, text string, stored bool) (relation.Value, error) {
	switch t.Kind {
	case relation.JSON:
		if !json.Valid([]byte(text)) {
			return relation.Value{}, errNotJSON
		}
	case relation.Decimal:
		if stored && t.Scale >= 0 {
			var ok bool
			if text, ok = padDecimal(text, int(t.Scale)); !ok {
				return relation.Value{}, errScale
			}
		}
	}
	return views.ParseLiteral(t, text)
}

// padDecimal gives a decimal as many places as its column has; ok is false where
// it has more.
func padDecimal(text string, scale int) (string, bool) {
	if strings.Trim(text, "0123456789.+-") != "" {
		return text, true // NaN, Infinity, or nothing that is a number
	}
	whole, places, _ := strings.Cut(text, ".")
	if len(places) > scale {
		return "", false
	}
	if scale == 0 {
		return whole, true
	}
	return whole + "." + places + strings.Repeat("0", scale-len(places)), true
}

// appendJSON writes what stands at a node as JSON. Plain words and numbers are
// what YAML takes them for.
func appendJSON(b []byte, n yamlfile.Node) (_ []byte, ok bool) {
	ok = true
	switch {
	case n.IsMapping():
		b = append(b, '{')
		for i, e := range n.Entries("a JSON object") {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendJSONText(b, e.Key.Value())
			b = append(b, ':')
			var whole bool
			b, whole = appendJSON(b, e.Value)
			ok = ok && whole
		}
		return append(b, '}'), ok && n.Sound()
	case n.IsSequence():
		b = append(b, '[')
		for i, item := range n.Items("a JSON array") {
			if i > 0 {
				b = append(b, ',')
			}
			var whole bool
			b, whole = appendJSON(b, item)
			ok = ok && whole
		}
		return append(b, ']'), ok && n.Sound()
	case n.IsEmpty():
		return append(b, "null"...), true
	case n.IsPlain() && (n.Value() == "true" || n.Value() == "false" || isJSONNumber(n.Value())):
		return append(b, n.Value()...), true
	}
	return appendJSONText(b, n.Value()), true
}

func isJSONNumber(text string) bool {
	_, err := strconv.ParseFloat(text, 64)
	return err == nil && json.Valid([]byte(text))
}

func appendJSONText(b []byte, s string) []byte {
	quoted, err := json.Marshal(s)
	if err != nil { // never for a string
		return append(b, "null"...)
	}
	return append(b, quoted...)
}
