package postgres

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"odsd/engine"
)

// What can no longer be delivered right halts its table alone, before anything
// of it is delivered by other columns; copied anew it goes on.
func TestSchemaChangesHaltTheTable(t *testing.T) {
	t.Parallel()
	const all = `id, coalesce(v, 'null'), coalesce(price::text, 'null'), code`
	cases := []struct{ name, change, says, columns string }{
		{"column dropped", `alter table t drop v`, `column v was dropped`, `id, coalesce(price::text, 'null'), code`},
		{"column renamed", `alter table t rename v to w`, `column v was renamed to w`, `id, coalesce(w, 'null'), coalesce(price::text, 'null'), code`},
		{"type changed", `alter table t alter v type varchar(10)`, `column v changed its type from text to character varying(10)`, all},
		{"scale changed", `alter table t alter price type numeric(12,4)`, `column price changed its type from numeric(12,2)`, all},
		{"dropped and added again", `alter table t drop v; alter table t add v text`, `column v was dropped`, `id, coalesce(price::text, 'null'), code, coalesce(v, 'null')`},
		{"dropped and added again with another type", `alter table t drop v; alter table t add v int`, `column v was dropped`, `id, coalesce(price::text, 'null'), code, coalesce(v::text, 'null')`},
		{"type changed among changes", `begin;insert into t (id, code) values (7, 'a');alter table t alter v type varchar(10);insert into t (id, code) values (8, 'b');commit`,
			`column v changed its type from text to character varying(10)`, all},
		{"renamed among changes", `begin;insert into t (id, code) values (7, 'a');alter table t rename v to w;insert into t (id, w, code) values (8, 'w', 'b');commit`,
			`column v was renamed to w`, `id, coalesce(w, 'null'), coalesce(price::text, 'null'), code`},
		{"names of two columns swapped", `alter table t rename v to w; alter table t rename code to v; alter table t rename w to code; alter table t alter code set default 'c'`, `was renamed to`,
			`id, coalesce(code, 'null'), coalesce(price::text, 'null'), v`},
		{"dropped and created again among changes", `begin;insert into t (id, code) values (7, 'a');drop table t;create table t (id int primary key, v text, price numeric(12,2), code text not null);alter publication odsd_%s add table t;insert into t (id, code) values (8, 'b');commit`,
			`was dropped`, all},
		{"may be null", `alter table t alter code drop not null`, `column code may now be null`, all},
		{"table renamed", `alter table t rename to u`, `was renamed to`, ``},
		{"dropped and created again", `drop table t; create table t (id int primary key, v text, price numeric(12,2), code text not null); alter publication odsd_%s add table t`, `was dropped`, all},
		{"key changed", `alter table t add unique (code); alter table t replica identity using index t_code_key`, `changed its key from (id) to (code)`, all},
		{"taken out of the publication", `alter publication odsd_%s drop table t`, `no longer in publication`, all},
	}
	for _, online := range []bool{true, false} {
		for _, c := range cases {
			t.Run(fmt.Sprintf("%s/online=%t", c.name, online), func(t *testing.T) {
				t.Parallel()
				d := newDatabase(t)
				d.exec(`create table t (id int primary key, v text, price numeric(12,2), code text not null default 'c')`, `insert into t values (1, 'a', 1.5)`,
					`create table other (id int primary key)`)
				s := d.source("t", "other")
				if c.name != "taken out of the publication" {
					s.timing.poll = time.Hour // the stream itself must tell
				}
				f := follow(t, s, nil)
				f.until("it streams", func() bool { return f.copied && f.state() == engine.Streaming })
				if !online {
					f.stop()
					d.untilSlotIdle()
				}
				for _, sql := range strings.Split(c.change, "; ") {
					d.exec(strings.ReplaceAll(sql, "%s", d.name))
				}
				table := "t"
				if c.name == "table renamed" {
					table = "u"
				}
				if online {
					d.exec(`insert into ` + table + ` (id, code) values (2, 'd')`)
				} else {
					s = d.source("t", "other")
					f = follow(t, s, f)
				}
				name := d.name + ".t"
				fault := f.untilHalted(name)
				if fault.Table != name || !strings.Contains(fault.Message, c.says) || !strings.Contains(fault.Hint, "odsd resync "+name) {
					t.Errorf("halt %s of %s: %q, want %q; hint %q", fault.Code, fault.Table, fault.Message, c.says, fault.Hint)
				}
				d.exec(`insert into other values (7)`)
				f.compare(d, "other", "id")
				f.mu.Lock()
				n := len(f.log)
				f.mu.Unlock()
				if n != 1 {
					t.Errorf("%d changes came after the schema changed, want that of the other table", n)
				}
				s.CopyTable(name)
				if table == "u" {
					f.until("it says that the table is gone", func() bool { return strings.Contains(f.faults[name].Message, "does not exist") })
					return
				}
				f.untilCopies(1)
				d.exec(`insert into t (id, code) values (3, 'e')`, `update t set code = 'f' where id = 1`)
				f.compare(d, "t", c.columns)
			})
		}
	}
}

// Columns that have swapped their names for a time, and rows that were written meanwhile: the stream
// tells the names of that time, the catalog those of now. No value comes under the wrong one.
func TestColumnsRenamedAndBackBetweenTwoLooks(t *testing.T) {
	t.Parallel()
	swap := []string{`alter table t rename a to x`, `alter table t rename b to a`, `alter table t rename x to b`}
	for _, c := range []struct {
		name               string
		there, write, back []string
	}{
		{"two swapped", swap, []string{`update t set a = 'b', b = 'a' where id = 1`, `insert into t (id, a, b) values (2, 'b', 'a')`}, swap},
		{"another one for a time", []string{`alter table t rename b to x`, `alter table t add b text`}, []string{`update t set b = 'wrong', x = 'b' where id = 1`},
			[]string{`alter table t drop b`, `alter table t rename x to b`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := newDatabase(t)
			d.exec(`create table t (id int primary key, a text, b text)`, `insert into t values (1, 'old a', 'old b')`, `create table other (id int primary key)`)
			f := follow(t, d.source("t", "other"), nil)
			f.until("it streams", func() bool { return f.copied && f.state() == engine.Streaming })
			f.stop()
			d.untilSlotIdle()
			d.exec(c.there...)
			d.exec(c.write...)
			d.exec(c.back...)
			s := d.source("t", "other")
			f = follow(t, s, f)
			d.exec(`insert into other values (7)`)
			f.compare(d, "other", "id")
			if fault := f.untilHalted(d.name + ".t"); !strings.Contains(fault.Message, "another column was named ") || !strings.Contains(fault.Hint, "odsd resync") {
				t.Errorf("halt %q, hint %q", fault.Message, fault.Hint)
			}
			s.CopyTable(d.name + ".t")
			f.untilCopies(1)
			d.exec(`insert into t values (3, 'a', 'b')`)
			f.compare(d, "t", "id, a, b")
		})
	}
}

// A column that is added does not halt its table: the table goes on without it and
// is copied, since the stream does not tell the default that the old rows have.
func TestAddedColumnIsCopied(t *testing.T) {
	t.Parallel()
	for _, online := range []bool{true, false} {
		t.Run(fmt.Sprintf("online=%t", online), func(t *testing.T) {
			t.Parallel()
			d := newDatabase(t)
			d.exec(`create table t (id int primary key, v text)`, `insert into t select g, 'old' from generate_series(1, 100) g`)
			f := follow(t, d.source("t"), nil)
			f.until("it streams", func() bool { return f.copied && f.state() == engine.Streaming })
			if !online {
				f.stop()
				d.untilSlotIdle()
			}
			d.exec(`update t set v = 'before' where id = 2`, `alter table t add n int default 42`, `update t set v = 'after' where id = 3`)
			if !online {
				f = follow(t, d.source("t"), f)
			}
			f.untilCopies(1)
			d.exec(`update t set n = 43 where id = 4`, `insert into t values (1000, 'new', 44)`)
			f.compare(d, "t", "id, v, n")
			f.stop()
			if len(f.faults) > 0 {
				t.Errorf("halted: %v", f.faults)
			}
			if n := f.schema(d.name + ".t").Column("n"); n != 2 {
				t.Errorf("column n is the %dth", n)
			}
		})
	}
}

// Tables that are copied while they are written to lose nothing and have nothing
// twice: those that are new in the configuration, and those copied anew.
func TestTablesAreCopiedBesideTheStream(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	d.exec(`create table t (id int primary key, v text)`, `insert into t values (1, 'a')`,
		`create table late (id int primary key, v text, n int not null default 0)`, `alter table late alter v set storage external`,
		`insert into late select g, repeat('x', 3000) || g from generate_series(1, 3000) g`)
	f := follow(t, d.source("t"), nil)
	f.until("it streams", func() bool { return f.copied && f.state() == engine.Streaming })
	f.stop()
	d.untilSlotIdle()

	writer := *d
	writer.reconnect()
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for i := 1; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			_, err := writer.conn.Exec(t.Context(), fmt.Sprintf(`begin; update late set n = n + 1 where id %% 97 = %d; update late set id = -id where id in (%d, -%d);
				delete from late where id = %d; insert into late values (%d, 'new'); insert into t values (%d, 'b'); commit`,
				i%97, i%3000, i%3000, 10+i*7%2900, 100000+i, 100000+i))
			if err != nil {
				t.Errorf("write: %v", err)
				return
			}
		}
	}()
	s := d.source("t", "late")
	f = follow(t, s, f)
	for n := 1; n <= 3; n++ {
		f.untilCopies(n)
		s.CopyTable(d.name + ".late")
		s.CopyTable(d.name + ".t")
	}
	f.untilCopies(4)
	close(stop)
	<-stopped
	f.compare(d, "t", "id, v")
	f.compare(d, "late", "id, v, n")
	f.stop()
	if len(f.faults) > 0 || f.doubled > 0 {
		t.Errorf("faults %v, %d transactions twice", f.faults, f.doubled)
	}
}

// Under `tables: "*"` the publication decides, also while streaming.
func TestEveryPublishedTable(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	d.exec(`create table a (id int primary key)`, `create table b (id int primary key)`, `create publication odsd_`+d.name+` for table a, b`)
	f := follow(t, d.source("*"), nil)
	f.until("it streams", func() bool { return f.copied && f.state() == engine.Streaming })
	d.exec(`create table c (id int primary key)`, `insert into c values (1)`, `create table keyless (v text)`,
		`alter publication odsd_`+d.name+` add table c, keyless`)
	f.untilCopies(1)
	if fault := f.untilHalted(d.name + ".keyless"); !strings.Contains(fault.Message, "no primary key") {
		t.Errorf("fault %q", fault.Message)
	}
	d.exec(`insert into c values (2)`)
	f.compare(d, "c", "id")
	d.exec(`alter publication odsd_` + d.name + ` drop table b`)
	f.until("b is given up", func() bool { return f.schema(d.name+".b") == nil })
	d.exec(`insert into a values (1)`)
	f.compare(d, "a", "id")
}
