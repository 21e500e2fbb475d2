package enginetest

import (
	"strings"
	"testing"

	"odsd/engine"
	"odsd/storage/relation"
)

// A stream that cannot be what the store was filled from halts the table that it
// does not fit, and the views on it, by name and with a way out. The other tables
// of the source go on, and a copy of the table mends it.
func TestStreamThatDoesNotFitHaltsItsTable(t *testing.T) {
	row := func(key int) []relation.Value {
		return []relation.Value{int4(key), int4(1), relation.OfText("rare"), int4(99)}
	}
	for name, change := range map[string]engine.Change{
		"TAKEN_KEY/inserted":  {Operation: engine.Insert, Relation: "shop.items", New: row(3)},
		"TAKEN_KEY/updated":   {Operation: engine.Update, Relation: "shop.items", Old: row(3), New: row(4)},
		"MISSING_ROW/updated": {Operation: engine.Update, Relation: "shop.items", New: row(1000)},
	} {
		t.Run(name, func(t *testing.T) {
			code, _, _ := strings.Cut(name, "/")
			schemas := hotSchemas()
			checked, err := CheckViews(schemas, []string{hotView, itemView, orderView, skuView})
			if err != nil {
				t.Fatal(err)
			}
			w, err := NewWorld(schemas, checked, hotDatabase(t, schemas, 10))
			if err != nil {
				t.Fatal(err)
			}
			defer w.Close()
			w.building = true
			w.sources["shop"].Commit([]engine.Change{change})
			if err := turn(w, "the table is halted", func() bool { return w.table("shop.items").State == "halted" }); err != nil {
				t.Fatal(err)
			}
			if e := w.table("shop.items").Error; e.Code != code || !strings.Contains(e.Hint, "odsd resync shop.items") {
				t.Errorf("the table's error is %+v", e)
			}
			for _, v := range w.Engine.Status().Views {
				waits := v.State == engine.ViewWaiting && v.Error != nil && v.Error.Code == code
				if v.Name == "orders_only" != (v.State == engine.ViewReady) || v.Name != "orders_only" && !waits {
					t.Errorf("view %s is %s, error %+v", v.Name, v.State, v.Error)
				}
			}
			halted := checkOthersGoOn(t, w)
			if halted.State != engine.Streaming || halted.Error != nil {
				t.Errorf("the source is %s, error %+v", halted.State, halted.Error)
			}
			if err := w.Restart(); err != nil {
				t.Fatal(err)
			}
			if s := w.table("shop.items").State; s != "halted" {
				t.Errorf("after a restart the table is %s", s)
			}
			live, err := w.copyTable("shop.items", func() error { return nil }, func() error { return nil })
			if err != nil || !live {
				t.Fatalf("copied anew, the table is live: %t, %v", live, err)
			}
			w.building = false
			if err := w.settle(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := w.Check(); err != nil {
				t.Error(err)
			}
		})
	}
}

const (
	itemView  = "version: 1\nview: items_only\nfrom: shop.items\nfields: {order_id: , line: , sku: , quantity: }\n"
	skuView   = "version: 1\nview: above_items\nfrom: items_only\nfields: {order_id: , line: , quantity: }\n"
	orderView = "version: 1\nview: orders_only\nfrom: shop.orders\nfields: {id: , total: }\n"
)

// checkOthersGoOn commits to another table of the source and looks for it.
func checkOthersGoOn(t *testing.T, w *World) engine.SourceStatus {
	t.Helper()
	order := inserted("shop", "shop.orders", Cell{0, int4(11)}, Cell{1, int4(1)}, Cell{2, relation.OfInt(relation.Int8, 11)}, Cell{3, relation.OfDecimal(11, 2)})
	if err := w.Commit(Step{order}); err != nil {
		t.Fatal(err)
	}
	documents, err := w.Documents("orders_only")
	if err != nil || len(documents) != 11 {
		t.Errorf("%d orders, want 11: %v", len(documents), err)
	}
	for _, s := range w.Engine.Status().Sources {
		if s.Name == "shop" {
			return s
		}
	}
	return engine.SourceStatus{}
}
