package enginetest

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// tally counts in how many cases each feature was.
type tally map[string]int

func (y tally) add(features []string) {
	for _, name := range features {
		y[name]++
	}
}

// String lists the rarest first.
func (y tally) String() string {
	names := slices.SortedFunc(maps.Keys(y), func(a, b string) int {
		return cmp.Or(y[a]-y[b], strings.Compare(a, b))
	})
	var b strings.Builder
	for _, name := range names {
		fmt.Fprintf(&b, "%6d  %s\n", y[name], name)
	}
	return b.String()
}

// rare is how many of a thousand cases must have a feature at least: at the speed of
// the oracle, a few of each in a run of a minute.
const rare = 8

// TestGeneratedCasesHaveEveryFeature: whatever a view or a history of rows can have turns up
// often enough that a short run of the oracle meets it several times.
func TestGeneratedCasesHaveEveryFeature(t *testing.T) {
	found := tally{}
	const cases = 1000
	for seed := range uint64(cases) {
		c := Generate(seed, Options{Views: 1 + int(seed%4), Failing: seed%3 == 0})
		if checked, err := CheckViews(c.Schemas, c.Views); err == nil {
			found.add(Features(c, checked))
		}
	}
	t.Logf("of %d cases have\n%s", cases, found)
	for _, name := range wantedFeatures() {
		if found[name] < rare {
			t.Errorf("of %d cases %d have: %s", cases, found[name], name)
		}
	}
}

func wantedFeatures() []string {
	wanted := []string{
		"view of documents", "view of groups", "view of union", "having on documents", "having on groups",
		"declared index", "document key beside the primary key",
		"view on documents", "view on groups", "view on union", "view joined to a view",
		"view on a view on documents", "view on a view on groups", "view on a view on union",
		"list at depth 1", "list at depth 2", "list at depth 3", "list inside a one", "hidden list", "limit", "where",
		"order, descending", "order, nulls not where they are by default", "order by a to-one field or expression",
		"field computed inside a one", "bucket", "aggregate where", "aggregate where on several levels", "aggregate default",
		"aggregate of an aggregate", "required one", "one picked by its order", "one with a condition",
		"composite join", "one inside a one", "self-join", "join across sources", "join to another than the nearest",
		"join of different numbers", "union of a relation with itself", "union branch where", "union keyed beside a primary key",
		"union that widens a key", "union of three", "union with conflicts",
		"commit of several sources", "commit of several transactions of one source", "truncate", "insert after a truncate",
		"insert under a key just deleted", "changed key", "key swap", "move between parents", "null set in a join column",
		"place in a list changed", "ties in an order", "bucket in a zone, on a daylight-saving day", "NaN", "infinity",
		"checks", "composite key", "composite primary key", "collect with a limit", "collect of distinct values",
		"aggregate where on a to-one", "aggregate over a to-one", "aggregate of uuid", "aggregate of time", "aggregate of boolean",
		"key of interval", "key of enum", "key of interval in groups", "key of enum in groups", "key of interval in union",
		"order by interval", "order by enum", "join on interval", "join on enum",
	}
	for _, kind := range []string{"interval", "enum", "json", "array"} {
		wanted = append(wanted, "field of "+kind, "aggregate of "+kind)
	}
	for _, kind := range []string{"interval", "json", "array"} {
		wanted = append(wanted, "computed field of "+kind)
	}
	for _, function := range []string{"count", "sum", "min", "max", "avg", "count_distinct", "first", "last", "collect"} {
		wanted = append(wanted, function+" in documents", function+" in groups", function+" over 2 levels")
	}
	return wanted
}
