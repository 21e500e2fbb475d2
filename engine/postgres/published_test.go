package postgres

import "testing"

// Where the publication has a row filter, a row that comes to pass it is
// inserted and one that no longer does is deleted; and a column that it does
// not list does not leave the database.
func TestRowFiltersAndColumnLists(t *testing.T) {
	t.Parallel()
	needs(t, listsAndFilters)
	d := newDatabase(t)
	d.exec(`create table t (id int primary key, v text, secret text)`, `insert into t select g, 'v' || g, 'hidden' from generate_series(1, 12) g`,
		`create publication odsd_`+d.name+` for table t (id, v) where (id < 10)`)
	f := follow(t, d.source("t"), nil)
	f.untilCopied()
	if n := len(f.rows[d.name+".t"]); n != 9 || len(f.schema(d.name+".t").Columns) != 2 {
		t.Errorf("%d rows of %d columns were copied, want 9 of 2", n, len(f.schema(d.name+".t").Columns))
	}
	d.transaction(`update t set id = 20 where id = 1`, `update t set id = 1, v = 'in' where id = 12`, `update t set v = 'out' where id = 11`,
		`update t set v = 'changed', secret = 'more' where id = 2`, `delete from t where id in (3, 10)`)
	d.exec(`delete from t where id between 4 and 8`)
	f.catchUp(d)
	if got, want := f.table(d.name+".t"), "1 in\n2 changed\n9 v9"; got != want {
		t.Errorf("rows\n%s\nwant\n%s", got, want)
	}
}
