package views

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// Explanations of the views that the checker is tested with, of every kind.
func TestExplain(t *testing.T) {
	for _, folder := range []string{"customer_360", "aggregates", "shapes", "groups", "having", "kinds", "ranked", "fan_out"} {
		t.Run(folder, func(t *testing.T) {
			files, err := filepath.Glob(filepath.Join("testdata/check", folder, "*.yaml"))
			if err != nil || len(files) == 0 {
				t.Fatal("no views", err)
			}
			var defs []*Definition
			for _, file := range files {
				data, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				d, _ := Parse(filepath.Base(file), data)
				defs = append(defs, d)
			}
			checked, _ := CheckAll(defs, readSchemas(t, "testdata/schemas.txt"))
			compareGolden(t, filepath.Join("testdata/explain", folder+".golden"), explain(t, checked, Counts{}))
			if folder == "customer_360" || folder == "fan_out" {
				compareGolden(t, filepath.Join("testdata/explain", folder+"_counted.golden"), explain(t, checked, manyCounts))
			}
		})
	}
}

// manyCounts are those of a large shop.
var manyCounts = Counts{From: "the test", Rows: map[string]int64{
	"crm.customers": 2_000_000, "billing.accounts": 1_900_000, "shop.orders": 40_000_000, "shop.order_items": 120_000_000,
	"catalog.products": 50_000, "all_orders": 3_000_000, "customer_360": 2_000_000, "hr.employees": 900, "shop_de.orders": 1_000_000, "shop_us.orders": 5_000,
}}

func explain(t *testing.T, checked []*View, counts Counts) []byte {
	t.Helper()
	explained := map[string]string{}
	for _, v := range checked {
		plan, err := Compile(v)
		if err != nil {
			t.Fatal(err)
		}
		explained[v.Name] = plan.ExplainWith(counts).String()
	}
	var got []byte
	for _, name := range slices.Sorted(maps.Keys(explained)) {
		got = append(append(got, explained[name]...), '\n')
	}
	return got
}
