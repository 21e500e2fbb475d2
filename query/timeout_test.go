package query

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"odsd/storage"
)

// TestARequestThatTakesTooLongIsEnded: the clock of the test stands still but for the reads
// of the store, each of which takes a second. A request of many rows is ended on its way through
// them, and one of few is not.
func TestARequestThatTakesTooLongIsEnded(t *testing.T) {
	m := manyCustomers(t, 3*checkEvery)
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{Backend: slowBackend{m}, CursorKey: []byte("a key of the store"), Timeout: checkEvery / 2 * time.Second})
		query := `{ few: customer360(id: 1) { id } many: customer360List(first: 2000) { nodes { id } } }`
		reply := s.Execute(context.Background(), &Request{Query: query}, nil)
		if codeOf(reply) != Timeout || reply.Errors[0].Cancelled() || len(reply.Errors) != 1 {
			t.Errorf("%.300s", reply.Body)
		}
		if reply.Scanned != checkEvery { // the first look at the clock after it ran out
			t.Errorf("ended after %d reads of a second, with %d seconds of time", reply.Scanned, checkEvery/2)
		}
		if got := string(reply.Body); !strings.Contains(got, `"path":["many"]`) {
			t.Errorf("%.300s", got)
		}
		reply = s.Execute(context.Background(), &Request{Query: `{ customer360List(first: 10) { nodes { id } } }`}, nil)
		if len(reply.Errors) > 0 {
			t.Errorf("a request within its time: %s", reply.Body)
		}
	})
	if m.open.Load() != 0 {
		t.Errorf("%d readings left open", m.open.Load())
	}
}

// slowBackend gives readings in which every move of a cursor takes a second.
type slowBackend struct{ *memory }

func (b slowBackend) Read(ctx context.Context) (*Reading, error) {
	reading, err := b.memory.Read(ctx)
	reading.Snapshot = slowReader{reading.Snapshot}
	return reading, err
}

type slowReader struct{ storage.TwoWayReader }

func (r slowReader) Scan(lower, upper []byte) storage.Cursor {
	return slowCursor{r.TwoWayReader.Scan(lower, upper)}
}

type slowCursor struct{ storage.Cursor }

func (c slowCursor) Next() bool {
	time.Sleep(time.Second)
	return c.Cursor.Next()
}

func (c slowCursor) SeekGE(key []byte) bool {
	time.Sleep(time.Second)
	return c.Cursor.SeekGE(key)
}

// manyCustomers serves as many customers, from 0 on.
func manyCustomers(t *testing.T, n int64) *memory {
	t.Helper()
	m, c := newMemory(t), customersView(t)
	var documents []*instance
	for id := range n {
		d := c.sample()[0]
		d.key[0], d.values[0], d.lists = bigint(id), bigint(id), nil
		documents = append(documents, d)
	}
	m.serve(t, c.plan, documents...)
	return m
}
