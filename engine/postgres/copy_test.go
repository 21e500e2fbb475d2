package postgres

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"odsd/engine"
)

func TestInterruptedCopyStartsOver(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	d.exec(`create table t (id int primary key)`, `insert into t select generate_series(1, 50000)`)
	for _, after := range []int{1, 2, 5} { // the n-th event is the last one taken
		ctx, cancel := context.WithCancel(t.Context())
		out := make(chan engine.Event)
		done := make(chan error)
		go func() { done <- d.source("t").Run(ctx, nil, out) }()
		for range after {
			<-out
		}
		cancel()
		<-done
	}
	d.untilSlotIdle()
	f := follow(t, d.source("t"), nil)
	f.untilCopied()
	d.exec(`insert into t values (0)`)
	f.catchUp(d)
	if n := len(f.rows[d.name+".t"]); n != 50001 {
		t.Errorf("%d rows, want 50001", n)
	}
}

func TestCopySurvivesLostConnections(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	d.exec(`create table t (id int primary key)`, `insert into t select generate_series(1, 50000)`)
	f := follow(t, d.source("t"), nil)
	f.hold()
	d.until("the copy has begun", `select exists (select from pg_stat_activity where datname = current_database() and query like 'COPY%')`)
	d.exec(`select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and query like 'COPY%'`)
	f.release()
	f.untilCopied()
	d.exec(`insert into t values (0)`, `select pg_terminate_backend(pid) from pg_stat_replication where application_name = 'odsd/`+d.name+`'`, `delete from t where id > 10`)
	f.catchUp(d)
	if n := len(f.rows[d.name+".t"]); n != 11 {
		t.Errorf("%d rows, want 11", n)
	}
}

func TestSomebodyElsesSlotIsLeftAlone(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	d.exec(`create table t (id int primary key)`, fmt.Sprintf(`select pg_create_logical_replication_slot('odsd_%s', 'test_decoding')`, d.name))
	halt := follow(t, d.source("t"), nil).halted()
	if halt.Code != codePreflight || !strings.Contains(halt.Message, "test_decoding") {
		t.Errorf("halt %s %q", halt.Code, halt.Message)
	}
	d.until("the slot is still there", `select exists (select from pg_replication_slots where database = current_database())`)
}

// Large tables are read in ranges of their pages, by several sessions at once, and
// every row comes once: of a partitioned table, of one with a row filter, and of
// one whose rows move about meanwhile.
func TestTablesAreCopiedInRanges(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	d.exec(`create table small (id int primary key)`, `insert into small values (1), (2)`, `create table empty (id int primary key)`,
		`create table large (id int primary key, v text)`, `insert into large select g, repeat('x', 100) || g from generate_series(1, 20000) g`,
		`delete from large where id % 3 = 0`,
		`create table m (id int primary key, v text) partition by hash (id)`, `create table m1 partition of m for values with (modulus 3, remainder 0)`,
		`create table m2 partition of m for values with (modulus 3, remainder 1)`, `create table m3 partition of m for values with (modulus 3, remainder 2)`,
		`insert into m select g, repeat('y', 100) from generate_series(1, 5000) g`)
	writer := d.another()
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for i := 1; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			_, err := writer.conn.Exec(t.Context(), fmt.Sprintf(`update large set v = v || '.' where id %% 1009 = %d; insert into m values (%d, 'new')`, i%1009, 10_000+i))
			if err != nil {
				t.Errorf("write: %v", err)
				return
			}
		}
	}()
	s := d.source("small", "empty", "large", "m")
	s.chunkPages = 7
	f := follow(t, s, nil)
	f.hold()
	d.until("several sessions read", `select count(distinct pid) >= 3 from pg_stat_activity where datname = current_database() and query like 'COPY%ctid%'`)
	f.release()
	f.until("it streams", func() bool { return f.copied && f.state() == engine.Streaming })
	s.CopyTable(d.name + ".large")
	f.untilCopies(1)
	close(stop)
	<-stopped
	f.compare(d, "small", "id")
	f.compare(d, "empty", "id")
	f.compare(d, "large", "id, v")
	f.compare(d, "m", "id, v")
	if f.stop(); f.failure != nil {
		t.Error(f.failure)
	}
}

// A server that grants no more sessions is copied over those that it does.
func TestCopyWithFewConnections(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	d.exec(`create table large (id int primary key, v text)`, `insert into large select g, repeat('x', 100) || g from generate_series(1, 5000) g`)
	d.exec(`create role `+d.name+` login replication connection limit 2 password 'x'`, `grant select on large to `+d.name, `create publication odsd_`+d.name+` for table large`)
	s := d.sourceAs(d.dsnOf(d.name, "x"), "large")
	s.chunkPages = 7
	f := follow(t, s, nil)
	f.untilCopied()
	f.compare(d, "large", "id, v")
	f.stop()
	d.untilSlotIdle()
}
