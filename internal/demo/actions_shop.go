package demo

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// placeOrder holds the customer's row meanwhile, so that nobody deletes it
// before the order refers to it.
func placeOrder(ctx context.Context, w *Worker) error {
	status := "placed"
	if chance(w.random, 7) {
		status = "draft"
	}
	return w.holding(ctx, CRM, func(crm pgx.Tx) error {
		customer, err := lockCustomer(ctx, w, crm)
		if err != nil {
			return err
		}
		basket, err := w.fillBasket(ctx, 1+skewed(w.random, 5, 1.5))
		if err != nil {
			return err
		}
		return w.transaction(ctx, Shop, func(shop pgx.Tx) error {
			// The counter is asked for both, as the number is made of the id.
			order, err := value[int64](ctx, shop, `
				insert into orders (id, number, customer_id, status, channel, total, shipping_fee, note, placed_at)
				select n, 'SO-' || lpad(n::text, 8, '0'), $1, $2, $3, 0, $4::text::numeric, $5, now()
				from nextval(pg_get_serial_sequence('orders', 'id')) n returning id`,
				customer, status, pick(w.random, channels), pick(w.random, []string{"0", "3.95", "4.95", "6.90"}), nullable(note(w.random)))
			if err != nil {
				return err
			}
			err = change(ctx, shop, `
				insert into order_items (order_id, line_no, sku, quantity, unit_price)
				select $1, line, sku, quantity, price::numeric
				from unnest($2::text[], $3::int[], $4::text[]) with ordinality as i(sku, quantity, price, line)`,
				order, basket.skus, basket.quantities, basket.prices)
			if err != nil {
				return err
			}
			return addUp(ctx, shop, order)
		})
	})
}

// nullable makes the empty text null.
func nullable(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// addUp sets an order's total to that of its items.
func addUp(ctx context.Context, shop pgx.Tx, order int64) error {
	return change(ctx, shop, `
		update orders set updated_at = now(), total = shipping_fee +
			(select coalesce(sum(quantity * unit_price), 0) from order_items where order_id = $1)
		where id = $1`, order)
}

// lockOrder finds one of the oldest orders in a status that nobody else is busy
// with, and holds it.
func lockOrder(ctx context.Context, w *Worker, shop pgx.Tx, status string) (int64, error) {
	return value[int64](ctx, shop, `
		select id from orders where status = $1 order by placed_at offset $2 limit 1 for update skip locked`,
		status, w.random.IntN(8))
}

// lockAnyOrder holds one that nobody else is busy with, of any status.
func lockAnyOrder(ctx context.Context, w *Worker, shop pgx.Tx) (int64, error) {
	return value[int64](ctx, shop, `
		select id from orders where id >= (select min(id) + ((max(id) - min(id)) * $1::float8)::bigint from orders)
		order by id limit 1 for update skip locked`, w.random.Float64())
}

func checkOut(ctx context.Context, w *Worker) error {
	return w.transaction(ctx, Shop, func(shop pgx.Tx) error {
		order, err := lockOrder(ctx, w, shop, "draft")
		if err != nil {
			return err
		}
		return change(ctx, shop, "update orders set status = 'placed', placed_at = now(), updated_at = now() where id = $1", order)
	})
}

func pay(ctx context.Context, w *Worker) error {
	return w.transaction(ctx, Shop, func(shop pgx.Tx) error {
		order, err := lockOrder(ctx, w, shop, "placed")
		if err != nil {
			return err
		}
		return change(ctx, shop, "update orders set status = 'paid', paid_at = now(), updated_at = now() where id = $1", order)
	})
}

func cancel(ctx context.Context, w *Worker) error {
	return w.transaction(ctx, Shop, func(shop pgx.Tx) error {
		order, err := lockOrder(ctx, w, shop, "placed")
		if err != nil {
			return err
		}
		return change(ctx, shop, "update orders set status = 'cancelled', updated_at = now() where id = $1", order)
	})
}

func refund(ctx context.Context, w *Worker) error {
	return w.transaction(ctx, Shop, func(shop pgx.Tx) error {
		order, err := lockOrder(ctx, w, shop, "delivered")
		if err != nil {
			return err
		}
		return change(ctx, shop, `
			update orders set status = 'refunded', updated_at = now(), metadata = coalesce(metadata, '{}') || '{"refund": "full"}'
			where id = $1`, order)
	})
}

// moveOrder gives an order to another customer, held so that it stays.
func moveOrder(ctx context.Context, w *Worker) error {
	return w.holding(ctx, CRM, func(crm pgx.Tx) error {
		customer, err := lockCustomer(ctx, w, crm)
		if err != nil {
			return err
		}
		return w.transaction(ctx, Shop, func(shop pgx.Tx) error {
			order, err := lockAnyOrder(ctx, w, shop)
			if err != nil {
				return err
			}
			return change(ctx, shop, "update orders set customer_id = $2, updated_at = now() where id = $1 and customer_id <> $2", order, customer)
		})
	})
}

// deleteOrder removes one of the oldest that are done with, and its shipments.
// Those go first: should the shop fail to commit, none refers to nothing.
func deleteOrder(ctx context.Context, w *Worker) error {
	status := pick(w.random, []string{"delivered", "delivered", "delivered", "delivered", "delivered", "cancelled", "refunded"})
	return w.transaction(ctx, Shop, func(shop pgx.Tx) error {
		order, err := lockOrder(ctx, w, shop, status)
		if err != nil {
			return err
		}
		if err := w.deleteShipments(ctx, []int64{order}); err != nil {
			return err
		}
		return change(ctx, shop, "delete from orders where id = $1", order)
	})
}

// lockOpenOrder holds one that may still be changed.
func lockOpenOrder(ctx context.Context, w *Worker, shop pgx.Tx) (int64, error) {
	return lockOrder(ctx, w, shop, pick(w.random, []string{"draft", "placed", "placed"}))
}

func changeQuantity(ctx context.Context, w *Worker) error {
	return w.transaction(ctx, Shop, func(shop pgx.Tx) error {
		order, err := lockOpenOrder(ctx, w, shop)
		if err != nil {
			return err
		}
		err = change(ctx, shop, `
			update order_items set quantity = 1 + (quantity + $2) % 8
			where order_id = $1 and line_no = (select min(line_no) from order_items where order_id = $1)`, order, w.random.IntN(5))
		if err != nil {
			return err
		}
		return addUp(ctx, shop, order)
	})
}

func addItem(ctx context.Context, w *Worker) error {
	basket, err := w.fillBasket(ctx, 1)
	if err != nil {
		return err
	}
	return w.transaction(ctx, Shop, func(shop pgx.Tx) error {
		order, err := lockOpenOrder(ctx, w, shop)
		if err != nil {
			return err
		}
		err = change(ctx, shop, `
			insert into order_items (order_id, line_no, sku, quantity, unit_price, gift_wrap)
			select $1::bigint, coalesce(max(line_no), 0) + 1, $2, $3, $4::text::numeric, $5 from order_items where order_id = $1
			having count(*) < 12`, order, basket.skus[0], basket.quantities[0], basket.prices[0], chance(w.random, 5))
		if err != nil {
			return err
		}
		return addUp(ctx, shop, order)
	})
}

// removeItem leaves at least one.
func removeItem(ctx context.Context, w *Worker) error {
	return w.transaction(ctx, Shop, func(shop pgx.Tx) error {
		order, err := lockOpenOrder(ctx, w, shop)
		if err != nil {
			return err
		}
		err = change(ctx, shop, `
			delete from order_items where order_id = $1
			and line_no = (select max(line_no) from order_items where order_id = $1 having count(*) > 1)`, order)
		if err != nil {
			return err
		}
		return addUp(ctx, shop, order)
	})
}

// swapItems swaps the line numbers, which are in the key, of an order's first
// and last items.
func swapItems(ctx context.Context, w *Worker) error {
	return w.transaction(ctx, Shop, func(shop pgx.Tx) error {
		order, err := lockAnyOrder(ctx, w, shop)
		if err != nil {
			return err
		}
		var first, last int
		err = shop.QueryRow(ctx, "select coalesce(min(line_no), 0), coalesce(max(line_no), 0) from order_items where order_id = $1", order).Scan(&first, &last)
		if err != nil {
			return err
		}
		if first == last {
			return errNothing
		}
		for _, renumber := range [][2]int{{first, -1}, {last, first}, {-1, last}} {
			err := change(ctx, shop, "update order_items set line_no = $3 where order_id = $1 and line_no = $2", order, renumber[0], renumber[1])
			if err != nil {
				return err
			}
		}
		return nil
	})
}
