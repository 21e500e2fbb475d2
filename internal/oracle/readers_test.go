package oracle

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"odsd/internal/demo"
	"odsd/storage/relation"
)

// readers of a round, besides the witness.
const readers = 2

// retryAfter is the longest pause before a daemon that did not answer is asked again.
const retryAfter = 50 * time.Millisecond

// answers counts what was read during the faults.
type answers struct {
	right, witnessed atomic.Int64
	unreachable      atomic.Int64
	refused          atomic.Int64 // not ready, or not so far yet
}

// read reads until ctx ends; the error is of a reply that was wrong.
func (w *world) read(ctx context.Context, seed uint64, a *answers) error {
	all, ctx := errgroup.WithContext(ctx)
	for n := range readers {
		all.Go(func() error {
			r := &reader{world: w, random: rand.New(rand.NewPCG(seed, 100+uint64(n))), seen: newFloors()}
			return until(ctx, a, r.step)
		})
	}
	all.Go(func() error {
		witness := &witness{world: w}
		defer witness.close()
		return until(ctx, a, func(ctx context.Context) error { return witness.step(ctx, a) })
	})
	return all.Wait()
}

// until repeats a step. Errors that the faults excuse are counted.
func until(ctx context.Context, a *answers, step func(context.Context) error) error {
	random := rand.New(rand.NewPCG(0, 0))
	for {
		err := step(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err == nil:
			a.right.Add(1)
		case excused(err):
			a.excuse(err)
			randomMoment(ctx, random, retryAfter)
		default:
			return err
		}
	}
}

func (a *answers) excuse(err error) {
	var no *refused
	if errors.As(err, &no) {
		a.refused.Add(1)
		return
	}
	a.unreachable.Add(1)
}

// reader asks for documents and checks what must hold in one state of the sources.
type reader struct {
	world  *world
	random *rand.Rand
	life   int
	seen   floors // in this life
	orders []string
}

const customerFields = `id orderCount paidTotal averageOrder largestOrder firstOrderAt lastOrderAt units parcelsOnTheirWay vip
	orders { id status placedAt total units items { quantity } shipments { status } }`

const boardFields = `id status total itemCount units gifts toPack forBusiness
	customer { id segment } shipment { id } items { quantity giftWrap }`

func (r *reader) query() string {
	var keys strings.Builder
	for _, id := range r.orders {
		fmt.Fprintf(&keys, "{id: %q} ", id)
	}
	if len(r.orders) == 0 {
		keys.WriteString(`{id: "1"}`)
	}
	var skus strings.Builder
	for n := range accounts {
		fmt.Fprintf(&skus, "{sku: %q} ", fmt.Sprintf(accountsSKUs, n+1))
	}
	return fmt.Sprintf(`{
		customer360(id: "%[1]d") { %[2]s }
		vipCustomers(id: "%[1]d") { orderCount paidTotal lastOrderAt }
		orderBoardByKeys(keys: [%[3]s]) { %[4]s }
		productSalesByKeys(keys: [%[5]s]) { price }
	}`, 1+r.random.IntN(customers), customerFields, keys.String(), boardFields, skus.String())
}

func (r *reader) step(ctx context.Context) error {
	address := r.world.daemon.where()
	if address.life != r.life {
		// What the life before showed and had not called durable may come again.
		r.life, r.seen = address.life, newFloors()
	}
	durable := r.world.confirmed.copy()
	query := r.query()
	reply, err := ask(ctx, address, query, "", "")
	if err != nil {
		return err
	}
	positions, err := reply.positions()
	if err != nil {
		return err
	}
	if err := errors.Join(durable.below(positions), r.seen.below(positions)); err != nil {
		return fmt.Errorf("life %d goes back: %w", r.life, err)
	}
	r.seen.raiseAll(positions)
	r.remember(reply.Data)
	if err := consistent(reply.Data); err != nil {
		return fmt.Errorf("a reply of life %d at %v contradicts itself: %w\n%s\n%v", r.life, positions, err, query, reply.Data)
	}
	return nil
}

// remember keeps the numbers of a customer's orders for the next request, which
// compares them between two views.
func (r *reader) remember(data map[string]any) {
	customer, ok := data["customer360"].(map[string]any)
	if !ok {
		return
	}
	r.orders = nil
	for _, order := range customer["orders"].([]any) {
		r.orders = append(r.orders, order.(map[string]any)["id"].(string))
	}
}

// witness writes a number, waits for it through odsd and reads it: its own
// writes, whatever is killed.
type witness struct {
	world *world
	conn  *pgx.Conn
}

func (w *witness) close() {
	if w.conn != nil {
		_ = w.conn.Close(context.Background())
	}
}

func (w *witness) step(ctx context.Context, a *answers) error {
	if w.conn == nil || w.conn.IsClosed() {
		conn, err := pgx.Connect(ctx, w.world.dsns[demo.Catalog])
		if err != nil {
			return &unreachable{err}
		}
		w.conn = conn
	}
	var written, lsn string
	err := w.conn.QueryRow(ctx, "update products set name = (name::int + 1)::text where sku = $1 returning name", witnessSKU).Scan(&written)
	if err != nil {
		return &unreachable{err}
	}
	if err := w.conn.QueryRow(ctx, "select pg_current_wal_flush_lsn()::text").Scan(&lsn); err != nil {
		return &unreachable{err}
	}
	position, err := relation.ParsePosition(lsn)
	if err != nil {
		return err
	}
	query := fmt.Sprintf(`{ productSales(sku: %q) { name } }`, witnessSKU)
	reply, err := ask(ctx, w.world.daemon.where(), query, demo.Catalog+"="+lsn, "5s")
	if err != nil {
		return err
	}
	product, _ := reply.Data["productSales"].(map[string]any)
	if product == nil || product["name"] != written {
		return fmt.Errorf("waited for %s at %s and read %v, not %s", demo.Catalog, lsn, reply.Data, written)
	}
	w.world.confirmed.raise(demo.Catalog, position)
	a.witnessed.Add(1)
	return nil
}
