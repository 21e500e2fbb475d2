package enginetest

import (
	"fmt"
	"testing"

	"odsd/engine"
	"odsd/storage/relation"
	"odsd/views"
)

// rankedViews show of all orders of a customer, and of all items of a product,
// those at the ends of several orders.
var rankedViews = []string{`version: 1
view: customer
from: crm.customers
fields:
  id:
  orders:
    many: shop.orders
    join: orders.customer_id == customers.id
    hidden: true
    fields:
      items:
        many: shop.items
        join: items.order_id == orders.id
        fields: [line]
  newest: {first: orders.id, order_by: [placed desc]}
  oldest: {last: orders.total, order_by: [placed desc]}
  dearest: {first: orders.items.order_id, order_by: [quantity desc, orders.placed]}
  quantities: {collect: orders.items.quantity, limit: 3, distinct: true}
  skus: {collect: orders.items.sku, distinct: true}
`, `version: 1
view: product
from: shop.items
group_by: [sku]
measures:
  newest: {first: quantity, order_by: [order_id desc]}
  lines: {collect: line, limit: 2}
`}

// costed is one change, with what it may cost at most: the keys read and written
// for the rows, the index entries, the nodes and the accumulators concerned,
// however many orders the customer has.
type costed struct {
	name          string
	reads, writes int
	change        func(orders int) Transaction
}

var rankedChanges = []costed{
	{"one order beside the ends", 20, 10, func(orders int) Transaction {
		return updated("shop", "shop.orders", []relation.Value{int4(orders / 3)}, Cell{3, relation.OfDecimal(1, 2)})
	}},
	{"a new newest order", 25, 20, func(orders int) Transaction {
		return inserted("shop", "shop.orders", Cell{0, int4(orders + 1)}, Cell{1, int4(1)}, Cell{2, relation.OfInt(relation.Int8, int64(orders)+1)}, Cell{3, relation.OfDecimal(1, 2)})
	}},
	{"the newest order goes", 25, 20, func(orders int) Transaction {
		return Transaction{Source: "shop", Changes: []Change{{Operation: engine.Delete, Relation: "shop.orders", Key: []relation.Value{int4(orders + 1)}}}}
	}},
	{"the newest becomes the oldest", 30, 20, func(orders int) Transaction {
		return updated("shop", "shop.orders", []relation.Value{int4(orders)}, Cell{2, relation.OfInt(relation.Int8, -1)})
	}},
	{"the dearest item of many", 60, 30, func(orders int) Transaction {
		return updated("shop", "shop.items", []relation.Value{int4(6), int4(1)}, Cell{3, int4(0)})
	}},
	{"an order with an item goes", 60, 40, func(orders int) Transaction {
		return Transaction{Source: "shop", Changes: []Change{
			{Operation: engine.Delete, Relation: "shop.orders", Key: []relation.Value{int4(orders / 4)}},
			{Operation: engine.Delete, Relation: "shop.items", Key: []relation.Value{int4(orders / 4), int4(1)}}}}
	}},
	{"an item changes its product", 70, 40, func(orders int) Transaction {
		return updated("shop", "shop.items", []relation.Value{int4(orders / 3), int4(1)}, Cell{2, relation.OfText("rare")})
	}},
}

// TestCostOfAChangeOfTheFirst: what stands at the end of an order changes, comes
// and goes at the same cost among 10 rows and among 100,000.
func TestCostOfAChangeOfTheFirst(t *testing.T) { costsAreFlat(t, rankedViews, rankedChanges) }

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
