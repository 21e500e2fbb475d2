package postgres

import (
	"errors"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"odsd/engine"
	"odsd/storage/relation"
)

// printedOddly has every setting of a database that would print values otherwise.
var printedOddly = []string{`datestyle = 'German'`, `intervalstyle = 'iso_8601'`, `extra_float_digits = -5`, `bytea_output = 'escape'`, `timezone = 'Asia/Kolkata'`,
	`quote_all_identifiers = on`, `xmlbinary = 'hex'`, `search_path = public, information_schema`, `client_encoding = 'LATIN1'`, `idle_session_timeout = '2s'`}

// TestChangedValuesOfEveryType has each row of every type take the value of another one, and some
// go, under a whole old row: the old rows are what was there before, the new ones what
// PostgreSQL prints now. What is set for the role prints no value otherwise, either.
func TestChangedValuesOfEveryType(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	tables := d.everyType()
	d.exec(`create role ` + d.name + ` superuser login password 'x'`)
	for _, setting := range printedOddly {
		d.exec(`alter role ` + d.name + ` in database ` + d.name + ` set ` + setting)
	}
	var names []string
	for _, c := range tables {
		names = append(names, c.table)
		d.exec(fmt.Sprintf(`alter table public.%s replica identity full`, c.table))
	}
	f := follow(t, d.sourceAs(d.dsnOf(d.name, "x"), names...), nil)
	f.untilCopied()
	before := map[string]map[string][]relation.Value{}
	for i, c := range tables {
		name := d.name + "." + c.table
		before[name] = map[string][]relation.Value{}
		for key, row := range f.rows[name] {
			before[name][key] = row
		}
		d.exec(fmt.Sprintf(`begin; update public.%[1]s a set v = (select v from public.%[1]s b where b.id = (a.id + 1) %% %[2]d) where id < %[2]d;
			delete from public.%[1]s where id %% 5 = 4; insert into public.%[1]s select id + 100, v from public.%[1]s where id < 99; commit`, c.table, valuesEach))
		if i%20 == 0 { // each table that comes up anew is looked up in the catalog
			f.catchUp(d)
		}
	}
	f.catchUp(d)
	values, olds := 0, 0
	for _, c := range tables {
		values += d.compare(f, c)
	}
	for _, change := range f.log {
		if change.Operation == engine.Insert {
			continue
		}
		if was := before[change.Relation][show(change.Old[0])]; !relation.Identical(change.Old[1], was[1]) && change.Operation == engine.Update {
			t.Errorf("%s: the old row is %q, copied was %q", change.Relation, showRow(change.Old), showRow(was))
		}
		olds++
	}
	if values < 1000 || olds < 1500 {
		t.Errorf("only %d values and %d old rows were compared", values, olds)
	}
}

// TestKeysOfEveryType has tables whose key is a value of each type that can be one. Their rows are
// changed, given the key of another row that goes, and deleted by what the old row's key says alone.
func TestKeysOfEveryType(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	var tables []*typeTable
	var names []string
	for _, c := range d.everyType() {
		key := *c
		key.table = "key_" + c.table
		_, err := d.conn.Exec(t.Context(), fmt.Sprintf(`begin; create table public.%[1]s (v %[2]s primary key, n int not null);
			insert into public.%[1]s select v, id from public.%[3]s where v is not null on conflict do nothing; commit`, key.table, c.typ, c.table))
		var none *pgconn.PgError
		if errors.As(err, &none) && (none.Code == "42704" || none.Code == "42883") {
			d.exec(`rollback`)
			continue // nothing orders its values
		}
		if err != nil {
			t.Fatalf("%s: %v", c.typ, err)
		}
		tables, names = append(tables, &key), append(names, key.table)
	}
	for _, setting := range printedOddly {
		d.exec(`alter database ` + d.name + ` set ` + setting)
	}
	f := follow(t, d.source(names...), nil)
	f.untilCopied()
	for i, c := range tables {
		d.exec(fmt.Sprintf(`do $$ declare moved public.%[1]s; begin
			update public.%[1]s set n = n + 1000 where n %% 2 = 0;
			delete from public.%[1]s where ctid = (select min(ctid) from public.%[1]s) returning * into moved;
			update public.%[1]s set v = moved.v, n = n + 5000 where ctid = (select max(ctid) from public.%[1]s);
			delete from public.%[1]s where n %% 5 = 4;
			insert into public.%[1]s select v, 9000 + id from public.%[2]s where v is not null and id in (4, 9) on conflict do nothing; end $$`, c.table, c.table[len("key_"):]))
		if i%20 == 0 {
			f.catchUp(d)
		}
	}
	f.catchUp(d)
	rows := 0
	for _, c := range tables {
		rows += d.compareKeys(f, c)
	}
	if len(tables) < 60 || rows < 300 {
		t.Errorf("only %d rows of %d types were compared", rows, len(tables))
	}
}

// compareKeys gives the number of rows compared.
func (d *database) compareKeys(f *follower, c *typeTable) (n int) {
	d.t.Helper()
	rows, err := d.conn.Query(d.t.Context(), fmt.Sprintf(`select %s, n::text from public.%s`, c.printed(), c.table))
	if err != nil {
		d.t.Fatalf("%s: %v", c.typ, err)
	}
	defer rows.Close()
	stored := map[string][]relation.Value{}
	for _, row := range f.rows[d.name+"."+c.table] {
		stored[c.show(row[0])] = row
	}
	for rows.Next() {
		var key, value string
		if err := rows.Scan(&key, &value); err != nil {
			d.t.Fatalf("%s: %v", c.typ, err)
		}
		if row := stored[key]; row == nil || show(row[1]) != value {
			d.t.Errorf("%s: the row of key %q is %v, want %s", c.typ, key, row, value)
		}
		n++
	}
	if err := rows.Err(); err != nil || n != len(stored) {
		d.t.Errorf("%s: %d rows are there, want %d; %v", c.typ, len(stored), n, err)
	}
	return n
}
