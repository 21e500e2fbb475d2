package reference

import (
	"math"
	"strconv"

	"odsd/storage/relation"
	"odsd/views"
)

// Difference is one cell, `one` or list entry in which two documents differ.
type Difference struct {
	// Path of field names, list entries by their key: orders[10].items[10,1].quantity.
	Path string
	// Actual and Expected as String prints them; Absent where there is nothing.
	Actual, Expected string
}

// Absent stands in a Difference for a document or list entry that is not there.
const Absent = "(absent)"

// Compare lists the cells in which a document differs from the expected one.
// Either may be nil: no such document. Values must be identical to the scale
// of a decimal; a failed field must have failed for the same reason.
func Compare(actual, expected *Document) []Difference {
	c := comparison{}
	c.documents("", actual, expected)
	return c.found
}

// CompareAll compares two sets of documents by their keys. Paths begin with the
// key in brackets. Both sets are in the order of their keys.
func CompareAll(actual, expected []*Document) []Difference {
	c := comparison{}
	for len(actual) > 0 || len(expected) > 0 {
		switch order := headOrder(actual, expected); {
		case order < 0:
			c.documents(entryPath("", actual[0]), actual[0], nil)
			actual = actual[1:]
		case order > 0:
			c.documents(entryPath("", expected[0]), nil, expected[0])
			expected = expected[1:]
		default:
			c.documents(entryPath("", expected[0]), actual[0], expected[0])
			actual, expected = actual[1:], expected[1:]
		}
	}
	return c.found
}

func headOrder(actual, expected []*Document) int {
	switch {
	case len(actual) == 0:
		return 1
	case len(expected) == 0:
		return -1
	}
	return compareKeys(actual[0].Key, expected[0].Key)
}

type comparison struct{ found []Difference }

func (c *comparison) add(path, actual, expected string) {
	c.found = append(c.found, Difference{Path: path, Actual: actual, Expected: expected})
}

func (c *comparison) documents(path string, actual, expected *Document) {
	switch {
	case actual == nil && expected == nil:
	case actual == nil:
		c.add(path, Absent, expected.String())
	case expected == nil:
		c.add(path, actual.String(), Absent)
	default:
		c.fields(path, actual, expected)
	}
}

func (c *comparison) fields(path string, actual, expected *Document) {
	for i := range expected.Fields {
		want := &expected.Fields[i]
		at := fieldPath(path, want.Name)
		got := actual.Field(want.Name)
		if got == nil || got.Kind != want.Kind {
			c.add(at, Absent, string(want.appendText(nil)))
			continue
		}
		c.field(at, got, want)
	}
	for i := range actual.Fields {
		if got := &actual.Fields[i]; expected.Field(got.Name) == nil {
			c.add(fieldPath(path, got.Name), string(got.appendText(nil)), Absent)
		}
	}
}

func (c *comparison) field(path string, got, want *Field) {
	switch want.Kind {
	case views.OneField:
		if (got.One == nil) != (want.One == nil) {
			c.add(path, got.One.String(), want.One.String())
			return
		}
		c.documents(path, got.One, want.One)
	case views.ManyField:
		c.lists(path, got.Many, want.Many)
	default:
		if !identical(got.Value, want.Value) {
			c.add(path, string(appendValue(nil, got.Value)), string(appendValue(nil, want.Value)))
		}
	}
}

// lists compares entries by their keys, and then the order of the keys.
func (c *comparison) lists(path string, actual, expected []*Document) {
	byKey := make(map[string]*Document, len(actual))
	for _, d := range actual {
		if byKey[identity(d.Key)] != nil {
			c.add(entryPath(path, d), d.String(), "once only")
		}
		byKey[identity(d.Key)] = d
	}
	var common []*Document // of the expected list, those that are in both
	for _, want := range expected {
		got := byKey[identity(want.Key)]
		c.documents(entryPath(path, want), got, want)
		if got != nil {
			common = append(common, want)
			delete(byKey, identity(want.Key))
		}
	}
	var kept []*Document // of the actual list, those that are in both
	for _, got := range actual {
		if byKey[identity(got.Key)] != nil {
			c.documents(entryPath(path, got), got, nil)
			continue
		}
		kept = append(kept, got)
	}
	c.order(path, kept, common)
}

func (c *comparison) order(path string, actual, expected []*Document) {
	for i := range min(len(actual), len(expected)) {
		if identity(actual[i].Key) != identity(expected[i].Key) {
			c.add(path+"["+strconv.Itoa(i)+"] of the order", keyText(actual[i].Key), keyText(expected[i].Key))
			return
		}
	}
}

// identical is relation.Identical with all NaNs alike.
func identical(a, b relation.Value) bool {
	if a.Kind() == b.Kind() && a.Kind().Family() == relation.FloatFamily {
		return a.Float() == b.Float() || math.IsNaN(a.Float()) && math.IsNaN(b.Float())
	}
	return relation.Identical(a, b)
}

func fieldPath(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func entryPath(path string, d *Document) string { return path + "[" + keyText(d.Key) + "]" }
