package oracle

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/jackc/pgx/v5"

	"odsd/internal/demo"
)

// Products that the demo's workload never touches, as it takes those with
// positive numbers: accounts whose prices add up to the same at every commit, and
// one whose name a witness counts up.
const (
	accounts     = 4
	accountsSum  = accounts * 1000
	witnessSKU   = "WITNESS"
	accountsSKUs = "ACCOUNT-%d"
)

// preparations are run in the databases before the daemon sees them.
var preparations = map[string]string{
	demo.Catalog: fmt.Sprintf(`
		insert into products (id, sku, name, price) select -n, 'ACCOUNT-' || n, 'account', 1000 from generate_series(1, %d) n;
		insert into products (id, sku, name, price) values (-100, '%s', '0', 1);`, accounts, witnessSKU),
}

// transaction is one that the demo's workload does not do.
type transaction struct {
	name   string
	source string
	weight int
	do     func(ctx context.Context, tx pgx.Tx, random *rand.Rand) error
}

var transactions = []transaction{
	{"transfer", demo.Catalog, 10, transfer},
	{"truncate addresses", demo.CRM, 1, truncate("addresses")},
	{"truncate shipments", demo.Shipping, 1, truncate("shipments")},
	{"truncate items", demo.Shop, 1, truncate("order_items")},
	{"truncate orders and items", demo.Shop, 1, truncate("orders", "order_items")},
	{"refill addresses", demo.CRM, 4, statements(false, refillAddresses)},
	{"refill items", demo.Shop, 5, statements(false, refillItems)},
	{"refill orders", demo.Shop, 5, statements(true, refillOrders, moreOrders)},
	{"refill customers", demo.CRM, 5, statements(false, refillCustomers, "update customers set deleted_at = null where id % 4 = $1 % 4")},
	{"refill shipments", demo.Shipping, 3, statements(false, refillShipments)},
	{"refill products", demo.Catalog, 2, statements(false, refillProducts)},
	{"swap orders", demo.Shop, 4, swap("orders", "id", "-7")},
	{"swap customers", demo.CRM, 4, swap("customers", "id", "-7")},
	{"swap skus", demo.Catalog, 4, swap("products", "sku", "'between'")},
	{"swap product numbers", demo.Catalog, 2, swap("products", "id", "-7")},
	{"swap categories", demo.Catalog, 2, swap("categories", "id", "-7")},
	{"move addresses", demo.CRM, 4, statements(false, `update addresses set customer_id = (select id from customers order by id offset $1 % 50 limit 1) where hashtext(id::text) % 60 = $2 % 60`)},
	{"move shipments", demo.Shipping, 4, statements(false, `update shipments set order_id = order_id + $1 % 5 - 2 where hashtext(id::text) % 60 = $2 % 60`)},
	{"move items", demo.Shop, 4, statements(true, `update order_items set order_id = order_id + $1 % 3, line_no = line_no + 1000 where order_id % 60 = $2 % 60 and line_no < 1000`)},
	{"move orders", demo.Shop, 4, statements(false, `update orders set customer_id = customer_id + $1 % 5 - 2 where id % 60 = $2 % 60`)},
	{"move products", demo.Catalog, 4, statements(false, `update products set category_id = nullif(1 + ($1 + id) % 17, 17) where id % 20 = $2 % 20 and id > 0`)},
	{"move categories", demo.Catalog, 3, statements(false, `update categories set parent_id = nullif((select id from categories order by id offset $1 % 22 limit 1), id) where id = (select id from categories order by id offset $2 % 21 limit 1)`)},
	{"delete parent of items", demo.Shop, 3, statements(true, `delete from orders where id % 97 = $1 % 97`)},
	{"delete parent of addresses", demo.CRM, 2, statements(true, `delete from customers where id % 97 = $1 % 97`)},
	{"delete product", demo.Catalog, 2, statements(false, `delete from products where id > 0 and id % 47 = $1 % 47`)},
	{"delete category", demo.Catalog, 1, statements(true, `delete from categories where id = 1 + $1 % 21`)},
	{"new category", demo.Catalog, 2, statements(false, `insert into categories (id, slug, name) select n, 'again-' || n, 'Again' from generate_series(1, 21) n where n % 5 = $1 % 5 on conflict do nothing`)},
	{"long note", demo.Shop, 4, long("update orders set note = $1 where id % 40 = $2")},
	{"long preferences", demo.CRM, 3, long("update customers set preferences = jsonb_build_object('text', $1::text, 'n', 1.10) where id % 40 = $2")},
	{"long name", demo.Catalog, 2, long("update products set name = $1 where id > 0 and id % 40 = $2")},
	{"leave long values", demo.Shop, 4, statements(false, `update orders set channel = 'phone', total = total + 1 where length(note) > 2000 and id % 3 = $1 % 3`)},
	{"leave long preferences", demo.CRM, 3, statements(false, `update customers set newsletter = not newsletter, id = id where length(preferences::text) > 2000 and id % 3 = $1 % 3`)},
	{"renumber long values", demo.Shop, 2, statements(true, `update orders set id = id + 100000 where length(note) > 2000 and id < 100000 and id % 5 = $1 % 5`)},
	{"strange values", demo.Shop, 2, statements(false, `update orders set
		total = case $1 % 3 when 0 then 'NaN' when 1 then 0 else -0.01 end,
		paid_at = case $1 % 4 when 0 then 'infinity' when 1 then '-infinity' when 2 then null else '1999-12-31 23:59:59.999999+00' end::timestamptz,
		note = case $1 % 3 when 0 then '' when 1 then E'\u00e4 "quoted" \\ \n\t 𝄞' end where id % 200 = $2 % 200`)},
	{"strange items", demo.Shop, 2, statements(false, `update order_items set unit_price = case $1 % 3 when 0 then 'NaN' when 1 then 9999999999.99 else 0.1 end, gift_wrap = not gift_wrap where order_id % 300 = $2 % 300`)},
	{"plain values", demo.Shop, 3, statements(false, `update orders set total = 10 + $1 % 7 where total = 'NaN'`, `update order_items set unit_price = 1.5 where unit_price = 'NaN'`)},
	{"strange customers", demo.CRM, 2, statements(false, `update customers set tags = case $1 % 4 when 0 then '{}' when 1 then '{"a,b","","{}",null,"\"\\"}' when 2 then '{NULL}' else '{x}' end::text[],
		preferences = case $1 % 5 when 0 then 'null' when 1 then '[]' when 2 then '{"a": [1.0, 1e3, -0.0]}' end::jsonb, last_name = nullif(last_name, 'Smith'), first_name = ' ' || first_name where id % 50 = $2 % 50`)},
	{"rolled back to savepoint", demo.Shop, 4, rolledBackToSavepoint},
	{"changed often", demo.Shop, 4, changedOften},
	{"many rows", demo.Shop, 2, statements(false, `update orders set updated_at = now(), total = total + 0.01`, `update order_items set quantity = 1 + quantity % 9 where order_id % 2 = $1 % 2`)},
	{"many customers", demo.CRM, 2, statements(false, `update customers set newsletter = id % 3 = $1 % 3`, `update addresses set city = city || '' where hashtext(id::text) % 2 = 0`, `update addresses set kind = 'billing'`)},
	{"many products", demo.Catalog, 2, statements(false, `update products set price = 1 + $1 % 500 where id > 0 and id % 2 = 0`, `update categories set name = name || '.' where length(name) < 40`)},
}

func chooseTransaction(random *rand.Rand) transaction {
	total := 0
	for _, t := range transactions {
		total += t.weight
	}
	n := random.IntN(total)
	for _, t := range transactions {
		if n < t.weight {
			return t
		}
		n -= t.weight
	}
	return transactions[0] // not reached
}

// statements runs them with two random numbers each, in one transaction. Unchecked
// rows may refer to nothing afterwards.
func statements(unchecked bool, texts ...string) func(context.Context, pgx.Tx, *rand.Rand) error {
	return func(ctx context.Context, tx pgx.Tx, random *rand.Rand) error {
		if unchecked {
			if err := uncheck(ctx, tx); err != nil {
				return err
			}
		}
		for _, text := range texts {
			numbers := []any{random.IntN(100_000), random.IntN(100_000)}
			for i := len(numbers); i > 0 && !strings.Contains(text, fmt.Sprintf("$%d", i)); i-- {
				numbers = numbers[:i-1]
			}
			if _, err := tx.Exec(ctx, strings.NewReplacer("$1", "$1::int", "$2", "$2::int").Replace(text), numbers...); err != nil {
				return err
			}
		}
		return nil
	}
}

// uncheck turns foreign keys off for the transaction.
func uncheck(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, "set local session_replication_role = replica")
	return err
}

const refillAddresses = `
	insert into addresses (id, customer_id, kind, is_default, street, postal_code, city, country)
	select gen_random_uuid(), id, case when id % 3 = 0 then 'shipping' else 'billing' end::address_kind, true, 'Street', '1', 'City ' || id % 4, 'DE'
	from customers c where id % 3 = $1 % 3 and not exists (select from addresses where customer_id = c.id)`

const refillItems = `
	insert into order_items (order_id, line_no, sku, quantity, unit_price, gift_wrap)
	select o.id, line, coalesce((select sku from order_items order by hashtext(sku || o.id) limit 1), 'KNF-00001'), 1 + line, 9.90 + line, line = 2
	from orders o, generate_series(1, 3) line
	where o.id % 4 = $1 % 4 and not exists (select from order_items where order_id = o.id)`

// refillOrders brings parents that come after their children.
const refillOrders = `
	insert into orders (id, number, customer_id, status, channel, total, placed_at)
	select distinct order_id, 'AGAIN-' || order_id, 1 + order_id % 150, 'paid'::order_status, 'web', 5, now()
	from order_items i where order_id % 3 = $1 % 3 and not exists (select from orders where id = i.order_id) on conflict do nothing`

// moreOrders keeps up with what is truncated.
const moreOrders = `
	insert into orders (id, number, customer_id, status, channel, total, placed_at)
	select n, 'MORE-' || n, 1 + n % 190, (enum_range(null::order_status))[1 + n % 7], 'app', n % 100, now()
	from generate_series(1, 600) n where n % 10 = $1 % 10 on conflict do nothing`

const refillShipments = `
	insert into shipments (id, order_id, carrier, created_at)
	select gen_random_uuid(), n, 'DHL', now() from generate_series(1, 600) n
	where n % 13 = $1 % 13 and not exists (select from shipments where order_id = n)`

const refillCustomers = `
	insert into customers (id, email, first_name, segment)
	select n, 'again-' || n || '@example.com', 'Again', 'reseller' from generate_series(1, 200) n
	where n % 5 = $1 % 5 on conflict do nothing`

const refillProducts = `
	insert into products (id, sku, name, description, category_id, price, cost)
	select n, 'KNF-' || lpad(n::text, 5, '0'), 'Again', repeat('x', 5000), nullif(n % 5, 0), 7.5, 2.125
	from generate_series(1, 20) n where n % 5 = $1 % 5 on conflict do nothing`

// transfer moves an amount from one account to another.
func transfer(ctx context.Context, tx pgx.Tx, random *rand.Rand) error {
	from, amount := 1+random.IntN(accounts), fmt.Sprintf("%d.%02d", random.IntN(40), random.IntN(100))
	to := 1 + (from+random.IntN(accounts-1))%accounts
	if _, err := tx.Exec(ctx, "update products set price = price - $1::text::numeric where id = $2", amount, -from); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, "update products set price = price + $1::text::numeric where id = $2", amount, -to)
	return err
}

// truncate empties tables and brings most of their rows back, or none.
func truncate(tables ...string) func(context.Context, pgx.Tx, *rand.Rand) error {
	return func(ctx context.Context, tx pgx.Tx, random *rand.Rand) error {
		for _, table := range tables {
			_, err := tx.Exec(ctx, fmt.Sprintf("create temporary table kept_%[1]s on commit drop as select * from %[1]s r where abs(hashtext(r::text || %[2]d)) %% 10 < 8", table, random.IntN(1000)))
			if err != nil {
				return err
			}
		}
		if _, err := tx.Exec(ctx, "truncate "+strings.Join(tables, ", ")); err != nil || random.IntN(12) == 0 {
			return err
		}
		if err := uncheck(ctx, tx); err != nil {
			return err
		}
		for _, table := range tables {
			if _, err := tx.Exec(ctx, fmt.Sprintf("insert into %[1]s select * from kept_%[1]s", table)); err != nil {
				return err
			}
		}
		return nil
	}
}

// swap exchanges the keys of two rows by way of a third value.
func swap(table, column, between string) func(context.Context, pgx.Tx, *rand.Rand) error {
	return func(ctx context.Context, tx pgx.Tx, random *rand.Rand) error {
		if err := uncheck(ctx, tx); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, fmt.Sprintf("select %[1]s::text from %[2]s where id > 0 order by hashtext(id::text || $1::text) limit 2", column, table), fmt.Sprint(random.IntN(1000)))
		if err != nil {
			return err
		}
		keys, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil || len(keys) < 2 {
			return err
		}
		a, b := "'"+keys[0]+"'", "'"+keys[1]+"'"
		for _, step := range [][2]string{{a, between}, {b, a}, {between, b}} {
			if _, err := tx.Exec(ctx, fmt.Sprintf("update %[1]s set %[2]s = %[4]s where %[2]s = %[3]s", table, column, step[0], step[1])); err != nil {
				return err
			}
		}
		return nil
	}
}

// long sets a value that PostgreSQL stores out of line: it does not compress.
func long(text string) func(context.Context, pgx.Tx, *rand.Rand) error {
	return func(ctx context.Context, tx pgx.Tx, random *rand.Rand) error {
		var b strings.Builder
		for range 600 + random.IntN(1200) {
			fmt.Fprintf(&b, "%x ", random.Uint32())
		}
		_, err := tx.Exec(ctx, text, b.String(), random.IntN(40))
		return err
	}
}

// rolledBackToSavepoint does many things in many tables, of which half are undone.
func rolledBackToSavepoint(ctx context.Context, tx pgx.Tx, random *rand.Rand) error {
	for i := range 4 {
		if _, err := tx.Exec(ctx, "savepoint s"); err != nil {
			return err
		}
		at := random.IntN(50)
		for _, text := range []string{
			"update orders set total = total + 1000000 where id % 50 = $1::int",
			"insert into order_items (order_id, line_no, sku, quantity, unit_price) select id, 900 + $1::int, 'KNF-00001', 1, 1 from orders where id % 50 = $1::int on conflict do nothing",
			"delete from orders where id % 500 = $1::int",
			"update orders set total = total - 1000000 where id % 50 = $1::int",
		} {
			if _, err := tx.Exec(ctx, text, at); err != nil {
				return err
			}
		}
		end := "rollback to savepoint s"
		if i%2 == random.IntN(2) {
			end = "release savepoint s"
		}
		if _, err := tx.Exec(ctx, end); err != nil {
			return err
		}
	}
	return nil
}

// changedOften deletes and inserts one row, and changes it in between.
func changedOften(ctx context.Context, tx pgx.Tx, random *rand.Rand) error {
	if err := uncheck(ctx, tx); err != nil {
		return err
	}
	id := 1 + random.IntN(customers*5)
	for range 1 + random.IntN(4) {
		for _, text := range []string{
			"delete from orders where id = $1",
			"insert into orders (id, number, customer_id, status, channel, total, note, placed_at) values ($1::bigint, 'OFTEN-' || $1::bigint, 1 + $1::bigint % 100, 'placed', 'web', 1, repeat(md5($1::text), 200), now())",
			"update orders set status = 'paid' where id = $1",
			"update orders set customer_id = customer_id + 1 where id = $1",
			"update order_items set quantity = quantity + 1 where order_id = $1",
			"update orders set id = -$1::bigint where id = $1",
			"update orders set id = -id where id = -$1::bigint",
		} {
			if _, err := tx.Exec(ctx, text, id); err != nil {
				return err
			}
		}
	}
	return nil
}
