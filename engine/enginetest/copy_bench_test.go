package enginetest

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"odsd/engine"
	"odsd/storage"
	"odsd/storage/relation"
)

// copiedOrders is a source that copies made-up orders, a thousand at a time, in the order of
// their keys or in none.
type copiedOrders struct {
	schema   *relation.Schema
	rows     int
	shuffled bool
}

func (s *copiedOrders) Name() string                  { return SourceOf(s.schema.Name) }
func (s *copiedOrders) Acknowledge(relation.Position) {}
func (s *copiedOrders) RequestProgress()              {}
func (s *copiedOrders) Run(ctx context.Context, from *engine.Resume, out chan<- engine.Event) error {
	random := rand.New(rand.NewPCG(1, 1))
	keys := make([]int, s.rows)
	for i := range keys {
		keys[i] = i
	}
	if s.shuffled {
		random.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
	}
	events := []engine.Event{engine.CopyStarted{Schemas: []*relation.Schema{s.schema}, Position: 10, Identity: []byte("shop")}}
	note := relation.OfText(strings.Repeat("as agreed ", 4))
	for i := 0; i < s.rows; i += 1000 {
		batch := engine.CopiedRows{Relation: s.schema.Name}
		for _, key := range keys[i:min(s.rows, i+1000)] {
			batch.Rows = append(batch.Rows, []relation.Value{int4(key), int4(random.IntN(s.rows / 10)), int4(random.IntN(1000)), note, relation.OfDecimal(int64(random.IntN(100_000)), 2)})
		}
		events = append(events, batch)
		for _, event := range events {
			select {
			case out <- event:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		events = nil
	}
	out <- engine.TableRead{Relation: s.schema.Name}
	out <- engine.CopyFinished{Position: 10, Identity: []byte("shop")}
	<-ctx.Done()
	return ctx.Err()
}

// silent is a source of which nothing comes, so that the views on it wait.
type silent struct{}

func (silent) Name() string                  { return "crm" }
func (silent) Acknowledge(relation.Position) {}
func (silent) RequestProgress()              {}
func (silent) Run(ctx context.Context, _ *engine.Resume, _ chan<- engine.Event) error {
	<-ctx.Done()
	return ctx.Err()
}

// BenchmarkCopy copies a table with two indexes to the disk. One operation is a whole copy;
// ODSD_COPY_ROWS is how many rows it has. Counted are what the process used and wrote, to the
// end of the copy and until the compactions rest, and how long reading everything takes at both times.
func BenchmarkCopy(b *testing.B) {
	rows, _ := strconv.Atoi(os.Getenv("ODSD_COPY_ROWS"))
	if rows == 0 {
		rows = 100_000
	}
	for _, order := range []string{"sorted", "shuffled"} {
		b.Run(order, func(b *testing.B) {
			for b.Loop() {
				copyOrders(b, &copiedOrders{rows: rows, shuffled: order == "shuffled"})
			}
		})
	}
}

func copyOrders(b *testing.B, source *copiedOrders) {
	column := func(name string, k relation.Kind) relation.Column {
		return relation.Column{Name: name, Type: relation.TypeOf(k)}
	}
	source.schema = &relation.Schema{Name: "shop.orders", Key: []int{0}, Columns: []relation.Column{
		column("id", relation.Int4), column("customer_id", relation.Int4), column("product_id", relation.Int4), column("note", relation.Text), column("total", relation.Decimal),
	}}
	named := func(name string) *relation.Schema {
		return &relation.Schema{Name: name, Key: []int{0}, Columns: []relation.Column{column("id", relation.Int4)}}
	}
	checked, err := CheckViews([]*relation.Schema{source.schema, named("crm.customers"), named("crm.products")}, []string{
		"version: 1\nview: customers\nfrom: crm.customers\nfields:\n  id:\n  orders: {many: shop.orders, join: orders.customer_id == customers.id, fields: [id]}\n",
		"version: 1\nview: products\nfrom: crm.products\nfields:\n  id:\n  orders: {many: shop.orders, join: orders.product_id == products.id, fields: [id]}\n",
	})
	if err != nil {
		b.Fatal(err)
	}
	store, err := storage.Open(b.TempDir()+"/store", storage.Options{})
	if err != nil {
		b.Fatal(err)
	}
	e, err := engine.New(engine.Options{Store: store, Sources: []engine.Source{source, silent{}}, Definitions: engine.Definitions{Views: checked}})
	if err != nil {
		b.Fatal(err)
	}
	usedBefore, wroteBefore, began := used(), wrote(), time.Now()
	report := func(when string) {
		b.ReportMetric(time.Since(began).Seconds(), "s-"+when)
		b.ReportMetric((used() - usedBefore).Seconds(), "cpu-s-"+when)
		b.ReportMetric(float64(wrote()-wroteBefore)/1e6, "MB-written-"+when)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- e.Run(ctx) }()
	if err := e.WaitFor(ctx, "shop", 10); err != nil {
		b.Fatal(err)
	}
	report("copied")
	b.ReportMetric(float64(store.Metrics().CompactionDebtBytes)/1e6, "MB-debt-copied")
	b.ReportMetric(readEverything(b, store, 3*source.rows).Seconds(), "read-s-copied")
	for wroteLast := int64(-1); wroteLast != wrote(); time.Sleep(time.Second) {
		wroteLast = wrote()
	}
	report("at-rest")
	b.ReportMetric(readEverything(b, store, 3*source.rows).Seconds(), "read-s-at-rest")
	cancel()
	if err := errors.Join(<-done, store.Close()); err != nil {
		b.Fatal(err)
	}
}

func readEverything(b *testing.B, store *storage.Store, least int) time.Duration {
	began := time.Now()
	snapshot := store.Snapshot()
	cursor := snapshot.Scan(nil, nil)
	keys := 0
	for cursor.Next() {
		keys++
	}
	if err := errors.Join(cursor.Close(), snapshot.Close()); err != nil || keys < least {
		b.Fatalf("%d keys, %v", keys, err)
	}
	return time.Since(began)
}

// used is the processor time that the process took so far.
func used() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// wrote is how many bytes the process gave to files so far; 0 where that is not told.
func wrote() int64 {
	status, _ := os.ReadFile("/proc/self/io")
	for line := range strings.Lines(string(status)) {
		if n, ok := strings.CutPrefix(line, "wchar: "); ok {
			bytes, _ := strconv.ParseInt(strings.TrimSpace(n), 10, 64)
			return bytes
		}
	}
	return 0
}
