package demo

import (
	"fmt"
	"math/rand/v2"
	"time"
)

func writeShipments(g *generator, w *rowWriter) {
	for number := range g.orders {
		o := g.order(number)
		r := g.of(shipmentRows, number)
		for range o.shipments {
			writeShipment(r, o, w)
		}
	}
}

func writeShipment(r *rand.Rand, o orderSeed, w *rowWriter) {
	id := uuidOf(r)
	status, created := "in_transit", o.placedAt.Add(time.Duration(1+r.IntN(40))*time.Hour)
	shipped := created.Add(time.Duration(1+r.IntN(20)) * time.Hour)
	delivered := time.Time{}
	switch {
	case o.status == "delivered":
		status = "delivered"
	case o.status == "refunded":
		status = pick(r, []string{"returned", "lost", "delivered"})
	case chance(r, 4):
		status, shipped = "created", time.Time{}
	}
	if status == "delivered" {
		delivered = shipped.Add(time.Duration(12+r.IntN(80)) * time.Hour)
	}
	w.uuid(id)
	w.int(o.id)
	w.text(pick(r, carriers))
	if status == "created" && chance(r, 2) {
		w.null()
	} else {
		w.text(trackingCode(id))
	}
	w.text(status)
	w.int(int64(1 + skewed(r, 4, 3)))
	if chance(r, 8) {
		w.null()
	} else {
		w.float(0.2+r.Float64()*12, 3)
	}
	w.cents(int64(320 + r.IntN(1900)))
	if chance(r, 3) {
		w.null()
	} else {
		w.text(fmt.Sprintf("%02d:%02d:00", 8+r.IntN(10), r.IntN(4)*15))
	}
	if chance(r, 3) {
		w.null()
	} else {
		w.text(pick(r, []string{"02:00:00", "04:00:00", "1 day"}))
	}
	w.text(shipmentEvents(created, shipped, delivered))
	w.time(created)
	w.time(shipped)
	w.time(delivered)
	w.end()
}

func trackingCode(id [16]byte) string { return fmt.Sprintf("TRK%X", id[:8]) }

// shipmentEvents is the list of what happened to it so far.
func shipmentEvents(created, shipped, delivered time.Time) string {
	events := fmt.Sprintf(`[{"at": %q, "what": "label printed"}`, created.Format(time.RFC3339))
	if !shipped.IsZero() {
		events += fmt.Sprintf(`, {"at": %q, "what": "picked up"}`, shipped.Format(time.RFC3339))
	}
	if !delivered.IsZero() {
		events += fmt.Sprintf(`, {"at": %q, "what": "delivered"}`, delivered.Format(time.RFC3339))
	}
	return events + "]"
}
