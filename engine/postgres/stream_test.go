package postgres

import (
	"strings"
	"testing"
)

func TestCopyAndStream(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	d.exec(`create table orders (id bigint primary key, status text not null, note text)`,
		`insert into orders values (1, 'new', null), (2, E'tab\there', E'back\\slash\nline'), (3, '', '\N')`)
	f := follow(t, d.source("orders"), nil)
	f.untilCopied()
	want := "1 new null\n2 tab\there back\\slash\nline\n3  \\N"
	if got := f.table(d.name + ".orders"); got != want {
		t.Fatalf("copied\n%s\nwant\n%s", got, want)
	}
	d.transaction(`insert into orders values (4, 'paid', 'x')`, `update orders set status = 'sent' where id = 1`, `delete from orders where id = 2`)
	d.exec(`update orders set id = 30 where id = 3`)
	f.catchUp(d)
	want = "1 sent null\n30  \\N\n4 paid x"
	if got := f.table(d.name + ".orders"); got != want {
		t.Fatalf("streamed\n%s\nwant\n%s", got, want)
	}
	if len(f.sizes) != 2 || f.sizes[0] != 3 {
		t.Errorf("transactions of %v changes, want 3 and 1", f.sizes)
	}
	deletion := showRow(f.log[2].Old)
	if deletion != "2 not sent not sent" {
		t.Errorf("the deletion's old row is %q, want the key alone", deletion)
	}
}

func TestEverythingOfATransactionInOrder(t *testing.T) {
	t.Parallel()
	big := strings.Repeat("0123456789", 1000)
	cases := []struct {
		name, schema, before, change, table, want string
	}{
		{"keys swapped", `create table t (id int primary key, v text)`, `insert into t values (1, 'a'), (2, 'b')`,
			`begin; update t set id = 9 where id = 1; update t set id = 1 where id = 2; update t set id = 2 where id = 9; commit`,
			"t", "1 b\n2 a"},
		{"primary key changed", `create table t (id int primary key, v text)`, `insert into t values (1, 'a')`,
			`update t set id = 5`, "t", "5 a"},
		{"composite key in its own order", `create table t (a int, v text, b int, primary key (b, a))`, `insert into t values (1, 'x', 2)`,
			`update t set a = 3, v = 'y'`, "t", "3 y 2"},
		{"unchanged TOAST stays", `create table t (id int primary key, big text, v int); alter table t alter big set storage external`,
			`insert into t values (1, '` + big + `', 1)`, `update t set v = 2`, "t", "1 " + big + " 2"},
		{"unchanged TOAST with a new key", `create table t (id int primary key, big text, v int); alter table t alter big set storage external`,
			`insert into t values (1, '` + big + `', 1)`, `update t set id = 2`, "t", "2 " + big + " 1"},
		{"truncate of several tables among changes", `create table t (id int primary key); create table u (id int primary key, t int references t)`,
			`insert into t values (1), (2); insert into u values (7, 1)`,
			`begin; insert into t values (3); truncate t, u; insert into t values (4); commit`, "t", "4"},
		{"truncate cascades", `create table t (id int primary key); create table u (id int primary key, t int references t)`,
			`insert into t values (1); insert into u values (7, 1)`, `truncate t cascade`, "u", ""},
		{"replica identity full", `create table t (id int primary key, v text); alter table t replica identity full`,
			`insert into t values (1, 'a'), (2, 'b')`, `begin; update t set v = 'c' where id = 1; delete from t where id = 2; commit`, "t", "1 c"},
		{"replica identity by index", `create table t (v text, code text not null); create unique index t_code on t (code); alter table t replica identity using index t_code`,
			`insert into t values ('a', 'x'), ('b', 'y')`, `begin; update t set code = 'z' where v = 'a'; delete from t where v = 'b'; commit`, "t", "a z"},
		{"savepoint rolled back", `create table t (id int primary key)`, `insert into t values (1)`,
			`begin; insert into t values (2); savepoint s; insert into t values (3); rollback to s; insert into t values (4); commit`, "t", "1\n2\n4"},
		{"prepared transaction", `create table t (id int primary key)`, `insert into t values (1)`,
			`begin; insert into t values (2); prepare transaction 'held' ;; insert into t values (3) ;; commit prepared 'held'`, "t", "1\n2\n3"},
		{"names that need quotes", `create table "T ""x" (" Id" int primary key, "select" text)`, `insert into "T ""x" values (1, 'a')`,
			`update "T ""x" set "select" = 'b'`, `T "x`, "1 b"},
		{"generated columns are left out", `create table t (id int primary key, twice int generated always as (id * 2) stored)`, `insert into t values (1)`,
			`insert into t values (2)`, "t", "1\n2"},
		{"tables that inherit keep to themselves", `create table t (id int primary key); create table u (primary key (id)) inherits (t)`, `insert into t values (1); insert into u values (2)`,
			`insert into t values (3); insert into u values (4)`, "t", "1\n3"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := newDatabase(t)
			d.exec(c.schema, c.before)
			tables := []string{c.table}
			if strings.Contains(c.schema, "create table u") && c.table != "u" {
				tables = append(tables, "u")
			}
			if c.table == "u" {
				tables = append(tables, "t")
			}
			f := follow(t, d.source(tables...), nil)
			f.untilCopied()
			d.exec(strings.Split(c.change, " ;; ")...)
			f.catchUp(d)
			if got := f.table(d.name + "." + c.table); got != c.want {
				t.Errorf("rows\n%.200s\nwant\n%.200s", got, c.want)
			}
		})
	}
}
