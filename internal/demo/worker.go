package demo

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
)

// actionTimeout ends an action whose database hangs; retryAfter is how long a
// database that refused a connection is left alone.
const (
	actionTimeout = 10 * time.Second
	retryAfter    = 250 * time.Millisecond
)

var (
	// errNothing: there is no row to do it with at the moment.
	errNothing = errors.New("nothing to do")
	// errAway: the database refused a connection a moment ago.
	errAway = errors.New("the database is away")
)

// Worker does one action after the other, with a connection to each database.
// It is used by one goroutine.
type Worker struct {
	dsns    DSNs
	random  *rand.Rand
	conns   map[string]*pgx.Conn
	retryAt map[string]time.Time
	commits int // of the current action
}

// Step is what one action did.
type Step struct {
	Action  string
	Commits int // 0: there was nothing to do, or it failed
	Err     error
}

// NewWorker makes a worker; the same seed decides the same way.
func NewWorker(dsns DSNs, seed uint64) *Worker {
	return &Worker{
		dsns:    dsns,
		random:  rand.New(rand.NewPCG(seed, 0x9e3779b97f4a7c15)),
		conns:   map[string]*pgx.Conn{},
		retryAt: map[string]time.Time{},
	}
}

// Step does one action, chosen by its weight.
func (w *Worker) Step(ctx context.Context) Step {
	ctx, cancel := context.WithTimeout(ctx, actionTimeout)
	defer cancel()
	chosen := w.choose()
	w.commits = 0
	err := chosen.do(ctx, w)
	if errors.Is(err, errNothing) {
		err = nil
	}
	if err != nil {
		w.dropBroken()
	}
	return Step{Action: chosen.name, Commits: w.commits, Err: err}
}

// Close closes the connections.
func (w *Worker) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	for _, conn := range w.conns {
		_ = conn.Close(ctx) // the server notices by itself
	}
}

func (w *Worker) choose() action {
	n := w.random.IntN(totalWeight)
	for _, a := range actions {
		if n < a.weight {
			return a
		}
		n -= a.weight
	}
	return actions[0] // not reached
}

func (w *Worker) dropBroken() {
	for database, conn := range w.conns {
		if conn.IsClosed() {
			delete(w.conns, database)
		}
	}
}

func (w *Worker) conn(ctx context.Context, database string) (*pgx.Conn, error) {
	if conn := w.conns[database]; conn != nil && !conn.IsClosed() {
		return conn, nil
	}
	if time.Now().Before(w.retryAt[database]) {
		return nil, fmt.Errorf("%s: %w", database, errAway)
	}
	conn, err := pgx.Connect(ctx, w.dsns[database])
	if err != nil {
		w.retryAt[database] = time.Now().Add(retryAfter)
		return nil, fmt.Errorf("connect to %s: %w", database, err)
	}
	w.conns[database] = conn
	return conn, nil
}

// transaction runs do in a transaction and counts its commit.
func (w *Worker) transaction(ctx context.Context, database string, do func(tx pgx.Tx) error) error {
	return w.inTransaction(ctx, database, func(tx pgx.Tx) error {
		if err := do(tx); err != nil {
			return err
		}
		if err := tx.Commit(ctx); err != nil {
			return err
		}
		w.commits++
		return nil
	})
}

// holding runs do while a transaction holds its locks, and rolls that back: it
// has nothing to commit.
func (w *Worker) holding(ctx context.Context, database string, do func(tx pgx.Tx) error) error {
	return w.inTransaction(ctx, database, do)
}

func (w *Worker) inTransaction(ctx context.Context, database string, do func(tx pgx.Tx) error) error {
	conn, err := w.conn(ctx, database)
	if err != nil {
		return err
	}
	tx, err := conn.Begin(ctx)
	if err != nil {
		return fmt.Errorf("%s: %w", database, err)
	}
	defer tx.Rollback(context.WithoutCancel(ctx)) // does nothing after a commit
	if err := do(tx); err != nil {
		return fmt.Errorf("%s: %w", database, err)
	}
	return nil
}

// update runs one statement in a transaction of its own; no row is errNothing.
func (w *Worker) update(ctx context.Context, database, sql string, args ...any) error {
	return w.transaction(ctx, database, func(tx pgx.Tx) error { return change(ctx, tx, sql, args...) })
}

// change runs a statement that must change something.
func change(ctx context.Context, tx pgx.Tx, sql string, args ...any) error {
	tag, err := tx.Exec(ctx, sql, args...)
	if err == nil && tag.RowsAffected() == 0 {
		return errNothing
	}
	return err
}

// value asks for one value; no row is errNothing.
func value[T any](ctx context.Context, tx pgx.Tx, sql string, args ...any) (T, error) {
	var got T
	err := tx.QueryRow(ctx, sql, args...).Scan(&got)
	if errors.Is(err, pgx.ErrNoRows) {
		err = errNothing
	}
	return got, err
}
