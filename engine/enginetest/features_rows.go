package enginetest

import (
	"fmt"

	"odsd/engine"
	"odsd/storage/relation"
	"odsd/views"
)

// rows looks at what the history does to the columns that the views join, order and
// group by.
func (f *features) rows(c *Case, checked []*views.View) {
	joins := map[column]bool{} // columns that a list or `one` is found by
	orders := map[column]bool{}
	zoned := map[string]bool{} // relations grouped by a bucket in a zone with two offsets
	for _, v := range checked {
		for _, o := range v.Occurrences {
			for _, eq := range o.Join {
				joins[column{o.Schema.Name, eq.Column}] = true
				joins[column{v.Occurrences[eq.Outer].Schema.Name, eq.OuterColumn}] = true
			}
			for _, term := range o.Order {
				noteColumn(orders, v, term.Expr)
			}
		}
		for _, n := range v.Nodes {
			for _, term := range n.Order {
				noteColumn(orders, v, term.Expr)
			}
			for _, field := range n.Scalars {
				if zone := zoneOf(field.Expr); zone != "" && zone != "UTC" {
					zoned[v.Occurrences[0].Schema.Name] = true
				}
			}
		}
	}
	seen := map[string]bool{}
	for _, step := range c.Steps {
		for _, t := range step {
			for _, change := range t.Changes {
				f.cells(change, joins, orders, zoned, seen)
			}
		}
	}
}

type column struct {
	relation string
	ordinal  int
}

func noteColumn(into map[column]bool, v *views.View, e *views.Expr) {
	if e.Op == views.OpColumn {
		into[column{v.Occurrences[e.Occurrence].Schema.Name, e.Column}] = true
	}
}

func (f *features) cells(change Change, joins, orders map[column]bool, zoned, seen map[string]bool) {
	for _, cell := range change.Set {
		at := column{change.Relation, cell.Column}
		update := change.Operation == engine.Update
		f.has("move between parents", update && joins[at])
		f.has("null set in a join column", update && joins[at] && cell.Value.IsNull())
		f.has("place in a list changed", update && orders[at])
		if orders[at] {
			value := fmt.Sprint(at, string(relation.AppendText(nil, cell.Value)))
			f.has("ties in an order", seen[value])
			seen[value] = true
		}
		if zoned[change.Relation] && cell.Value.Kind() == relation.Timestamp {
			f.has("bucket in a zone, on a daylight-saving day", onClockChange(cell.Value.Int()))
		}
		f.has("NaN", cell.Value.IsNaN())
		f.has("infinity", cell.Value.InfinitySign() != 0)
	}
}

// zoneOf is the time zone of a dimension that is a bucket; "" of any other field.
func zoneOf(e *views.Expr) string {
	if e == nil || e.Op != views.OpCall || e.Name != "bucket" {
		return ""
	}
	return e.Args[2].Const.Str()
}

// clockChanges are the days, from midnight in UTC, on which Berlin's clocks are put
// forward and back.
var clockChanges = []int64{1_711_843_200_000_000, 1_729_987_200_000_000}

func onClockChange(us int64) bool {
	const day = 86_400_000_000
	for _, from := range clockChanges {
		if us >= from && us < from+day {
			return true
		}
	}
	return false
}
