package storage

import (
	"fmt"
	"testing"
)

// openMemory opens a store in memory that the test closes.
func openMemory(t testing.TB) *Store {
	t.Helper()
	return openAt(t, Options{FS: MemoryFS()})
}

func openAt(t testing.TB, o Options) *Store {
	t.Helper()
	s, err := Open("store", o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// failer is what testing.T and rapid.T share.
type failer interface {
	Helper()
	Error(...any)
	Fatal(...any)
}

// pair is a key and its value.
type pair struct{ key, value string }

// read walks a cursor to its end and closes it.
func read(c Cursor) ([]pair, error) {
	var pairs []pair
	for c.Next() {
		pairs = append(pairs, pair{string(c.Key()), string(c.Value())})
	}
	return pairs, c.Close()
}

// content is everything that a reader has.
func content(t failer, r Reader) []pair {
	t.Helper()
	pairs, err := read(r.Scan(nil, nil))
	if err != nil {
		t.Fatal(err)
	}
	return pairs
}

// stored is the content of the store's latest state.
func stored(t failer, s *Store) []pair {
	t.Helper()
	snapshot := s.Snapshot()
	defer closeOrFail(t, snapshot.Close)
	return content(t, snapshot)
}

func closeOrFail(t failer, close func() error) {
	t.Helper()
	if err := close(); err != nil {
		t.Error(err)
	}
}

// apply writes one commit.
func apply(t testing.TB, s *Store, write func(*Commit)) {
	t.Helper()
	c := s.Begin()
	write(c)
	if err := c.Apply(); err != nil {
		t.Fatal(err)
	}
}

func samePairs(a, b []pair) error {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return fmt.Errorf("pair %d is %q, want %q", i, a[i], b[i])
		}
	}
	if len(a) != len(b) {
		return fmt.Errorf("%d pairs, want %d: %q, want %q", len(a), len(b), a, b)
	}
	return nil
}
