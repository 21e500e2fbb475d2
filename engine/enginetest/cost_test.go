package enginetest

import (
	"fmt"
	"testing"

	"odsd/engine"
	"odsd/storage/relation"
	"odsd/views"
)

// hotView has a document with as many orders as a customer has, in a list
// that is ordered by a to-one field, too.
const hotView = `version: 1
view: customer
from: crm.customers
fields:
  id:
  name:
  orders:
    many: shop.orders
    join: orders.customer_id == customers.id
    order_by: [placed desc]
    fields:
      id:
      total:
      items:
        many: shop.items
        join: items.order_id == orders.id
        order_by: [products.name]
        fields:
          line:
          quantity:
          amount: quantity * products.price
          product:
            one: catalog.products
            join: products.sku == items.sku
            fields: [name, price]
      amount: {sum: items.amount}
  order_count: {count: orders}
  units: {sum: orders.items.quantity}
  worth: {sum: orders.amount}
  dearest: {max: orders.items.amount}
  first: {min: orders.placed}
`

func hotSchemas() []*relation.Schema {
	column := func(name string, k relation.Kind) relation.Column {
		return relation.Column{Name: name, Type: relation.TypeOf(k)}
	}
	return []*relation.Schema{
		{Name: "crm.customers", Key: []int{0}, Columns: []relation.Column{column("id", relation.Int4), column("name", relation.Text)}},
		{Name: "shop.orders", Key: []int{0}, Columns: []relation.Column{column("id", relation.Int4), column("customer_id", relation.Int4), column("placed", relation.Int8), column("total", relation.Decimal)}},
		{Name: "shop.items", Key: []int{0, 1}, Columns: []relation.Column{column("order_id", relation.Int4), column("line", relation.Int4), column("sku", relation.Text), column("quantity", relation.Int4)}},
		{Name: "catalog.products", Key: []int{0}, Columns: []relation.Column{column("sku", relation.Text), column("name", relation.Text), column("price", relation.Decimal)}},
	}
}

func hotDatabase(t testing.TB, schemas []*relation.Schema, orders int) *Database {
	t.Helper()
	d := NewDatabase(schemas)
	set := func(name string, row ...relation.Value) {
		if err := d.Set(name, row); err != nil {
			t.Fatal(err)
		}
	}
	number := func(n int) relation.Value { return relation.OfInt(relation.Int4, int64(n)) }
	set("crm.customers", number(1), relation.OfText("Hot"))
	set("catalog.products", relation.OfText("rare"), relation.OfText("Rare"), relation.OfDecimal(100, 2))
	set("catalog.products", relation.OfText("common"), relation.OfText("Common"), relation.OfDecimal(200, 2))
	for id := 1; id <= orders; id++ {
		set("shop.orders", number(id), number(1), relation.OfInt(relation.Int8, int64(id)), relation.OfDecimal(int64(id), 2))
		sku := "common"
		if id == orders/2 {
			sku = "rare"
		}
		set("shop.items", number(id), number(1), relation.OfText(sku), number(id%7))
	}
	return d
}

// costed is one change, with what it may cost at most: the keys read and written
// for the rows, the index entries, the nodes and the accumulators concerned,
// however many orders the customer has.
type costed struct {
	name          string
	reads, writes int
	change        func(orders int) Transaction
}

var hotChanges = []costed{
	{"one new order", 40, 20, func(orders int) Transaction {
		return inserted("shop", "shop.orders", Cell{0, int4(orders + 1)}, Cell{1, int4(1)}, Cell{2, relation.OfInt(relation.Int8, 0)}, Cell{3, relation.OfDecimal(1, 2)})
	}},
	{"one changed item", 60, 20, func(orders int) Transaction {
		return updated("shop", "shop.items", []relation.Value{int4(orders / 3), int4(1)}, Cell{3, int4(1000)})
	}},
	{"one changed product", 60, 20, func(int) Transaction {
		return updated("catalog", "catalog.products", []relation.Value{relation.OfText("rare")}, Cell{1, relation.OfText("Rarer")}, Cell{2, relation.OfDecimal(150, 2)})
	}},
	{"one renamed customer", 20, 5, func(int) Transaction {
		return updated("crm", "crm.customers", []relation.Value{int4(1)}, Cell{1, relation.OfText("Hotter")})
	}},
	{"one deleted order", 60, 25, func(orders int) Transaction {
		return Transaction{Source: "shop", Changes: []Change{{Operation: engine.Delete, Relation: "shop.orders", Key: []relation.Value{int4(orders / 4)}}}}
	}},
}

func int4(n int) relation.Value { return relation.OfInt(relation.Int4, int64(n)) }

func inserted(source, name string, cells ...Cell) Transaction {
	return Transaction{Source: source, Changes: []Change{{Operation: engine.Insert, Relation: name, Set: cells}}}
}

func updated(source, name string, key []relation.Value, cells ...Cell) Transaction {
	return Transaction{Source: source, Changes: []Change{{Operation: engine.Update, Relation: name, Key: key, Set: cells}}}
}

// TestCostOfAChange counts, and does not time, what one change costs in a
// document of 10 orders and in one of 100,000: the same, and little.
func TestCostOfAChange(t *testing.T) { costsAreFlat(t, []string{hotView}, hotChanges) }

func costsAreFlat(t *testing.T, definitions []string, changes []costed) {
	t.Helper()
	counted := map[string][]string{}
	for _, orders := range []int{10, 100_000} {
		schemas := hotSchemas()
		checked, err := CheckViews(schemas, definitions)
		if err != nil {
			t.Fatal(err)
		}
		for name, cost := range costs(t, schemas, checked, orders, changes) {
			counted[name] = append(counted[name], cost)
		}
	}
	for name, costs := range counted {
		if costs[0] != costs[1] {
			t.Errorf("%s costs %s with 10 orders and %s with 100,000", name, costs[0], costs[1])
		}
	}
}

func costs(t *testing.T, schemas []*relation.Schema, checked []*views.View, orders int, changes []costed) map[string]string {
	t.Helper()
	w, err := NewWorld(schemas, checked, hotDatabase(t, schemas, orders))
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	counted := map[string]string{}
	for _, c := range changes {
		if err := w.Commit(Step{c.change(orders)}); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		s := w.Last.Stats
		reads, writes := int(s.Gets+s.Nexts), int(s.Sets+s.Deletes)-w.Last.Frontiers
		counted[c.name] = fmt.Sprintf("%d reads, %d seeks, %d writes", reads, s.Seeks, writes)
		written := 0
		for _, result := range w.Last.Views {
			written += result.Written
		}
		t.Logf("%d orders: %s: %s, %d node rows", orders, c.name, counted[c.name], written)
		if reads > c.reads || writes > c.writes {
			t.Errorf("%s with %d orders: %s; at most %d reads and %d writes are due", c.name, orders, counted[c.name], c.reads, c.writes)
		}
	}
	if err := w.CheckReference(); err != nil {
		t.Error(err)
	}
	return counted
}
