package project

import (
	"testing"

	"odsd/storage/relation"
)

// A cell of a view test is written as PostgreSQL prints it or as an expression would
// have it: a day is its midnight in UTC.
func TestCellsAreReadAsExpressionsReadThem(t *testing.T) {
	timestamp, interval := relation.TypeOf(relation.Timestamp), relation.TypeOf(relation.Interval)
	price := relation.Type{Kind: relation.Decimal, Scale: 2, Name: "numeric(8,2)"}
	for _, c := range []struct {
		of         relation.Type
		text, want string // want: as PostgreSQL prints it; "" for an error
	}{
		{timestamp, "2024-03-01 10:00:00+00", "2024-03-01 10:00:00+00"},
		{timestamp, "2024-03-01T10:00:00.5Z", "2024-03-01 10:00:00.5+00"},
		{timestamp, "2024-03-01", "2024-03-01 00:00:00+00"},
		{timestamp, "2024-03-01T10:00", "2024-03-01 10:00:00+00"},
		{timestamp, "2024-03-01 10:00+02", "2024-03-01 08:00:00+00"},
		{timestamp, "0044-03-15 00:00:00+00 BC", "0044-03-15 00:00:00+00 BC"},
		{timestamp, "infinity", "infinity"},
		{timestamp, "2024-02-30", ""},
		{timestamp, "soon", ""},
		{interval, "1 mon -1 days", "1 mon -1 days"},
		{interval, "1 day 2 hours", "1 day 02:00:00"},
		{relation.TypeOf(relation.Time), "08:30:00", "08:30:00"},
		{price, "19.9", "19.90"},
		{price, "19.999", ""},
	} {
		value, err := parseCell(c.of, c.text, true)
		if got := ""; err == nil {
			if got = string(relation.AppendText(nil, value)); got != c.want {
				t.Errorf("%s %q is read as %s, want %q", c.of, c.text, got, c.want)
			}
		} else if c.want != "" {
			t.Errorf("%s %q: %v", c.of, c.text, err)
		}
	}
}
