package postgres

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"odsd/engine"
)

// What is read of the catalog is what the server itself says is published.
func TestPublishedTablesAreTheServers(t *testing.T) {
	t.Parallel()
	const tables = `
		create table plain (id int primary key, v text, w text);
		create unlogged table fleeting (id int primary key);
		create table parent (id int primary key);
		create table child (more int) inherits (parent);
		create table part (id int primary key) partition by range (id);
		create table part1 partition of part for values from (0) to (10);
		create table part2 partition of part for values from (10) to (20) partition by range (id);
		create table part2a partition of part2 for values from (10) to (15);
		create table part2b partition of part2 for values from (15) to (20);
		create schema other;
		create table other.plain (id int primary key);
		create table other.part2c partition of part for values from (20) to (30);
		create view look as select 1;
		create materialized view kept as select 1`
	for _, c := range []struct {
		what  string
		since int
	}{
		{"for all tables", 0},
		{"for all tables with (publish_via_partition_root)", 0},
		{"for table plain, parent", 0},
		{"for table only parent", 0},
		{"for table part", 0},
		{"for table part with (publish_via_partition_root)", 0},
		{"for table part2, part1 with (publish_via_partition_root)", 0},
		{"for table part, part2, part2a with (publish_via_partition_root)", 0},
		{"for table part2, part2a", 0},
		{"", 0},
		{"for tables in schema other", listsAndFilters},
		{"for tables in schema public", listsAndFilters},
		{"for tables in schema public with (publish_via_partition_root)", listsAndFilters},
		{"for tables in schema other, table part with (publish_via_partition_root)", listsAndFilters},
		{"for tables in schema public, table plain where (id > 3)", listsAndFilters},
		{"for table plain (id, w) where (id > 3), part", listsAndFilters},
		{"for table plain (id), part where (id < 5) with (publish_via_partition_root)", listsAndFilters},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			if c.since > 0 {
				needs(t, c.since)
			}
			d := newDatabase(t)
			d.exec(tables, `create publication p `+c.what)
			want := serversTables(d)
			found, err := readPublication(t.Context(), d.conn, "p", shared.Major()*10000)
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]bool{}
			for oid, published := range found.tables {
				got[fmt.Sprintf("%s list %t filter %t", d.text(`select $1::oid::regclass::text`, oid), published.attributes != nil, published.filter != "")] = true
			}
			if got, want := strings.Join(slices.Sorted(maps.Keys(got)), "\n"), strings.Join(want, "\n"); got != want {
				t.Errorf("read\n%s\nthe server says\n%s", got, want)
			}
		})
	}
}

// serversTables asks pg_publication_tables. A list of all columns is as good as none.
func serversTables(d *database) []string {
	d.t.Helper()
	details := `false, false`
	if shared.Major() >= listsAndFilters {
		details = `cardinality(attnames) < (select count(*) from pg_attribute a where a.attrelid = format('%I.%I', schemaname, tablename)::regclass and attnum > 0),
			rowfilter is not null`
	}
	rows, err := d.conn.Query(d.t.Context(), `select format('%I.%I', schemaname, tablename)::regclass::text, `+details+` from pg_publication_tables where pubname = 'p'`)
	if err != nil {
		d.t.Fatal(err)
	}
	var tables []string
	for rows.Next() {
		var name string
		var list, filter bool
		if err := rows.Scan(&name, &list, &filter); err != nil {
			d.t.Fatal(err)
		}
		tables = append(tables, fmt.Sprintf("%s list %t filter %t", name, list, filter))
	}
	if rows.Err() != nil {
		d.t.Fatal(rows.Err())
	}
	slices.Sort(tables)
	return slices.Compact(tables) // PostgreSQL 14 lists some twice
}

// Somebody who alters or vacuums a table for long stops neither the looks at the
// catalog nor a new connection, and so not the changes of the other tables.
func TestLockedTableHoldsNothingUp(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	filter := ""
	if shared.Major() >= listsAndFilters {
		filter = ` where (id < 100)`
	}
	d.exec(`create table t (id int primary key, v text)`, `create table u (id int primary key, v text)`, `insert into t values (1, 'a')`,
		`create publication odsd_`+d.name+` for table t`+filter+`, u`)
	f := follow(t, d.source("t", "u"), nil)
	f.until("it streams", func() bool { return f.copied && f.state() == engine.Streaming })
	locker := d.another()
	locker.exec(`begin`, `lock table t in access exclusive mode`)

	looks := func() int { // of the guard, since it began to stream
		n := 0
		for _, c := range f.conditions {
			if c.State == engine.Streaming {
				n++
			}
		}
		return n
	}
	f.mu.Lock()
	before := looks()
	f.mu.Unlock()
	f.until("the guard has looked again", func() bool { return looks() > before+2 })
	d.exec(`insert into u values (1, 'b')`)
	f.catchUp(d)
	f.stop()
	d.untilSlotIdle()
	f = follow(t, d.source("t", "u"), f)
	f.until("it streams again", func() bool { return f.state() == engine.Streaming })
	d.exec(`insert into u values (2, 'c')`)
	f.catchUp(d)
	if got, want := f.table(d.name+".u"), "1 b\n2 c"; got != want {
		t.Errorf("rows\n%s\nwant\n%s", got, want)
	}
	if fault := f.lastFault(); fault != "" {
		t.Errorf("a locked table is told as a fault: %s", fault)
	}
	locker.exec(`commit`)
	d.exec(`insert into t values (2, 'd')`)
	f.catchUp(d)
	if got, want := f.table(d.name+".t"), "1 a\n2 d"; got != want {
		t.Errorf("rows\n%s\nwant\n%s", got, want)
	}
}

// A row filter is another one when it means something else, not when it is
// written again.
func TestRowFilterChangedOrWrittenAgain(t *testing.T) {
	t.Parallel()
	needs(t, listsAndFilters)
	for sql, halts := range map[string]bool{
		`alter publication odsd_%s set table t where (id<100)`:                      false,
		`alter publication odsd_%s set table t where ((  id  < 100 ))`:              false,
		`alter publication odsd_%s set table t where (id < 101)`:                    true,
		`alter publication odsd_%s set table t`:                                     true,
		`alter publication odsd_%s set table t (id, v) where (id < 100)`:            false,
		`alter publication odsd_%s set table t (id) where (id < 100)`:               true,
		`alter publication odsd_%s drop table t`:                                    true,
		`alter publication odsd_%s add tables in schema public`:                     true, // which publishes every row
		`create schema other; alter publication odsd_%s add tables in schema other`: false,
	} {
		t.Run(sql, func(t *testing.T) {
			t.Parallel()
			d := newDatabase(t)
			d.exec(`create table t (id int primary key, v text)`, `insert into t values (1, 'a'), (100, 'z')`, `create publication odsd_`+d.name+` for table t where (id < 100)`)
			f := follow(t, d.source("t"), nil)
			f.until("it streams", func() bool { return f.copied && f.state() == engine.Streaming })
			d.exec(fmt.Sprintf(sql, d.name))
			if halts {
				f.halted()
				return
			}
			d.exec(`insert into t values (2, 'b'), (101, 'z')`)
			f.catchUp(d)
			if got, want := f.table(d.name+".t"), "1 a\n2 b"; got != want {
				t.Errorf("rows\n%s\nwant\n%s", got, want)
			}
		})
	}
}
