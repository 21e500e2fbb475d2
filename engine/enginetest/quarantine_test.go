package enginetest

import (
	"context"
	"strings"
	"testing"

	"odsd/engine"
	"odsd/storage/relation"
)

// quarantineWorld holds an engine whose sources send rows that cannot be read;
// its Database has the rows that views shall see.
type quarantineWorld struct {
	*World
	t *testing.T
}

// commit sends one change of a source, and checks the views.
func (w *quarantineWorld) commit(c engine.Change) {
	w.t.Helper()
	source := SourceOf(c.Relation)
	end := w.sources[source].Commit([]engine.Change{c})
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	if err := w.Engine.WaitFor(ctx, source, end); err != nil {
		w.t.Fatal(err)
	}
	w.check()
}

func (w *quarantineWorld) check() {
	w.t.Helper()
	if err := w.Check(); err != nil {
		w.t.Fatal(err)
	}
	reading, err := w.Engine.Read()
	if err != nil {
		w.t.Fatal(err)
	}
	defer reading.Close()
	for name, served := range reading.Views {
		differences, _, err := engine.VerifyView(w.t.Context(), reading.Snapshot, reading.Views, served)
		if err != nil || len(differences) != 0 {
			w.t.Fatalf("verify of %s: %v, %v", name, differences, err)
		}
	}
}

// fault is what status says of a table.
func (w *quarantineWorld) fault(table string) string {
	w.t.Helper()
	for _, s := range w.Engine.Status().Sources {
		for _, t := range s.Tables {
			if t.Name != table {
				continue
			}
			if t.State != "live" {
				w.t.Errorf("%s is %s", table, t.State)
			}
			if t.Error == nil {
				return ""
			}
			return t.Error.Code + ": " + t.Error.Message
		}
	}
	w.t.Fatalf("no table %s in the status", table)
	return ""
}

func (w *quarantineWorld) says(table string, wanted ...string) {
	w.t.Helper()
	fault := w.fault(table)
	for _, want := range wanted {
		if !strings.Contains(fault, want) {
			w.t.Errorf("status of %s says %q, want %q", table, fault, want)
		}
	}
	if len(wanted) == 0 && fault != "" {
		w.t.Errorf("status of %s says %q", table, fault)
	}
}

// with is a row with some of its values replaced.
func with(row []relation.Value, cells ...Cell) []relation.Value {
	row = append([]relation.Value(nil), row...)
	for _, c := range cells {
		row[c.Column] = c.Value
	}
	return row
}

// A row that holds what cannot be read is no row to the views, from its copy or
// its change on, and one again when it can be read; what the source says of it
// meanwhile is applied, and the status names it.
func TestRowsThatCannotBeReadAreInQuarantine(t *testing.T) {
	t.Run("copied by commits", func(t *testing.T) { unreadableRows(t, &World{}) })
	t.Run("copied sorted, outside the store", func(t *testing.T) { unreadableRows(t, &World{load: 1}) })
}

func unreadableRows(t *testing.T, world *World) {
	bad := relation.OfError(relation.ErrUnreadable)
	schemas := hotSchemas()
	checked, err := CheckViews(schemas, []string{hotView, `
version: 1
view: sold
from: shop.items
group_by:
  sku:
measures:
  lines: {count: "*"}
  units: {sum: quantity}
`, `
version: 1
view: picked
from: shop.orders
fields:
  id:
  item:
    one: shop.items
    join: items.order_id == orders.id
    order_by: [quantity, line]
    fields: [line, sku]
`, `
version: 1
view: everybody
key: [kind, id]
union:
  - {from: crm.customers, const: {kind: customer}}
  - {from: shop.orders, const: {kind: order}}
`})
	if err != nil {
		t.Fatal(err)
	}
	rows := hotDatabase(t, schemas, 10)
	item := []relation.Value{int4(3), int4(1), relation.OfText("common"), int4(3)}
	order := []relation.Value{int4(5), int4(1), relation.OfInt(relation.Int8, 5), relation.OfDecimal(5, 2)}
	customer := []relation.Value{int4(1), relation.OfText("Hot")}
	product := []relation.Value{relation.OfText("rare"), relation.OfText("Rare"), relation.OfDecimal(100, 2)}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(rows.Set("shop.items", with(item, Cell{2, bad})))
	second := []relation.Value{int4(3), int4(2), relation.OfText("rare"), int4(9)} // picked while the first is not there
	must(rows.Set("shop.items", second))
	must(world.begin(schemas, checked, rows))
	defer world.Close()
	w := &quarantineWorld{world, t}
	must(rows.Delete("shop.items", item))
	w.check()
	w.says("shop.items", "QUARANTINE", "1 row", "key 3,1", `"sku"`)

	for _, c := range []struct {
		table string
		row   []relation.Value
		cell  Cell
	}{{"shop.orders", order, Cell{3, bad}}, {"catalog.products", product, Cell{1, bad}}, {"crm.customers", customer, Cell{1, bad}}} {
		must(rows.Delete(c.table, c.row))
		w.commit(engine.Change{Operation: engine.Update, Relation: c.table, New: with(c.row, c.cell)})
	}
	w.says("shop.orders", "key 5", `"total"`)
	w.says("catalog.products", "key rare", `"name"`)
	// A text of the key keeps its bytes, and is printed with them escaped.
	key := []relation.Value{relation.OfText("b\xffd"), relation.OfText("Bad"), relation.OfDecimal(1, 0)}
	w.commit(engine.Change{Operation: engine.Insert, Relation: "catalog.products", New: key})
	w.says("catalog.products", "2 rows", `"b\xffd"`, `"sku"`)
	must(w.Restart())
	w.check()
	w.says("shop.items", "1 row", "key 3,1")

	// What is not sent stays what it was, also where that cannot be read.
	w.commit(engine.Change{Operation: engine.Update, Relation: "catalog.products",
		New: with(product, Cell{1, relation.OfMark(relation.Unchanged)}, Cell{2, relation.OfDecimal(7, 0)})})
	w.says("catalog.products", "2 rows")
	must(rows.Set("catalog.products", with(product, Cell{2, relation.OfDecimal(7, 0)})))
	w.commit(engine.Change{Operation: engine.Update, Relation: "catalog.products",
		New: with(product, Cell{2, relation.OfMark(relation.Unchanged)})})
	w.commit(engine.Change{Operation: engine.Delete, Relation: "catalog.products", Old: with(key, Cell{1, relation.OfMark(relation.NotSent)}, Cell{2, relation.OfMark(relation.NotSent)})})
	w.says("catalog.products")
	must(rows.Set("crm.customers", customer))
	w.commit(engine.Change{Operation: engine.Update, Relation: "crm.customers", New: customer})
	must(rows.Set("shop.orders", order))
	w.commit(engine.Change{Operation: engine.Update, Relation: "shop.orders", New: order})
	must(rows.Truncate("shop.items"))
	w.commit(engine.Change{Operation: engine.Truncate, Relation: "shop.items"})
	for _, s := range schemas {
		w.says(s.Name)
	}
}
