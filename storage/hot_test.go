package storage

import (
	"fmt"
	"testing"

	"github.com/cockroachdb/pebble/v2"
)

// overwritten is a store with ten keys of as many versions each.
func overwritten(tb testing.TB, versions int) *Store {
	tb.Helper()
	s, err := Open("store", Options{FS: MemoryFS()})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Error(err)
		}
	})
	for range versions {
		c := s.Begin()
		for k := range byte(10) {
			c.Set([]byte{'r', k}, []byte("value"))
		}
		if err := c.Apply(); err != nil {
			tb.Fatal(err)
		}
	}
	return s
}

// A document that is changed all the time is read as fast as any other: a scan steps
// over the versions below the newest, in a snapshot and in a commit.
func TestScanStepsOverTheVersionsOfHotKeys(t *testing.T) {
	s := overwritten(t, 1_000)
	snapshot := s.Snapshot()
	defer snapshot.Close()
	c := s.Begin()
	defer c.Abandon()
	c.Set([]byte{'q'}, nil)
	for name, cursor := range map[string]Cursor{
		"snapshot": snapshot.Scan([]byte{'r'}, []byte{'s'}),
		"commit":   c.Scan([]byte{'q'}, []byte{'s'}),
	} {
		var it *pebble.Iterator
		switch cursor := cursor.(type) {
		case *storeCursor:
			it = cursor.it
		case *mergeCursor:
			it = cursor.it.(*pebble.Iterator)
		}
		n := 0
		for cursor.Next() {
			n++
		}
		stats := it.Stats()
		if err := cursor.Close(); err != nil || n < 10 {
			t.Fatalf("%s: %d keys, %v", name, n, err)
		}
		if steps := stats.ForwardStepCount[pebble.InternalIterCall]; steps > 100 {
			t.Errorf("%s: %d steps for ten keys of 1000 versions", name, steps)
		}
	}
}

// BenchmarkScanOfHotKeys reads ten keys in a row that were overwritten often since the
// store last flushed: the versions below the newest must not be walked through.
func BenchmarkScanOfHotKeys(b *testing.B) {
	for _, versions := range []int{1, 100, 10_000} {
		b.Run(fmt.Sprint(versions), func(b *testing.B) {
			s := overwritten(b, versions)
			snapshot := s.Snapshot()
			defer snapshot.Close()
			b.ReportAllocs()
			for b.Loop() {
				cursor := snapshot.Scan([]byte{'r'}, []byte{'s'})
				n := 0
				for cursor.Next() {
					n++
				}
				if err := cursor.Close(); err != nil || n != 10 {
					b.Fatal(n, err)
				}
			}
		})
	}
}
