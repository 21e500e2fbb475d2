package main

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"odsd/internal/demo"
	"odsd/storage/relation"
)

// writersPerDatabase work on a backlog at once, so that its transactions lie
// interleaved in the log as those of real clients do.
const writersPerDatabase = 3

// backlog is a number of one-row transactions that nobody has read yet.
type backlog struct {
	transactions int
	seconds      float64
	// end is by database: all transactions but one end at or below it, and the
	// one after it is there so that something comes after the end.
	end map[string]relation.Position
}

// writeBacklog writes the transactions and nothing else into the databases.
func writeBacklog(ctx context.Context, dsns demo.DSNs, w workload, transactions, customers int, seed uint64) (*backlog, error) {
	began := time.Now()
	b := &backlog{end: map[string]relation.Position{}}
	all, ctx := errgroup.WithContext(ctx)
	for database, dsn := range dsns {
		share := transactions * w.share(database) / 100
		if share == 0 {
			return nil, fmt.Errorf("%d transactions are too few for a share of %s", transactions, database)
		}
		b.transactions += share
		all.Go(func() error { return writeShare(ctx, database, dsn, w, share, customers, seed) })
	}
	if err := all.Wait(); err != nil {
		return nil, err
	}
	b.seconds = time.Since(began).Seconds()
	return b, b.close(context.WithoutCancel(ctx), dsns, customers)
}

func writeShare(ctx context.Context, database, dsn string, w workload, transactions, customers int, seed uint64) error {
	err := execute(ctx, dsn, "set client_min_messages = warning", w.procedure(database))
	if err != nil {
		return fmt.Errorf("prepare the backlog of %s: %w", database, err)
	}
	writers, ctx := errgroup.WithContext(ctx)
	for n := range writersPerDatabase {
		count := transactions / writersPerDatabase
		if n < transactions%writersPerDatabase {
			count++
		}
		writers.Go(func() error { return callBacklog(ctx, dsn, n, count, customers, seed) })
	}
	if err := writers.Wait(); err != nil {
		return fmt.Errorf("write the backlog of %s: %w", database, err)
	}
	return nil
}

// callBacklog does transactions as one of the writers.
func callBacklog(ctx context.Context, dsn string, writer, transactions, customers int, seed uint64) error {
	start := float64((seed*31+uint64(writer))%1000) / 1000
	call := fmt.Sprintf("call bench_backlog(%d, %d, %d, %d, %d, %d, %g)", writer, writersPerDatabase+1,
		transactions, customers, 5*customers, max(10, customers/10), start)
	return execute(ctx, dsn, "set synchronous_commit = off", call)
}

// close notes where the backlog ends and adds the transactions after it. All is
// on disk then and the servers have nothing left to do.
func (b *backlog) close(ctx context.Context, dsns demo.DSNs, customers int) error {
	for database, dsn := range dsns {
		var end string
		if err := query(ctx, dsn, "select pg_current_wal_insert_lsn()::text", &end); err != nil {
			return fmt.Errorf("end of the backlog of %s: %w", database, err)
		}
		var err error
		if b.end[database], err = relation.ParsePosition(end); err != nil {
			return fmt.Errorf("end of the backlog of %s: %w", database, err)
		}
		if err := callBacklog(ctx, dsn, writersPerDatabase, 1, customers, 0); err != nil {
			return fmt.Errorf("end the backlog of %s: %w", database, err)
		}
		b.transactions++
		if err := execute(ctx, dsn, "checkpoint"); err != nil {
			return fmt.Errorf("end the backlog of %s: %w", database, err)
		}
	}
	return nil
}

// execute runs statements on a connection of their own, each by itself.
func execute(ctx context.Context, dsn string, statements ...string) error {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	for _, statement := range statements {
		if _, err := conn.PgConn().Exec(ctx, statement).ReadAll(); err != nil {
			return err
		}
	}
	return nil
}

// query asks for one row.
func query(ctx context.Context, dsn, sql string, into ...any) error {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	return conn.QueryRow(ctx, sql).Scan(into...)
}
