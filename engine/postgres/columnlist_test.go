package postgres

import (
	"bytes"
	"log/slog"
	"os"
	"strings"
	"sync"
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

// A column that a table gets which has excluded ones is taken up as any other, and the excluded ones stay.
func TestColumnAddedBesideExcludedOnes(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"while it streams", "while nothing reads", "before the first copy"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			needs(t, listsAndFilters)
			d := newDatabase(t)
			d.exec(`create table t (id int primary key, v varchar, secret text, further text)`, `insert into t values (1, 'a', 'secret-Qz7', 'secret-Qz7'), (200, 'out', '', '')`,
				`create publication odsd_`+d.name+` for table t (id, v) where (id < 100)`)
			p, dsn := newProxy(t, d.dsn)
			add := []string{`alter table t add w text default 'w', add n int`, `insert into t values (2, 'b', 'secret-Qz7', 'secret-Qz7', 'x', 1), (201, 'out', '', '', '', 1)`}
			copies := 1
			if how == "before the first copy" {
				d.exec(add...)
				copies = 0
			}
			f := follow(t, d.excluding(dsn, "secret", "further"), nil)
			f.until("it streams", func() bool { return f.copied && f.state() == engine.Streaming })
			switch how {
			case "while it streams":
				d.exec(add...)
			case "while nothing reads":
				f.stop()
				d.untilSlotIdle()
				d.exec(add...)
				f = follow(t, d.excluding(dsn, "secret", "further"), f)
			}
			f.untilCopies(copies)
			d.exec(`update t set n = 3`, `insert into t values (3, 'c', 'secret-Qz7', 'secret-Qz7', 'y', 1), (202, 'out', '', '', '', 1)`)
			f.catchUp(d)
			if got, want := f.table(d.name+".t"), "1 a w 3\n2 b x 3\n3 c y 1"; got != want {
				t.Errorf("rows\n%s\nwant\n%s", got, want)
			}
			if got := d.published(); got != "id v w n" {
				t.Errorf("published are the columns %s", got)
			}
			if p.saw("secret-Qz7") {
				t.Error("an excluded column left the source")
			}
			f.stop()
			if f.copies != copies {
				t.Errorf("%d copies, want %d", f.copies, copies)
			}
		})
	}
}

// A column that is no longer excluded is captured like one that was added.
func TestExcludeTakenAway(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name            string
		left            []string
		published, rows string
	}{
		{"one of two", []string{"further"}, "id v secret", "1 a s\n2 b s"},
		{"all", nil, "id v secret further", "1 a s f\n2 b s f"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			needs(t, listsAndFilters)
			d := newDatabase(t)
			d.exec(`create table t (id int primary key, v text, secret text, further text)`, `insert into t values (1, 'a', 's', 'f')`)
			f := follow(t, d.excluding(d.dsn, "secret", "further"), nil)
			f.until("it streams", func() bool { return f.copied && f.state() == engine.Streaming })
			f.stop()
			d.untilSlotIdle()
			f = follow(t, d.excluding(d.dsn, c.left...), f)
			f.untilCopies(1)
			d.exec(`insert into t values (2, 'b', 's', 'f')`)
			f.catchUp(d)
			if got := f.table(d.name + ".t"); got != c.rows {
				t.Errorf("rows\n%s\nwant\n%s", got, c.rows)
			}
			if got := d.published(); got != c.published {
				t.Errorf("published are the columns %s, want %s", got, c.published)
			}
		})
	}
}

// Where the publication is somebody else's, what it leaves out is told with the statements that mend it, and
// captured once they were run.
func TestColumnAddedBesideExcludedOnesOfAnothersPublication(t *testing.T) {
	t.Parallel()
	needs(t, listsAndFilters)
	d := newDatabase(t)
	role, dsn := d.role("replication")
	d.exec(`create table t (id int primary key, v text, secret text)`, `insert into t values (1, 'a', 's')`, `grant select on t to `+role,
		`create publication odsd_`+d.name+` for table t (id, v)`)
	var told lockedBuffer
	s := d.excluding(dsn, "secret")
	s.config.Log = slog.New(slog.NewTextHandler(&told, nil))
	f := follow(t, s, nil)
	f.until("it streams", func() bool { return f.copied && f.state() == engine.Streaming })
	if found, err := Unlisted(t.Context(), s.config); err != nil || len(found) > 0 {
		t.Errorf("found %v, %v, though nothing is left out", found, err)
	}
	d.exec(`alter table t add w text default 'w'`)
	f.until("it is told", func() bool { return strings.Contains(told.String(), "are not captured") })
	found, err := Unlisted(t.Context(), s.config)
	if err != nil || len(found) != 1 || found[0].Table != d.name+".t" || !strings.HasSuffix(found[0].Message, ": w") {
		t.Fatalf("found %v, %v", found, err)
	}
	d.exec(found[0].Hint)
	f.untilCopies(1)
	d.exec(`insert into t values (2, 'b', 's', 'x')`)
	f.compare(d, "t", "id, v, w")
	f.stop()
	if n := strings.Count(told.String(), "are not captured"); n != 1 {
		t.Errorf("it was told %d times", n)
	}
}

// A list that nobody's configuration asked for is its maker's will, though the publication may be altered.
func TestListThatIsNotOfExcludedColumnsStays(t *testing.T) {
	t.Parallel()
	needs(t, listsAndFilters)
	d := newDatabase(t)
	d.exec(`create table t (id int primary key, v text, secret text)`, `insert into t values (1, 'a', 's')`, `create publication odsd_`+d.name+` for table t (id, v)`)
	var told lockedBuffer
	s := d.source("t")
	s.config.Log = slog.New(slog.NewTextHandler(&told, nil))
	f := follow(t, s, nil)
	f.until("it is told", func() bool { return strings.Contains(told.String(), "are not captured") })
	d.exec(`insert into t values (2, 'b', 's')`)
	f.catchUp(d)
	if got := d.published(); got != "id v" {
		t.Errorf("published are the columns %s", got)
	}
	if found, err := Unlisted(t.Context(), s.config); err != nil || len(found) != 1 {
		t.Errorf("found %v, %v", found, err)
	}
}

// lockedBuffer is a log that is read while it is written.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// What docs/operations.md says to run where PostgreSQL refuses to alter a listed column.
func TestListedColumnIsAlteredAsDocumented(t *testing.T) {
	t.Parallel()
	needs(t, listsAndFilters)
	text, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	_, block, found := strings.Cut(string(text), "```sql\nBEGIN;\n")
	statements, _, ends := strings.Cut(block, "```")
	if !found || !ends {
		t.Fatal("docs/operations.md has no statements that alter a listed column")
	}
	d := newDatabase(t)
	d.exec(`create table customers (id int primary key, name text, secret text)`, `insert into customers values (1, 'a', 's')`)
	s := d.source("customers")
	s.config.Columns = map[string]map[string]ColumnOptions{"customers": {"secret": {Exclude: true}}}
	f := follow(t, s, nil)
	f.until("it streams", func() bool { return f.copied && f.state() == engine.Streaming })
	for _, refused := range []string{`alter table customers alter name type varchar(200)`, `alter table customers drop name`} {
		if _, err := d.conn.Exec(t.Context(), refused); err == nil {
			t.Errorf("%s is not refused", refused)
		}
	}
	d.exec("begin;\n" + strings.ReplaceAll(statements, "odsd_shop", "odsd_"+d.name))
	f.untilHalted(d.name + ".customers")
	s.CopyTable(d.name + ".customers")
	f.untilCopies(1)
	d.exec(`insert into customers values (2, 'b', 's')`)
	f.compare(d, "customers", "id, name")
	if got := d.text(`select array_to_string(attnames, ' ') from pg_publication_tables where pubname = $1`, "odsd_"+d.name); got != "id name" {
		t.Errorf("published are the columns %s", got)
	}
}
