package enginetest

import (
	"iter"
	"slices"

	"odsd/engine"
	"odsd/storage/relation"
)

// costScenario is something that grows, and the changes that must cost the same
// however large it is.
type costScenario struct {
	name  string
	grows string // what size counts
	// small sizes are counted in every test run, large ones under `make cost`.
	small, large []int
	schemas      []*relation.Schema
	views        []string
	// row makes row number id, from 1 to count, of a relation.
	row     func(relation string, id, size int) []relation.Value
	count   func(relation string, size int) int
	changes []costChange
}

type costChange struct {
	name    string
	changes func(c *costScenario, size int) []engine.Change
}

func (c *costScenario) rows(name string, size int) iter.Seq[[]relation.Value] {
	return func(yield func([]relation.Value) bool) {
		for id := 1; id <= c.count(name, size); id++ {
			if !yield(c.row(name, id, size)) {
				return
			}
		}
	}
}

func costTable(name string, key []int, columns ...relation.Column) *relation.Schema {
	return &relation.Schema{Name: name, Key: key, Columns: columns}
}

func costColumn(name string, k relation.Kind) relation.Column {
	return relation.Column{Name: name, Type: relation.TypeOf(k)}
}

// inserts a row like number `like`, with other cells.
func inserts(name string, like int, cells ...Cell) func(*costScenario, int) []engine.Change {
	return func(c *costScenario, size int) []engine.Change {
		row := c.row(name, middle(size)+like, size)
		for _, cell := range cells {
			row[cell.Column] = cell.Value
		}
		return []engine.Change{{Operation: engine.Insert, Relation: name, New: row}}
	}
}

// updates row number n counted from the middle.
func updates(name string, n int, cells ...Cell) func(*costScenario, int) []engine.Change {
	return func(c *costScenario, size int) []engine.Change {
		row := c.row(name, middle(size)+n, size)
		change := engine.Change{Operation: engine.Update, Relation: name, New: slices.Clone(row)}
		for _, cell := range cells {
			change.New[cell.Column] = cell.Value
			if slices.Contains(c.schema(name).Key, cell.Column) {
				change.Old = row
			}
		}
		return []engine.Change{change}
	}
}

// updatesTo makes a row what is given.
func updatesTo(name string, row ...relation.Value) func(*costScenario, int) []engine.Change {
	return func(*costScenario, int) []engine.Change {
		return []engine.Change{{Operation: engine.Update, Relation: name, New: slices.Clone(row)}}
	}
}

func deletesRow(name string, n int) func(*costScenario, int) []engine.Change {
	return func(c *costScenario, size int) []engine.Change {
		return []engine.Change{{Operation: engine.Delete, Relation: name, Old: c.row(name, middle(size)+n, size)}}
	}
}

func (c *costScenario) schema(name string) *relation.Schema {
	return c.schemas[slices.IndexFunc(c.schemas, func(s *relation.Schema) bool { return s.Name == name })]
}

// middle is the number of the row before the ten in the middle.
func middle(size int) int { return size/2 - 5 }

// fresh numbers are beyond every size.
func fresh(n int) relation.Value { return int4(100_000_000 + n) }

func cents(n int) relation.Value { return relation.OfDecimal(int64(n), 2) }

// documentCost is one customer's document, with as many orders as size says, beside a small one.
func documentCost() *costScenario {
	return &costScenario{
		name: "a document", grows: "children",
		small: []int{10, 1_000, 10_000}, large: []int{10, 100, 1_000, 10_000, 100_000, 1_000_000},
		schemas: []*relation.Schema{
			costTable("s.customers", []int{0}, costColumn("id", relation.Int4), costColumn("name", relation.Text)),
			costTable("s.orders", []int{0}, costColumn("id", relation.Int4), costColumn("customer_id", relation.Int4), costColumn("placed", relation.Int8), costColumn("total", relation.Decimal)),
			costTable("s.items", []int{0, 1}, costColumn("order_id", relation.Int4), costColumn("line", relation.Int4), costColumn("sku", relation.Text), costColumn("quantity", relation.Int4)),
			costTable("s.products", []int{0}, costColumn("sku", relation.Text), costColumn("name", relation.Text), costColumn("price", relation.Decimal)),
		},
		views: []string{documentCostView},
		count: func(name string, size int) int {
			switch name {
			case "s.customers":
				return 2
			case "s.products":
				return 3
			}
			return size + 10
		},
		row: documentCostRow,
		changes: []costChange{
			{"insert a child", inserts("s.orders", 1, Cell{0, fresh(1)})},
			{"insert below a child", inserts("s.items", 1, Cell{1, int4(2)})},
			{"update a child", updates("s.items", 1, Cell{3, int4(5)})},
			{"move in the list", updates("s.orders", 4, Cell{2, relation.OfInt(relation.Int8, 3)})},
			{"move between parents", updates("s.orders", 2, Cell{1, int4(2)})},
			{"dimension of one child", updatesTo("s.products", relation.OfText("rare"), relation.OfText("Rarer"), cents(150))},
			{"another dimension", updates("s.items", 8, Cell{2, relation.OfText("other")})},
			{"the largest leaves", deletesRow("s.orders", 5)},
			{"the smallest leaves", updates("s.orders", 6, Cell{3, cents(1_001)})},
			{"the parent's own field", updatesTo("s.customers", int4(1), relation.OfText("Other"))},
			{"delete a child", deletesRow("s.orders", 3)},
		},
	}
}

const documentCostView = `version: 1
view: customer
from: s.customers
fields:
  id:
  name:
  orders:
    many: s.orders
    join: orders.customer_id == customers.id
    order_by: [placed desc]
    fields:
      id:
      total:
      items:
        many: s.items
        join: items.order_id == orders.id
        order_by: [products.name]
        fields:
          line:
          quantity:
          amount: quantity * products.price
          product:
            one: s.products
            join: products.sku == items.sku
            fields: [name, price]
      amount: {sum: items.amount}
  order_count: {count: orders}
  units: {sum: orders.items.quantity}
  worth: {sum: orders.amount}
  mean: {avg: orders.total, round: 2}
  dearest: {max: orders.total}
  cheapest: {min: orders.total}
  products: {count_distinct: orders.items.sku}
indexes: [[worth desc]]
`

func documentCostRow(name string, id, size int) []relation.Value {
	at := id - middle(size) // 1 to 10 are the ten in the middle
	switch name {
	case "s.customers":
		return []relation.Value{int4(id), relation.OfText("Customer")}
	case "s.products":
		sku := []string{"rare", "common", "other"}[id-1]
		return []relation.Value{relation.OfText(sku), relation.OfText("Product"), cents(200)}
	case "s.items":
		sku := "common"
		if at == 7 {
			sku = "rare"
		}
		return []relation.Value{int4(id), int4(1), relation.OfText(sku), int4(1 + id%7)}
	}
	customer, total := 1, 1_000+id%7
	if id > size {
		customer = 2
	}
	switch at {
	case 5:
		total = 9_999
	case 6:
		total = 100
	}
	return []relation.Value{int4(id), int4(customer), relation.OfInt(relation.Int8, int64(1_000_000+id)), cents(total)}
}

// tableCost is many small documents over tables of as many rows as size says.
func tableCost() *costScenario {
	return &costScenario{
		name: "a table", grows: "rows",
		small: []int{1_000, 10_000}, large: []int{10_000, 100_000, 1_000_000, 10_000_000},
		schemas: []*relation.Schema{
			costTable("s.customers", []int{0}, costColumn("id", relation.Int4), costColumn("name", relation.Text)),
			costTable("s.products", []int{0}, costColumn("id", relation.Int4), costColumn("name", relation.Text)),
			costTable("s.orders", []int{0}, costColumn("id", relation.Int4), costColumn("customer_id", relation.Int4), costColumn("product_id", relation.Int4), costColumn("total", relation.Decimal)),
		},
		views: []string{tableCostView},
		count: func(name string, size int) int {
			if name == "s.orders" {
				return size
			}
			return size / 10
		},
		row: func(name string, id, size int) []relation.Value {
			if name != "s.orders" {
				return []relation.Value{int4(id), relation.OfText("A name")}
			}
			return []relation.Value{int4(id), int4(1 + id%(size/10)), int4(1 + (7*id+3)%(size/10)), cents(1_000 + id%7)}
		},
		changes: []costChange{
			{"insert", inserts("s.orders", 1, Cell{0, fresh(1)})},
			{"update", updates("s.orders", 2, Cell{3, cents(5_000)})},
			{"move between parents", updates("s.orders", 3, Cell{1, int4(50)})},
			{"another dimension", updates("s.orders", 4, Cell{2, int4(50)})},
			{"a dimension of ten rows", func(_ *costScenario, size int) []engine.Change {
				return []engine.Change{{Operation: engine.Update, Relation: "s.products", New: []relation.Value{int4(1 + size/20), relation.OfText("Other")}}}
			}},
			{"another key", updates("s.orders", 5, Cell{0, fresh(2)})},
			{"join to nothing", updates("s.orders", 6, Cell{1, relation.OfNull()})},
			{"delete", deletesRow("s.orders", 7)},
			{"delete a parent of ten", func(_ *costScenario, size int) []engine.Change {
				return []engine.Change{{Operation: engine.Delete, Relation: "s.customers", Old: []relation.Value{int4(1 + size/40), relation.OfNull()}}}
			}},
		},
	}
}

const tableCostView = `version: 1
view: customer
from: s.customers
fields:
  id:
  name:
  orders:
    many: s.orders
    join: orders.customer_id == customers.id
    fields:
      id:
      total:
      product:
        one: s.products
        join: products.id == orders.product_id
        fields: [name]
  spent: {sum: orders.total}
  dearest: {max: orders.total}
indexes: [[spent desc]]
`

// groupCost is one group of as many rows as size says, beside a small one, and a view on
// the groups.
func groupCost() *costScenario {
	return &costScenario{
		name: "a group", grows: "rows of the group",
		small: []int{10, 1_000, 10_000}, large: []int{10, 100, 1_000, 10_000, 100_000, 1_000_000},
		schemas: []*relation.Schema{costTable("s.sales", []int{0}, costColumn("id", relation.Int4), costColumn("region", relation.Int4), costColumn("amount", relation.Decimal), costColumn("buyer", relation.Int4))},
		views:   []string{groupCostView, "version: 1\nview: above\nfrom: by_region\nfields: [region, n, largest]\n"},
		count:   func(_ string, size int) int { return size + 10 },
		row: func(_ string, id, size int) []relation.Value {
			region, amount, buyer := 1, 1_000+id%7, 10+id%3
			if id > size {
				region = 2
			}
			switch id - middle(size) {
			case 4:
				buyer = 99
			case 5:
				amount = 9_999
			case 6:
				amount = 100
			}
			return []relation.Value{int4(id), int4(region), cents(amount), int4(buyer)}
		},
		changes: []costChange{
			{"insert", inserts("s.sales", 1, Cell{0, fresh(1)})},
			{"update", updates("s.sales", 1, Cell{2, cents(1_500)})},
			{"the largest leaves", deletesRow("s.sales", 5)},
			{"the smallest leaves", updates("s.sales", 6, Cell{2, cents(1_001)})},
			{"a value of count_distinct leaves", updates("s.sales", 4, Cell{3, int4(10)})},
			{"another group", updates("s.sales", 2, Cell{1, int4(2)})},
			{"a new group", updates("s.sales", 7, Cell{1, int4(3)})},
			{"left out by the condition", updates("s.sales", 8, Cell{1, relation.OfNull()})},
			{"another key", updates("s.sales", 9, Cell{0, fresh(2)})},
			{"delete", deletesRow("s.sales", 3)},
		},
	}
}

const groupCostView = `version: 1
view: by_region
from: s.sales
where: region != nil
group_by:
  region:
measures:
  n: {count: "*"}
  revenue: {sum: amount}
  mean: {avg: amount, round: 2}
  smallest: {min: amount}
  largest: {max: amount}
  buyers: {count_distinct: buyer}
having: n > 0
indexes: [[revenue desc]]
`

// unionCost is a union of two relations of as many rows as size says, every second key
// of which both have.
func unionCost() *costScenario {
	table := func(name string) *relation.Schema {
		return costTable(name, []int{0}, costColumn("id", relation.Int4), costColumn("v", relation.Text))
	}
	return &costScenario{
		name: "a union", grows: "rows of a branch",
		small: []int{10, 1_000, 10_000}, large: []int{10, 100, 1_000, 10_000, 100_000, 1_000_000},
		schemas: []*relation.Schema{table("s.first"), table("s.second")},
		views: []string{
			"version: 1\nview: golden\nkey: id\nconflict: first\nunion:\n  - from: s.first\n  - from: s.second\n",
			"version: 1\nview: above\nfrom: golden\nfields: [id, v]\n",
		},
		count: func(_ string, size int) int { return size },
		row: func(name string, id, _ int) []relation.Value {
			if name == "s.second" {
				id *= 2
			}
			return []relation.Value{int4(id), relation.OfText(name)}
		},
		changes: []costChange{
			{"insert", inserts("s.first", 1, Cell{0, fresh(1)})},
			{"update the winner", func(c *costScenario, size int) []engine.Change {
				return updatesTo("s.first", int4(2*(size/4)+2), relation.OfText("s.other"))(c, size)
			}},
			{"update the loser", func(c *costScenario, size int) []engine.Change {
				row := c.row("s.second", size/4+1, size)
				return updatesTo("s.second", row[0], relation.OfText("s.other"))(c, size)
			}},
			{"the winner goes", func(c *costScenario, size int) []engine.Change {
				return []engine.Change{{Operation: engine.Delete, Relation: "s.first", Old: c.row("s.first", 2*(size/4), size)}}
			}},
			{"another key", func(c *costScenario, size int) []engine.Change {
				row := c.row("s.first", 2*(size/4)+1, size)
				return []engine.Change{{Operation: engine.Update, Relation: "s.first", Old: row, New: []relation.Value{fresh(2), row[1]}}}
			}},
			{"delete", func(c *costScenario, size int) []engine.Change {
				return []engine.Change{{Operation: engine.Delete, Relation: "s.second", Old: c.row("s.second", size, size)}}
			}},
		},
	}
}
