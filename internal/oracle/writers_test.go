package oracle

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
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

	mu    sync.Mutex
	tried map[string]*tried
}

// tried is what became of one kind of transaction.
type tried struct {
	done, broken int
	why          string // one broke off last
}

func newTally() *tally { return &tally{tried: map[string]*tried{}} }

func (t *tally) count(name string, commits int, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	of := t.tried[name]
	if of == nil {
		of = &tried{}
		t.tried[name] = of
	}
	if err != nil {
		t.failures.Add(1)
		of.broken++
		of.why = err.Error()
		return
	}
	t.commits.Add(int64(commits))
	of.done++
}

// hopeless is how often in a row something breaks off before it counts as what
// can never succeed: whatever is rare or in others' way breaks off now and then.
const hopeless = 30

// neverDone names what was tried often and was never done.
func (t *tally) neverDone() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var names []string
	for name, of := range t.tried {
		if of.done == 0 && of.broken >= hopeless {
			names = append(names, fmt.Sprintf("%q never succeeds: %s", name, of.why))
		}
	}
	slices.Sort(names)
	return names
}

// write writes until ctx ends.
func (w *world) write(ctx context.Context, seed uint64, t *tally) {
	var all errgroup.Group
	for n := range workers {
		all.Go(func() error {
			worker := demo.NewWorker(w.dsns, seed+uint64(n))
			defer worker.Close()
			w.repeat(ctx, seed, func() error {
				if w.isFarBehind() {
					return nil
				}
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
			w.repeat(ctx, seed, func() error {
				// A prepared transaction stays open for no longer than one step: a daemon that
				// makes a slot waits for it, and would lag until it ends.
				if err := wreck.secondPhase(ctx, t); err != nil || w.isFarBehind() {
					return err
				}
				return wreck.step(ctx, t)
			})
			return nil
		})
	}
	_ = all.Wait() // none fails
}

// pauseAfter is the longest pause between two transactions of a writer, and
// maxAhead how many all of them do before the witness has read through the daemon
// what it wrote: a daemon that does nothing but lag is killed in one state only.
const (
	pauseAfter = 15 * time.Millisecond
	maxAhead   = 300
)

func (w *world) isFarBehind() bool { return w.ahead.Load() > maxAhead }

// repeat repeats a step until ctx ends, with short pauses, longer ones where it failed
// or the daemon is far behind.
func (w *world) repeat(ctx context.Context, seed uint64, step func() error) {
	random := rand.New(rand.NewPCG(seed, 1))
	for ctx.Err() == nil {
		pause := pauseAfter
		if step() != nil || w.isFarBehind() {
			pause = retryAfter
		}
		w.ahead.Add(1)
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

// secondPhase ends what the step before has prepared.
func (w *wrecker) secondPhase(ctx context.Context, count *tally) error {
	if len(w.prepared) == 0 {
		return nil
	}
	err := w.finishPrepared(ctx)
	count.count("second phase", 1, err)
	return err
}

func (w *wrecker) step(ctx context.Context, count *tally) error {
	t := chooseTransaction(w.random)
	err := w.run(ctx, t)
	count.count(t.name, 1, err)
	return err
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

// settle ends what the writers have left behind: sessions that were broken off and whose
// last statement the server still works on, a commit perhaps, which must not come
// between two looks at the barrier; then the prepared transactions.
func (w *world) settle(ctx context.Context) error {
	return w.each(ctx, func(ctx context.Context, _ string, conn *pgx.Conn) error {
		if err := endSessions(ctx, conn); err != nil {
			return err
		}
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

// endSessions ends all sessions of a database but its own and the daemon's, and
// waits until they are gone.
func endSessions(ctx context.Context, conn *pgx.Conn) error {
	const others = `from pg_stat_activity where datname = current_database() and backend_type = 'client backend'
		and application_name not like 'odsd%' and pid <> pg_backend_pid()`
	return wait(ctx, func() error {
		if _, err := conn.Exec(ctx, "select pg_terminate_backend(pid) "+others); err != nil {
			return &wrong{err}
		}
		var left int
		if err := conn.QueryRow(ctx, "select count(*) "+others).Scan(&left); err != nil {
			return &wrong{err}
		}
		if left > 0 {
			return fmt.Errorf("%d sessions do not end", left)
		}
		return nil
	})
}
