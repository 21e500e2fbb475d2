package postgres

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"odsd/engine"
)

// goesOnWithout is the version from which on a publication that is not there is no error.
const goesOnWithout = 18

// A publication that is altered, written past and altered back between two looks is the same by all
// that it says, and what was written meanwhile is not in the stream. The tables concerned are
// copied anew, and no others.
func TestPublicationAlteredAndBackBetweenTwoLooks(t *testing.T) {
	t.Parallel()
	const missed = `update t set v = 'unpublished' where id = 1; delete from t where id = 2; insert into t values (3, 'unpublished')`
	for _, c := range []struct {
		name, publication, change string
		copies, since             int
	}{
		{"table taken out and put in again", `for table t, other`,
			`alter publication %pub drop table t; ` + missed + `; alter publication %pub add table t`, 1, 0},
		{"other tables set for a time", `for table t, other`,
			`alter publication %pub set table other; ` + missed + `; alter publication %pub set table other, t`, 1, 0},
		{"operations not published for a time", `for table t, other`,
			`alter publication %pub set (publish = 'truncate'); ` + missed + `; alter publication %pub set (publish = 'insert, update, delete, truncate')`, 2, 0},
		{"operations of all tables not published for a time", `for all tables`,
			`alter publication %pub set (publish = 'truncate'); ` + missed + `; alter publication %pub set (publish = 'insert, update, delete, truncate')`, 2, 0},
		{"renamed for a time", `for table t, other`,
			`alter publication %pub rename to another_%pub; ` + missed + `; alter publication another_%pub rename to %pub`, 2, goesOnWithout},
		{"row filter for a time", `for table t, other`,
			`alter publication %pub set table t where (id > 5), other; ` + missed + `; alter publication %pub set table t, other`, 1, listsAndFilters},
		{"schema taken out and put in again", `for tables in schema public`,
			`alter publication %pub drop tables in schema public; ` + missed + `; alter publication %pub add tables in schema public`, 2, listsAndFilters},
	} {
		for _, how := range []string{"at once", "between two looks", "while nothing reads"} {
			t.Run(c.name+"/"+how, func(t *testing.T) {
				t.Parallel()
				if c.since > 0 {
					needs(t, c.since)
				}
				d := newDatabase(t)
				d.exec(`create table t (id int primary key, v text)`, `create table other (id int primary key)`, `insert into t values (1, 'a'), (2, 'b')`,
					`create publication odsd_`+d.name+` `+c.publication)
				change := strings.Split(strings.ReplaceAll(c.change, "%pub", "odsd_"+d.name), "; ")
				s := d.source("t", "other")
				if how != "at once" {
					s.timing.poll = time.Hour
				}
				f := follow(t, s, nil)
				f.until("it streams", func() bool { return f.copied && f.state() == engine.Streaming })
				switch how {
				case "at once":
					d.transaction(change...)
				case "between two looks":
					d.exec(change...)
					f.catchUp(d)
					f.stop()
				case "while nothing reads":
					f.stop()
					d.untilSlotIdle()
					d.exec(change...)
				}
				if how != "at once" {
					d.untilSlotIdle()
					f = follow(t, d.source("t", "other"), f)
				}
				f.untilCopies(c.copies)
				d.exec(`insert into t values (4, 'after')`, `insert into other values (1)`)
				f.compare(d, "t", "id, v")
				f.compare(d, "other", "id")
				f.stop()
				if len(f.faults) > 0 || f.copies != c.copies {
					t.Errorf("halted: %v; %d tables were copied, want %d", f.faults, f.copies, c.copies)
				}
			})
		}
	}
}

// A publication that is altered while the stream goes on is noticed by the looks at the catalog
// alone: PostgreSQL 18 says nothing, it only stops to send.
func TestPublicationAlteredWhileStreamingHalts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, change, code, says string }{
		{"dropped", `drop publication %pub`, codePublication, "does not exist any more"},
		{"without deletes", `alter publication %pub set (publish = 'insert, update, truncate')`, codePublication, "every operation"},
		{"inserts alone", `alter publication %pub set (publish = 'insert')`, codePublication, "every operation"},
		{"created again", `begin; drop publication %pub; create publication %pub for table t; commit`, codeIdentity, "created again"},
		{"renamed", `alter publication %pub rename to another_%pub`, codePublication, "does not exist any more"},
		{"table dropped from it", `create table other (id int primary key); alter publication %pub set table other`, codePublication, "no longer in publication"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := newDatabase(t)
			d.exec(`create table t (id int primary key, v text)`, `insert into t values (1, 'a')`)
			f := follow(t, d.source("t"), nil)
			f.until("it streams", func() bool { return f.copied && f.state() == engine.Streaming })
			d.exec(strings.ReplaceAll(c.change, "%pub", "odsd_"+d.name))
			halt := f.halted()
			if halt.Code != c.code || !strings.Contains(halt.Error(), c.says) || halt.Hint == "" {
				t.Errorf("halt %s %q (hint %q), want %s and %q", halt.Code, halt.Error(), halt.Hint, c.code, c.says)
			}
			if got := fmt.Sprint(len(f.log)); got != "0" {
				t.Errorf("%s changes came", got)
			}
		})
	}
}
