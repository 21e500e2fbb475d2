package oracle

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"odsd/internal/pgcluster"
	"odsd/internal/pgcluster/pgtest"
)

// hugeMemory is what the daemon may take while it applies a transaction of any size.
const hugeMemory = 512 << 20

// hugeCustomers share the rows, and have a document each.
const hugeCustomers = 1000

var hugeProject = map[string]string{
	"odsd.yaml": "version: 1\ndata_dir: ./data\nlisten: 127.0.0.1:0\nadmin_listen: 127.0.0.1:0\n",
	"sources/shop.yaml": `version: 1
source: shop
postgres:
  dsn: ${SHOP_DSN}
tables:
  customers:
  orders:
`,
	"views/customers.yaml": `version: 1
view: customer_orders
from: shop.customers
fields:
  id:
  name:
  orders:
    many: shop.orders
    join: orders.customer_id == customers.id
    order_by: [id]
    fields: [id, amount]
  order_count: {count: orders}
  total: {sum: orders.amount, default: 0}
`,
	"views/totals.yaml": `version: 1
view: totals
from: shop.orders
group_by:
  kind:
measures:
  orders: {count: "*"}
  total: {sum: amount, default: 0}
`,
}

// hugeState is what one request sees of everything.
type hugeState struct{ all, total, one string }

// huge is a daemon over one database, and a reader that looks at it all the while.
type huge struct {
	t    *testing.T
	rows int
	conn *pgx.Conn
	*daemon

	mu      sync.Mutex
	allowed []hugeState // in their order: what is seen never goes back
	at      int
	seen    int
}

// hugeRows is how many rows the transactions have.
func hugeRows(t *testing.T) int {
	text := os.Getenv("ODSD_HUGE_ROWS")
	if text == "" {
		return 150_000
	}
	rows, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("ODSD_HUGE_ROWS: %v", err)
	}
	return rows
}

// TestHugeTransactions has a daemon in bounded memory apply transactions that insert,
// update and truncate very many rows. Readers see each whole or not at all, also when the
// daemon is killed in its middle. ODSD_HUGE_ROWS says how many rows.
func TestHugeTransactions(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts databases and a daemon")
	}
	h := newHuge(t)
	ctx, cancel := context.WithCancel(t.Context())
	var reader sync.WaitGroup
	reader.Go(func() {
		if err := h.read(ctx); err != nil {
			t.Error(err)
			cancel()
		}
	})
	defer reader.Wait()
	defer cancel()

	h.allow(h.state(h.rows, 1))
	h.exec(`insert into orders select g, g %% 1000, 1, 'sale', 'note of order ' || g from generate_series(1, %d) g`, h.rows)
	h.untilInTheMiddle(ctx)
	h.report("killed in the middle of the inserts")
	if err := h.kill(); err != nil {
		t.Fatal(err)
	}
	if left, err := filepath.Glob(h.layer()); err != nil || len(left) == 0 {
		t.Fatalf("it was not in the middle: %v", err)
	}
	if err := h.start(); err != nil {
		t.Fatal(err)
	}
	h.untilSeen(ctx, h.state(h.rows, 1))
	h.report("inserted")

	h.allow(h.state(h.rows, 3))
	h.exec(`update orders set amount = amount + 2`)
	h.untilSeen(ctx, h.state(h.rows, 3))
	h.report("updated")

	h.allow(h.state(0, 0))
	h.exec(`truncate orders`)
	h.untilSeen(ctx, h.state(0, 0))
	h.report("truncated")
	if err := h.stop(); err != nil {
		t.Error(err)
	}
	if complaint, err := h.complaints(); err != nil || complaint != "" {
		t.Errorf("the log says %v %s", err, complaint)
	}
}

func newHuge(t *testing.T) *huge {
	t.Helper()
	h := &huge{t: t, rows: hugeRows(t)}
	cluster := pgtest.Start(t, pgcluster.Options{})
	if err := cluster.CreateDatabase(t.Context(), "shop"); err != nil {
		t.Fatal(err)
	}
	var err error
	if h.conn, err = pgx.Connect(t.Context(), cluster.DSN("shop")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.conn.Close(context.Background()) })
	h.exec(`create table customers (id int primary key, name text not null)`)
	h.exec(`create table orders (id bigint primary key, customer_id int not null, amount int not null, kind text not null, note text)`)
	h.exec(`insert into customers select g, 'customer ' || g from generate_series(0, 999) g`)
	dir := filepath.Join(t.TempDir(), "project")
	for name, text := range hugeProject {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	h.daemon = &daemon{
		program: buildProgram(t), dir: dir, env: []string{"SHOP_DSN=" + cluster.DSN("shop")},
		logFile: filepath.Join(t.TempDir(), "daemon.log"),
	}
	t.Cleanup(func() {
		if h.cmd != nil {
			_ = h.kill() // of a failed test: it may have ended
		}
		if log, err := os.ReadFile(h.logFile); t.Failed() && err == nil {
			t.Logf("%s", log)
		}
	})
	if err := h.start(); err != nil {
		t.Fatal(err)
	}
	h.allow(h.state(0, 0))
	for {
		_, err := h.look(t.Context())
		if err == nil {
			return h
		}
		if !excused(err) {
			t.Fatal(err)
		}
		pause(t.Context())
	}
}

func (h *huge) exec(sql string, args ...any) {
	h.t.Helper()
	if _, err := h.conn.Exec(h.t.Context(), fmt.Sprintf(sql, args...)); err != nil {
		h.t.Fatal(err)
	}
}

// state is what is to be seen of so many rows of the same amount.
func (h *huge) state(rows, amount int) hugeState {
	if rows == 0 {
		return hugeState{"<nil>", "<nil>", "0 of 0, first <nil>"}
	}
	each := rows / hugeCustomers
	return hugeState{fmt.Sprint(rows), fmt.Sprint(rows * amount), fmt.Sprintf("%d of %d, first %d", each, each*amount, amount)}
}

func (h *huge) allow(s hugeState) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.allowed = append(h.allowed, s)
}

// pause is between two looks at what is to come.
func pause(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(20 * time.Millisecond):
	}
}

const hugeQuery = `{
	totals(kind: "sale") { orders total }
	customerOrders(id: 7) { orderCount total orders(limit: 1) { amount } }
}`

// look asks for everything at once.
func (h *huge) look(ctx context.Context) (hugeState, error) {
	r, err := ask(ctx, h.where(), hugeQuery, "", "")
	if err != nil {
		return hugeState{}, err
	}
	s := hugeState{all: "<nil>", total: "<nil>"}
	if totals, ok := r.Data["totals"].(map[string]any); ok {
		s.all, s.total = fmt.Sprint(totals["orders"]), fmt.Sprint(totals["total"])
	}
	if one, ok := r.Data["customerOrders"].(map[string]any); ok {
		first := "<nil>"
		if list, ok := one["orders"].([]any); ok && len(list) > 0 {
			first = fmt.Sprint(list[0].(map[string]any)["amount"])
		}
		s.one = fmt.Sprintf("%v of %v, first %s", one["orderCount"], one["total"], first)
	}
	return s, nil
}

// read looks until ctx ends: what is seen is whole, and never goes back.
func (h *huge) read(ctx context.Context) error {
	for ctx.Err() == nil {
		s, err := h.look(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err == nil:
			if err := h.expect(s); err != nil {
				return err
			}
		case !excused(err):
			return err
		}
		pause(ctx)
	}
	return nil
}

func (h *huge) expect(s hugeState) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for at := h.at; at < len(h.allowed); at++ {
		if h.allowed[at] == s {
			h.at = at
			h.seen++
			return nil
		}
	}
	return fmt.Errorf("a reader sees %v, which is none of %v", s, h.allowed[h.at:])
}

// layer is where the daemon works off a large commit.
func (h *huge) layer() string { return filepath.Join(h.dir, "data", "store", "scratch", "*") }

func (h *huge) untilInTheMiddle(ctx context.Context) {
	h.t.Helper()
	h.until(ctx, "it works off a large commit", func() bool {
		files, _ := filepath.Glob(h.layer())
		return len(files) > 0
	})
}

func (h *huge) untilSeen(ctx context.Context, s hugeState) {
	h.t.Helper()
	h.until(ctx, fmt.Sprintf("readers see %v", s), func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		return h.allowed[h.at] == s
	})
}

func (h *huge) until(ctx context.Context, what string, holds func() bool) {
	h.t.Helper()
	for !holds() {
		if ctx.Err() != nil {
			h.t.Fatalf("waiting until %s: %v", what, ctx.Err())
		}
		select {
		case <-h.ended:
			h.t.Fatalf("waiting until %s: the daemon ended: %v", what, h.err)
		default:
		}
		pause(ctx)
	}
}

// report tells the most memory that the daemon has taken, which must be bounded.
func (h *huge) report(when string) {
	h.t.Helper()
	peak, err := peakMemory(h.cmd.Process.Pid)
	if errors.Is(err, os.ErrNotExist) {
		h.t.Logf("%s: %d rows; this system does not tell a process's memory", when, h.rows)
		return
	}
	if err != nil {
		h.t.Fatal(err)
	}
	h.mu.Lock()
	h.t.Logf("%s: %d rows, the daemon's memory at most %d MiB, %d looks", when, h.rows, peak>>20, h.seen)
	h.mu.Unlock()
	if peak > hugeMemory {
		h.t.Errorf("%s: the daemon took %d MiB, at most %d are allowed", when, peak>>20, hugeMemory>>20)
	}
}

// peakMemory is the most physical memory that a process ever had, in bytes.
func peakMemory(pid int) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range bytes.Lines(text) {
		if rest, ok := bytes.CutPrefix(line, []byte("VmHWM:")); ok {
			kib, err := strconv.ParseInt(string(bytes.TrimSpace(bytes.TrimSuffix(bytes.TrimSpace(rest), []byte("kB")))), 10, 64)
			return kib << 10, err
		}
	}
	return 0, errors.New("the status of a process without its memory")
}
