package viewtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"odsd/engine/reference"
	"odsd/project"
	"odsd/storage/relation"
	"odsd/views"
)

const (
	absent    = reference.Absent
	notListed = "(not listed)"
)

// comparison of documents with what a test lists of them.
type comparison struct {
	exact bool
	found []Difference
}

// compareExpected compares all documents of a view, which are in the order of
// their keys. A document is found by its key where the test names it, else by
// its place.
func compareExpected(actual []*reference.Document, expect *project.Expectation) []Difference {
	c := &comparison{exact: expect.Exact}
	if slices.ContainsFunc(expect.Documents, func(d *project.ExpectedDocument) bool { return d.Key == nil }) {
		c.byPlace("", actual, expect.Documents, true)
	} else {
		c.byKey(actual, expect.Documents)
	}
	return c.found
}

func (c *comparison) byKey(actual []*reference.Document, expected []*project.ExpectedDocument) {
	left := slices.Clone(actual)
	for _, want := range expected {
		i := slices.IndexFunc(left, func(d *reference.Document) bool { return slices.EqualFunc(d.Key, want.Key, relation.Equal) })
		if i < 0 {
			c.add("["+keyText(want.Key)+"]", absent, documentText(want))
			continue
		}
		c.document("["+keyText(want.Key)+"]", left[i], want)
		left = slices.Delete(left, i, i+1)
	}
	for _, d := range left {
		c.add("["+keyText(d.Key)+"]", d.String(), absent)
	}
}

// byPlace compares lists entry by entry. Roots are named by their keys, which
// people know them by, entries by their place.
func (c *comparison) byPlace(path string, actual []*reference.Document, expected []*project.ExpectedDocument, roots bool) {
	for i := range max(len(actual), len(expected)) {
		at := fmt.Sprintf("%s[%d]", path, i)
		if roots && i < len(actual) {
			at = "[" + keyText(actual[i].Key) + "]"
		}
		switch {
		case i >= len(actual):
			c.add(at, absent, documentText(expected[i]))
		case i >= len(expected):
			c.add(at, actual[i].String(), absent)
		default:
			c.document(at, actual[i], expected[i])
		}
	}
}

func (c *comparison) document(path string, actual *reference.Document, expected *project.ExpectedDocument) {
	for i := range expected.Fields {
		want := &expected.Fields[i]
		got := actual.Field(want.Field.Name)
		if got == nil {
			c.add(path+"."+want.Field.Name, absent, fieldText(want))
			continue
		}
		c.field(path+"."+want.Field.Name, got, want)
	}
	if !c.exact {
		return
	}
	for i := range actual.Fields {
		got := &actual.Fields[i]
		if !slices.ContainsFunc(expected.Fields, func(f project.ExpectedField) bool { return f.Field.Name == got.Name }) {
			c.add(path+"."+got.Name, got.String(), notListed)
		}
	}
}

func (c *comparison) field(path string, got *reference.Field, want *project.ExpectedField) {
	switch got.Kind {
	case views.OneField:
		switch {
		case got.One == nil && want.One == nil:
		case got.One == nil || want.One == nil:
			c.add(path, got.String(), fieldText(want))
		default:
			c.document(path, got.One, want.One)
		}
	case views.ManyField:
		c.byPlace(path, got.Many, want.Many, false)
	default:
		if !equal(got.Value, want.Value) {
			c.add(path, got.String(), fieldText(want))
		}
	}
}

func (c *comparison) add(path, actual, expected string) {
	c.found = append(c.found, Difference{Path: path, Actual: actual, Expected: expected})
}

// equal compares as PostgreSQL's = does, 1.0 with 1.00; JSON by its meaning; a
// field that could not be computed shows as null.
func equal(a, b relation.Value) bool {
	if a.Missing() || b.Missing() {
		return a.Missing() && b.Missing()
	}
	if a.Kind() == relation.JSON {
		return reflect.DeepEqual(parsedJSON(a.Str()), parsedJSON(b.Str()))
	}
	return relation.Equal(a, b)
}

func parsedJSON(s string) any {
	d := json.NewDecoder(bytes.NewReader([]byte(s)))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return s
	}
	return v
}

func keyText(key []relation.Value) string {
	parts := make([]string, len(key))
	for i, v := range key {
		parts[i] = string(relation.AppendText(nil, v))
	}
	return strings.Join(parts, ",")
}

// documentText prints an expected document as an actual one is printed.
func documentText(d *project.ExpectedDocument) string {
	if d == nil {
		return "null"
	}
	fields := make([]string, len(d.Fields))
	for i := range d.Fields {
		fields[i] = d.Fields[i].Field.Name + ": " + fieldText(&d.Fields[i])
	}
	return "{" + strings.Join(fields, ", ") + "}"
}

func fieldText(f *project.ExpectedField) string {
	switch f.Field.Kind {
	case views.OneField:
		return documentText(f.One)
	case views.ManyField:
		list := make([]string, len(f.Many))
		for i, d := range f.Many {
			list[i] = documentText(d)
		}
		return "[" + strings.Join(list, ", ") + "]"
	}
	return reference.Text(f.Value)
}
