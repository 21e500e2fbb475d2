package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/jackc/pgx/v5"
	"github.com/rogpeppe/go-internal/testscript"

	"odsd/storage"
)

// flip GLOB changes one byte in the middle of the first file that matches and is not empty.
func flip(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: flip GLOB")
	}
	names, err := filepath.Glob(ts.MkAbs(args[0]))
	ts.Check(err)
	for _, name := range names {
		data, err := os.ReadFile(name)
		ts.Check(err)
		if len(data) > 0 {
			data[len(data)/2] ^= 0x20
			ts.Check(os.WriteFile(name, data, 0o600))
			return
		}
	}
	ts.Fatalf("no file with bytes matches %s", args[0])
}

// writing DATABASE STATEMENT commits a statement again and again, beside the script, until
// there is a row in the table stop; the advisory lock 7 is free after the last one. It
// does so a hundred times a second or so, which a daemon keeps up with on any machine.
func writing(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: writing DATABASE STATEMENT")
	}
	begun, ended := make(chan error, 1), make(chan error, 1)
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		ended <- onDatabase(ts, args[0], func(_ context.Context, conn *pgx.Conn) error {
			_, err := conn.Exec(ctx, "create table if not exists stop (x int); select pg_advisory_lock(7)", pgx.QueryExecModeSimpleProtocol)
			begun <- err
			if err == nil {
				_, err = conn.Exec(ctx, "do $$ begin while not exists (select from stop) loop "+args[1]+"; commit; perform pg_sleep(0.005); end loop; end $$", pgx.QueryExecModeSimpleProtocol)
			}
			return err
		})
	}()
	ts.Defer(func() {
		cancel()
		if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
			ts.Logf("writing to %s: %v", args[0], err)
		}
	})
	select {
	case err := <-begun:
		ts.Check(err)
	case err := <-ended:
		ended <- err
		ts.Fatalf("writing to %s: %v", args[0], err)
	}
}

// newerStore DIR makes the store in DIR one of a format that is to come.
func newerStore(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: newer-store DIR")
	}
	store, err := storage.Open(ts.MkAbs(args[0]), storage.Options{})
	ts.Check(err)
	c := store.Begin()
	ts.Check(storage.SetMeta(c, "format", map[string]any{"format": 99, "needs": "9.9.9"}))
	ts.Check(errors.Join(c.Apply(), store.Close()))
}
