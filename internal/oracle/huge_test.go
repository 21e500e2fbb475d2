package oracle

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
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

// huge is a daemon over one database, and a reader that looks at it all the while.
type huge struct {
	t    *testing.T
	rows int
	conn *pgx.Conn
	*daemon

	query string
	show  func(data map[string]any) string // what is seen of everything

	mu      sync.Mutex
	allowed []string // in their order: what is seen never goes back
	at      int
	seen    int
}

// watch has a reader look until the test is over. What it finds wrong ends the context.
func (h *huge) watch() context.Context {
	ctx, cancel := context.WithCancel(h.t.Context())
	var reader sync.WaitGroup
	reader.Go(func() {
		if err := h.read(ctx); err != nil {
			h.t.Error(err)
			cancel()
		}
	})
	h.t.Cleanup(func() {
		cancel()
		reader.Wait()
	})
	return ctx
}

// finish ends the daemon, whose log must have nothing to complain of.
func (h *huge) finish() {
	h.t.Helper()
	if err := h.stop(); err != nil {
		h.t.Error(err)
	}
	if complaint, err := h.complaints(); err != nil || complaint != "" {
		h.t.Errorf("the log says %v %s", err, complaint)
	}
}

// hugeRows is how many rows the transactions have.
func hugeRows(t *testing.T) int {
	text := os.Getenv("ODSD_HUGE_ROWS")
	if text == "" {
		return 100_000
	}
	rows, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("ODSD_HUGE_ROWS: %v", err)
	}
	return rows
}

// newHuge starts a daemon over a database that tables make, and waits until it
// answers as it is allowed to first.
func newHuge(t *testing.T, query string, show func(map[string]any) string, views map[string]string, tables ...string) *huge {
	t.Helper()
	if testing.Short() {
		t.Skip("it starts databases and a daemon")
	}
	h := &huge{t: t, rows: hugeRows(t), query: query, show: show}
	cluster := pgtest.Start(t, pgcluster.Options{})
	if err := cluster.CreateDatabase(t.Context(), "shop"); err != nil {
		t.Fatal(err)
	}
	var err error
	if h.conn, err = pgx.Connect(t.Context(), cluster.DSN("shop")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.conn.Close(context.Background()) })
	for _, sql := range tables {
		h.exec("%s", sql)
	}
	files := map[string]string{
		"odsd.yaml":         "version: 1\ndata_dir: ./data\nlisten: 127.0.0.1:0\nadmin_listen: 127.0.0.1:0\n",
		"sources/shop.yaml": "version: 1\nsource: shop\npostgres:\n  dsn: ${SHOP_DSN}\ntables: [customers, orders]\n",
	}
	maps.Copy(files, views)
	dir := filepath.Join(t.TempDir(), "project")
	for name, text := range files {
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
	for {
		seen, err := h.look(t.Context())
		if err == nil {
			h.allow(seen)
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

func (h *huge) allow(s string) {
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

// look asks for everything at once.
func (h *huge) look(ctx context.Context) (string, error) {
	r, err := ask(ctx, h.where(), h.query, "", "")
	if err != nil {
		return "", err
	}
	return h.show(r.Data), nil
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

func (h *huge) expect(s string) error {
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

func (h *huge) untilSeen(ctx context.Context, s string) {
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
