package query

import (
	"testing"
	"time"

	"odsd/storage/relation"
	"odsd/views"
)

// customers is a view of three levels: orders with items (sorted in the path),
// tickets (sorted through the order keyspace, by their agent's name) with
// notes, a list kept for its aggregates only, and ones at every level.
type customers struct {
	plan                                            *views.Plan
	orders, items, tickets, notes, visits, watchers int // nodes
	account, bank, product, agent, watcher          int // occurrences of ones
}

func customersView(t testing.TB) *customers {
	customer := table("crm.customers", plain("id", kind(relation.Int8)), plain("name", kind(relation.Text)), plain("account_id", kind(relation.Int8)))
	customer.Columns[0].Description = "Number of the customer."
	account := table("billing.accounts", plain("id", kind(relation.Int8)), plain("plan", kind(relation.Text)), plain("balance", kind(relation.Decimal)), plain("bank_id", kind(relation.Int8)))
	bank := table("billing.banks", plain("id", kind(relation.Int8)), plain("bic", kind(relation.Text)))
	order := table("shop.orders", plain("id", kind(relation.Int8)), plain("customer_id", kind(relation.Int8)), plain("status", kind(relation.Enum)),
		plain("total", kind(relation.Decimal)), plain("placed_at", kind(relation.Timestamp)))
	item := table("shop.order_items", plain("line_no", kind(relation.Int4)), plain("order_id", kind(relation.Int8)), plain("quantity", kind(relation.Int4)), plain("sku", kind(relation.Text)))
	product := table("catalog.products", plain("sku", kind(relation.Text)), plain("name", kind(relation.Text)), plain("price", kind(relation.Decimal)))
	ticket := table("crm.tickets", plain("id", kind(relation.UUID)), plain("customer_id", kind(relation.Int8)), plain("agent_id", kind(relation.Int4)))
	agent := table("crm.agents", plain("id", kind(relation.Int4)), plain("name", kind(relation.Text)))
	note := table("crm.notes", plain("id", kind(relation.Int2)), plain("ticket_id", kind(relation.UUID)), plain("body", kind(relation.Text)))
	visit := table("web.visits", plain("id", kind(relation.Int8)), plain("customer_id", kind(relation.Int8)))

	out := &customers{}
	s := newView("customer_360", "Customer360", "customer360", customer)
	s.Description = "One document per customer."
	s.Owner = views.Owner{Team: "crm", Contact: "#crm"}
	s.scalar(0, 0, 0, "id")
	s.scalar(0, 0, 1, "name")
	out.account = s.one(0, 0, 2, account, "account", false)
	s.scalar(0, out.account, 1, "plan").Deprecated = "use balance"
	s.scalar(0, out.account, 2, "balance")
	out.bank = s.one(0, out.account, 3, bank, "bank", false)
	s.scalar(0, out.bank, 1, "bic")

	orders := s.many(0, 0, 1, order, "orders")
	out.orders = orders.ID
	s.orderBy(orders, orders.Own, 4, true)
	s.scalar(orders.ID, orders.Own, 0, "id")
	s.scalar(orders.ID, orders.Own, 2, "status")
	s.scalar(orders.ID, orders.Own, 3, "total")
	s.scalar(orders.ID, orders.Own, 4, "placedAt")

	items := s.many(orders.ID, orders.Own, 1, item, "items")
	out.items = items.ID
	items.Limit = 3
	s.orderBy(items, items.Own, 0, false)
	s.scalar(items.ID, items.Own, 0, "lineNo")
	s.scalar(items.ID, items.Own, 2, "quantity")
	out.product = s.one(items.ID, items.Own, 3, product, "product", true)
	s.scalar(items.ID, out.product, 0, "sku")
	s.scalar(items.ID, out.product, 1, "name")
	s.scalar(items.ID, out.product, 2, "price").As = "Float"

	tickets := s.many(0, out.account, 1, ticket, "tickets")
	out.tickets = tickets.ID
	s.scalar(tickets.ID, tickets.Own, 0, "id")
	out.agent = s.one(tickets.ID, tickets.Own, 2, agent, "agent", false)
	s.scalar(tickets.ID, out.agent, 1, "name")
	s.orderBy(tickets, out.agent, 1, false)
	notes := s.many(tickets.ID, tickets.Own, 1, note, "notes")
	out.notes = notes.ID
	s.scalar(notes.ID, notes.Own, 0, "id")
	s.scalar(notes.ID, notes.Own, 2, "body")

	visits := s.many(0, 0, 1, visit, "visits")
	out.visits = visits.ID
	visits.Hidden = true
	s.scalar(visits.ID, visits.Own, 0, "id")

	watchers := s.many(0, 0, 1, ticket, "watchers")
	out.watchers = watchers.ID
	watchers.Limit = 4
	out.watcher = s.one(watchers.ID, watchers.Own, 2, agent, "agent", true)
	s.scalar(watchers.ID, out.watcher, 1, "name")
	s.orderBy(watchers, out.watcher, 1, true)

	s.add(0, 0, &views.Field{
		Name: "order_count", GraphQL: "orderCount", Kind: views.AggregateField, Type: kind(relation.Int8),
		Aggregate: &views.Aggregate{Func: views.Count, Path: []int{orders.ID}, Round: -1},
	})
	out.plan = s.compile(t)
	return out
}

func bigint(n int64) relation.Value  { return relation.OfInt(relation.Int8, n) }
func integer(n int64) relation.Value { return relation.OfInt(relation.Int4, n) }
func text(s string) relation.Value   { return relation.OfText(s) }

func decimal(s string) relation.Value {
	v, err := relation.ParseDecimal(s)
	if err != nil {
		panic(err)
	}
	return v
}

func at(day int) relation.Value {
	return relation.OfTimestamp(time.Date(2024, 5, day, 12, 30, 0, 250_000_000, time.UTC).UnixMicro())
}

func (c *customers) item(line, quantity int64, sku, name, price string) *instance {
	return &instance{
		key: []relation.Value{integer(line)}, order: []relation.Value{integer(line)},
		values: []relation.Value{integer(line), integer(quantity), text(sku), text(name), decimal(price)},
	}
}

func (c *customers) order(id int64, status, total string, day int, items ...*instance) *instance {
	placed := relation.OfNull()
	if day > 0 {
		placed = at(day)
	}
	return &instance{
		key: []relation.Value{bigint(id)}, order: []relation.Value{placed},
		values: []relation.Value{bigint(id), relation.OfString(relation.Enum, status), decimal(total), placed},
		lists:  map[int][]*instance{c.items: items},
	}
}

func (c *customers) ticket(id byte, agent string, notes ...string) *instance {
	uuid := relation.OfString(relation.UUID, string([]byte{id, 15: id}))
	out := &instance{key: []relation.Value{uuid}, order: []relation.Value{relation.OfNull()}, values: []relation.Value{uuid, relation.OfNull()}, absent: []int{c.agent}}
	if agent != "" {
		out.order[0], out.values[1], out.absent = text(agent), text(agent), nil
	}
	for i, body := range notes {
		n := relation.OfInt(relation.Int2, int64(i))
		out.add(c.notes, &instance{key: []relation.Value{n}, values: []relation.Value{n, text(body)}})
	}
	return out
}

func (c *customers) watch(id byte, name string) *instance {
	uuid := relation.OfString(relation.UUID, string([]byte{id, 15: id}))
	return &instance{key: []relation.Value{uuid}, order: []relation.Value{text(name)}, values: []relation.Value{text(name)}}
}

func (c *customers) visit(id int64) *instance {
	return &instance{key: []relation.Value{bigint(id)}, values: []relation.Value{bigint(id)}}
}

func (in *instance) add(node int, list ...*instance) *instance {
	if in.lists == nil {
		in.lists = map[int][]*instance{}
	}
	in.lists[node] = append(in.lists[node], list...)
	return in
}

// sample is what the scripts run on.
func (c *customers) sample() []*instance {
	ada := &instance{
		key:    []relation.Value{bigint(1)},
		values: []relation.Value{bigint(1), text("Ada \"Countess\" Løvelace\n"), text("gold"), decimal("12.50"), text("DEUTDEFF"), bigint(3)},
	}
	ada.add(c.orders,
		c.order(10, "paid", "19.90", 2, c.item(1, 2, "A", "Anvil", "9.95"), c.item(2, 1, "B", "Bolt", "0.10"), c.item(3, 1, "C", "Crank", "1"), c.item(4, 9, "D", "Drill", "99")),
		c.order(11, "open", "5.00", 3, c.item(1, 1, "B", "Bolt", "0.10")),
		c.order(12, "draft", "0.00", 0))
	ada.add(c.tickets, c.ticket(1, "Zoe", "first", "second"), c.ticket(2, "Amir", "only"), c.ticket(3, ""))
	ada.add(c.watchers, c.watch(1, "a"), c.watch(2, "b"), c.watch(3, "c"), c.watch(4, "b"), c.watch(5, "d"))
	ada.add(c.visits, c.visit(100), c.visit(101))
	bob := &instance{
		key:    []relation.Value{bigint(-2)},
		values: []relation.Value{bigint(-2), relation.OfError(relation.ErrOverflow), relation.OfNull(), relation.OfNull(), relation.OfNull(), bigint(0)},
		absent: []int{c.account, c.bank},
	}
	cleo := &instance{
		key:    []relation.Value{bigint(9007199254740993)},
		values: []relation.Value{bigint(9007199254740993), relation.OfNull(), text("free"), relation.OfNull(), relation.OfNull(), bigint(0)},
		absent: []int{c.bank},
	}
	return []*instance{ada, bob, cleo}
}

// stock is a view with a key of two columns, of awkward types.
func stockView(t testing.TB) *views.Plan {
	stock := table("shop.stock",
		plain("at", kind(relation.Timestamp)), plain("sku", kind(relation.Text)), plain("level", kind(relation.Float8)), plain("small", kind(relation.Float4)),
		plain("flag", kind(relation.Bool)), plain("raw", kind(relation.Bytes)), plain("born", kind(relation.Date)), plain("wake", kind(relation.Time)),
		plain("stay", kind(relation.Interval)), plain("doc", kind(relation.JSON)), plain("tags", relation.ArrayOf(relation.Text)), plain("counts", relation.ArrayOf(relation.Int8)),
		plain("uid", kind(relation.UUID)), plain("big", kind(relation.Int8)))
	stock.Columns[1].NotNull = true
	stock.Key = []int{0, 1}
	s := newView("stock", "Stock", "stock", stock)
	for i, name := range []string{"at", "sku", "level", "small", "flag", "raw", "born", "wake", "stay", "doc", "tags", "counts", "uid", "big"} {
		s.scalar(0, 0, i, name)
	}
	s.Nodes[0].Scalars[13].As = "Int"
	return s.compile(t)
}

func stockSample() []*instance {
	first := []relation.Value{
		at(1), text("A"), relation.OfFloat(relation.Float8, 0.1), relation.OfFloat(relation.Float4, 0.1), relation.OfBool(true), relation.OfString(relation.Bytes, "\x00\xff\x10"),
		relation.OfDate(19724), relation.OfTime(3*hour + 4*minute + 5*second + 600_000), relation.OfInterval(14, -3, 4*hour+6_700_000),
		relation.OfString(relation.JSON, `{"a": [1, null]}`), relation.OfArray(relation.Text, []relation.Value{text("x"), relation.OfNull(), text("\u2028\t")}),
		relation.OfArray(relation.Int8, []relation.Value{bigint(1 << 60)}), relation.OfString(relation.UUID, "0123456789abcdef"), bigint(5),
	}
	second := []relation.Value{at(1), text("B"), relation.OfFloat(relation.Float8, 1e300), relation.OfFloat(relation.Float4, 1e30)}
	for len(second) < len(first) {
		second = append(second, relation.OfNull())
	}
	second[6], second[10] = relation.OfDate(relation.InfiniteFuture), relation.OfArray(relation.Text, nil)
	return []*instance{{key: first[:2], values: first}, {key: second[:2], values: second}}
}
