package postgres

import (
	"strings"
	"testing"
	"time"

	"odsd/engine"
)

// absent is a table that is away from what is published for a time.
type absent struct {
	name, tables, publication string // tables are made before
	change                    string
	since                     int
	told                      bool // by the stream alone: the catalog has no trace
}

const byRange = `create table t (id int primary key, v text) partition by range (id); create table p1 partition of t for values from (0) to (100)`

var absences = []absent{
	{name: "partition that came and went", tables: byRange, publication: `for table t with (publish_via_partition_root)`,
		change: `create table p2 partition of t for values from (100) to (200); insert into t values (150, 'ghost'); drop table p2`, told: true},
	{name: "partition that was attached, written to and detached", tables: byRange + `; create table p2 (id int primary key, v text)`, publication: `for table t with (publish_via_partition_root)`,
		change: `alter table t attach partition p2 for values from (100) to (200); insert into t values (150, 'ghost'); alter table t detach partition p2`, told: true},
	{name: "partition that a row moved to", tables: byRange, publication: `for all tables with (publish_via_partition_root)`,
		change: `begin; create table p2 partition of t for values from (100) to (200) partition by range (id); create table p3 partition of p2 default; update t set id = 150 where id = 1; drop table p2; commit`, told: true},
	{name: "in another schema", tables: `create table t (id int primary key, v text); create schema aside`, publication: `for tables in schema public`,
		change: `alter table t set schema aside; update aside.t set v = 'unpublished'; delete from aside.t where id = 2; alter table aside.t set schema public`, since: listsAndFilters},
	{name: "under a root", tables: `create table t (id int primary key, v text); create table root (id int primary key, v text) partition by range (id)`, publication: `for all tables with (publish_via_partition_root)`,
		change: `alter table root attach partition t default; update t set v = 'unpublished'; delete from t where id = 2; alter table root detach partition t`},
	{name: "away from its root", tables: `create table root (id int primary key, v text) partition by range (id); create table t partition of root default`, publication: `for table root`,
		change: `alter table root detach partition t; update t set v = 'unpublished'; alter table root attach partition t default`},
}

// A table that is altered and altered back, and written to meanwhile under another name or none, is copied anew, although
// nothing about it differs.
func TestTableThatIsAwayForATime(t *testing.T) {
	t.Parallel()
	for _, c := range absences {
		for _, how := range []string{"while streaming", "between two looks", "while nothing reads"} {
			t.Run(c.name+"/"+how, func(t *testing.T) {
				t.Parallel()
				needs(t, c.since)
				d := newDatabase(t)
				d.exec(strings.Split(c.tables, "; ")...)
				d.exec(`create publication odsd_`+d.name+` `+c.publication, `insert into t values (1, 'a'), (2, 'b')`)
				if how == "between two looks" && c.told {
					how = "told by the stream"
				}
				f := d.followPast(how, strings.Split(c.change, "; "), `update t set v = 'z' where id = 1`)
				f.untilRight(d, "t", "id, v")
				if said := f.haltedFor(d.name + ".t"); said != "" && how == "while nothing reads" && !strings.Contains(said, "came and went") {
					t.Errorf("it was halted for %q", said)
				}
			})
		}
	}
}

// followPast follows table t past statements that come while it is read and looked at, between two looks at the catalog,
// while nothing reads, or are told by the stream alone, with the next change.
func (d *database) followPast(how string, statements []string, next string) *follower {
	d.t.Helper()
	s := d.source("t")
	if how == "between two looks" || how == "told by the stream" {
		s.timing.poll = time.Hour
	}
	f := follow(d.t, s, nil)
	f.until("it streams", func() bool { return f.copied && f.state() == engine.Streaming })
	if how == "while nothing reads" {
		f.stop()
		d.untilSlotIdle()
	}
	d.exec(statements...)
	if how == "between two looks" || how == "told by the stream" {
		d.exec(next)
	}
	if how == "between two looks" {
		f.catchUp(d)
		f.stop()
		d.untilSlotIdle()
	}
	if how == "between two looks" || how == "while nothing reads" {
		f = follow(d.t, d.source("t"), f)
	}
	return f
}

// untilRight waits until a table that may still be copied has the rows that the database prints.
func (f *follower) untilRight(d *database, table, columns string) {
	f.t.Helper()
	want := d.text(`select coalesce(string_agg(line, E'\n' order by line collate "C"), '') from (select concat_ws(' ', ` + columns + `) as line from ` + table + `) rows`)
	deadline := time.Now().Add(patience)
	for f.table(d.name+"."+table) != want {
		if time.Now().After(deadline) {
			f.t.Fatalf("rows of %s\n%s\nwant\n%s", table, f.table(d.name+"."+table), want)
		}
		f.catchUp(d)
		d.exec(`select pg_sleep(0.02)`)
	}
}

// What PostgreSQL publishes of a partition does not follow when its root alone is altered; after the root's copy it does.
func TestRootAlteredAlone(t *testing.T) {
	t.Parallel()
	t.Run("replica identity", func(t *testing.T) {
		t.Parallel()
		d := newDatabase(t)
		d.exec(`create table t (id int primary key, code int not null) partition by range (id)`, `create table p1 partition of t default`, `alter table p1 replica identity full`, `create unique index c on t (id, code)`,
			`create publication odsd_`+d.name+` for table t with (publish_via_partition_root)`)
		s := d.source("t")
		f := follow(t, s, nil)
		f.until("it streams", func() bool { return f.copied && f.state() == engine.Streaming })
		d.exec(`insert into t values (1, 1)`, `alter table t replica identity using index c`, `insert into t values (2, 2)`)
		f.untilHalted(d.name + ".t")
		s.CopyTable(d.name + ".t")
		f.untilCopies(1)
		d.exec(`insert into t values (3, 3)`)
		f.compare(d, "t", "id, code")
	})
	t.Run("schema", func(t *testing.T) {
		t.Parallel()
		needs(t, listsAndFilters)
		d := newDatabase(t)
		d.exec(`create schema aside`, `create table here (id int primary key)`, `create table aside.t (id int primary key) partition by range (id)`, `create table aside.p1 partition of aside.t default`,
			`create publication odsd_`+d.name+` for tables in schema public with (publish_via_partition_root)`)
		f := follow(t, d.source("*"), nil)
		f.until("it streams", func() bool { return f.copied && f.state() == engine.Streaming })
		d.exec(`insert into aside.t values (1)`, `insert into here values (1)`)
		f.catchUp(d)
		d.exec(`alter table aside.t set schema public`)
		f.untilCopies(1)
		d.exec(`insert into t values (2)`)
		f.compare(d, "t", "id")
	})
}

// A table that may lack changes and cannot be copied halts: it is not as it was. One that is right but for a new column goes on.
func TestStaleTableThatCannotBeCopied(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	role, dsn := d.role("replication")
	d.exec(`create table t (id int primary key, v text)`, `create table more (id int primary key)`, `insert into t values (1, 'a')`,
		`create publication odsd_`+d.name+` for table t, more`, `grant select on t, more to `+role)
	s := d.sourceAs(dsn, "t", "more")
	f := follow(t, s, nil)
	f.until("it streams", func() bool { return f.copied && f.state() == engine.Streaming })
	d.exec(`revoke select on t, more from `+role, `alter table more add column n int`)
	d.transaction(`alter publication odsd_`+d.name+` drop table t`, `update t set v = 'unpublished'`, `alter publication odsd_`+d.name+` add table t`)
	if fault := f.untilHalted(d.name + ".t"); !strings.Contains(fault.Message, "may not read it") {
		t.Errorf("halted for %q", fault.Message)
	}
	d.exec(`insert into more values (1)`)
	f.catchUp(d)
	if got := f.table(d.name + ".more"); got != "1" || f.haltedFor(d.name+".more") != "" {
		t.Errorf("the other has rows %q, and halted for %q", got, f.haltedFor(d.name+".more"))
	}
	d.exec(`grant select on t, more to ` + role)
	s.CopyTable(d.name + ".t")
	s.CopyTable(d.name + ".more")
	f.untilRight(d, "t", "id, v")
	f.untilRight(d, "more", "id, coalesce(n::text, 'null')")
	d.exec(`alter table more add column m int default 7`)
	f.untilRight(d, "more", "id, coalesce(n::text, 'null'), m")
}
