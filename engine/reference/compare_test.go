package reference

import (
	"math"
	"strings"
	"testing"

	"odsd/storage/relation"
	"odsd/views"
)

func entry(id int64, fields ...Field) *Document {
	key := relation.OfInt(relation.Int4, id)
	all := append([]Field{{Name: "id", Kind: views.ScalarField, Value: key}}, fields...)
	return &Document{Key: []relation.Value{key}, Fields: all}
}

func scalar(name string, v relation.Value) Field {
	return Field{Name: name, Kind: views.ScalarField, Value: v}
}

func list(name string, entries ...*Document) Field {
	return Field{Name: name, Kind: views.ManyField, Many: entries}
}

func one(name string, d *Document) Field {
	return Field{Name: name, Kind: views.OneField, One: d}
}

func TestCompareNamesEachCell(t *testing.T) {
	cent := relation.OfDecimal
	tests := []struct {
		name             string
		actual, expected *Document
		want             string
	}{
		{"same", entry(1, scalar("x", cent(10, 1))), entry(1, scalar("x", cent(10, 1))), ""},
		{"NaN is NaN", entry(1, scalar("x", relation.OfFloat(relation.Float8, math.NaN()))),
			entry(1, scalar("x", relation.OfFloat(relation.Float8, -math.NaN()))), ""},
		{"scale", entry(1, scalar("x", cent(10, 1))), entry(1, scalar("x", cent(100, 2))), "x: 1.0, want 1.00"},
		{"error for null", entry(1, scalar("x", relation.OfError(relation.ErrOverflow))), entry(1, scalar("x", relation.OfNull())),
			"x: !overflow, want null"},
		{"no document", nil, entry(1), ": (absent), want {id: 1}"},
		{"a one too many", entry(1, one("o", entry(7))), entry(1, one("o", nil)), "o: {id: 7}, want null"},
		{"inside a one", entry(1, one("o", entry(7))), entry(1, one("o", entry(8))), "o.id: 7, want 8"},
		{"list entries", entry(1, list("l", entry(1), entry(2, scalar("x", cent(1, 0))))),
			entry(1, list("l", entry(2, scalar("x", cent(2, 0))), entry(3))),
			"l[2].x: 1, want 2; l[3]: (absent), want {id: 3}; l[1]: {id: 1}, want (absent)"},
		{"list order", entry(1, list("l", entry(1), entry(2))), entry(1, list("l", entry(2), entry(1))),
			"l[0] of the order: 1, want 2"},
		{"an entry twice", entry(1, list("l", entry(1), entry(1))), entry(1, list("l", entry(1))),
			"l[1]: {id: 1}, want once only"},
		{"missing field", entry(1), entry(1, scalar("x", cent(1, 0))), "x: (absent), want 1"},
		{"unknown field", entry(1, scalar("x", cent(1, 0))), entry(1), "x: 1, want (absent)"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := differences(Compare(test.actual, test.expected)); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func differences(found []Difference) string {
	var lines []string
	for _, d := range found {
		lines = append(lines, d.Path+": "+d.Actual+", want "+d.Expected)
	}
	return strings.Join(lines, "; ")
}

func TestCompareAllAlignsByKey(t *testing.T) {
	actual := []*Document{entry(1), entry(3)}
	expected := []*Document{entry(2), entry(3, scalar("x", relation.OfNull()))}
	want := "[1]: {id: 1}, want (absent); [2]: (absent), want {id: 2}; [3].x: (absent), want null"
	if got := differences(CompareAll(actual, expected)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
