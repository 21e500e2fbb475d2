package demo_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"

	"odsd/internal/demo"
	"odsd/internal/pgcluster"
	"odsd/internal/pgcluster/pgtest"
)

// one asks a database for one value.
func one[T any](t *testing.T, dsn, sql string) T {
	t.Helper()
	return rows[T](t, dsn, sql)[0]
}

func rows[T any](t *testing.T, dsn, sql string) []T {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	result, err := conn.Query(t.Context(), sql)
	if err != nil {
		t.Fatal(err)
	}
	got, err := pgx.CollectRows(result, pgx.RowTo[T])
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return got
}

func seeded(t *testing.T, customers int, seed uint64) demo.DSNs {
	t.Helper()
	dsns, err := demo.OneCluster(t.Context(), pgtest.Start(t, pgcluster.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	if err := demo.Seed(t.Context(), dsns, customers, seed); err != nil {
		t.Fatal(err)
	}
	return dsns
}

func TestSeedCounts(t *testing.T) {
	dsns := seeded(t, 400, 1)
	counts := []struct {
		database, table string
		want            int
	}{
		{demo.CRM, "customers", 400}, {demo.Shop, "orders", 2000}, {demo.Shop, "order_items", 6000},
		{demo.Catalog, "products", 40}, {demo.Shipping, "shipments", 1600}, {demo.Catalog, "categories", 21},
	}
	for _, c := range counts {
		if got := one[int](t, dsns[c.database], "select count(*)::int from "+c.table); got != c.want {
			t.Errorf("%s.%s: %d rows, want %d", c.database, c.table, got, c.want)
		}
	}
	if got := one[int](t, dsns[demo.CRM], "select count(distinct customer_id)::int from addresses"); got != 400 {
		t.Errorf("%d customers have an address", got)
	}
	assertPlausible(t, dsns)
	// Counters stand behind the rows.
	if got := one[int64](t, dsns[demo.Shop], "select nextval(pg_get_serial_sequence('orders', 'id'))"); got != 2001 {
		t.Errorf("the next order is %d", got)
	}
	// Every kind of value is there: a demo of nulls needs some.
	for _, sql := range []string{
		"select bool_or(last_name is null) and bool_or(country is null) and bool_or(deleted_at is not null) and bool_or(tags = '{}') and bool_or(preferences is null) from customers",
	} {
		if !one[bool](t, dsns[demo.CRM], sql) {
			t.Errorf("not true: %s", sql)
		}
	}
}

func TestSeedIsTheSameEveryTime(t *testing.T) {
	first, second, other := seeded(t, 60, 7), seeded(t, 60, 7), seeded(t, 60, 8)
	for database, tables := range map[string][]string{
		demo.CRM: {"customers", "addresses"}, demo.Shop: {"orders", "order_items"},
		demo.Catalog: {"products", "categories"}, demo.Shipping: {"shipments"},
	} {
		for _, table := range tables {
			sql := "select md5(string_agg(r::text, E'\\n' order by r::text)) from " + table + " r"
			want := one[string](t, first[database], sql)
			if got := one[string](t, second[database], sql); got != want {
				t.Errorf("%s.%s differs under the same seed", database, table)
			}
			if got := one[string](t, other[database], sql); got == want && table != "categories" {
				t.Errorf("%s.%s does not depend on the seed", database, table)
			}
		}
	}
}

// assertPlausible checks what the services keep between their databases.
func assertPlausible(t *testing.T, dsns demo.DSNs) {
	t.Helper()
	assertSubset(t, "orders' customers", rows[int64](t, dsns[demo.Shop], "select distinct customer_id from orders"), rows[int64](t, dsns[demo.CRM], "select id from customers"))
	assertSubset(t, "shipments' orders", rows[int64](t, dsns[demo.Shipping], "select distinct order_id from shipments"), rows[int64](t, dsns[demo.Shop], "select id from orders"))
	assertSubset(t, "items' products", rows[string](t, dsns[demo.Shop], "select distinct sku from order_items"), rows[string](t, dsns[demo.Catalog], "select sku from products"))
	if bad := rows[int64](t, dsns[demo.Shop], `select o.id from orders o left join order_items i on i.order_id = o.id
		group by o.id having o.total <> o.shipping_fee + coalesce(sum(i.quantity * i.unit_price), 0)`); len(bad) > 0 {
		t.Errorf("orders whose total is not that of their items: %v", bad)
	}
	if bad := rows[int64](t, dsns[demo.Shop], `select id from orders where (paid_at is not null) <> (status in ('paid', 'shipped', 'delivered', 'refunded'))`); len(bad) > 0 {
		t.Errorf("orders paid but for their status, or the other way round: %v", bad)
	}
	assertSubset(t, "shipped orders",
		rows[int64](t, dsns[demo.Shop], "select id from orders where status in ('shipped', 'delivered')"),
		rows[int64](t, dsns[demo.Shipping], "select distinct order_id from shipments"))
}

func assertSubset[T comparable](t *testing.T, what string, part, whole []T) {
	t.Helper()
	known := map[T]bool{}
	for _, x := range whole {
		known[x] = true
	}
	for _, x := range part {
		if !known[x] {
			t.Errorf("%s: %v is nowhere", what, x)
		}
	}
}
