package oracle

import (
	"fmt"
	"testing"
)

var hugeDocumentViews = map[string]string{
	"views/customers.yaml": `version: 1
view: customer_orders
from: shop.customers
fields:
  id:
  name:
  orders:
    many: shop.orders
    join: orders.customer_id == customers.id
    order_by: [amount desc]
    fields:
      id:
      amount:
      buyer:
        one: shop.customers
        as: buyers
        join: buyers.id == orders.customer_id
        fields: [name]
  order_count: {count: orders}
  total: {sum: orders.amount, default: 0}
`,
}

const hugeDocumentQuery = `{
	customerOrders(id: 7) { name orderCount total orders(limit: 1) { amount buyer { name } } }
}`

// showDocument is what a reply to hugeDocumentQuery says.
func showDocument(data map[string]any) string {
	document, ok := data["customerOrders"].(map[string]any)
	if !ok {
		return "no document"
	}
	return fmt.Sprintf("%v has %v of %v: %v", document["name"], document["orderCount"], document["total"], document["orders"])
}

// TestHugeDocument has a daemon in bounded memory build, change, remove and make anew a single
// document with very many rows, by one changed row each time. Readers see it whole or not at all.
func TestHugeDocument(t *testing.T) {
	h := newHuge(t, hugeDocumentQuery, showDocument, hugeDocumentViews,
		hugeTables, fmt.Sprintf(hugeOrders, hugeRows(t)), `update orders set customer_id = 7`, `update customers set name = 'before' where id = 7`)
	h.report("copied and built")
	ctx := h.watch()
	document := func(name string) string {
		order := map[string]any{"amount": 1, "buyer": map[string]any{"name": name}}
		return fmt.Sprintf("%s has %d of %d: %v", name, h.rows, h.rows, []any{order})
	}
	h.allow(document("after"))
	h.exec(`update customers set name = 'after' where id = 7`)
	h.untilInTheMiddle(ctx)
	h.report("killed while every row of the document changes")
	if err := h.kill(); err != nil {
		t.Fatal(err)
	}
	if err := h.start(); err != nil {
		t.Fatal(err)
	}
	h.untilSeen(ctx, document("after"))
	h.report("every row changed")

	h.allow("no document")
	h.exec(`delete from customers where id = 7`)
	h.untilSeen(ctx, "no document")
	h.report("removed")

	h.allow(document("back"))
	h.exec(`insert into customers values (7, 'back')`)
	h.untilSeen(ctx, document("back"))
	h.report("made anew")
	h.finish()
}
