package demo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// ship sends a paid order: the shipment is committed before the order says that
// there is one, and the order is held meanwhile.
func ship(ctx context.Context, w *Worker) error {
	return w.transaction(ctx, Shop, func(shop pgx.Tx) error {
		order, err := lockOrder(ctx, w, shop, "paid")
		if err != nil {
			return err
		}
		id := uuidOf(w.random)
		err = w.update(ctx, Shipping, `
			insert into shipments (id, order_id, carrier, tracking_code, parcels, weight_kg, cost, delivery_window, events)
			values ($1, $2, $3, $4, $5, $6, $7::text::numeric, $8::text::interval, $9::text::jsonb)`,
			id, order, pick(w.random, carriers), trackingCode(id), 1+skewed(w.random, 4, 3), float32(w.random.IntN(9000)+200)/1000,
			amount(int64(320+w.random.IntN(1900))), pick(w.random, []string{"02:00:00", "04:00:00"}), event("label printed"))
		if err != nil {
			return err
		}
		return change(ctx, shop, "update orders set status = 'shipped', updated_at = now() where id = $1", order)
	})
}

// event is a list of one, to be appended.
func event(what string) string {
	return fmt.Sprintf(`[{"at": %q, "what": %q}]`, time.Now().UTC().Format(time.RFC3339), what)
}

// track moves a shipment on.
func track(ctx context.Context, w *Worker) error {
	return w.update(ctx, Shipping, `
		update shipments set status = 'in_transit', shipped_at = coalesce(shipped_at, now()), events = events || $1::text::jsonb
		where id = (select id from shipments where status = $2::text::shipment_status order by created_at offset $3 limit 1 for update skip locked)`,
		event("scanned in "+pick(w.random, cities).name), pick(w.random, []string{"created", "created", "in_transit"}), w.random.IntN(8))
}

// deliver ends a shipment, and with its last one the order.
func deliver(ctx context.Context, w *Worker) error {
	shipment, order, err := w.shipmentOnItsWay(ctx)
	if err != nil {
		return err
	}
	return w.transaction(ctx, Shop, func(shop pgx.Tx) error {
		status, err := value[string](ctx, shop, "select status::text from orders where id = $1 for update", order)
		if err != nil {
			return err
		}
		var left int
		err = w.transaction(ctx, Shipping, func(shipping pgx.Tx) error {
			err := change(ctx, shipping, `
				update shipments set status = 'delivered', delivered_at = now(), shipped_at = coalesce(shipped_at, now()), events = events || $2::text::jsonb
				where id = $1 and status in ('created', 'in_transit')`, shipment, event("delivered"))
			if err != nil {
				return err
			}
			left, err = value[int](ctx, shipping, "select count(*)::int from shipments where order_id = $1 and status in ('created', 'in_transit')", order)
			return err
		})
		if err != nil {
			return err
		}
		if left > 0 || status != "shipped" {
			return errNothing // in the shop
		}
		return change(ctx, shop, "update orders set status = 'delivered', updated_at = now() where id = $1", order)
	})
}

// shipmentOnItsWay is one of the oldest; whether it still is is asked again
// under the order's lock.
func (w *Worker) shipmentOnItsWay(ctx context.Context) (shipment [16]byte, order int64, err error) {
	conn, err := w.conn(ctx, Shipping)
	if err != nil {
		return shipment, 0, err
	}
	err = conn.QueryRow(ctx, "select id, order_id from shipments where status in ('created', 'in_transit') order by created_at offset $1 limit 1",
		w.random.IntN(8)).Scan(&shipment, &order)
	if errors.Is(err, pgx.ErrNoRows) {
		err = errNothing
	}
	return shipment, order, err
}

// deleteShipments of orders that are about to be deleted and are held.
func (w *Worker) deleteShipments(ctx context.Context, orders []int64) error {
	err := w.update(ctx, Shipping, "delete from shipments where order_id = any($1)", orders)
	if errors.Is(err, errNothing) {
		return nil
	}
	return err
}
