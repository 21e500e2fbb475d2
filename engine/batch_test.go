package engine

import (
	"testing"
	"time"

	"odsd/storage"
	"odsd/storage/relation"
)

func TestProgressMovesTheFrontier(t *testing.T) {
	at := time.Unix(7, 0)
	earlier, later := relation.Mark{Commit: 90, At: 1}, relation.Mark{Commit: 190, At: 2}
	before := storage.Frontier{Position: 100, CommittedAt: at, Last: earlier}
	for name, c := range map[string]struct {
		progress Progress
		want     storage.Frontier
	}{
		"no transaction":          {Progress{Position: 200}, storage.Frontier{Position: 200, CommittedAt: at, Last: earlier}},
		"one that changes no row": {Progress{Position: 200, Mark: later}, storage.Frontier{Position: 200, CommittedAt: at, Last: later}},
	} {
		if got := c.progress.reach(before); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

// What lies beyond a fence's cut waits until the fence is passed, a progress like a transaction: the mark that it has
// belongs to a frontier that has come to it, and would be missing from all that come after.
func TestAMarkBeyondTheCutIsNotLost(t *testing.T) {
	earlier, later := relation.Mark{Commit: 90, At: 1}, relation.Mark{Commit: 190, At: 2}
	s := &sourceState{source: &listener{}, cut: 150}
	w := &writer{catalog: &catalog{frontiers: map[string]storage.Frontier{"shop": {Position: 100, Last: earlier}}}}
	b := w.newBatch()
	if b.add(s, Progress{Position: 200, Mark: later}) || !s.holds() || len(s.held) != 1 || b.frontiers[s] != (storage.Frontier{Position: 150, Last: earlier}) {
		t.Fatalf("at the fence: %+v, %d events held", b.frontiers[s], len(s.held))
	}
	s.paused, s.cut = false, 0
	for _, event := range []Event{s.next(), Progress{Position: 300}} {
		if !b.add(s, event) {
			t.Fatalf("%+v was put back", event)
		}
	}
	if want := (storage.Frontier{Position: 300, Last: later}); b.frontiers[s] != want {
		t.Errorf("after the fence: %+v, want %+v", b.frontiers[s], want)
	}
}
