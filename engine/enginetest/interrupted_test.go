package enginetest

import (
	"testing"

	"odsd/engine"
	"odsd/storage"
	"odsd/storage/relation"
)

func namedSchema(name string) *relation.Schema {
	s := itemsSchema("id", "n")
	s.Name = name
	return s
}

func tableState(status engine.Status, name string) (state string, rows int64) {
	for _, t := range status.Sources[0].Tables {
		if t.Name == name {
			return t.State, t.Rows
		}
	}
	return "absent", 0
}

func rowsOf(schema *relation.Schema, ids ...int) engine.CopiedRows {
	copied := engine.CopiedRows{Relation: schema.Name}
	for _, id := range ids {
		copied.Rows = append(copied.Rows, []relation.Value{int4(id), int4(id)})
	}
	return copied
}

// An initial copy that a daemon before this one did not finish goes on with the
// relations that were read whole. What came of the others is void: it is not
// shown, and they are copied beside the stream while the views on them wait.
func TestInterruptedCopyGoesOnWithWhatWasRead(t *testing.T) {
	whole, part := namedSchema("shop.items"), namedSchema("shop.parts")
	checked, err := CheckViews([]*relation.Schema{whole, part}, []string{
		"version: 1\nview: items\nfrom: shop.items\nfields: [id, n]\n", "version: 1\nview: parts\nfrom: shop.parts\nfields: [id, n]\n",
	})
	if err != nil {
		t.Fatal(err)
	}
	fs := storage.MemoryFS()
	s := newStage(t, fs, checked...)
	first := s.enter()
	first.out <- engine.CopyStarted{Schemas: []*relation.Schema{whole, part}, Position: 10, Identity: []byte("shop")}
	first.out <- rowsOf(part, 1, 2)
	first.out <- rowsOf(whole, 1)
	first.out <- engine.TableRead{Relation: whole.Name}
	s.until("one is read and the other not", func() bool {
		read, _ := tableState(s.engine.Status(), whole.Name)
		unread, rows := tableState(s.engine.Status(), part.Name)
		return read == "live" && unread == "copying" && rows == 2
	})
	s.close()

	s = newStage(t, fs, checked...)
	view := func(name string) engine.ViewReport {
		for _, v := range s.engine.Status().Views {
			if v.Name == name {
				return v
			}
		}
		return engine.ViewReport{}
	}
	second := s.enter()
	from := second.from
	if from == nil || !from.Unfinished || from.Position != 10 || string(from.Identity) != "shop" || len(from.Schemas) != 1 || from.Schemas[0].Name != whole.Name {
		t.Fatalf("taken up from %+v", from)
	}
	second.out <- engine.CopyFinished{Position: 10, Identity: []byte("shop"), Missing: []string{part.Name}}
	second.out <- &engine.Transaction{End: 20, Changes: []engine.Change{{Operation: engine.Insert, Relation: whole.Name, New: []relation.Value{int4(3), int4(3)}}}}
	s.wait(20)
	s.until("the view on what was read is ready", func() bool { return view("items").State == engine.ViewReady })
	if v := view("items"); v.Documents != 2 {
		t.Errorf("%d documents, want 2", v.Documents)
	}
	if v := view("parts"); v.State != engine.ViewWaiting {
		t.Errorf("the view on what is missing is %s", v.State)
	}
	s.close()

	s = newStage(t, fs, checked...) // before the copy of the part has begun
	third := s.enter()
	if v := view("parts"); v.State != engine.ViewWaiting || v.Next != nil {
		t.Errorf("the view on what is missing is %s, %+v, in another daemon", v.State, v.Next)
	}
	third.out <- engine.TableCopying{Schema: part}
	third.out <- rowsOf(part, 1, 4, 5)
	third.out <- engine.TableCopied{Relation: part.Name, Position: 20, Identity: []byte("part")}
	s.until("the other view is ready", func() bool { return view("parts").State == engine.ViewReady })
	if v := view("parts"); v.Documents != 3 {
		t.Errorf("%d documents, want 3", v.Documents)
	}
	s.close()
	if from := newStage(t, fs, checked...).enter().from; from == nil || from.Unfinished || from.Position != 20 || len(from.Schemas) != 2 {
		t.Errorf("it resumes from %+v", from)
	}
}

// A copy anew that is interrupted starts over: what is served holds until
// another is there whole.
func TestInterruptedCopyAnewStartsOver(t *testing.T) {
	schema, other := namedSchema("shop.items"), namedSchema("shop.parts")
	both := engine.CopyStarted{Schemas: []*relation.Schema{schema, other}, Position: 50, Identity: []byte("shop")}
	s := newStage(t, storage.MemoryFS())
	first := s.enter()
	first.out <- both
	first.out <- rowsOf(other, 1)
	first.out <- engine.CopyFinished{Position: 50, Identity: []byte("shop")}
	s.wait(50)
	second := s.resync()
	second.out <- both
	second.out <- rowsOf(schema, 7)
	second.out <- engine.TableRead{Relation: schema.Name}
	second.out <- engine.CopyFinished{Position: 50, Identity: []byte("shop"), Missing: []string{other.Name}}
	third := s.enter()
	if third.from != nil {
		t.Fatalf("taken up from %+v", third.from)
	}
	if _, rows := tableState(s.engine.Status(), other.Name); rows != 1 {
		t.Errorf("%d rows are served, want the one of before", rows)
	}
}
