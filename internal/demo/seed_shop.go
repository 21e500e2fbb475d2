package demo

import (
	"fmt"
	"math/rand/v2"
	"time"
)

var channels = []string{"web", "web", "web", "app", "app", "phone"}

func writeOrders(g *generator, w *rowWriter) {
	for number := range g.orders {
		o := g.order(number)
		r := g.of(orderRows, g.orders+number) // order has used the row's own
		w.int(o.id)
		w.text(orderNumber(o.id))
		w.int(o.customer)
		w.text(o.status)
		w.text(pick(r, channels))
		w.cents(o.totalCents())
		w.cents(o.feeCents)
		w.textOrNull(note(r))
		w.textOrNull(metadata(r))
		w.time(o.placedAt)
		w.time(o.paidAt())
		w.time(o.placedAt.Add(time.Duration(r.Int64N(int64(96 * time.Hour)))))
		w.end()
	}
}

// paidAt is the zero time for orders that are not paid.
func (o orderSeed) paidAt() time.Time {
	switch o.status {
	case "draft", "placed", "cancelled":
		return time.Time{}
	}
	return o.placedAt.Add(time.Duration(o.id%7200) * time.Second)
}

func note(r *rand.Rand) string {
	if !chance(r, 12) {
		return ""
	}
	return pick(r, orderNotes)
}

func metadata(r *rand.Rand) string {
	if !chance(r, 3) {
		return ""
	}
	return fmt.Sprintf(`{"campaign": %q, "visit": %d, "coupon": null}`, pick(r, []string{"spring", "friends", "search"}), 1+r.IntN(9))
}

func writeItems(g *generator, w *rowWriter) {
	for number := range g.orders {
		o := g.order(number)
		for line, item := range o.items {
			w.int(o.id)
			w.int(int64(line) + 1)
			w.text(g.product(item.product).sku)
			w.int(item.quantity)
			w.cents(item.cents)
			if (number+line)%9 == 0 {
				w.cents(int64(1+number%6) * 250)
			} else {
				w.null()
			}
			w.bool((number+line)%23 == 0)
			w.end()
		}
	}
}
