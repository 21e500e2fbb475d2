package oracle

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"odsd/internal/demo"
)

// Writers of a round: as many of the demo's as of ours are enough to get into
// each other's way.
const (
	workers  = 2
	wreckers = 2
)

// tally counts what was written. Whatever a crash or another writer broke off
// is a failure: it is nobody's fault, as long as there are successes.
type tally struct {
	commits, failures atomic.Int64

	mu     sync.Mutex
	done   map[string]int
	broken map[string]string // why one broke off last
}

func newTally() *tally { return &tally{done: map[string]int{}, broken: map[string]string{}} }

func (t *tally) count(name string, commits int, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err != nil {
		t.failures.Add(1)
		t.broken[name] = err.Error()
		return
	}
	if commits > 0 {
		t.commits.Add(int64(commits))
		t.done[name]++
	}
}

// write writes until ctx ends.
func (w *world) write(ctx context.Context, seed uint64, t *tally) {
	var all errgroup.Group
	for n := range workers {
		all.Go(func() error {
			worker := demo.NewWorker(w.dsns, seed+uint64(n))
			defer worker.Close()
			repeat(ctx, seed, func() error {
				step := worker.Step(ctx)
				t.count(step.Action, step.Commits, step.Err)
				return step.Err
			})
			return nil
		})
	}
	for n := range wreckers {
		all.Go(func() error {
			wreck := &wrecker{dsns: w.dsns, random: rand.New(rand.NewPCG(seed, uint64(n))), conns: map[string]*pgx.Conn{}}
			defer wreck.close()
			repeat(ctx, seed, func() error {
				name, err := wreck.step(ctx)
				t.count(name, 1, err)
				return err
			})
			return nil
		})
	}
	_ = all.Wait() // none fails
}

// pauseAfter is the longest pause between two transactions of a writer: a
// daemon that does nothing but lag is killed in one state only.
const pauseAfter = 15 * time.Millisecond

// repeat repeats a step until ctx ends, with short pauses, longer ones where it failed.
func repeat(ctx context.Context, seed uint64, step func() error) {
	random := rand.New(rand.NewPCG(seed, 1))
	for ctx.Err() == nil {
		pause := pauseAfter
		if step() != nil {
			pause = retryAfter
		}
		randomMoment(ctx, random, pause)
	}
}

// wrecker does transactions of its own, some of them in two phases. One goroutine uses it.
type wrecker struct {
	dsns     demo.DSNs
	random   *rand.Rand
	conns    map[string]*pgx.Conn
	prepared map[string]string // by source, the transaction that waits for its second phase
}

func (w *wrecker) step(ctx context.Context) (name string, err error) {
	if err := w.finishPrepared(ctx); err != nil {
		return "second phase", err
	}
	t := chooseTransaction(w.random)
	return t.name, w.run(ctx, t)
}

func (w *wrecker) conn(ctx context.Context, source string) (*pgx.Conn, error) {
	if conn := w.conns[source]; conn != nil && !conn.IsClosed() {
		return conn, nil
	}
	conn, err := pgx.Connect(ctx, w.dsns[source])
	if err != nil {
		return nil, err
	}
	w.conns[source] = conn
	// What others hold for long is waited for by nobody.
	_, err = conn.Exec(ctx, "set lock_timeout = '500ms'")
	return conn, err
}

func (w *wrecker) run(ctx context.Context, t transaction) error {
	conn, err := w.conn(ctx, t.source)
	if err != nil {
		return err
	}
	tx, err := conn.Begin(ctx)
	if err != nil {
		return err
	}
	defer tx.Rollback(context.WithoutCancel(ctx)) // does nothing after a commit
	if err := t.do(ctx, tx, w.random); err != nil {
		return err
	}
	if w.random.IntN(10) == 0 {
		return w.prepare(ctx, t.source, tx)
	}
	if w.random.IntN(20) == 0 {
		return tx.Rollback(ctx)
	}
	return tx.Commit(ctx)
}

// prepare ends the first phase. Transactions with temporary tables refuse it.
func (w *wrecker) prepare(ctx context.Context, source string, tx pgx.Tx) error {
	id := fmt.Sprintf("wreck-%x", w.random.Uint64())
	if _, err := tx.Exec(ctx, "prepare transaction '"+id+"'"); err != nil {
		return err
	}
	if w.prepared == nil {
		w.prepared = map[string]string{}
	}
	w.prepared[source] = id
	return nil
}

// finishPrepared ends what was prepared before, one way or the other.
func (w *wrecker) finishPrepared(ctx context.Context) error {
	for source, id := range w.prepared {
		conn, err := w.conn(ctx, source)
		if err != nil {
			return err
		}
		end := "commit"
		if w.random.IntN(3) == 0 {
			end = "rollback"
		}
		delete(w.prepared, source)
		if _, err := conn.Exec(ctx, end+" prepared '"+id+"'"); err != nil {
			return err
		}
	}
	return nil
}

func (w *wrecker) close() {
	for _, conn := range w.conns {
		_ = conn.Close(context.Background())
	}
}

// settle ends the prepared transactions that a crash left behind.
func (w *world) settle(ctx context.Context) error {
	return w.each(ctx, func(ctx context.Context, _ string, conn *pgx.Conn) error {
		rows, err := conn.Query(ctx, "select gid from pg_prepared_xacts where database = current_database()")
		if err != nil {
			return err
		}
		ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return err
		}
		for _, id := range ids {
			if _, err := conn.Exec(ctx, "commit prepared '"+id+"'"); err != nil {
				return err
			}
		}
		return nil
	})
}
