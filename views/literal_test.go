package views

import (
	"fmt"
	"testing"

	"odsd/internal/yamlfile"
	"odsd/storage/relation"
)

// A default and an accepted value are written as PostgreSQL prints them or as an expression
// would have them, and they are values: neither infinite nor NaN.
func TestDefaultsAndAcceptedValuesAreReadAsExpressionsReadThem(t *testing.T) {
	timestamp, interval := relation.TypeOf(relation.Timestamp), relation.TypeOf(relation.Interval)
	for _, c := range []struct {
		of         relation.Type
		text, want string // want: as PostgreSQL prints it; "" for an error
	}{
		{timestamp, "2024-03-01 10:00:00+00", "2024-03-01 10:00:00+00"},
		{timestamp, "2024-03-01T10:00:00.5Z", "2024-03-01 10:00:00.5+00"},
		{timestamp, "2024-03-01", "2024-03-01 00:00:00+00"},
		{timestamp, "2024-03-01 10:00+02", "2024-03-01 08:00:00+00"},
		{timestamp, "infinity", ""},
		{timestamp, "2024-02-30", ""},
		{timestamp, "soon", ""},
		{relation.TypeOf(relation.Date), "2024-02-29", "2024-02-29"},
		{relation.TypeOf(relation.Date), "-infinity", ""},
		{relation.TypeOf(relation.Time), "08:30:00", "08:30:00"},
		{interval, "1 mon -1 days", "1 mon -1 days"},
		{interval, "-2 weeks", "-14 days"},
		{interval, "1 day 2 hours", "1 day 02:00:00"},
		{interval, "1 fortnight", ""},
		{relation.TypeOf(relation.UUID), "6BA7B810-9DAD-11D1-80B4-00C04FD430C8", "6ba7b810-9dad-11d1-80b4-00c04fd430c8"},
		{relation.TypeOf(relation.Decimal), "1.10", "1.10"},
		{relation.TypeOf(relation.Decimal), "NaN", ""},
		{relation.TypeOf(relation.Float8), "Infinity", ""},
		{relation.TypeOf(relation.Int2), "32768", ""},
		{relation.TypeOf(relation.Enum), "paid", "paid"},
		{relation.TypeOf(relation.Text), "2024-03-01T10:00:00Z", "2024-03-01T10:00:00Z"},
	} {
		v := withLiteral(t, c.of, c.text)
		if c.want == "" {
			if v != nil {
				t.Errorf("%q is taken for a value of type %s", c.text, c.of)
			}
			continue
		}
		if v == nil {
			t.Errorf("%q is taken for no value of type %s", c.text, c.of)
			continue
		}
		stands := v.Nodes[0].Scalars[len(v.Nodes[0].Scalars)-1].Aggregate.Default
		accepted := v.Checks[0].Accepted[0]
		for what, value := range map[string]relation.Value{"default": *stands, "accepted value": accepted} {
			if got := string(relation.AppendText(nil, value)); got != c.want {
				t.Errorf("as a %s of type %s, %q is read as %s, want %s", what, c.of, c.text, got, c.want)
			}
		}
	}
}

// withLiteral checks a view in which a text stands as a default and as an accepted value of
// a type: nil where it is neither. Both read it, or neither does.
func withLiteral(t *testing.T, of relation.Type, text string) *View {
	t.Helper()
	columns := []relation.Column{{Name: "id", Type: relation.TypeOf(relation.Int4), NotNull: true}, {Name: "c", Type: of}}
	schemas := map[string]*relation.Schema{"a.t": {Name: "a.t", Columns: columns, Key: []int{0}}}
	quoted := yamlfile.Scalar(text)
	definition, found := Parse("v.yaml", fmt.Appendf(nil, `
version: 1
view: v
from: a.t
fields:
  id:
  c:
  rows: {many: a.t, as: o, join: o.id == t.id, fields: [id]}
  d: {first: rows.c, order_by: [id], default: %s}
checks: [{accepted_values: {c: [%s]}}]
`, quoted, quoted))
	checked, problems := CheckAll([]*Definition{definition}, schemas)
	switch found = append(found, problems...); {
	case len(found) == 2 && found[0].Code == yamlfile.CodeDefault && found[1].Code == yamlfile.CodeCheck:
		return nil
	case len(found) > 0 || len(checked) != 1:
		t.Fatalf("%s %q: %+v", of, text, found)
	}
	return checked[0]
}
