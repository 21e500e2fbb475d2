package engine

import (
	"odsd/storage"
	"odsd/storage/relation"
)

// maxBatch is how many row changes one commit takes at most, unless a single
// transaction has more. Under backlog larger commits fold more and sort better; beyond this
// the gain is small and the latency of what waits behind it grows.
const maxBatch = 20_000

// batch is what one commit takes: whole transactions, in the order of their
// sources.
type batch struct {
	writer       *writer
	transactions []sourced
	frontiers    map[*sourceState]storage.Frontier
	changes      int
	// differences are changes that no transaction brought: from what was served to
	// what a copy has. also is written with them.
	differences *differences
	also        func(*storage.Commit) error
	// logged counts what the commit adds to the logs of copies under way.
	logged map[*stage]uint64
}

func (w *writer) newBatch() *batch {
	return &batch{writer: w, frontiers: map[*sourceState]storage.Frontier{}}
}

type sourced struct {
	from *sourceState
	*Transaction
}

// add takes a transaction or a progress in; false when the event must wait for
// the next commit.
func (b *batch) add(s *sourceState, event Event) bool {
	switch event := event.(type) {
	case *Transaction:
		if s.cut > 0 && event.End > s.cut {
			return b.holdBeyond(s, event)
		}
		if event.End <= b.frontier(s).Position {
			b.writer.close(event)
			return true // a duplicate after a reconnect
		}
		b.transactions = append(b.transactions, sourced{s, event})
		b.changes += event.Len()
		b.frontiers[s] = storage.Frontier{Position: event.End, CommittedAt: event.CommittedAt, Last: event.Mark}
	case Progress:
		if s.cut > 0 && event.Position > s.cut {
			return b.holdBeyond(s, event)
		}
		if f := b.frontier(s); event.Position > f.Position {
			b.frontiers[s] = event.reach(f)
		}
	default:
		return b.hold(s, event)
	}
	return true
}

// reach is the frontier that a progress leads to.
func (p Progress) reach(f storage.Frontier) storage.Frontier {
	f.Position = p.Position
	if p.Mark != (relation.Mark{}) {
		f.Last = p.Mark
	}
	return f
}

// hold puts an event back: the source stands still until the next commit.
func (b *batch) hold(s *sourceState, event Event) bool {
	s.held = append([]Event{event}, s.held...)
	return false
}

// holdBeyond puts an event back that lies beyond a fence's cut: the source stands still until the fence is passed. All
// up to the cut is here: the frontier may say so. What marks the last transaction is beyond it like the event.
func (b *batch) holdBeyond(s *sourceState, event Event) bool {
	if f := b.frontier(s); f.Position < s.cut {
		f.Position = s.cut
		b.frontiers[s] = f
	}
	s.paused = true
	return b.hold(s, event)
}

func (b *batch) frontier(s *sourceState) storage.Frontier {
	if f, ok := b.frontiers[s]; ok {
		return f
	}
	return b.writer.catalog.frontierOf(s.source.Name())
}

// gather adds whatever whole transactions wait, of all sources, without waiting.
func (w *writer) gather(b *batch) {
	for _, s := range w.engine.sources {
		for b.changes < maxBatch && !s.holds() && !s.stopped {
			event := s.poll()
			if event == nil {
				break
			}
			if c, ok := event.(Condition); ok {
				w.engine.setCondition(s, c)
				continue
			}
			if !b.add(s, event) {
				break
			}
		}
	}
}
