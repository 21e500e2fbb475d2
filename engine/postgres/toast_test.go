package postgres

import (
	"fmt"
	"testing"

	"odsd/engine"
	"odsd/storage/relation"
)

// toastIdentities are the ways in which a table says which row an old one is.
var toastIdentities = []struct{ name, sql string }{
	{"by the primary key", ``},
	{"by an index", `alter table t replica identity using index t_code_key`},
	{"by the whole row", `alter table t replica identity full`},
}

// toastColumns are what is compared; big, doc and list are too large for their row.
const toastColumns = "id, code, big, doc, list, n"

// toastChanges leave at least one of the large values as it was.
var toastChanges = []string{
	`update t set n = n + 1 where id = 1`,
	`update t set id = 20, n = 7 where id = 2`,
	`update t set code = 'z' where id = 3`,
	`update t set id = 40, code = 'y' where id = 4`,
	`update t set big = big || 'changed' where id = 5`, `update t set doc = '{}', n = 0 where id = 5`, `update t set n = 1 where id = 5`,
	`update t set id = -6 where id = 6`, `update t set id = 6 where id = 7`, `update t set id = 7 where id = -6`,
	`delete from t where id = 8`, `insert into t select 8, 'c8', big, doc, list, 1 from t where id = 9`, `update t set n = 2 where id = 8`,
	`savepoint a`, `update t set big = 'short', doc = null, id = 100 where id = 9`, `savepoint b`, `update t set list = '{}' where id = 10`,
	`release b`, `rollback to a`, `update t set n = n + 1 where id in (9, 10)`,
}

// A large value that an update does not change is not in the stream. It stays what it was under
// every replica identity, whether its key changes with it, the transaction comes while it is in
// progress, the table is copied anew around it or has got a column meanwhile.
func TestUnchangedLargeValues(t *testing.T) {
	t.Parallel()
	cluster := startCluster(t, map[string]string{"logical_decoding_work_mem": "64kB", "max_replication_slots": "20", "max_wal_senders": "20"})
	for _, identity := range toastIdentities {
		for _, streamed := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/in progress=%t", identity.name, streamed), func(t *testing.T) {
				d := newDatabaseOn(t, cluster)
				d.exec(`create table t (id int primary key, code text not null unique, big text, doc jsonb, list text[], n int)`,
					`alter table t alter big set storage external, alter doc set storage external, alter list set storage external`,
					`insert into t select g, 'c' || g, repeat('b' || g, 3000), jsonb_build_object('k', repeat('d' || g, 3000)), array[repeat('l' || g, 3000), null], g from generate_series(1, 10) g`)
				if identity.sql != "" {
					d.exec(identity.sql)
				}
				s := d.source("t")
				s.config.Scratch = t.TempDir()
				s.large = 50_000 // less than a transaction that comes in progress
				f := follow(t, s, nil)
				f.until("it streams", func() bool { return f.copied && f.state() == engine.Streaming })
				d.changeLarge(streamed)
				f.compare(d, "t", toastColumns)

				d.exec(`delete from t where id >= 10000`, `alter table t add more text not null default repeat('m', 5000)`, `update t set n = n + 1 where id < 4`)
				f.untilCopies(1)
				d.exec(`update t set n = n + 1`)
				f.compare(d, "t", toastColumns+", more")
				s.CopyTable(d.name + ".t")
				for range 20 {
					d.exec(`update t set n = n + 1 where id = 1`, `begin; update t set id = id + 1000; update t set id = id - 1000; commit`)
				}
				f.untilCopies(2)
				d.exec(`update t set n = 0`)
				f.compare(d, "t", toastColumns+", more")
				f.stop()
				unchanged := 0
				for _, change := range f.log {
					for _, v := range change.New {
						if v.Kind() == relation.Unchanged {
							unchanged++
						}
					}
				}
				if unchanged < 100 || len(f.faults) > 0 {
					t.Errorf("%d values came as unchanged; halted: %v", unchanged, f.faults)
				}
			})
		}
	}
}

// changeLarge makes toastChanges in one transaction; in one that the server sends before
// it commits, with more between them than the server keeps.
func (d *database) changeLarge(streamed bool) {
	d.t.Helper()
	statements := []string{`begin`}
	for i, sql := range toastChanges {
		statements = append(statements, sql)
		if streamed {
			statements = append(statements, fmt.Sprintf(`insert into t select g, 'f' || g, 'x', 'null', '{}', 0 from generate_series(%d, %[1]d + 400) g`, 10_000*(i+1)))
		}
	}
	d.exec(append(statements, `commit`)...)
}
