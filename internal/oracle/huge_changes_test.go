package oracle

import (
	"fmt"
	"path/filepath"
	"testing"
)

// hugeCustomers share the rows, and have a document each.
const hugeCustomers = 1000

const hugeTables = `
create table customers (id int primary key, name text not null);
create table orders (id bigint primary key, customer_id int not null, amount int not null, kind text not null, note text);
insert into customers select g, 'customer ' || g from generate_series(0, 999) g`

const hugeOrders = `insert into orders select g, g %% 1000, 1, 'sale', 'note of order ' || g from generate_series(1, %d) g`

var hugeViews = map[string]string{
	"views/customers.yaml": `version: 1
view: customer_orders
from: shop.customers
fields:
  id:
  name:
  orders:
    many: shop.orders
    join: orders.customer_id == customers.id
    order_by: [id]
    fields: [id, amount]
  order_count: {count: orders}
  total: {sum: orders.amount, default: 0}
`,
	"views/totals.yaml": `version: 1
view: totals
from: shop.orders
group_by:
  kind:
measures:
  orders: {count: "*"}
  total: {sum: amount, default: 0}
`,
}

const hugeQuery = `{
	totals(kind: "sale") { orders total }
	customerOrders(id: 7) { orderCount total orders(limit: 1) { amount } }
}`

// showOrders is what a reply to hugeQuery says.
func showOrders(data map[string]any) string {
	text := "no orders"
	if totals, ok := data["totals"].(map[string]any); ok {
		text = fmt.Sprintf("%v orders of %v", totals["orders"], totals["total"])
	}
	if one, ok := data["customerOrders"].(map[string]any); ok {
		text += fmt.Sprintf(", one has %v of %v", one["orderCount"], one["total"])
		if list, ok := one["orders"].([]any); ok && len(list) > 0 {
			text += fmt.Sprintf(", the first of %v", list[0].(map[string]any)["amount"])
		}
	}
	return text
}

// orders is what is to be seen of so many rows of the same amount.
func orders(rows, amount int) string {
	if rows == 0 {
		return "no orders, one has 0 of 0"
	}
	each := rows / hugeCustomers
	return fmt.Sprintf("%d orders of %d, one has %d of %d, the first of %d", rows, rows*amount, each, each*amount, amount)
}

// TestHugeTransactions has a daemon in bounded memory apply transactions that insert,
// update and truncate very many rows. Readers see each whole or not at all, also when the
// daemon is killed in its middle. ODSD_HUGE_ROWS says how many rows.
func TestHugeTransactions(t *testing.T) {
	h := newHuge(t, hugeQuery, showOrders, hugeViews, hugeTables)
	ctx := h.watch()

	h.allow(orders(h.rows, 1))
	h.exec(hugeOrders, h.rows)
	h.untilInTheMiddle(ctx)
	h.report("killed in the middle of the inserts")
	if err := h.kill(); err != nil {
		t.Fatal(err)
	}
	if left, err := filepath.Glob(h.layer()); err != nil || len(left) == 0 {
		t.Fatalf("it was not in the middle: %v", err)
	}
	if err := h.start(); err != nil {
		t.Fatal(err)
	}
	h.untilSeen(ctx, orders(h.rows, 1))
	h.report("inserted")

	h.allow(orders(h.rows, 3))
	h.exec(`update orders set amount = amount + 2`)
	h.untilSeen(ctx, orders(h.rows, 3))
	h.report("updated")

	h.allow(orders(0, 0))
	h.exec(`truncate orders`)
	h.untilSeen(ctx, orders(0, 0))
	h.report("truncated")
	h.finish()
}

var fanOutViews = map[string]string{
	"views/labelled.yaml": `version: 1
view: labelled
from: shop.orders
fields:
  id:
  amount:
  customer:
    one: shop.customers
    join: customers.id == orders.customer_id
    fields: [name]
  label: customers.name
`,
	"views/labels.yaml": `version: 1
view: labels
from: labelled
group_by: [label]
measures:
  orders: {count: "*"}
`,
}

const fanOutQuery = `{
	before: labels(label: "before") { orders }
	after: labels(label: "after") { orders }
	first: labelled(id: 1) { label customer { name } }
	last: labelled(id: 10000) { label customer { name } }
}`

// TestHugeFanOut has a daemon in bounded memory change a row that very many documents
// show, and a view over them: readers see all of it or nothing.
func TestHugeFanOut(t *testing.T) {
	show := func(data map[string]any) string { return fmt.Sprint(data) }
	h := newHuge(t, fanOutQuery, show, fanOutViews,
		hugeTables, fmt.Sprintf(hugeOrders, hugeRows(t)), `update orders set customer_id = 7`, `update customers set name = 'before' where id = 7`)
	h.report("copied and built")
	ctx := h.watch()
	group := map[string]any{"orders": fmt.Sprint(h.rows)}
	document := map[string]any{"label": "after", "customer": map[string]any{"name": "after"}}
	after := show(map[string]any{"before": nil, "after": group, "first": document, "last": document})
	h.allow(after)
	h.exec(`update customers set name = 'after' where id = 7`)
	h.untilInTheMiddle(ctx)
	h.report("killed in the middle of the fan-out")
	if err := h.kill(); err != nil {
		t.Fatal(err)
	}
	if err := h.start(); err != nil {
		t.Fatal(err)
	}
	h.untilSeen(ctx, after)
	h.report("fanned out")
	h.finish()
}
