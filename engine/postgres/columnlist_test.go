package postgres

import (
	"strings"
	"testing"

	"odsd/engine"
)

// excluding is a source of table t that leaves columns of it at the database.
func (d *database) excluding(dsn string, columns ...string) *Source {
	s := d.sourceAs(dsn, "t")
	options := map[string]ColumnOptions{}
	for _, name := range columns {
		options[name] = ColumnOptions{Exclude: true}
	}
	s.config.Columns = map[string]map[string]ColumnOptions{"t": options}
	return s
}

// published are the columns that the server says the publication has of table t.
func (d *database) published() string {
	d.t.Helper()
	return d.text(`select coalesce(max(array_to_string(attnames, ' ')), '') from pg_publication_tables where pubname = $1 and tablename = 't'`, "odsd_"+d.name)
}

// Who does what the hint says when a table left the publication publishes no column that is excluded.
func TestHintForATableThatLeftThePublicationKeepsExcludedColumns(t *testing.T) {
	t.Parallel()
	needs(t, listsAndFilters)
	d := newDatabase(t)
	d.exec(`create table t (id int primary key, v text, secret text)`, `insert into t values (1, 'a', 'secret-Qz7')`)
	p, dsn := newProxy(t, d.dsn)
	s := d.excluding(dsn, "secret")
	f := follow(t, s, nil)
	f.until("it streams", func() bool { return f.copied && f.state() == engine.Streaming })
	d.exec(`alter publication odsd_` + d.name + ` drop table t`)
	sql, _, then := strings.Cut(f.untilHalted(d.name+".t").Hint, "; then odsd resync")
	if !then {
		t.Fatalf("the hint is %q", sql)
	}
	d.exec(sql)
	if got := d.published(); got != "id v" {
		t.Errorf("after %s, published are the columns %s", sql, got)
	}
	s.CopyTable(d.name + ".t")
	f.untilCopies(1)
	d.exec(`insert into t values (2, 'b', 'secret-Qz7')`)
	f.compare(d, "t", "id, v")
	if p.saw("secret-Qz7") {
		t.Error("the excluded column left the source")
	}
}

// Nor does who does what preflight says of a table that is not in the publication.
func TestHintForATableNotPublishedKeepsExcludedColumns(t *testing.T) {
	t.Parallel()
	needs(t, listsAndFilters)
	d := newDatabase(t)
	d.exec(`create table t (id int primary key, v text, secret text)`, `create publication odsd_`+d.name)
	s := d.excluding(d.dsn, "secret")
	found := lacks(t, s)
	if len(found) != 1 || !strings.Contains(found[0].Message, "is not in publication") {
		t.Fatalf("found %v", found)
	}
	d.exec(found[0].Hint)
	if got := d.published(); got != "id v" {
		t.Errorf("after %s, published are the columns %s", found[0].Hint, got)
	}
	if left := lacks(t, s); len(left) > 0 {
		t.Errorf("left is %v", left)
	}
}
