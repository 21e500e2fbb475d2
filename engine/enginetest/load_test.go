package enginetest

import (
	"bytes"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"odsd/engine"
	"odsd/storage"
	"odsd/storage/relation"
	"odsd/views"
)

// itemsAndParts are two relations, and views of which one looks the items up by n.
func itemsAndParts(t *testing.T) (items, parts *relation.Schema, alone, joined []*views.View) {
	t.Helper()
	items, parts = namedSchema("shop.items"), namedSchema("shop.parts")
	items.Columns = append(items.Columns, relation.Column{Name: "note", Type: relation.TypeOf(relation.Text)})
	check := func(texts ...string) []*views.View {
		checked, err := CheckViews([]*relation.Schema{items, parts}, texts)
		if err != nil {
			t.Fatal(err)
		}
		return checked
	}
	const plain = "version: 1\nview: items\nfrom: shop.items\nfields: [id, n]\n"
	const joins = `
version: 1
view: parts
from: shop.parts
fields:
  id:
  items:
    many: shop.items
    join: items.n == parts.id
    order_by: [id]
    fields: [id]
`
	return items, parts, check(plain), check(plain, joins)
}

// noted are rows of items, each with a note of so many bytes.
func noted(items *relation.Schema, bytes int, ids ...int) engine.CopiedRows {
	rows := rowsOf(items, ids...)
	for i := range rows.Rows {
		rows.Rows[i] = append(rows.Rows[i], relation.OfText(strings.Repeat("n", bytes)))
	}
	return rows
}

// keysOf counts the store's keys of one space.
func keysOf(t *testing.T, fs storage.FS, space byte) (count int) {
	t.Helper()
	store, err := storage.Open("store", storage.Options{FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	snapshot := store.Snapshot()
	defer snapshot.Close()
	keys := snapshot.Scan([]byte{space}, []byte{space + 1})
	defer keys.Close()
	for keys.Next() {
		count++
	}
	if err := keys.Err(); err != nil {
		t.Fatal(err)
	}
	return count
}

// sortedTables counts the tables of copied rows that wait for the store to take them.
func sortedTables(fs storage.FS) (count int) {
	loads, _ := fs.List("store/scratch")
	for _, load := range loads {
		files, _ := fs.List("store/scratch/" + load)
		for _, file := range files {
			if strings.HasPrefix(file, "table-") {
				count++
			}
		}
	}
	return count
}

// A view that goes while rows for it are on their way into the store takes its index along: nothing of
// it is left, whether its entries lie in runs by then or in tables.
func TestIndexDroppedDuringALoad(t *testing.T) {
	t.Run("in runs", func(t *testing.T) { indexDroppedDuringALoad(t, 0) })
	t.Run("in tables", func(t *testing.T) { indexDroppedDuringALoad(t, 2) })
}

func indexDroppedDuringALoad(t *testing.T, tables int) {
	const rows = 12
	fs := storage.MemoryFS()
	items, parts, alone, joined := itemsAndParts(t)
	s := newStageOf(t, fs, engine.Options{Definitions: engine.Definitions{Views: joined}, LoadBytes: 1})
	run := s.enter()
	run.out <- engine.CopyStarted{Schemas: []*relation.Schema{items, parts}, Position: 10, Identity: []byte("shop")}
	run.out <- rowsOf(parts, 1, 2, 3)
	run.out <- engine.TableRead{Relation: parts.Name}
	for id := range rows {
		run.out <- noted(items, 3<<20, id+1) // two make a step of a load
	}
	s.until("all rows have come", func() bool { _, n := tableState(s.engine.Status(), items.Name); return n == rows })
	if tables > 0 {
		run.out <- engine.TableRead{Relation: items.Name}
	}
	read := func() bool { state, _ := tableState(s.engine.Status(), items.Name); return state == "live" }
	s.until("some of it is in tables", func() bool { return sortedTables(fs) >= tables || read() })
	if _, err := s.engine.Define(s.ctx, engine.Definitions{Views: alone}); err != nil {
		t.Fatal(err)
	}
	if read() {
		t.Fatal("the load was over before the view went: that shows nothing")
	}
	run.out <- engine.CopyFinished{Position: 10, Identity: []byte("shop")}
	s.wait(10)
	s.until("the view is ready", func() bool { return s.engine.Status().Ready })
	s.close()
	if n := keysOf(t, fs, 'i'); n != 0 {
		t.Errorf("%d entries of an index that was dropped are stored", n)
	}
	if n := keysOf(t, fs, 'r'); n != rows+3 {
		t.Errorf("%d rows are stored, want %d", n, rows+3)
	}
}

// A row in quarantine that a copy brings is told in the log by its key and column, from the first copy and from one
// beside the served rows, which may have other columns; the status has it with the rows that are served.
func TestQuarantineOfCopiesIsTold(t *testing.T) {
	for _, loadBytes := range []int{0, 1} {
		var log bytes.Buffer
		items, parts, alone, _ := itemsAndParts(t)
		s := newStageOf(t, storage.MemoryFS(), engine.Options{
			Definitions: engine.Definitions{Views: alone}, LoadBytes: loadBytes, Log: slog.New(slog.NewTextHandler(&log, nil)),
		})
		bad := func(of *relation.Schema, column, id int) engine.CopiedRows {
			rows := noted(items, 1, id, id+1)
			for len(rows.Rows[0]) < len(of.Columns) {
				rows.Rows[0], rows.Rows[1] = append(rows.Rows[0], int4(0)), append(rows.Rows[1], int4(0))
			}
			rows.Rows[0][column] = relation.OfError(relation.ErrUnreadable)
			return rows
		}
		told := func() string {
			for _, table := range s.engine.Status().Sources[0].Tables {
				if table.Name == items.Name && table.Error != nil {
					return table.Error.Message
				}
			}
			return ""
		}
		run := s.enter()
		run.out <- engine.CopyStarted{Schemas: []*relation.Schema{items, parts}, Position: 10, Identity: []byte("shop")}
		run.out <- bad(items, 2, 5)
		run.out <- engine.CopyFinished{Position: 10, Identity: []byte("shop")}
		s.wait(10)
		if said := told(); !strings.Contains(said, `key 5, column "note"`) {
			t.Errorf("after the first copy the status says %q", said)
		}
		wider := *items
		wider.Columns = append(slices.Clip(items.Columns), relation.Column{Name: "more", Type: relation.TypeOf(relation.Int4)})
		run.out <- engine.TableCopying{Schema: &wider}
		run.out <- bad(&wider, 3, 7)
		run.out <- engine.TableCopied{Relation: items.Name, Position: 10, Identity: []byte("items")}
		s.until("the copy is served", func() bool { return strings.Contains(told(), `key 7, column "more"`) })
		s.close()
		if lines := log.String(); !strings.Contains(lines, "table=shop.items code=QUARANTINE key=5 column=note") || !strings.Contains(lines, "table=shop.items code=QUARANTINE key=7 column=more") {
			t.Errorf("the log says\n%s", lines)
		}
	}
}

// A load of more runs than are merged at once comes as several layers: all of it is there.
func TestLoadOfVeryManyRuns(t *testing.T) {
	const rows = 90 // a run each
	fs := storage.MemoryFS()
	items, parts, _, joined := itemsAndParts(t)
	s := newStageOf(t, fs, engine.Options{Definitions: engine.Definitions{Views: joined}, LoadBytes: 1, LoadRuns: 8})
	run := s.enter()
	run.out <- engine.CopyStarted{Schemas: []*relation.Schema{items, parts}, Position: 10, Identity: []byte("shop")}
	for i := range rows {
		run.out <- noted(items, 1, 1+7*i%rows) // layers that overlap
		if i%25 == 0 {
			run.out <- rowsOf(parts, i+1)
		}
	}
	run.out <- engine.CopyFinished{Position: 10, Identity: []byte("shop")}
	s.wait(10)
	s.until("the views are ready", func() bool { return s.engine.Status().Ready })
	for _, v := range s.engine.Status().Views {
		if want := map[string]int64{"items": rows, "parts": 4}[v.Name]; v.Documents != want {
			t.Errorf("view %s has %d documents, want %d", v.Name, v.Documents, want)
		}
	}
	s.close()
	if n := keysOf(t, fs, 'r'); n != rows+4 {
		t.Errorf("%d rows are stored, want %d", n, rows+4)
	}
	if n := keysOf(t, fs, 'i'); n != rows {
		t.Errorf("%d entries of the index are stored, want %d", n, rows)
	}
}
