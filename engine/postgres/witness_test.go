package postgres

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"odsd/engine"
)

// told collects what a source logs.
type told struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *told) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *told) contains(s string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Contains(l.text.String(), s)
}

// behind has table t copied, and statements delivered that the slot does not hear of.
func (d *database) behind(statements ...string) *follower {
	d.t.Helper()
	f := follow(d.t, d.source("t"), nil)
	f.until("it streams", func() bool { return f.copied && f.state() == engine.Streaming })
	f.stop()
	d.untilSlotIdle()
	f = followSilently(d.t, d.source("t"), f)
	d.exec(statements...)
	f.catchUp(d)
	f.stop()
	d.untilSlotIdle()
	return f
}

// What a slot has not heard of is read once more at the next connect, and is what it was: the source goes
// on, with nothing lost or doubled, whatever the last transactions were.
func TestWhatWasNotAcknowledgedIsReadOnceMore(t *testing.T) {
	t.Parallel()
	const message = `select pg_logical_emit_message(%t, 'x', 'y')`
	cluster := startCluster(t, map[string]string{
		"logical_decoding_work_mem": "64kB", "max_prepared_transactions": "10", "max_replication_slots": "20", "max_wal_senders": "20",
	})
	for name, statements := range map[string][]string{
		"a transaction":                   {`insert into t values (2, 'b')`},
		"several":                         {`insert into t values (2, 'b')`, `update t set v = 'c' where id = 2`, `delete from t where id = 1`},
		"one of a table not captured":     {`insert into t values (2, 'b')`, `insert into beside values (1)`},
		"one of a table not published":    {`insert into t values (2, 'b')`, `insert into unpublished values (1)`},
		"a message":                       {`insert into t values (2, 'b')`, fmt.Sprintf(message, true), fmt.Sprintf(message, false), `checkpoint`},
		"a table altered, and truncated":  {`insert into t values (2, 'b')`, `alter table t set (fillfactor = 90)`, `truncate t`},
		"one prepared":                    {`begin`, `insert into t values (2, 'b')`, `prepare transaction 'last'`, `commit prepared 'last'`},
		"a large one":                     {`insert into t select g, repeat('x', 100) from generate_series(2, 5000) g`},
		"a large one of nothing captured": {`insert into t values (2, 'b')`, `insert into unpublished select generate_series(1, 20000)`},
		"all of it rolled back": {`insert into t values (2, 'b')`, `begin`, `savepoint s`, `insert into t select g, repeat('x', 100) from generate_series(3, 5000) g`,
			`rollback to s`, `insert into unpublished values (1)`, `commit`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDatabaseOn(t, cluster)
			d.exec(`create table beside (id int primary key)`, `create table unpublished (id int)`)
			d.exec(`create table t (id int primary key, v text)`, `create publication odsd_`+d.name+` for table t, beside`, `insert into t values (1, 'a')`)
			f := d.behind(statements...)
			source, log := d.source("t"), new(told)
			source.config.Log = slog.New(slog.NewTextHandler(log, nil))
			f = follow(t, source, f)
			d.exec(`insert into t (id, v) values (10000, 'after')`)
			f.compare(d, "t", "id, v")
			f.mu.Lock()
			defer f.mu.Unlock()
			if f.doubled != 0 || !log.contains("once more") {
				t.Errorf("%d transactions came twice; the log:\n%s", f.doubled, log.text.String())
			}
		})
	}
}

// The last words of a connection before may move the slot after it was looked at. What is before it then is not told
// any more, and not missed.
func TestSlotThatMovesBeforeTheLogIsReadOnceMore(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	d.exec(`create table t (id int primary key, v text)`)
	f := d.behind(`insert into t values (2, 'b')`)
	r := &run{Source: d.source("t"), resume: &resume{position: f.position, last: f.last}}
	conn, err := r.connectFirst(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer closeSession(conn.PgConn())
	replication, err := r.connectReplication(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	found, err := readSlot(t.Context(), conn, r.config.Slot)
	if err != nil {
		t.Fatal(err)
	}
	d.exec(`select pg_replication_slot_advance('` + r.config.Slot + `', '` + f.position.String() + `')`)
	if replication, err = r.checkLog(t.Context(), conn, replication, found); err != nil {
		t.Fatal(err)
	}
	closeSession(replication.PgConn)
}

// A server that has a single replication connection to give is read once more on it, and streams on another.
func TestOneReplicationConnectionIsEnough(t *testing.T) {
	t.Parallel()
	d := newDatabaseOn(t, startCluster(t, map[string]string{"max_wal_senders": "1"}))
	d.exec(`create table t (id int primary key, v text)`)
	f := d.behind(`insert into t values (2, 'b')`)
	f = follow(t, d.source("t"), f)
	d.exec(`insert into t values (3, 'after')`)
	f.compare(d, "t", "id, v")
}

// What was told by a publication that had another name then cannot be read once more, which proves nothing.
func TestRenamedPublicationGoesOn(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	d.exec(`create table t (id int primary key, v text)`)
	f := d.behind(`insert into t values (2, 'b')`)
	d.exec(`alter publication odsd_` + d.name + ` rename to renamed_` + d.name)
	source := d.source("t")
	source.config.Publication = "renamed_" + d.name
	f = follow(t, source, f)
	d.exec(`insert into t values (3, 'after')`)
	f.compare(d, "t", "id, v")
}

// A server that has begun with a large transaction after what it was asked for leaves off at once: else it would have
// the slot still when the stream begins, and again at each attempt. In the midst of one it listens after a hundred rows
// each, and only once half of wal_sender_timeout is over: a row takes it a millisecond, all of them most of a minute.
func TestLargeTransactionAfterWhatIsReadOnceMore(t *testing.T) {
	t.Parallel()
	needs(t, listsAndFilters)
	d := newDatabaseOn(t, startCluster(t, map[string]string{"wal_sender_timeout": "4s"}))
	d.exec(`create table t (id int primary key, v text)`, `create table slow (id int primary key)`,
		`create publication odsd_`+d.name+` for table t, slow where (length(repeat('x', 200000 + id % 2)) < id)`)
	f, open := d.behind(), d.another()
	open.exec(`begin`, `insert into slow select generate_series(1, 40000)`)
	f = followSilently(t, d.source("t"), f)
	d.exec(`insert into t values (2, 'b')`)
	f.catchUp(d)
	f.stop()
	d.untilSlotIdle()
	open.exec(`commit`)
	f = follow(t, d.source("t"), f)
	f.until("it streams", func() bool { return f.state() == engine.Streaming })
	if fault := f.lastFault(); fault != "" {
		t.Errorf("on the way: %s", fault)
	}
}
