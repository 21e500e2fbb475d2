package engine

import (
	"context"
	"testing"
	"time"
)

// rowsEach makes a transaction of n changes.
func rowsEach(n int) *Transaction { return &Transaction{Changes: make([]Change, n)} }

// delivering offers n events to a queue of their own goroutine and tells when
// all were accepted.
func delivering(ctx context.Context, t *testing.T, q *queue, n int, event Event) <-chan struct{} {
	t.Helper()
	in, pumped, accepted := make(chan Event), make(chan struct{}), make(chan struct{})
	ctx, cancel := context.WithCancel(ctx)
	go func() { defer close(pumped); q.pump(ctx, in) }()
	go func() {
		defer close(accepted)
		for range n {
			select {
			case in <- event:
			case <-ctx.Done():
				return
			}
		}
		close(in)
	}()
	t.Cleanup(func() { cancel(); <-pumped; <-accepted })
	return accepted
}

func waitUntil(t *testing.T, what string, met func() bool) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	for !met() {
		select {
		case <-deadline:
			t.Fatal("waited in vain until " + what)
		case <-time.After(time.Millisecond):
		}
	}
}

func TestAQueueHoldsManySmallTransactions(t *testing.T) {
	q := newQueue()
	<-delivering(t.Context(), t, q, maxQueuedEvents, rowsEach(1))
	waitUntil(t, "all wait", func() bool { return len(q.events) == maxQueuedEvents })
}

func TestAQueueHoldsFewLargeTransactions(t *testing.T) {
	const large, n = maxQueuedChanges / 4, 40
	q := newQueue()
	accepted := delivering(t.Context(), t, q, n, rowsEach(large))
	waitUntil(t, "the bound is reached", func() bool { return q.rows.Load() >= maxQueuedChanges })
	for range n {
		if waiting := len(q.events); waiting > maxQueuedChanges/large {
			t.Fatalf("%d transactions of %d rows wait, the bound is %d rows", waiting, large, maxQueuedChanges)
		}
		q.took(<-q.events) // makes room for the next: else this receive would wait for ever
	}
	<-accepted
	if rows := q.rows.Load(); rows != 0 {
		t.Errorf("an empty queue counts %d rows", rows)
	}
}

func TestATransactionBeyondTheBoundPasses(t *testing.T) {
	q := newQueue()
	delivering(t.Context(), t, q, 2, rowsEach(3*maxQueuedChanges))
	for range 2 {
		select {
		case event := <-q.events:
			q.took(event)
		case <-time.After(10 * time.Second):
			t.Fatal("a transaction larger than the bound never came")
		}
	}
}
