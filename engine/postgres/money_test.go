package postgres

import (
	"errors"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"odsd/engine"
	"odsd/internal/pgcluster"
	"odsd/internal/pgcluster/pgtest"
)

// moneyLocales print 1234567.89 and its negative, which is stored as a whole number of the
// smallest coin, with another symbol, another decimal point, and none.
var moneyLocales = map[string]string{
	"C":           "$1,234,567.89 -$1,234,567.89",
	"de_DE.UTF-8": "1.234.567,89 € -1.234.567,89 €",
	"ja_JP.UTF-8": "￥123,456,789 ￥-123,456,789",
}

// moneyTypes are columns that hold money, and values of each that were written under C.
var moneyTypes = []struct {
	declared, element string
	values            []string
}{
	{"money", "", []string{"1234567.89", "-1234567.89", "0", "-0.01", "'-92233720368547758.08'", "'92233720368547758.07'"}},
	{"money[]", "money", []string{"'{}'", "array[1234.5, null, -0.01]::money[]", "array[array[1.5, -2], array[null, 1000]]::money[]", "'[-1:0]={1234.56,-7}'"}},
	{"price", "", []string{"-1234.56"}}, {"price[]", "price", []string{"array[1234.56, -0.5, null]::price[]"}},
	{"amounts", "", []string{"amounts('-1234.56', '1000')", "amounts(null, '0.5', '(]')", "'empty'"}},
	{"amounts[]", "amounts", []string{"array[amounts('1', '2000'), null]"}},
	{"bill", "", []string{"row('a, \"b\"', -1234.56, array[1.5, null]::money[])"}},
	{"bill[]", "bill", []string{"array[row('a', -1234.56, '{}'), null]::bill[]"}},
}

const moneyTypesMade = `create domain price as money; create type amounts as range (subtype = money, multirange_type_name = allamounts); create type bill as (what text, price money, parts money[])`

// needsLocale skips a test under a locale that the server's machine does not have.
func (d *database) needsLocale(name string) {
	d.t.Helper()
	_, err := d.conn.Exec(d.t.Context(), `select set_config('lc_monetary', $1, true)`, name)
	var refused *pgconn.PgError
	if errors.As(err, &refused) && refused.Code == "22023" {
		d.t.Skipf("the locale %s is not installed on the server's machine", name)
	}
	if err != nil {
		d.t.Fatal(err)
	}
}

// moneyTables makes a table of each type that holds money.
func (d *database) moneyTables() (tables []*typeTable, names []string) {
	d.t.Helper()
	d.exec(`set lc_monetary = 'C'`, moneyTypesMade)
	for i, c := range moneyTypes {
		table := &typeTable{table: fmt.Sprintf("t%d", i), typ: c.declared, element: c.element, delimiter: ","}
		tables, names = append(tables, table), append(names, table.table)
		d.exec(fmt.Sprintf(`create table %s (id int primary key, v %s)`, table.table, c.declared))
		for id, v := range append(c.values, "null") {
			d.exec(fmt.Sprintf(`insert into %s values (%d, %s)`, table.table, id, v))
		}
	}
	return tables, names
}

// databaseUnder makes a database of which server, database or role have a lc_monetary.
func databaseUnder(t *testing.T, of, locale string) *database {
	t.Helper()
	d := newDatabase(t)
	d.needsLocale(locale)
	switch of {
	case "server":
		return newDatabaseOn(t, pgtest.Start(t, pgcluster.Options{Settings: map[string]string{"lc_monetary": locale}}))
	case "role":
		d.exec(fmt.Sprintf(`alter role postgres in database %s set lc_monetary = '%s'`, d.name, locale))
	case "database":
		d.exec(fmt.Sprintf(`alter database %s set lc_monetary = '%s'`, d.name, locale))
	}
	return d
}

// TestMoneyByCopyAndStream has amounts copied and streamed under the lc_monetary that the server, the
// database or the role has: they are what PostgreSQL prints then.
func TestMoneyByCopyAndStream(t *testing.T) {
	t.Parallel()
	for locale, printed := range moneyLocales {
		for _, of := range []string{"server", "database", "role"} {
			t.Run(locale+"/"+of, func(t *testing.T) {
				t.Parallel()
				d := databaseUnder(t, of, locale)
				tables, names := d.moneyTables()
				f := follow(t, d.source(names...), nil)
				f.untilCopied()
				for _, name := range names {
					d.exec(fmt.Sprintf(`insert into %[1]s select id + 100, v from %[1]s`, name))
				}
				f.catchUp(d)
				d.exec(fmt.Sprintf(`set lc_monetary = '%s'`, locale))
				for i, c := range tables {
					if n := d.compare(f, c); n != len(moneyTypes[i].values) {
						t.Errorf("%s: %d values were compared, want %d", c.typ, n, len(moneyTypes[i].values))
					}
				}
				rows := f.rows[d.name+".t0"]
				if got := show(rows["0"][1]) + " " + show(rows["1"][1]); got != printed {
					t.Errorf("stored is %q, want %q", got, printed)
				}
			})
		}
	}
}

// TestMoneyAsKey changes and deletes rows by keys that are amounts.
func TestMoneyAsKey(t *testing.T) {
	t.Parallel()
	for locale := range moneyLocales {
		t.Run(locale, func(t *testing.T) {
			t.Parallel()
			d := databaseUnder(t, "database", locale)
			d.exec(`create table t (v money primary key, n int)`, `insert into t select (g * 1111.11)::numeric::money, g from generate_series(-5, 5) g`)
			f := follow(t, d.source("t"), nil)
			f.untilCopied()
			d.exec(`update t set n = n + 100 where n % 2 = 0`, `update t set v = v * 10 where n in (1, -3)`, `delete from t where n in (-5, 5)`, `insert into t values (0.01, 7)`)
			f.catchUp(d)
			d.exec(fmt.Sprintf(`set lc_monetary = '%s'`, locale))
			f.compare(d, "t", "v, n")
		})
	}
}

// TestMoneyUnderAnotherLocale changes lc_monetary while a source goes on, or is not there. What is
// connected clings to what was; then the tables that hold money are copied anew, and no others, but
// where the other locale prints as the first did.
func TestMoneyUnderAnotherLocale(t *testing.T) {
	t.Parallel()
	for _, locale := range []string{"de_DE.UTF-8", "ja_JP.UTF-8", "POSIX"} {
		for _, online := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s/online=%t", locale, online), func(t *testing.T) {
				t.Parallel()
				d := newDatabase(t)
				d.needsLocale(locale)
				tables, names := d.moneyTables()
				names = append(names, "k", "other")
				d.exec(`create table k (v money primary key, n int)`, `insert into k select (g * 1111.11)::numeric::money, g from generate_series(-5, 5) g`,
					`create table other (id int primary key, v numeric)`, `insert into other values (1, 1.5)`)
				f := follow(t, d.source(names...), nil)
				f.until("it streams", func() bool { return f.copied && f.state() == engine.Streaming })
				before := d.another()
				d.exec(fmt.Sprintf(`alter database %s set lc_monetary = '%s'`, d.name, locale), fmt.Sprintf(`set lc_monetary = '%s'`, locale))
				copies := 0
				if online {
					f.source.CopyTable(d.name + ".t0")
					copies = 1
					f.untilCopies(copies)
					f.compare(before, "t0", "id, coalesce(v::text, 'null')")
					d.exec(`select pg_terminate_backend(active_pid) from pg_replication_slots where database = current_database() and active`)
				} else {
					f.stop()
					d.untilSlotIdle()
					f = follow(t, d.source(names...), f)
				}
				d.exec(`update k set n = n + 100 where n % 2 = 0`, `delete from k where n = 5`, `update k set v = v * 10 where n = 1`, `insert into other values (2, -1.5)`)
				if locale != "POSIX" {
					copies += len(tables) + 1
				}
				f.untilCopies(copies)
				for _, c := range tables {
					f.compare(d, c.table, "id, coalesce(v::text, 'null')")
				}
				f.compare(d, "k", "v, n")
				f.compare(d, "other", "id, v")
				f.stop()
				if f.copies != copies || len(f.faults) > 0 {
					t.Errorf("%d tables were copied anew, want %d; halted: %v", f.copies, copies, f.faults)
				}
			})
		}
	}
}
