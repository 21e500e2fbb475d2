package postgres

import (
	"fmt"
	"testing"
	"time"

	"odsd/engine"
)

// A partitioned table comes under its own name. What the stream does not tell of
// its partitions is seen in the catalog, and the table copied anew.
func TestPartitionedTable(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	f := d.followPartitioned("m")
	const columns = "id, day, v"
	d.exec(`update m set v = 'changed' where id = 5`, `update m set day = date '2024-02-20' where id = 6`, `delete from m where id = 7`)
	f.compare(d, "m", columns)
	for i, change := range []string{
		`create table m3 (id int, day date, v text, primary key (id, day)); insert into m3 values (500, '2024-03-05', 'attached');
			alter table m attach partition m3 for values from ('2024-03-01') to ('2024-04-01')`,
		`alter table m detach partition m1`,
		`truncate m2`,
	} {
		d.exec(change)
		f.untilCopies(i + 1)
		d.exec(fmt.Sprintf(`insert into m values (%d, '2024-03-10', 'after')`, 600+i))
		f.compare(d, "m", columns)
	}
	d.exec(`truncate m`)
	f.compare(d, "m", columns)
	f.stop()
	if len(f.faults) > 0 {
		t.Errorf("halted: %v", f.faults)
	}
}

// Partitions have their columns in any order, and some that are gone. Each value comes under its own
// name all the same: from the copy, from changes of the root and of the partition, from rows that move
// between partitions, and where a large one is not sent.
func TestPartitionsWithColumnsInAnotherOrder(t *testing.T) {
	t.Parallel()
	const columns = "id, day, v, n"
	d := newDatabase(t)
	d.exec(`create table m (gone int, id int, day date, v text, n int, primary key (id, day)) partition by range (day)`,
		`alter table m drop gone`,
		`create table m1 partition of m for values from ('2024-01-01') to ('2024-02-01')`,
		`create table m2 (n int, v text, gone text, day date not null, id int not null, primary key (id, day))`, `alter table m2 drop gone`, `alter table m2 alter v set storage external`,
		`alter table m attach partition m2 for values from ('2024-02-01') to ('2024-03-01')`,
		`insert into m select g, date '2024-01-01' + g % 60, repeat('v' || g, 2000), -g from generate_series(1, 100) g where g % 60 < 60`)
	f := follow(t, d.source("m"), nil)
	f.until("it streams", func() bool { return f.copied && f.state() == engine.Streaming })
	f.compare(d, "m", columns)
	d.exec(`update m set n = n - 1 where id in (5, 45)`, `update m2 set n = 7 where id = 46`, `insert into m2 values (11, 'of the partition', '2024-02-05', 500)`,
		`update m set day = date '2024-01-03' where id = 47`, `update m set day = date '2024-02-03', n = 0 where id = 6`, `delete from m2 where id = 48`)
	f.compare(d, "m", columns)
	d.exec(`create table m3 (day date not null, n int, gone int, id int not null, v text, primary key (id, day))`, `alter table m3 drop gone`,
		`insert into m3 values ('2024-03-05', 1, 600, 'attached')`, `alter table m attach partition m3 for values from ('2024-03-01') to ('2024-04-01')`)
	f.untilCopies(1)
	d.exec(`update m3 set n = 2`, `update m set day = date '2024-03-04' where id = 49`, `update m set n = 9 where id in (49, 600)`, `alter table m replica identity full`, `update m set v = 'whole' where id = 50`)
	f.compare(d, "m", columns)
	f.stop()
	if len(f.faults) > 0 || f.failure != nil {
		t.Errorf("halted: %v, %v", f.faults, f.failure)
	}
}

// A server remembers whether and as what it publishes a table, and PostgreSQL 14
// forgets that neither when the table is attached nor when it is detached. So each
// partition here has been decoded as what it was before.
func TestPartitionDecodedBeforeItIsAttachedOrDetached(t *testing.T) {
	t.Parallel()
	const columns = "id, day, v"
	t.Run("by its root", func(t *testing.T) {
		t.Parallel()
		d := newDatabase(t)
		f := d.followPartitioned("m")
		d.exec(`create table m3 (id int, day date, v text, primary key (id, day))`, `insert into m3 values (500, '2024-03-05', 'before')`,
			`insert into m values (501, '2024-01-05', 'before')`)
		f.catchUp(d)
		d.exec(`alter table m attach partition m3 for values from ('2024-03-01') to ('2024-04-01')`)
		f.untilCopies(1)
		d.exec(`insert into m3 values (502, '2024-03-05', 'after')`, `update m set v = 'changed' where id = 500`)
		f.compare(d, "m", columns)
		d.exec(`alter table m detach partition m1`)
		f.untilCopies(2)
		d.exec(`insert into m1 values (503, '2024-01-05', 'after')`, `delete from m1 where id = 501`)
		f.compare(d, "m", columns)
	})
	t.Run("of all tables", func(t *testing.T) {
		t.Parallel()
		cluster := startCluster(t, nil)
		d := newDatabaseOn(t, cluster)
		d.exec(`create publication odsd_` + d.name + ` for all tables with (publish_via_partition_root = true)`)
		f := d.followPartitioned("*")
		d.exec(`insert into m values (501, '2024-01-05', 'before')`)
		f.catchUp(d)
		d.exec(`alter table m detach partition m1`)
		f.until("both are copied", func() bool { return f.identities[d.name+".m"] != nil && f.identities[d.name+".m1"] != nil })
		d.exec(`insert into m1 values (502, '2024-01-05', 'after')`)
		f.compare(d, "m", columns)
		f.compare(d, "m1", columns)
		d.exec(`alter table m attach partition m1 for values from ('2024-01-01') to ('2024-02-01')`)
		f.until("it is copied anew", func() bool { return f.rows[d.name+".m"]["502,2024-01-05"] != nil })
		d.exec(`insert into m1 values (503, '2024-01-05', 'after')`)
		f.compare(d, "m", columns)
	})
	t.Run("by its own name", func(t *testing.T) {
		t.Parallel()
		d := newDatabase(t)
		d.partitioned()
		d.exec(`create publication odsd_` + d.name + ` for table m`)
		f := follow(t, d.source("*"), nil)
		f.until("it streams", func() bool { return f.copied && f.state() == engine.Streaming })
		d.exec(`create table m3 (id int, day date, v text, primary key (id, day))`, `insert into m3 values (500, '2024-03-05', 'before')`)
		f.catchUp(d)
		d.exec(`alter table m attach partition m3 for values from ('2024-03-01') to ('2024-04-01')`)
		f.untilCopies(1)
		d.exec(`insert into m values (501, '2024-03-05', 'after')`)
		f.compare(d, "m3", columns)
	})
}

// A partition that is detached, written to and attached again has the same names and
// files afterwards, while the stream told nothing of what was written meanwhile. Between two looks at
// the catalog it is told by the version of the row that makes it a partition.
func TestPartitionDetachedAndAttachedBetweenTwoLooks(t *testing.T) {
	t.Parallel()
	const columns = "id, day, v"
	meanwhile := []string{`alter table m detach partition m1`,
		`update m1 set v = 'detached' where id = 5`, `delete from m1 where id = 6`, `insert into m1 values (500, '2024-01-05', 'detached')`,
		`alter table m attach partition m1 for values from ('2024-01-01') to ('2024-02-01')`}
	for _, version := range []struct {
		name   string
		change func(d *database, f *follower) *follower
	}{
		{"in one transaction", func(d *database, f *follower) *follower {
			d.transaction(meanwhile...)
			return f
		}},
		{"by statements of their own", func(d *database, f *follower) *follower {
			f.stop()
			d.untilSlotIdle()
			// The next source looks when it connects, and in a month.
			next := d.source("m")
			next.timing.poll = 30 * 24 * time.Hour
			f = follow(d.t, next, f)
			f.until("it streams", func() bool { return f.state() == engine.Streaming })
			d.exec(meanwhile...)
			f.catchUp(d)
			f.stop()
			d.untilSlotIdle()
			return follow(d.t, d.source("m"), f)
		}},
		{"while nothing reads the stream", func(d *database, f *follower) *follower {
			f.stop()
			d.untilSlotIdle()
			d.exec(meanwhile...)
			return follow(d.t, d.source("m"), f)
		}},
	} {
		t.Run(version.name, func(t *testing.T) {
			t.Parallel()
			d := newDatabase(t)
			f := d.followPartitioned("m")
			d.exec(`insert into m values (501, '2024-01-05', 'before')`)
			f.catchUp(d)
			f = version.change(d, f)
			f.untilCopies(1)
			d.exec(`insert into m values (502, '2024-01-06', 'after')`, `update m1 set v = 'after' where id = 7`)
			f.compare(d, "m", columns)
			f.stop()
			if len(f.faults) > 0 || f.doubled > 0 {
				t.Errorf("halted: %v, %d transactions twice", f.faults, f.doubled)
			}
		})
	}
}

func (d *database) partitioned() {
	d.t.Helper()
	d.exec(`create table m (id int, day date, v text, primary key (id, day)) partition by range (day)`,
		`create table m1 partition of m for values from ('2024-01-01') to ('2024-02-01')`,
		`create table m2 partition of m for values from ('2024-02-01') to ('2024-03-01')`,
		`insert into m select g, date '2024-01-01' + g % 60, 'v' || g from generate_series(0, 99) g where g % 60 < 60`)
}

func (d *database) followPartitioned(table string) *follower {
	d.t.Helper()
	d.partitioned()
	f := follow(d.t, d.source(table), nil)
	f.until("it streams", func() bool { return f.copied && f.state() == engine.Streaming })
	return f
}
