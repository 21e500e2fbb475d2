package demo

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"time"
)

// The seed's history: orders lie between these, customers joined before.
var (
	historyStart = time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	historyEnd   = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
)

// kind of row, so that each has random numbers of its own.
type kind uint64

const (
	customerRows kind = iota + 1
	addressRows
	productRows
	orderRows
	itemPairs
	orderBlocks
	shipmentRows
)

// generator makes any row of the seed from its number, which counts from 0.
type generator struct {
	seed      uint64
	customers int
	products  int
	orders    int
}

func newGenerator(customers int, seed uint64) *generator {
	return &generator{seed: seed, customers: customers, products: max(10, customers/10), orders: 5 * customers}
}

// of is the source of randomness of one row.
func (g *generator) of(k kind, number int) *rand.Rand {
	return rand.New(rand.NewPCG(g.seed, uint64(k)<<56|uint64(number)))
}

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

// chance is true once in n.
func chance(r *rand.Rand, n int) bool { return r.IntN(n) == 0 }

// between is a time, by the millisecond.
func between(r *rand.Rand, from, to time.Time) time.Time {
	return from.Add(time.Duration(r.Int64N(max(1, to.Sub(from).Milliseconds()))) * time.Millisecond)
}

// uuidOf is a random (version 4) UUID of the row's own randomness.
func uuidOf(r *rand.Rand) [16]byte {
	var id [16]byte
	binary.BigEndian.PutUint64(id[:8], r.Uint64())
	binary.BigEndian.PutUint64(id[8:], r.Uint64())
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80
	return id
}

// skewed is a number below n; small ones are likelier, as with popular products
// and good customers.
func skewed(r *rand.Rand, n int, power float64) int {
	return min(n-1, int(float64(n)*math.Pow(r.Float64(), power)))
}

// spread scatters the numbers below n, so that the likely ones do not all come first.
func spread(number, n int) int {
	const step = 7919 // prime, so that no two numbers meet, unless it divides n
	if n%step == 0 {
		return number
	}
	return number * step % n
}

// orderSeed is what the shop's and shipping's rows of an order are made from.
type orderSeed struct {
	id        int64
	customer  int64
	status    string
	placedAt  time.Time
	items     []itemSeed
	feeCents  int64
	shipments int
}

type itemSeed struct {
	product  int // number of the product
	quantity int64
	cents    int64 // unit price
}

// share is how many of a block of orders have a status.
type share struct {
	status    string
	orders    int
	shipments int // of each
	doubled   int // how many of them have a shipment more
}

// openShares and closedShares share out the newest 15 and the older 85 of a
// hundred orders. Together they have 80 shipments.
var (
	openShares   = []share{{"draft", 3, 0, 0}, {"placed", 4, 0, 0}, {"paid", 4, 0, 0}, {"shipped", 4, 1, 0}}
	closedShares = []share{{"delivered", 70, 1, 2}, {"cancelled", 11, 0, 0}, {"refunded", 4, 1, 0}}
)

func (g *generator) order(number int) orderSeed {
	r := g.of(orderRows, number)
	o := orderSeed{
		id:       int64(number) + 1,
		customer: int64(spread(skewed(r, g.customers, 1.6), g.customers)) + 1,
		placedAt: g.placedAt(number, r),
		feeCents: pick(r, []int64{0, 0, 395, 495, 690, 1250}),
	}
	o.status, o.shipments = g.statusOf(number)
	for range g.itemCount(number) {
		product := spread(skewed(r, g.products, 2), g.products)
		o.items = append(o.items, itemSeed{product: product, quantity: 1 + int64(skewed(r, 6, 3)), cents: g.product(product).cents})
	}
	return o
}

// statusOf gives each order of a block another place in the shares.
func (g *generator) statusOf(number int) (status string, shipments int) {
	shares, block := closedShares, 85
	if oldest := g.orders * 85 / 100; number >= oldest {
		shares, block, number = openShares, 15, number-oldest
	}
	// 37 has no divisor in common with either block.
	slot := (number*37 + g.of(orderBlocks, number/block).IntN(block)) % block
	for _, s := range shares {
		if slot < s.doubled {
			return s.status, s.shipments + 1
		}
		if slot < s.orders {
			return s.status, s.shipments
		}
		slot -= s.orders
	}
	return "delivered", 1 // not reached: the shares fill the block
}

// placedAt rises with the order's number, as its id does, and ever more slowly:
// business grows.
func (g *generator) placedAt(number int, r *rand.Rand) time.Time {
	at := func(n int) time.Time {
		span := float64(historyEnd.Sub(historyStart))
		return historyStart.Add(time.Duration(span * math.Sqrt(float64(n)/float64(g.orders))))
	}
	return between(r, at(number), at(number+1))
}

// itemCount is 1 to 5, and 3 on average exactly: two neighbours have 6 together.
func (g *generator) itemCount(number int) int {
	if number == g.orders-1 && number%2 == 0 {
		return 3
	}
	first := 1 + g.of(itemPairs, number/2).IntN(5)
	if number%2 == 0 {
		return first
	}
	return 6 - first
}

func (o orderSeed) totalCents() int64 {
	total := o.feeCents
	for _, item := range o.items {
		total += item.quantity * item.cents
	}
	return total
}

// productSeed is what other teams know of a product.
type productSeed struct {
	sku   string
	cents int64
}

func (g *generator) product(number int) productSeed {
	r := g.of(productRows, number)
	thing := things[number%len(things)]
	cents := int64(float64(thing.cents) * (0.6 + r.Float64()))
	return productSeed{sku: skuOf(thing.code, number), cents: cents/10*10 + 9}
}
