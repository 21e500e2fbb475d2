package enginetest

import (
	"slices"
	"strings"
	"testing"

	"odsd/engine"
	"odsd/storage"
	"odsd/storage/relation"
)

func itemsSchema(columns ...string) *relation.Schema {
	s := &relation.Schema{Name: "shop.items", Key: []int{0}}
	for _, name := range columns {
		s.Columns = append(s.Columns, relation.Column{Name: name, Type: relation.TypeOf(relation.Int4)})
	}
	return s
}

// A source may be copied anew from another database, whose positions are lower.
// Those of the first mean nothing then: who waits for one waits for the second's.
func TestCopyAnewOnLowerPositions(t *testing.T) {
	s := newStage(t, storage.MemoryFS())
	schemas := []*relation.Schema{itemsSchema("id", "n")}
	first := s.enter()
	first.out <- engine.CopyStarted{Schemas: schemas}
	first.out <- engine.CopyFinished{Position: 1000}
	s.wait(1000)

	second := s.resync()
	s.shop.told()
	second.out <- engine.CopyStarted{Schemas: schemas}
	s.copying()
	if s.reached(1) {
		t.Error("a position is called durable while the copy is under way")
	}
	second.out <- engine.CopyFinished{Position: 100}
	s.wait(100)
	if s.reached(500) {
		t.Error("position 500 is called reached at 100, since the former copy stood at 1000")
	}
	second.out <- &engine.Transaction{End: 600, Changes: []engine.Change{{Operation: engine.Insert, Relation: "shop.items", New: []relation.Value{int4(1), int4(1)}}}}
	s.wait(600)
	if told := s.shop.told(); len(told) == 0 || slices.Max(told) > 600 {
		t.Errorf("acknowledged %v, want what the second database has told, up to 600", told)
	}
	if status := s.engine.Status().Sources[0]; status.LSN != relation.Position(600).String() || status.Tables[0].Rows != 1 {
		t.Errorf("the source stands at %s with %d rows", status.LSN, status.Tables[0].Rows)
	}
}

// A view that cannot be kept on the columns that came is shown failed with the
// reason; copied anew with those that it was checked against, it is ready and
// the reason gone.
func TestHealedViewShowsNoFault(t *testing.T) {
	right := itemsSchema("id", "n", "m")
	checked, err := CheckViews([]*relation.Schema{right}, []string{"version: 1\nview: items\nfrom: shop.items\nfields: [id, m]\n"})
	if err != nil {
		t.Fatal(err)
	}
	s := newStage(t, storage.MemoryFS(), checked...)
	view := func() engine.ViewReport { return s.engine.Status().Views[0] }

	first := s.enter()
	first.out <- engine.CopyStarted{Schemas: []*relation.Schema{itemsSchema("id", "n")}}
	first.out <- engine.CopyFinished{Position: 10}
	s.until("the view has failed", func() bool { return view().State == engine.ViewFailed })
	if fault := view().Error; fault == nil || !strings.Contains(fault.Message, "shop.items") {
		t.Errorf("a failed view tells %+v", fault)
	}

	second := s.resync()
	second.out <- engine.CopyStarted{Schemas: []*relation.Schema{right}}
	second.out <- engine.CopiedRows{Relation: "shop.items", Rows: [][]relation.Value{{int4(1), int4(2), int4(3)}}}
	second.out <- engine.CopyFinished{Position: 20}
	s.until("the view is ready", func() bool { return view().State == engine.ViewReady })
	if fault := view().Error; fault != nil || view().Documents != 1 {
		t.Errorf("a ready view tells %+v and has %d documents", fault, view().Documents)
	}
}

// A source that goes on with a promoted standby resumes with that one's identity.
func TestMovedSourceResumesWithItsNewIdentity(t *testing.T) {
	fs := storage.MemoryFS()
	s := newStage(t, fs)
	first := s.enter()
	first.out <- engine.CopyStarted{Schemas: []*relation.Schema{itemsSchema("id", "n")}}
	first.out <- engine.CopyFinished{Position: 10, Identity: []byte("primary")}
	first.out <- engine.Progress{Position: 20}
	first.out <- engine.Moved{Identity: []byte("standby")}
	first.out <- engine.Progress{Position: 30}
	s.wait(30)
	s.close()
	from := newStage(t, fs).enter().from
	if from == nil || string(from.Identity) != "standby" || from.Position != 30 || len(from.Schemas) != 1 {
		t.Errorf("it resumes from %+v", from)
	}
}

// A source whose slot is lost, and whose file says resync, is copied anew by
// itself. Its old rows are served until the new ones are there.
func TestLostSourceIsCopiedAnewByItself(t *testing.T) {
	schema := itemsSchema("id", "n")
	checked, err := CheckViews([]*relation.Schema{schema}, []string{"version: 1\nview: items\nfrom: shop.items\nfields: [id, n]\n"})
	if err != nil {
		t.Fatal(err)
	}
	s := newStage(t, storage.MemoryFS(), checked...)
	view := func() engine.ViewReport { return s.engine.Status().Views[0] }
	first := s.enter()
	first.out <- engine.CopyStarted{Schemas: []*relation.Schema{schema}}
	first.out <- engine.CopiedRows{Relation: "shop.items", Rows: [][]relation.Value{{int4(1), int4(2)}}}
	first.out <- engine.CopyFinished{Position: 10}
	s.until("the view is ready", func() bool { return view().State == engine.ViewReady })
	generation := view().Generation
	first.fail <- &engine.Halt{Code: "SLOT_LOST", Message: "gone", Anew: true}
	second := s.enter()
	if second.from != nil {
		t.Fatal("it resumes where changes are lost")
	}
	second.out <- engine.CopyStarted{Schemas: []*relation.Schema{schema}}
	second.out <- engine.CopiedRows{Relation: "shop.items", Rows: [][]relation.Value{{int4(1), int4(2)}, {int4(3), int4(4)}}}
	s.copying()
	if v := view(); v.State != engine.ViewReady || v.Documents != 1 {
		t.Errorf("while it is copied the view is %s with %d documents, want ready with 1", v.State, v.Documents)
	}
	second.out <- engine.CopyFinished{Position: 20}
	s.until("the new row is there", func() bool { return view().Documents == 2 })
	if v := view(); v.State != engine.ViewReady || v.Generation != generation {
		t.Errorf("the view was built anew: generation %d, was %d", v.Generation, generation)
	}
}
