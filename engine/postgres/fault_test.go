package postgres

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"odsd/engine"
)

func TestCopyUnderConcurrentWrites(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	d.exec(`create table accounts (id int primary key, balance bigint not null)`,
		`insert into accounts select g, 1000 from generate_series(1, 5000) g`)
	ctx, stop := context.WithCancel(t.Context())
	written := make(chan error, 2)
	for writer := range 2 {
		go func() { written <- transfer(ctx, d.dsn, writer) }()
	}
	f := follow(t, d.source("accounts"), nil)
	f.until("transfers have come by stream", func() bool { return f.copied && len(f.sizes) >= 300 })
	stop()
	for range 2 {
		if err := <-written; err != nil {
			t.Fatal(err)
		}
	}
	f.catchUp(d)
	var sum int64
	for _, row := range f.rows[d.name+".accounts"] {
		sum += row[1].Int()
	}
	if sum != 5000*1000 || len(f.rows[d.name+".accounts"]) != 5000 {
		t.Errorf("%d accounts hold %d, want 5000 and 5000000", len(f.rows[d.name+".accounts"]), sum)
	}
	want := d.text(`select string_agg(id || ' ' || balance, e'\n' order by (id || ' ' || balance) collate "C") from accounts`)
	if got := f.table(d.name + ".accounts"); got != want {
		t.Error("the accounts are not the database's")
	}
}

// transfer moves money about until ctx ends.
func transfer(ctx context.Context, dsn string, seed int) error {
	conn, err := pgx.Connect(context.Background(), dsn)
	if err != nil {
		return err
	}
	defer conn.Close(context.Background())
	for i := seed; ctx.Err() == nil; i += 7 {
		from, to := i%5000+1, (i*31)%5000+1
		_, err := conn.Exec(context.Background(), fmt.Sprintf(
			`begin; update accounts set balance = balance - %[3]d where id = least(%[1]d, %[2]d); update accounts set balance = balance + %[3]d where id = greatest(%[1]d, %[2]d); commit`, from, to, i%17))
		if err != nil {
			return err
		}
	}
	return nil
}

func TestUnreachableThenReachable(t *testing.T) {
	t.Parallel()
	cluster := startCluster(t, nil)
	d := newDatabaseOn(t, cluster)
	d.exec(`create table t (id int primary key, v text)`, `insert into t values (1, 'a')`)
	if err := cluster.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	f := follow(t, d.source("t"), nil)
	f.until("it says that the database is unreachable", func() bool { return f.state() == engine.Stale && f.fault() == codeUnreachable })
	if err := cluster.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.untilCopied()
	d.reconnect()
	d.exec(`insert into t values (2, 'b')`)
	f.catchUp(d)
	if got, want := f.table(d.name+".t"), "1 a\n2 b"; got != want {
		t.Errorf("rows\n%s\nwant\n%s", got, want)
	}
	// A crash loses nothing and doubles nothing, and the slot may go back. An
	// orderly shutdown is not held up: what the server waits for is acknowledged.
	for round := range 3 {
		d.exec(fmt.Sprintf(`insert into t values (%d, 'r')`, 10+round))
		f.catchUp(d)
		end := cluster.Crash
		if round == 1 {
			end = cluster.Shutdown
		}
		if err := end(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := cluster.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
		d.reconnect()
		d.exec(fmt.Sprintf(`update t set v = v || %d`, round))
		f.catchUp(d)
	}
	if got, want := f.table(d.name+".t"), "1 a012\n10 r012\n11 r12\n12 r2\n2 b012"; got != want {
		t.Errorf("rows\n%s\nwant\n%s", got, want)
	}
	if f.doubled != 0 {
		t.Errorf("%d transactions were delivered twice", f.doubled)
	}
}

func TestSlotBehindTheStoreDropsDuplicates(t *testing.T) {
	t.Parallel()
	d, f := copied(t)
	// The slot stays where it is, the store goes on.
	f = followSilently(t, d.source("t"), f)
	d.exec(`insert into t values (2, 'b')`, `insert into t values (3, 'c')`)
	f.until("both are applied", func() bool { return len(f.sizes) == 2 })
	f.stop()
	d.untilSlotIdle()
	f = follow(t, d.source("t"), f)
	d.exec(`insert into t values (4, 'd')`)
	f.catchUp(d)
	if got, want := f.table(d.name+".t"), "1 a\n2 b\n3 c\n4 d"; got != want {
		t.Errorf("rows\n%s\nwant\n%s", got, want)
	}
	if f.doubled != 0 || len(f.sizes) != 1 {
		t.Errorf("%d transactions were delivered twice, %d once, want 0 and 1", f.doubled, len(f.sizes))
	}
}

// Nothing is applied for longer than the server waits for a sign: a time-out of 2 seconds, or
// the server's own of 60 where ODSD_STALL_SECONDS says for how long.
func TestStallBeyondTheSenderTimeout(t *testing.T) {
	t.Parallel()
	stall, settings := 5, map[string]string{"wal_sender_timeout": "2s"}
	if seconds, _ := strconv.Atoi(os.Getenv("ODSD_STALL_SECONDS")); seconds > 0 {
		stall, settings = seconds, nil
	}
	cluster := startCluster(t, settings)
	d := newDatabaseOn(t, cluster)
	d.exec(`create table t (id int primary key, v text)`)
	f := follow(t, d.source("t"), nil)
	f.until("it streams", func() bool { return f.copied && f.state() == engine.Streaming })
	sender := `select pid::text from pg_stat_replication`
	pid := d.text(sender)
	f.hold()
	d.exec(`insert into t select g, repeat('x', 500) from generate_series(1, 20000) g`)
	for range 50 {
		d.exec(`insert into t select max(id) + 1 from t`)
	}
	d.exec(fmt.Sprintf(`select pg_sleep(%d)`, stall)) // longer than the server waits for a sign
	if now := d.text(sender); now != pid {
		t.Errorf("the connection was lost while nothing was applied")
	}
	f.release()
	f.catchUp(d)
	if n := len(f.rows[d.name+".t"]); n != 20050 {
		t.Errorf("%d rows, want 20050", n)
	}
}

func TestSilentServerIsGivenUp(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	d.exec(`create table t (id int primary key, v text)`)
	s := d.source("t")
	s.timing.silence = 200 * time.Millisecond // and it is never asked for a sign
	f := follow(t, s, nil)
	f.until("it says that the database is unreachable", func() bool { return f.fault() == codeUnreachable })
	s2 := d.source("t")
	s2.timing.silence = 2 * time.Second
	s2.timing.probe = 50 * time.Millisecond
	f.stop()
	d.untilSlotIdle()
	f = follow(t, s2, f)
	f.until("it streams", func() bool { return f.state() == engine.Streaming })
	d.exec(`select pg_sleep(5)`) // more than twice the silence allowed
	if fault := f.lastFault(); fault != "" {
		t.Errorf("a server that answers was given up: %s", fault)
	}
}

func TestHarmlessSchemaChangesGoOn(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	d.exec(`create type mood as enum ('ok', 'sad')`,
		`create table t (id int primary key, m mood, price numeric(6,2), v varchar(5), n text)`, `insert into t values (1, 'ok', 1, 'a')`)
	f := follow(t, d.source("t"), nil)
	f.untilCopied()
	d.exec(`alter type mood add value 'happy' before 'sad'`, `alter table t alter price type numeric(12,2)`, `alter table t alter v type varchar(50)`,
		`update t set n = ''`, `alter table t alter n set not null`, `create index on t (v)`,
		`insert into t values (2, 'happy', 123456789.12, 'longer than before', 'n')`)
	f.catchUp(d)
	if got, want := f.table(d.name+".t"), "1 ok 1.00 a \n2 happy 123456789.12 longer than before n"; got != want {
		t.Errorf("rows\n%s\nwant\n%s", got, want)
	}
	if f.stop(); len(f.faults) > 0 || f.copies > 0 {
		t.Errorf("halted: %v; %d copies", f.faults, f.copies)
	}
}
