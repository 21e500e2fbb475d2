package postgres

import (
	"strings"
	"testing"
	"time"

	"odsd/engine"
)

// The columns that are captured are all that the role need be granted: for the initial copy, copies beside
// the stream and fences, of large tables and partitioned ones, too.
func TestGrantedColumnsAreEnough(t *testing.T) {
	t.Parallel()
	needs(t, listsAndFilters)
	for _, kind := range []string{"plain", "partitioned", "several chunks"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			d := newDatabase(t)
			role, dsn := d.role("replication")
			with := ""
			if kind == "partitioned" {
				d.exec(`create table t (id int primary key, v text, secret text) partition by range (id)`,
					`create table t1 partition of t for values from (0) to (5)`, `create table t2 partition of t default`)
				with = ` with (publish_via_partition_root)`
			} else {
				d.exec(`create table t (id int primary key, v text, secret text)`)
			}
			d.exec(`insert into t select n, repeat('a', 1000), 's' from generate_series(1, 50) n`, `grant select (id, v) on t to `+role,
				`create publication odsd_`+d.name+` for table t (id, v)`+with)
			s := d.excluding(dsn, "secret")
			if kind == "several chunks" {
				s.chunkPages = 1
			}
			f := follow(t, s, nil)
			f.until("it streams", func() bool { return f.copied && f.state() == engine.Streaming })
			d.exec(`insert into t values (100, 'b', 's')`)
			f.compare(d, "t", "id, v")
			s.CopyTable(d.name + ".t")
			f.untilCopies(1)
			f.compare(d, "t", "id, v")
			fence, err := s.Fence(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			fence.Close()
			f.stop()
			if len(f.faults) > 0 || f.lastFault() != "" {
				t.Errorf("faults: %v %s", f.faults, f.lastFault())
			}
		})
	}
}

// What the role is told to be granted does not have the excluded columns.
func TestHintForARightKeepsExcludedColumns(t *testing.T) {
	t.Parallel()
	needs(t, listsAndFilters)
	d := newDatabase(t)
	role, dsn := d.role("replication")
	d.exec(`create table t (id int primary key, v text, secret text)`, `create publication odsd_`+d.name+` for table t (id, v)`)
	s := d.excluding(dsn, "secret")
	found := lacks(t, s)
	if len(found) != 1 || !strings.Contains(found[0].Message, "may not read it") {
		t.Fatalf("found %v", found)
	}
	d.exec(found[0].Hint)
	if left := lacks(t, s); len(left) > 0 {
		t.Errorf("left is %v", left)
	}
	if d.text(`select has_column_privilege($1, 't', 'secret', 'select')::text`, role) != "false" {
		t.Errorf("%s lets the role read the excluded column", found[0].Hint)
	}
}

// The locks of a table of which columns are granted are those of any table: of all partitions, from before
// the slot is made until the transaction ends, and no longer waited for than others.
func TestLocksByGrantedColumns(t *testing.T) {
	t.Parallel()
	needs(t, listsAndFilters)
	d := newDatabase(t)
	role, dsn := d.role("replication")
	d.exec(`create table t (id int primary key, secret text) partition by range (id)`, `create table t1 partition of t for values from (0) to (5)`,
		`create table t2 partition of t default`, `create table plain (id int primary key)`,
		`grant select (id) on t to `+role, `grant select on plain to `+role, `create publication odsd_`+d.name+` for table t (id), plain with (publish_via_partition_root)`)
	s := d.excluding(dsn, "secret")
	s.config.Tables = []string{"t", "plain"}
	s.timing.lock = 200 * time.Millisecond
	const locked = ` from pg_locks l join pg_class c on c.oid = l.relation where l.database = (select oid from pg_database where datname = current_database())
		and c.relkind in ('r', 'p') and c.oid > 16384 and l.mode = 'AccessShareLock' and l.granted`
	held := func() string {
		return d.text(`select coalesce(string_agg(distinct c.relname, ' ' order by c.relname), '')` + locked)
	}
	conn, err := s.connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer closeSession(conn.PgConn())
	v, err := s.survey(t.Context(), conn, nil)
	if err != nil {
		t.Fatal(err)
	}
	locks, err := s.beginLocked(t.Context(), conn, v.tables)
	if err != nil {
		t.Fatal(err)
	}
	if got := held(); got != "plain t t1 t2" {
		t.Errorf("before the snapshot, locked are %s", got)
	}
	exporter := d.another()
	exporter.exec(`begin isolation level repeatable read`)
	if err := locks.takeSnapshot(t.Context(), conn, exporter.text(`select pg_export_snapshot()`)); err != nil {
		t.Fatal(err)
	}
	if got := held(); got != "plain t t1 t2" || locks.holder != nil {
		t.Errorf("under the snapshot, locked are %s", got)
	}
	if _, err := conn.Exec(t.Context(), `rollback`); err != nil {
		t.Fatal(err)
	}
	d.until("nothing is locked any more", `select not exists (select`+locked+`)`) // the server takes a moment to see that the holder is gone
	d.exec(`begin`, `lock table t1 in access exclusive mode`)
	if _, err := s.beginLocked(t.Context(), conn, v.tables); err == nil || !strings.Contains(err.Error(), "locked exclusively") {
		t.Errorf("a locked partition gives %v", err)
	}
}
