package enginetest

import (
	"testing"

	"odsd/engine"
	"odsd/storage/relation"
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
