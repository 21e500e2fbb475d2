package postgres

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"odsd/engine"
	"odsd/storage"
	"odsd/storage/relation"
)

// An excluded column's values are neither on the wire nor in the data directory;
// a masked one's are not in the data directory. One that is neither shows
// that this test finds what is there.
func TestExcludedAndMaskedValuesAreNowhere(t *testing.T) {
	t.Parallel()
	needs(t, listsAndFilters)
	d := newDatabase(t)
	d.exec(`create table t (id int primary key, shown text, secret text, phone text, mail text, pin int)`,
		`insert into t values (1, 'shown-Qz7copied', 'secret-Qz7copied', '+49-170-Qz7copied-1234', 'ada-Qz7copied@example.org', 99887711)`)
	p, dsn := newProxy(t, d.dsn)
	s := d.sourceAs(dsn, "t")
	s.config.Columns = map[string]map[string]ColumnOptions{"t": {
		"secret": {Exclude: true}, "phone": {Mask: MaskLast4}, "mail": {Mask: MaskHash}, "pin": {Mask: MaskNull},
	}}
	s.config.HashKey = []byte("a key of this test")
	dir := t.TempDir()
	rows := storeOf(t, d, s, dir, func() {
		d.exec(`insert into t values (2, 'shown-Qz7streamed', 'secret-Qz7streamed', '+49-170-Qz7streamed-5678', 'ada-Qz7copied@example.org', 99887722)`,
			`update t set secret = 'secret-Qz7updated' where id = 1`)
	})
	want := []string{"1 shown-Qz7copied ****1234", "2 shown-Qz7streamed ****5678"}
	if len(rows) != 2 {
		t.Fatalf("%d rows", len(rows))
	}
	for i, row := range rows {
		if len(row) != 5 || !strings.HasPrefix(showRow(row), want[i]) || !row[4].IsNull() {
			t.Errorf("row %s, want %s…", showRow(row), want[i])
		}
	}
	if show(rows[0][3]) != show(rows[1][3]) || len(show(rows[0][3])) != 32 {
		t.Errorf("equal values have the hashes %s and %s", show(rows[0][3]), show(rows[1][3]))
	}
	stored := everyFile(t, dir)
	for _, value := range []string{"shown-Qz7copied", "shown-Qz7streamed"} {
		if !p.saw(value) || !bytes.Contains(stored, []byte(value)) {
			t.Errorf("%s is not found, so this test would find nothing", value)
		}
	}
	for _, value := range []string{"secret-Qz7copied", "secret-Qz7streamed", "secret-Qz7updated"} {
		if p.saw(value) {
			t.Errorf("%s left the source", value)
		}
	}
	for _, value := range []string{"secret-Qz7", "+49-170", "ada-Qz7", "99887711", "99887722"} {
		if bytes.Contains(stored, []byte(value)) {
			t.Errorf("%s is in the data directory", value)
		}
	}
}

// storeOf runs an engine over the source and a store on disk, and gives the rows
// of table t as stored once what happens is applied.
func storeOf(t *testing.T, d *database, s *Source, dir string, happens func()) [][]relation.Value {
	t.Helper()
	store, err := storage.Open(dir, storage.Options{})
	if err != nil {
		t.Fatal(err)
	}
	e, err := engine.New(engine.Options{Store: store, Sources: []engine.Source{s}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- e.Run(ctx) }()
	wait := func() {
		end, err := relation.ParsePosition(d.text("select pg_current_wal_flush_lsn()::text"))
		if err != nil {
			t.Fatal(err)
		}
		if err := e.WaitFor(ctx, s.Name(), end); err != nil {
			t.Fatalf("%v; %+v", err, e.Status())
		}
	}
	wait()
	happens()
	wait()
	var rows [][]relation.Value
	err = e.Rows(s.Name()+".t", func(row []relation.Value) { rows = append(rows, row) })
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if err := store.Close(); err != nil {
		t.Error(err)
	}
	return rows
}

func everyFile(t *testing.T, dir string) []byte {
	t.Helper()
	var all []byte
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		all = append(all, content...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestColumnOptionsThatCannotBeKept(t *testing.T) {
	t.Parallel()
	cases := []struct{ name, setup, column, says, hint string }{
		{"published", `create publication odsd_%s for table t`, "secret", "publishes it", "ADD TABLE public.t (id, phone)"},
		{"key", ``, "id", "part of the key", "replica identity"},
		{"full identity", `alter table t replica identity full`, "secret", "sends every column", "REPLICA IDENTITY DEFAULT"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			needs(t, listsAndFilters)
			d := newDatabase(t)
			d.exec(`create table t (id int primary key, secret text, phone text)`)
			if c.setup != "" {
				d.exec(strings.ReplaceAll(c.setup, "%s", d.name))
			}
			s := d.source("t")
			s.config.Columns = map[string]map[string]ColumnOptions{"t": {c.column: {Exclude: true}}}
			halt := follow(t, s, nil).halted()
			if halt.Code != codePreflight || !strings.Contains(halt.Message, c.says) || !strings.Contains(halt.Hint, c.hint) {
				t.Errorf("halt %s %q, hint %q", halt.Code, halt.Message, halt.Hint)
			}
		})
	}
	t.Run("masked key", func(t *testing.T) {
		t.Parallel()
		d := newDatabase(t)
		d.exec(`create table t (id int primary key, secret text)`)
		s := d.source("t")
		s.config.Columns = map[string]map[string]ColumnOptions{"t": {"id": {Mask: MaskHash}, "nothing": {Mask: MaskNull}}}
		halt := follow(t, s, nil).halted()
		if !strings.Contains(halt.Message, "cannot be masked") || !strings.Contains(halt.Message, "no column nothing") {
			t.Errorf("halt %s %q", halt.Code, halt.Message)
		}
	})
}

// An old server cannot leave a column out of its stream, and says so.
func TestOldServerCannotExclude(t *testing.T) {
	t.Parallel()
	v := &survey{server: &server{version: 140005}, publication: &publication{}}
	found := checkExcluded(v, &table{namespace: "public", name: "t"}, &column{name: "secret"})
	if len(found) != 1 || !strings.Contains(found[0].Message, "PostgreSQL 14 cannot leave a column out") {
		t.Errorf("found %+v", found)
	}
}

// A mask that the configuration has got since: what is stored unmasked is no longer
// served, and the table copied anew.
func TestMaskGivenLater(t *testing.T) {
	t.Parallel()
	d, f := copied(t)
	s := d.source("t")
	s.config.Columns = map[string]map[string]ColumnOptions{"t": {"v": {Mask: MaskHash}}}
	s.config.HashKey = []byte("key")
	f = follow(t, s, f)
	f.untilCopies(1)
	if got := f.table(d.name + ".t"); strings.Contains(got, " a") || len(got) != len("1 ")+32 {
		t.Errorf("rows %s", got)
	}
}
