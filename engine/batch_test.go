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
		cut      relation.Position
		want     storage.Frontier
	}{
		"no transaction":                  {Progress{Position: 200}, 0, storage.Frontier{Position: 200, CommittedAt: at, Last: earlier}},
		"one that changes no row":         {Progress{Position: 200, Mark: later}, 0, storage.Frontier{Position: 200, CommittedAt: at, Last: later}},
		"before the cut":                  {Progress{Position: 200, Mark: later}, 200, storage.Frontier{Position: 200, CommittedAt: at, Last: later}},
		"beyond it, and the mark with it": {Progress{Position: 200, Mark: later}, 150, storage.Frontier{Position: 150, CommittedAt: at, Last: earlier}},
	} {
		if got := c.progress.reach(before, c.cut); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}
