package reference

import (
	"encoding/json"
	"strconv"

	"odsd/storage/relation"
	"odsd/views"
)

// String is the document in one line for golden files and differences:
//
//	{id: 1, name: "Ada", paid: 19.90, account: null, orders: [{id: 10}, {id: 11}]}
//
// A field that could not be computed reads !overflow, with the reason.
func (d *Document) String() string { return string(d.appendText(nil)) }

func (d *Document) appendText(b []byte) []byte {
	if d == nil {
		return append(b, "null"...)
	}
	b = append(b, '{')
	for i, f := range d.Fields {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = append(b, f.Name...)
		b = append(b, ": "...)
		b = f.appendText(b)
	}
	return append(b, '}')
}

func (f *Field) appendText(b []byte) []byte {
	switch f.Kind {
	case views.OneField:
		return f.One.appendText(b)
	case views.ManyField:
		b = append(b, '[')
		for i, d := range f.Many {
			if i > 0 {
				b = append(b, ", "...)
			}
			b = d.appendText(b)
		}
		return append(b, ']')
	}
	return appendValue(b, f.Value)
}

// String is the field's value as Document.String shows it.
func (f *Field) String() string { return string(f.appendText(nil)) }

// Text prints a value as Document.String does.
func Text(v relation.Value) string { return string(appendValue(nil, v)) }

// appendValue prints a value for people: text quoted, numbers as PostgreSQL
// prints them.
func appendValue(b []byte, v relation.Value) []byte {
	switch v.Kind().Family() {
	case relation.NoFamily:
		if v.IsError() {
			return append(append(b, '!'), v.Code().String()...)
		}
		return append(b, "null"...)
	case relation.BoolFamily:
		return strconv.AppendBool(b, v.Bool())
	case relation.TextFamily, relation.JSONFamily, relation.BytesFamily:
		return strconv.AppendQuote(b, string(relation.AppendText(nil, v)))
	}
	return relation.AppendText(b, v)
}

// keyText prints a key for paths, "10" or "10,de".
func keyText(key []relation.Value) string {
	var b []byte
	for i, v := range key {
		if i > 0 {
			b = append(b, ',')
		}
		b = relation.AppendText(b, v)
	}
	return string(b)
}

// AppendJSON prints the document as canonical JSON, in which every value that
// is not null is a string of PostgreSQL's own text (`true` and `false` for
// booleans), so that documents compare exactly with what SQL computes. A field
// that could not be computed is null.
func (d *Document) AppendJSON(b []byte) []byte {
	if d == nil {
		return append(b, "null"...)
	}
	b = append(b, '{')
	for i, f := range d.Fields {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendJSONString(b, f.Name)
		b = append(b, ':')
		b = f.appendJSON(b)
	}
	return append(b, '}')
}

func (f *Field) appendJSON(b []byte) []byte {
	switch f.Kind {
	case views.OneField:
		return f.One.AppendJSON(b)
	case views.ManyField:
		b = append(b, '[')
		for i, d := range f.Many {
			if i > 0 {
				b = append(b, ',')
			}
			b = d.AppendJSON(b)
		}
		return append(b, ']')
	}
	switch {
	case f.Value.Missing():
		return append(b, "null"...)
	case f.Value.Kind() == relation.Bool:
		return appendJSONString(b, strconv.FormatBool(f.Value.Bool()))
	}
	return appendJSONString(b, string(relation.AppendText(nil, f.Value)))
}

func appendJSONString(b []byte, s string) []byte {
	quoted, err := json.Marshal(s)
	if err != nil { // never for a string
		return append(b, "null"...)
	}
	return append(b, quoted...)
}
