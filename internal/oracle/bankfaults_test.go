package oracle

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"odsd/engine"
)

// bankFaults come at random moments after the initial copy.
var bankFaults = []fault{
	{"daemon killed", 10, killDaemon},
	{"daemon killed at its start", 2, killDaemonStarting},
	{"stream cut", 4, cutStreams},
	{"tables copied anew, daemon killed meanwhile", 8, resyncBank},
	{"daemon told to end", 1, stopDaemon},
	{"checkpoint", 1, checkpoint},
	{"database stopped at once", 1, crashDatabase},
	{"database killed", 1, killDatabase},
}

// resyncBank has one table or both copied anew, beside what is served, and kills the daemon
// while it does.
func resyncBank(ctx context.Context, w *world, random *rand.Rand) error {
	if err := w.command(ctx, "resync", []string{"bank", "bank.current", "bank.savings"}[random.IntN(3)]); err != nil {
		return err
	}
	randomMoment(ctx, random, 3*time.Second)
	return killDaemon(ctx, w, random)
}

// TestTransfersBetweenTablesUnderKills has money move between two tables of one database. The
// daemon is killed in the middle of the initial copies of both, several times, then it and its
// database at random moments. Every reply that holds both tables, all the while, has the same
// total; at the end `odsd verify` finds what the database has.
//
// ODSD_ORACLE_SECONDS says for how long faults come, ODSD_ORACLE_SEED which.
func TestTransfersBetweenTablesUnderKills(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts databases and a daemon")
	}
	seconds, seed := settings(t)
	end := time.Now().Add(time.Duration(seconds) * time.Second)
	b := newBank(t)
	written, seen, faults := newTally(), &answers{}, map[string]int{}
	working, cancel := context.WithCancel(t.Context())
	defer cancel()
	all, working := errgroup.WithContext(working)
	for n := range workers {
		all.Go(func() error {
			b.write(working, seed+uint64(n), written)
			return nil
		})
	}
	for range readers {
		all.Go(func() error { return until(working, seen, b.look) })
	}
	all.Go(func() error {
		defer cancel()
		if err := b.killInCopies(working); err != nil {
			return fmt.Errorf("killed while it copies: %w", err)
		}
		random := rand.New(rand.NewPCG(seed, 11))
		for n := 0; n < 6 || time.Now().Before(end); n++ {
			randomMoment(working, random, time.Second)
			f := chooseFault(bankFaults, random)
			if err := f.do(working, b.world, random); err != nil {
				return fmt.Errorf("%s: %w", f.name, err)
			}
			faults[f.name]++
			if err := b.seenAgain(working, seen); err != nil {
				return fmt.Errorf("after %s: %w", f.name, err)
			}
		}
		return nil
	})
	err := all.Wait()
	t.Logf("seed %d: %d transfers (%d broken off), %d replies with the same total, %d refused, %d times none; the daemon lived %d times; %v", seed,
		written.commits.Load(), written.failures.Load(), seen.right.Load(), seen.refused.Load(), seen.unreachable.Load(), b.daemon.lives, faults)
	if err != nil {
		t.Fatalf("seed %d: %v", seed, err)
	}
	if written.commits.Load() < 200 || seen.right.Load() < 200 {
		t.Error("too little happened")
	}
	b.finish(t)
}

// copyKill is a moment of an initial copy: so many rows of the table are read, or more, while the
// other table, if one is named, is not being read, since it is whole.
type copyKill struct {
	table  string
	rows   int
	before string
}

// The first lives die before a table is whole, so that the copy starts over; the next ones after
// the small table is whole, which is kept then while the other one is copied beside the stream.
var copyKills = []copyKill{
	{table: "savings", rows: savingsRows / 20},
	{table: "current", rows: currentRows / 3},
	{table: "savings", rows: savingsRows / 2, before: "current"},
	{table: "savings", rows: savingsRows / 4, before: "current"},
	{table: "savings", rows: savingsRows / 3, before: "current"},
}

// errTooLate is a copy that was over before it was seen where it was to be killed.
var errTooLate = errors.New("the copy is over")

// killInCopies starts the daemon and kills it in the middle of copies, then has it finish them. A busy machine may
// look too late: then all begins anew.
func (b *bank) killInCopies(ctx context.Context) error {
	const tries = 10
	for n := 1; ; n++ {
		err := b.killInEachCopy(ctx)
		if err == nil {
			break
		}
		if n == tries || !errors.Is(err, errTooLate) {
			return err
		}
		if err := b.daemon.kill(); err != nil {
			return err
		}
		if err := os.RemoveAll(filepath.Join(b.daemon.dir, "data")); err != nil {
			return err
		}
	}
	if err := b.daemon.start(); err != nil {
		return err
	}
	return wait(ctx, func() error { return b.transient(b.look(ctx)) })
}

func (b *bank) killInEachCopy(ctx context.Context) error {
	for i, k := range copyKills {
		var began time.Time
		if err := b.conn.QueryRow(ctx, "select clock_timestamp()").Scan(&began); err != nil {
			return err
		}
		if err := b.daemon.start(); err != nil {
			return err
		}
		if err := b.untilCopying(ctx, k, began); err != nil {
			return fmt.Errorf("life %d: %w", i+1, err)
		}
		if err := b.daemon.kill(); err != nil {
			return err
		}
	}
	return nil
}

// untilCopying waits until a session of this life of the daemon has read so much of a table. It fails with
// errTooLate where the bank is served before that is seen.
func (b *bank) untilCopying(ctx context.Context, k copyKill, since time.Time) error {
	// A copy of a range is one of a query, of which the server does not say the table.
	const copies = `select (regexp_match(a.query, 'current|savings'))[1], p.tuples_processed from pg_stat_progress_copy p join pg_stat_activity a using (pid)
		where a.datname = 'bank' and a.application_name like 'odsd%' and a.query ~ 'current|savings' and a.backend_start > $1`
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	const looks = 50 // at the copy, for each at what is served
	for i := 1; ; i++ {
		rows, err := b.conn.Query(ctx, copies, since)
		if err != nil {
			return err
		}
		read := map[string]int{}
		var table string
		var n int
		if _, err := pgx.ForEachRow(rows, []any{&table, &n}, func() error { read[table] = n; return nil }); err != nil {
			return err
		}
		n, copying := read[k.table]
		_, other := read[k.before]
		if copying && n >= k.rows && !other {
			return nil
		}
		if i%looks == 0 && b.look(ctx) == nil {
			return errTooLate
		}
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("%s is never read to row %d: %w", k.table, k.rows, err)
		}
		select {
		case <-b.daemon.ended:
			return fmt.Errorf("the daemon ended by itself: %v", b.daemon.err)
		default:
		}
	}
}

// transient marks an error that waiting does not mend.
func (b *bank) transient(err error) error {
	if err != nil && !excused(err) {
		return &wrong{err}
	}
	return err
}

// seenAgain waits until a reader has had a reply.
func (b *bank) seenAgain(ctx context.Context, seen *answers) error {
	before := seen.right.Load()
	return wait(ctx, func() error {
		if err := ctx.Err(); err != nil {
			return &wrong{err} // a reader has found something
		}
		if seen.right.Load() == before {
			return errors.New("no reader has had a reply")
		}
		return nil
	})
}

// finish waits for the log's end and compares the rows with the database, then ends the daemon.
func (b *bank) finish(t *testing.T) {
	t.Helper()
	ctx := t.Context()
	conn, err := pgx.Connect(ctx, b.dsn) // the other one may have died with the database
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if err := endSessions(ctx, conn); err != nil {
		t.Fatal(err)
	}
	var lsn string
	if err := conn.QueryRow(ctx, "select pg_current_wal_flush_lsn()::text").Scan(&lsn); err != nil {
		t.Fatal(err)
	}
	if err := wait(ctx, func() error {
		_, err := ask(ctx, b.daemon.where(), bankQuery(), "bank="+lsn, "30s")
		return b.transient(err)
	}); err != nil {
		t.Fatalf("catch up: %v", err)
	}
	var report engine.VerifyReport
	if err := wait(ctx, func() error {
		report = engine.VerifyReport{}
		out, err := b.daemon.command(ctx, "verify", "--json", "--values")
		if len(out) == 0 {
			return err
		}
		if err := json.Unmarshal(out, &report); err != nil {
			return &wrong{err}
		}
		if len(report.Differences) > 0 {
			return &wrong{fmt.Errorf("odsd verify: %.3000s", out)}
		}
		if !report.OK {
			return fmt.Errorf("odsd verify: %.3000s", out)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if len(report.Sources) != 1 || report.Sources[0].Rows != currentRows+savingsRows || len(report.Views) != 4 {
		t.Errorf("odsd verify compared %+v %+v", report.Sources, report.Views)
	}
	if err := b.daemon.stop(); err != nil {
		t.Error(err)
	}
	if complaint, err := b.daemon.complaints(); err != nil || complaint != "" {
		t.Errorf("the daemon complains: %v\n%s", err, complaint)
	}
}
