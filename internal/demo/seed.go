package demo

import (
	"context"
	"fmt"
	"io"

	"github.com/jackc/pgx/v5"
)

// Seed fills the empty tables of the databases.
func Seed(ctx context.Context, dsns DSNs, customers int, seed uint64) error {
	g := newGenerator(customers, seed)
	return eachDatabase(ctx, dsns, func(ctx context.Context, database string, conn *pgx.Conn) error {
		if err := copyRows(ctx, database, conn, g); err != nil {
			return err
		}
		return analyze(ctx, database, conn)
	})
}

// tableSeed says how a table is filled.
type tableSeed struct {
	table   string
	columns string
	// rows writes all rows.
	rows func(g *generator, w *rowWriter)
	// identity is the column that counts up, if there is one.
	identity string
}

var seeds = map[string][]tableSeed{
	CRM: {
		{"customers", "id, email, first_name, last_name, company, segment, country, phone, birth_date, newsletter, tags, preferences, credit_limit, created_at, updated_at, deleted_at", writeCustomers, "id"},
		{"addresses", "id, customer_id, kind, is_default, recipient, street, postal_code, city, country, latitude, longitude, updated_at", writeAddresses, ""},
	},
	Catalog: {
		{"categories", "id, parent_id, slug, name, position", writeCategories, "id"},
		{"products", "id, sku, name, description, category_id, price, cost, weight_kg, attributes, labels, image_digest, active, released_on, updated_at", writeProducts, "id"},
	},
	Shop: {
		{"orders", "id, number, customer_id, status, channel, total, shipping_fee, note, metadata, placed_at, paid_at, updated_at", writeOrders, "id"},
		{"order_items", "order_id, line_no, sku, quantity, unit_price, discount_percent, gift_wrap", writeItems, ""},
	},
	Shipping: {
		{"shipments", "id, order_id, carrier, tracking_code, status, parcels, weight_kg, cost, pickup_time, delivery_window, events, created_at, shipped_at, delivered_at", writeShipments, ""},
	},
}

// copyRows fills a database's tables by COPY, and sets its counters behind the rows.
func copyRows(ctx context.Context, database string, conn *pgx.Conn, g *generator) error {
	for _, s := range seeds[database] {
		if err := copyTable(ctx, conn, g, s); err != nil {
			return fmt.Errorf("fill %s.%s: %w", database, s.table, err)
		}
		if s.identity == "" {
			continue
		}
		// A counter may not be set to 0, so an empty table's starts at 1.
		_, err := conn.Exec(ctx, fmt.Sprintf("select setval(pg_get_serial_sequence('%[1]s', '%[2]s'), coalesce(max(%[2]s), 0) + 1, false) from %[1]s", s.table, s.identity))
		if err != nil {
			return fmt.Errorf("fill %s.%s: %w", database, s.table, err)
		}
	}
	return nil
}

func copyTable(ctx context.Context, conn *pgx.Conn, g *generator, s tableSeed) error {
	reader, writer := io.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		w := newRowWriter(writer)
		s.rows(g, w)
		_ = writer.CloseWithError(w.flush()) // never fails
	}()
	_, err := conn.PgConn().CopyFrom(ctx, reader, fmt.Sprintf("copy %s (%s) from stdin", s.table, s.columns))
	_ = reader.CloseWithError(err) // ends the writer if COPY failed
	<-done
	return err
}

// analyze lets the planner, and those who ask how many rows there are, know.
func analyze(ctx context.Context, database string, conn *pgx.Conn) error {
	if _, err := conn.Exec(ctx, "analyze"); err != nil {
		return fmt.Errorf("analyze %s: %w", database, err)
	}
	return nil
}
