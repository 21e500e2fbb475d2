package enginetest

import (
	"slices"
	"strings"
	"testing"

	"odsd/engine"
	"odsd/storage/relation"
)

// Views that leave the sku of an item alone: by itself, in lists and sums, through an index, and above another view.
var withoutSKU = []string{`version: 1
view: lines
from: shop.items
fields: [order_id, line, quantity]
`, `version: 1
view: per_order
from: shop.orders
fields:
  id:
  quantity: {sum: items.quantity}
  items:
    many: shop.items
    join: items.order_id == orders.id
    order_by: [quantity desc]
    fields: [line, quantity]
`, `version: 1
view: many_of_one
from: lines
key: [order_id, line]
where: quantity > 1
fields: [order_id, line, quantity]
`}

const withSKU = `version: 1
view: skus
from: shop.items
fields: [order_id, line, sku]
`

// alter makes the database's items other ones, by their schema and each of their rows, and
// has them copied anew.
func alter(t *testing.T, w *World, schemas []*relation.Schema, change func(row []relation.Value) []relation.Value) {
	t.Helper()
	altered := NewDatabase(schemas)
	for _, s := range schemas {
		for _, row := range w.rowsOf(s.Name) {
			if s.Name == "shop.items" {
				row = change(row)
			}
			if err := altered.Set(s.Name, row); err != nil {
				t.Fatal(err)
			}
		}
	}
	w.Database, w.schemas = altered, schemas
	w.sources["shop"].SetSchema(schemas[2])
	if live, err := w.copyTable("shop.items", func() error { return nil }, func() error { return nil }); err != nil || !live {
		t.Fatalf("copied anew, the table is live: %t, %v", live, err)
	}
}

// startHot starts a world of hot rows whose views may fail.
func startHot(t *testing.T, texts ...string) *World {
	t.Helper()
	checked, err := CheckViews(hotSchemas(), texts)
	if err != nil {
		t.Fatal(err)
	}
	w, err := NewWorld(hotSchemas(), checked, hotDatabase(t, hotSchemas(), 10))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	w.building = true
	return w
}

func viewNamed(w *World, name string) engine.ViewReport {
	for _, v := range w.Engine.Status().Views {
		if v.Name == name {
			return v
		}
	}
	return engine.ViewReport{}
}

// A table that lost or retyped a column, copied anew, brings the views back that do not use the
// column, and they are right, wherever the others lie now. One that uses it is not shown otherwise than it was
// without being asked for.
func TestViewsComeBackThatDoNotUseWhatWasAltered(t *testing.T) {
	dropped, replaced, retyped := hotSchemas(), hotSchemas(), hotSchemas()
	dropped[2].Columns = slices.Delete(dropped[2].Columns, 2, 3)
	added := relation.Column{Name: "weight", Type: relation.TypeOf(relation.Int4), Attribute: 5}
	replaced[2].Columns = append(slices.Delete(replaced[2].Columns, 2, 3), added)
	retyped[2].Columns[2].Type = relation.TypeOf(relation.Int8)
	for name, altered := range map[string]struct {
		schemas []*relation.Schema
		change  func([]relation.Value) []relation.Value
	}{
		"dropped in the middle": {dropped, func(row []relation.Value) []relation.Value { return slices.Delete(row, 2, 3) }},
		"dropped in the middle, and another added": {replaced, func(row []relation.Value) []relation.Value {
			return append(slices.Delete(row, 2, 3), int4(1000))
		}},
		"retyped": {retyped, func(row []relation.Value) []relation.Value {
			row[2] = relation.OfInt(relation.Int8, 7)
			return row
		}},
	} {
		t.Run(name, func(t *testing.T) {
			w := startHot(t, append(slices.Clone(withoutSKU), withSKU)...)
			alter(t, w, altered.schemas, altered.change)
			if err := turn(w, "the views are ready", func() bool { return w.Engine.Status().Ready }); err != nil {
				t.Fatal(err)
			}
			if v := viewNamed(w, "skus"); v.State != engine.ViewFailed || v.Error == nil || !strings.Contains(v.Error.Message, "odsd reload") {
				t.Errorf("the view that uses the column is %s: %+v", v.State, v.Error)
			}
			var err error
			if w.Views, err = CheckViews(altered.schemas, withoutSKU); err != nil {
				t.Fatal(err)
			}
			goesOnRight(t, w)
			if err := w.Restart(); err != nil {
				t.Fatal(err)
			}
			goesOnRight(t, w)
		})
	}
}

// goesOnRight changes items and checks every view.
func goesOnRight(t *testing.T, w *World) {
	t.Helper()
	items := w.schemas[2]
	row := slices.Clone(w.rowsOf(items.Name)[0])
	quantity := items.Column("quantity")
	row[quantity] = int4(int(row[quantity].Int()) + 100)
	if err := w.Database.Set(items.Name, row); err != nil {
		t.Fatal(err)
	}
	w.sources["shop"].Commit([]engine.Change{{Operation: engine.Update, Relation: items.Name, New: row}})
	if err := w.settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := w.Check(); err != nil {
		t.Error(err)
	}
}

// A view that failed by the columns that it was checked against is built when it is checked
// against those that are stored, though it is kept in the same way.
func TestFailedViewIsBuiltWhenItIsCheckedAgain(t *testing.T) {
	w := startHot(t, withSKU)
	schemas := hotSchemas()
	schemas[2].Columns[2].NotNull = true // which readers are told, and by which nothing is kept otherwise
	schemas[2].Columns[3].Type = relation.TypeOf(relation.Int8)
	alter(t, w, schemas, func(row []relation.Value) []relation.Value {
		row[3] = relation.OfInt(relation.Int8, row[3].Int())
		return row
	})
	if err := turn(w, "the view has failed", func() bool { return viewNamed(w, "skus").State == engine.ViewFailed }); err != nil {
		t.Fatal(err)
	}
	var err error
	if w.Views, err = CheckViews(schemas, []string{withSKU}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Engine.Define(t.Context(), engine.Definitions{Views: w.Views}); err != nil {
		t.Fatal(err)
	}
	if err := turn(w, "the view is ready", func() bool { return viewNamed(w, "skus").State == engine.ViewReady }); err != nil {
		t.Fatal(err)
	}
	if err := w.Check(); err != nil {
		t.Error(err)
	}
}
