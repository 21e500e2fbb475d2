package enginetest

import (
	"testing"

	"odsd/engine"
	"odsd/storage/relation"
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

// hotChanges are one change each to the hot document.
var hotChanges = []costed{
	{"one new order", 14, 10, func(orders int) Transaction {
		return inserted("shop", "shop.orders", Cell{0, int4(orders + 1)}, Cell{1, int4(1)}, Cell{2, relation.OfInt(relation.Int8, 0)}, Cell{3, relation.OfDecimal(1, 2)})
	}},
	{"one changed item", 21, 12, func(orders int) Transaction {
		return updated("shop", "shop.items", []relation.Value{int4(orders / 3), int4(1)}, Cell{3, int4(1000)})
	}},
	{"one changed product", 21, 12, func(int) Transaction {
		return updated("catalog", "catalog.products", []relation.Value{relation.OfText("rare")}, Cell{1, relation.OfText("Rarer")}, Cell{2, relation.OfDecimal(150, 2)})
	}},
	{"one renamed customer", 2, 2, func(int) Transaction {
		return updated("crm", "crm.customers", []relation.Value{int4(1)}, Cell{1, relation.OfText("Hotter")})
	}},
	{"one deleted order", 23, 18, func(orders int) Transaction {
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

// TestCostOfAChangeOfAHotDocument: a customer with 100,000 orders costs a new order, a
// changed item or product what one with 10 orders does.
func TestCostOfAChangeOfAHotDocument(t *testing.T) { costsAreFlat(t, []string{hotView}, hotChanges) }
