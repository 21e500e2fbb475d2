package engine

import (
	"context"
	"sync/atomic"
)

// A queue holds many small events, or a few large ones. The more wait, the
// more one commit takes; what bounds it is memory.
const (
	maxQueuedEvents  = 2048
	maxQueuedChanges = maxBatch
)

// queue stands between a source and the writer. The writer receives from
// events and tells what it took; pump fills it.
type queue struct {
	events chan Event
	rows   atomic.Int64  // of the events in it
	room   chan struct{} // holds a token after rows fell below the bound
}

func newQueue() *queue {
	return &queue{events: make(chan Event, maxQueuedEvents), room: make(chan struct{}, 1)}
}

// pump moves what a source delivers into the queue until in is closed or ctx
// ends. At the bound it waits, and with it the source and the database.
func (q *queue) pump(ctx context.Context, in <-chan Event) {
	for event := range in {
		for q.rows.Load() >= maxQueuedChanges {
			select {
			case <-ctx.Done():
				return
			case <-q.room:
			}
		}
		q.rows.Add(rowsOf(event)) // before the writer can take it
		select {
		case <-ctx.Done():
			q.rows.Add(-rowsOf(event))
			return
		case q.events <- event:
		}
	}
}

// took notes that an event has left the queue.
func (q *queue) took(event Event) {
	n := rowsOf(event)
	if now := q.rows.Add(-n); now >= maxQueuedChanges || now+n < maxQueuedChanges {
		return // nobody waits because of it
	}
	select {
	case q.room <- struct{}{}:
	default:
	}
}

// rowsOf is how many rows an event has in memory. Of transactions that lie on disk
// few may wait too, for the sake of the disk.
func rowsOf(event Event) int64 {
	switch event := event.(type) {
	case *Transaction:
		return int64(min(event.Len(), max(len(event.Changes), maxQueuedChanges)))
	case CopiedRows:
		return int64(len(event.Rows))
	}
	return 0
}
