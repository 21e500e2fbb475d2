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

// What an initial copy has read whole is not read again when it is interrupted:
// the copy ends with it, the stream goes on from there, and the rest is copied
// beside it.
func TestInterruptedCopyKeepsWhatItHasRead(t *testing.T) {
	t.Parallel()
	for _, by := range []string{"the daemon stops", "the connection is lost"} {
		t.Run(by, func(t *testing.T) {
			t.Parallel()
			d := newDatabase(t)
			d.exec(`create table a (id int primary key, v int not null default 0)`, `insert into a select g from generate_series(1, 5000) g`,
				`create table b (id int primary key, v int not null default 0, pad text default repeat('x', 300))`, `insert into b select g from generate_series(1, 30000) g`,
				`create table c (id int primary key)`)
			stop := d.writeTo(`update a set v = v + 1 where id = %d %% 5000; update b set v = v + 1 where id = %d * 7 %% 30000; select pg_sleep(0.005)`)
			s := d.source("a", "b", "c")
			f := follow(t, s, nil)
			name := d.name + ".b"
			f.until("some rows of b are there", func() bool { return len(f.rows[name]) > 0 && f.read[d.name+".a"] > 0 })
			if by == "the daemon stops" {
				f.stop()
				d.untilSlotIdle()
				if f.read[name] > 0 {
					t.Skip("b was read whole before the daemon could stop")
				}
				f = follow(t, d.source("a", "b", "c"), f)
			} else {
				f.hold()
				d.exec(`select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and query like 'COPY%'`)
				f.release()
			}
			f.until("b is copied beside the stream", func() bool { return f.identities[name] != nil })
			stop()
			f.compare(d, "a", "id, v")
			f.compare(d, "b", "id, v, pad")
			d.exec(`insert into c values (1)`) // which may have been read by another session, or not
			f.until("c is there", func() bool { return f.schema(d.name+".c") != nil })
			f.compare(d, "c", "id")
			f.stop()
			if !f.takenUp || f.identities[d.name+".a"] != nil || f.identities[name] == nil {
				t.Errorf("taken up %t, copied beside the stream %d: want b, and not a", f.takenUp, len(f.identities))
			}
			if f.doubled > 0 || f.failure != nil {
				t.Errorf("%d transactions twice, %v", f.doubled, f.failure)
			}
		})
	}
}

// An interrupted copy whose slot is gone, or whose publication is another one,
// starts over.
func TestInterruptedCopyThatCannotBeTakenUp(t *testing.T) {
	t.Parallel()
	for _, lost := range []string{`select pg_drop_replication_slot('odsd_%[1]s')`, `drop publication odsd_%[1]s; create publication odsd_%[1]s for table a, b`} {
		t.Run(strings.Fields(lost)[1], func(t *testing.T) {
			t.Parallel()
			d := newDatabase(t)
			d.exec(`create table a (id int primary key)`, `insert into a values (1)`,
				`create table b (id int primary key)`, `insert into b select g from generate_series(1, 30000) g`)
			f := follow(t, d.source("a", "b"), nil)
			f.until("a was read", func() bool { return f.read[d.name+".a"] > 0 })
			f.stop()
			if f.copied {
				t.Skip("the copy was finished before the daemon could stop")
			}
			d.untilSlotIdle()
			for _, sql := range strings.Split(lost, "; ") {
				d.exec(strings.ReplaceAll(sql, "%[1]s", d.name))
			}
			d.exec(`insert into a values (2)`)
			f = follow(t, d.source("a", "b"), f)
			f.untilCopied()
			f.compare(d, "a", "id")
			f.compare(d, "b", "id")
			if f.stop(); f.takenUp {
				t.Error("the copy was taken up")
			}
		})
	}
}

// writeTo executes a statement again and again, its numbers growing, until the
// given function is called.
func (d *database) writeTo(sql string) (stop func()) {
	d.t.Helper()
	writer := d.another()
	ctx, cancel := context.WithCancel(d.t.Context())
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		for i := 0; ctx.Err() == nil; i++ {
			numbers := make([]any, strings.Count(sql, "%d"))
			for n := range numbers {
				numbers[n] = i
			}
			if _, err := writer.conn.Exec(context.WithoutCancel(ctx), fmt.Sprintf(sql, numbers...)); err != nil {
				d.t.Errorf("write: %v", err)
				return
			}
		}
	}()
	return func() {
		cancel()
		<-stopped
	}
}
