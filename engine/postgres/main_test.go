package postgres

import (
	"context"
	"flag"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"odsd/internal/pgcluster"
)

// patience bounds every wait of the tests.
const patience = 30 * time.Second

// shared is the cluster of all tests that do not need one of their own.
var shared *pgcluster.Cluster

// atOnce is how many tests run together: they wait for servers, mostly.
const atOnce = "8"

func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", atOnce); err != nil {
		panic(err)
	}
	os.Exit(runAll(m))
}

func runAll(m *testing.M) int {
	ctx := context.Background()
	cluster, err := pgcluster.Start(ctx, pgcluster.Options{
		Install: os.Getenv("ODSD_TEST_INSTALL") == "1",
		Settings: map[string]string{
			"max_replication_slots": "40", "max_wal_senders": "40", "max_connections": "150", "max_prepared_transactions": "10",
		},
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer cluster.Stop(ctx)
	shared = cluster
	return m.Run()
}

// needs skips a test of what PostgreSQL can do since a version only.
func needs(t *testing.T, major int) {
	t.Helper()
	if found := shared.Major(); found < major {
		t.Skipf("PostgreSQL %d has no such thing: it is there since %d", found, major)
	}
}

// listsAndFilters is the version that gave publications column lists and row filters.
const listsAndFilters = 15

var databases atomic.Int64

// database is one that a test has for itself.
type database struct {
	t    *testing.T
	name string
	dsn  string
	conn *pgx.Conn
}

func newDatabase(t *testing.T) *database { return newDatabaseOn(t, shared) }

func newDatabaseOn(t *testing.T, cluster *pgcluster.Cluster) *database {
	t.Helper()
	name := fmt.Sprintf("test%d", databases.Add(1))
	if err := cluster.CreateDatabase(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	d := &database{t: t, name: name, dsn: cluster.DSN(name)}
	d.reconnect()
	return d
}

func (d *database) reconnect() {
	d.t.Helper()
	conn, err := pgx.Connect(d.t.Context(), d.dsn)
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { conn.Close(context.Background()) })
	d.conn = conn
}

// another session of the same database.
func (d *database) another() *database {
	d.t.Helper()
	other := &database{t: d.t, name: d.name, dsn: d.dsn}
	other.reconnect()
	return other
}

// exec runs statements, each in its own transaction unless it says otherwise.
func (d *database) exec(statements ...string) {
	d.t.Helper()
	for _, sql := range statements {
		if _, err := d.conn.Exec(d.t.Context(), sql); err != nil {
			d.t.Fatalf("%s: %v", sql, err)
		}
	}
}

// transaction runs statements as one transaction.
func (d *database) transaction(statements ...string) {
	d.t.Helper()
	d.exec("begin; " + strings.Join(statements, "; ") + "; commit")
}

func (d *database) text(sql string, arguments ...any) string {
	d.t.Helper()
	var s string
	if err := d.conn.QueryRow(d.t.Context(), sql, arguments...).Scan(&s); err != nil {
		d.t.Fatalf("%s: %v", sql, err)
	}
	return s
}

// source of this database under a name that no other test uses, so that
// neither do its slot and publication.
func (d *database) source(tables ...string) *Source {
	d.t.Helper()
	return d.sourceAs(d.dsn, tables...)
}

func (d *database) sourceAs(dsn string, tables ...string) *Source {
	d.t.Helper()
	s := New(Config{Name: d.name, DSN: dsn, Tables: tables})
	s.timing.firstRetry = 20 * time.Millisecond
	s.timing.lastRetry = 200 * time.Millisecond
	s.timing.poll = 100 * time.Millisecond
	d.t.Cleanup(d.dropSlots)
	return s
}

// dropSlots leaves the cluster as it was, for other tests' sake.
func (d *database) dropSlots() {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, err := pgx.Connect(ctx, d.dsn)
	if err != nil {
		return // the test has ended its own cluster
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, `select pg_drop_replication_slot(slot_name) from pg_replication_slots where database = current_database() and not active`)
	if err != nil {
		d.t.Logf("drop slots: %v", err)
	}
}

// dsnOf is the database's address for another role.
func (d *database) dsnOf(role, password string) string {
	d.t.Helper()
	u, err := url.Parse(d.dsn)
	if err != nil {
		d.t.Fatal(err)
	}
	u.User = url.UserPassword(role, password)
	return u.String()
}
