package enginetest

import (
	"fmt"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"odsd/engine"
	"odsd/storage"
	"odsd/storage/relation"
	"odsd/views"
)

// copyOf is an initial copy of two relations that takes turns between them.
type copyOf struct {
	first, second *relation.Schema
	views         []*views.View
	loadBytes     int
}

func (c *copyOf) stage(t *testing.T, fs storage.FS) *stage {
	return newStageOf(t, fs, engine.Options{Definitions: engine.Definitions{Views: c.views}, LoadBytes: c.loadBytes})
}

// play delivers the copy to its end, in no order of keys.
func (c *copyOf) play(s *stage) {
	run := s.enter()
	run.out <- engine.CopyStarted{Schemas: []*relation.Schema{c.first, c.second}, Position: 10, Identity: []byte("shop")}
	run.out <- rowsOf(c.first, 5, 3)
	run.out <- rowsOf(c.second, 2, 9)
	run.out <- rowsOf(c.first, 4, 1)
	run.out <- engine.TableRead{Relation: c.first.Name}
	run.out <- rowsOf(c.second, 1, 7, 3)
	run.out <- engine.TableRead{Relation: c.second.Name}
	run.out <- engine.CopyFinished{Position: 10, Identity: []byte("shop")}
	s.wait(10)
}

// goOn ends what a crash has left of the copy, and says at which place that was.
func (c *copyOf) goOn(s *stage) string {
	run := s.enter()
	switch {
	case run.from == nil:
		c.deliver(run)
		return "nothing"
	case !run.from.Unfinished:
		return "live"
	}
	finished := engine.CopyFinished{Position: 10, Identity: []byte("shop")}
	kept := map[string]bool{}
	for _, schema := range run.from.Schemas {
		kept[schema.Name] = true
	}
	for _, schema := range []*relation.Schema{c.first, c.second} {
		if !kept[schema.Name] {
			finished.Missing = append(finished.Missing, schema.Name)
		}
	}
	run.out <- finished
	for _, schema := range []*relation.Schema{c.first, c.second} {
		if !kept[schema.Name] {
			run.out <- engine.TableCopying{Schema: schema}
			run.out <- c.all(schema)
			run.out <- engine.TableCopied{Relation: schema.Name, Position: 10}
		}
	}
	return fmt.Sprint("without ", finished.Missing)
}

func (c *copyOf) deliver(run engineRun) {
	run.out <- engine.CopyStarted{Schemas: []*relation.Schema{c.first, c.second}, Position: 10, Identity: []byte("shop")}
	run.out <- c.all(c.first)
	run.out <- c.all(c.second)
	run.out <- engine.CopyFinished{Position: 10, Identity: []byte("shop")}
}

func (c *copyOf) all(schema *relation.Schema) engine.CopiedRows {
	if schema == c.first {
		return rowsOf(schema, 1, 3, 4, 5)
	}
	return rowsOf(schema, 1, 2, 3, 7, 9)
}

// The power fails at any write of an initial copy that is sorted outside the store. The relations that
// are said to be whole then have all their rows, the others none: the views say so, which are
// built from what is stored once the copy has gone on.
func TestCrashAtEveryWriteOfACopy(t *testing.T) {
	c := &copyOf{first: namedSchema("shop.items"), second: namedSchema("shop.parts"), loadBytes: 1}
	var err error
	c.views, err = CheckViews([]*relation.Schema{c.first, c.second}, []string{
		"version: 1\nview: items\nfrom: shop.items\nfields: [id, n]\n", "version: 1\nview: parts\nfrom: shop.parts\nfields: [id, n]\n",
	})
	if err != nil {
		t.Fatal(err)
	}
	run := func(k int) *outage {
		o := &outage{disk: vfs.NewCrashableMem(), k: k, armed: true}
		s := c.stage(t, errorfs.Wrap(o.disk, o))
		c.play(s)
		s.close()
		return o
	}
	whole := run(0)
	places := map[string]int{}
	for k := 1; k <= whole.writes; k++ {
		o := run(k)
		if o.crashed() == nil {
			continue // in the background a write more or less may happen
		}
		s := c.stage(t, o.clone)
		place := c.goOn(s)
		places[place]++
		s.until("the views are ready", func() bool { return s.engine.Status().Ready })
		for _, v := range s.engine.Status().Views {
			want := int64(len(c.all(c.first).Rows))
			if v.Name == "parts" {
				want = int64(len(c.all(c.second).Rows))
			}
			if v.Documents != want {
				t.Errorf("%v, %s: view %s has %d documents, want %d", o, place, v.Name, v.Documents, want)
			}
		}
		s.close()
	}
	t.Logf("%d writes; found after the crash: %v", whole.writes, places)
	if len(places) < 3 {
		t.Errorf("the copy was found at %v only: that shows little", places)
	}
}

// What came of a copy that is begun anew is forgotten, though it was not in the store yet: the next one
// has fewer rows, and none of the first.
func TestRowsOfACopyThatIsBegunAnewAreForgotten(t *testing.T) {
	c := &copyOf{first: namedSchema("shop.items"), second: namedSchema("shop.parts"), loadBytes: 1}
	var err error
	if c.views, err = CheckViews([]*relation.Schema{c.first}, []string{"version: 1\nview: items\nfrom: shop.items\nfields: [id, n]\n"}); err != nil {
		t.Fatal(err)
	}
	fs := storage.MemoryFS()
	s := c.stage(t, fs)
	first := s.enter()
	first.out <- engine.CopyStarted{Schemas: []*relation.Schema{c.first, c.second}, Position: 10, Identity: []byte("shop")}
	first.out <- rowsOf(c.first, 50, 60)
	first.out <- rowsOf(c.second, 1)
	first.out <- engine.TableRead{Relation: c.second.Name}
	s.until("one is read, and some of the other", func() bool {
		read, _ := tableState(s.engine.Status(), c.second.Name)
		_, rows := tableState(s.engine.Status(), c.first.Name)
		return read == "live" && rows == 2
	})
	second := s.resync()
	second.out <- engine.CopyStarted{Schemas: []*relation.Schema{c.first, c.second}, Position: 20, Identity: []byte("shop")}
	second.out <- rowsOf(c.first, 7)
	second.out <- engine.CopyFinished{Position: 20, Identity: []byte("shop")}
	s.wait(20)
	s.until("the view is ready", func() bool { return s.engine.Status().Ready })
	if documents := s.engine.Status().Views[0].Documents; documents != 1 {
		t.Errorf("%d documents, want 1", documents)
	}
	s.close()
	store, err := storage.Open("store", storage.Options{FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	snapshot := store.Snapshot()
	defer snapshot.Close()
	rows := snapshot.Scan([]byte("r"), []byte("s")) // of any relation, also one that was dropped
	defer rows.Close()
	count := 0
	for rows.Next() {
		count++
	}
	if err := rows.Err(); err != nil || count != 1 {
		t.Errorf("%d rows are stored, want 1; %v", count, err)
	}
}
