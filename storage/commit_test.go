package storage

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
)

func TestSnapshotsDoNotChange(t *testing.T) {
	s := openMemory(t)
	apply(t, s, func(c *Commit) { c.Set([]byte("a"), []byte("1")) })
	snapshot := s.Snapshot()
	defer closeOrFail(t, snapshot.Close)
	want := content(t, snapshot)
	apply(t, s, func(c *Commit) {
		c.Set([]byte("a"), []byte("2"))
		c.Set([]byte("b"), []byte("2"))
	})
	if err := samePairs(content(t, snapshot), want); err != nil {
		t.Error(err)
	}
	if value, found, err := snapshot.Get([]byte("a")); err != nil || !found || string(value) != "1" {
		t.Errorf("%q, %v, %v", value, found, err)
	}
	if _, found, err := snapshot.Get([]byte("b")); err != nil || found {
		t.Errorf("%v, %v", found, err)
	}
}

// What is handed over is copied, and what is handed out is the caller's.
func TestBytesAreNotShared(t *testing.T) {
	s := openMemory(t)
	c := s.Begin()
	defer c.Abandon()
	key, value := []byte("key"), []byte("value")
	c.Set(key, value)
	key[0], value[0] = 'X', 'X'
	got, found, err := c.Get([]byte("key"))
	if err != nil || !found || string(got) != "value" {
		t.Fatalf("%q, %v, %v", got, found, err)
	}
	c.Set([]byte("key"), []byte("VALUE"))
	if string(got) != "value" {
		t.Errorf("what was read is now %q", got)
	}
	lower, upper := []byte("k"), []byte("l")
	cursor := c.Scan(lower, upper)
	defer closeOrFail(t, cursor.Close)
	lower[0], upper[0] = 'x', 'a'
	if !cursor.Next() || string(cursor.Value()) != "VALUE" {
		t.Errorf("%q, %v", cursor.Value(), cursor.Err())
	}
}

// A value under the cursor stays while others are written over it.
func TestValueUnderACursorStays(t *testing.T) {
	s := openMemory(t)
	c := s.Begin()
	defer c.Abandon()
	c.Set([]byte("a"), []byte("one"))
	first := c.Scan([]byte("a"), nil)
	if !first.Next() {
		t.Fatal(first.Err())
	}
	value := first.Value()
	c.Set([]byte("a"), []byte("two"))
	second := c.Scan([]byte("a"), nil)
	c.Set([]byte("a"), []byte("six"))
	if !second.Next() || string(second.Value()) != "two" || string(value) != "one" || string(first.Value()) != "one" {
		t.Errorf("first %q, second %q", first.Value(), second.Value())
	}
	closeOrFail(t, first.Close)
	closeOrFail(t, second.Close)
	if got, _, err := c.Get([]byte("a")); err != nil || string(got) != "six" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestCommitsWaitForEachOther(t *testing.T) {
	s := openMemory(t)
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for range 25 {
				c := s.Begin()
				n, _, err := c.Get([]byte("n"))
				if err != nil {
					t.Error(err)
				}
				c.Set([]byte("n"), append(n, 'x'))
				if err := c.Apply(); err != nil {
					t.Error(err)
				}
				if err := s.Sync(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	snapshot := s.Snapshot()
	defer closeOrFail(t, snapshot.Close)
	if n, _, err := snapshot.Get([]byte("n")); err != nil || len(n) != 100 {
		t.Errorf("%d of 100 increments, %v", len(n), err)
	}
}

// Readers beside the writer see whole commits only.
func TestReadersSeeWholeCommits(t *testing.T) {
	s := openMemory(t)
	done := make(chan struct{})
	var group sync.WaitGroup
	for range 2 {
		group.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				snapshot := s.Snapshot()
				pairs, err := read(snapshot.Scan([]byte("r"), []byte("s")))
				if err == nil && len(pairs) != 0 && len(pairs) != 50 {
					err = fmt.Errorf("%d pairs", len(pairs))
				}
				for _, p := range pairs {
					if p.value != pairs[0].value {
						err = errors.New("two commits at once")
					}
				}
				if err := errors.Join(err, snapshot.Close()); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for n := range 200 {
		apply(t, s, func(c *Commit) {
			for i := range 50 {
				c.Set(fmt.Appendf(nil, "r%02d", i), fmt.Append(nil, n))
			}
		})
	}
	close(done)
	group.Wait()
}

func TestEndedCommit(t *testing.T) {
	s := openMemory(t)
	c := s.Begin()
	c.Set([]byte("a"), []byte("1"))
	c.Set([]byte("a"), []byte("22"))
	c.Delete([]byte("b"))
	c.DeleteRange([]byte("c"), []byte("d"))
	c.DeleteRange([]byte("d"), []byte("c"))
	if c.Len() != 3 || c.Bytes() != 6 {
		t.Errorf("%d writes of %d bytes are pending", c.Len(), c.Bytes())
	}
	c.Abandon()
	if _, _, err := c.Get([]byte("a")); !errors.Is(err, ErrFinished) {
		t.Errorf("get: %v", err)
	}
	if _, err := read(c.Scan(nil, nil)); !errors.Is(err, ErrFinished) {
		t.Errorf("scan: %v", err)
	}
	if c.Len() != 0 || c.Bytes() != 0 {
		t.Errorf("%d writes are pending", c.Len())
	}
}

func TestLargeValuesAndCommits(t *testing.T) {
	s := openMemory(t)
	large := bytes.Repeat([]byte("0123456789"), 200_000)
	apply(t, s, func(c *Commit) {
		c.Set([]byte("large"), large)
		for i := range 50_000 { // more than the memory that commits keep
			c.Set(fmt.Appendf(nil, "k%06d", i), large[:500])
		}
	})
	apply(t, s, func(c *Commit) { c.Set([]byte("z"), []byte("after")) })
	snapshot := s.Snapshot()
	defer closeOrFail(t, snapshot.Close)
	if got, _, err := snapshot.Get([]byte("large")); err != nil || !bytes.Equal(got, large) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if pairs := content(t, snapshot); len(pairs) != 50_003 {
		t.Errorf("%d keys", len(pairs))
	}
}

// benchKey is a key as the engine makes them: a prefix and two ids.
func benchKey(dst []byte, n int) []byte {
	dst = AppendRowPrefix(dst[:0], 7)
	return append(dst, 0xE3, byte(n>>24), byte(n>>16), byte(n>>8), byte(n), 0x19)
}

// benchStore holds n rows of 100 bytes, settled in tables.
func benchStore(b *testing.B, n int) *Store {
	b.Helper()
	s := openMemory(b)
	value := bytes.Repeat([]byte("v"), 100)
	var key []byte
	for low := 0; low < n; low += 10_000 {
		apply(b, s, func(c *Commit) {
			for i := low; i < min(n, low+10_000); i++ {
				key = benchKey(key, i)
				c.Set(key, value)
			}
		})
	}
	if err := s.db.Flush(); err != nil {
		b.Fatal(err)
	}
	return s
}

// Writes of one commit of a thousand, a key at a time.
func BenchmarkCommitSet(b *testing.B) {
	for name, next := range map[string]func(int) int{
		"ascending": func(i int) int { return i },
		"random":    func(int) int { return rand.IntN(1 << 24) },
		"one key":   func(int) int { return 5 },
	} {
		b.Run(name, func(b *testing.B) {
			s := openMemory(b)
			value := bytes.Repeat([]byte("v"), 100)
			var key []byte
			b.ReportAllocs()
			c := s.Begin()
			for i := 0; b.Loop(); i++ {
				if i%1000 == 999 {
					c.Abandon()
					c = s.Begin()
				}
				key = benchKey(key, next(i))
				c.Set(key, value)
			}
			c.Abandon()
		})
	}
}

func BenchmarkCommitSetAndApply(b *testing.B) {
	for _, size := range []int{1, 100, 1000, 10_000} {
		b.Run(fmt.Sprintf("batches of %d", size), func(b *testing.B) {
			s := openMemory(b)
			value := bytes.Repeat([]byte("v"), 100)
			var key []byte
			b.ReportAllocs()
			c := s.Begin()
			for i := 1; b.Loop(); i++ {
				key = benchKey(key, rand.IntN(1<<24))
				c.Set(key, value)
				if i%size == 0 {
					if err := c.Apply(); err != nil {
						b.Fatal(err)
					}
					c = s.Begin()
				}
			}
			c.Abandon()
		})
	}
}

func BenchmarkCommitGet(b *testing.B) {
	const rows = 200_000
	s := benchStore(b, rows)
	for name, next := range map[string]func(int) int{
		"ascending": func(i int) int { return i * 7 % rows },
		"random":    func(int) int { return rand.IntN(rows) },
		"absent":    func(int) int { return rows + rand.IntN(rows) },
		"pending":   func(i int) int { return i % 1000 * 10 },
	} {
		b.Run(name, func(b *testing.B) {
			var key []byte
			c := s.Begin()
			defer c.Abandon()
			for i := range 1000 {
				key = benchKey(key, i*10)
				c.Set(key, nil)
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				key = benchKey(key, next(i))
				if _, _, err := c.Get(key); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// A range of ten keys, over the store, over a commit, and over a commit that is written
// to between.
func BenchmarkScan(b *testing.B) {
	const rows = 200_000
	s := benchStore(b, rows)
	for _, kind := range []string{"snapshot", "before", "commit", "commit and set"} {
		b.Run(kind, func(b *testing.B) {
			c := s.Begin()
			defer c.Abandon()
			snapshot := s.Snapshot()
			defer closeOrFail(b, snapshot.Close)
			r := map[string]Reader{"snapshot": snapshot, "before": c.Before()}[kind]
			if r == nil {
				r = c
			}
			var lower, upper, key []byte
			for i := range 1000 {
				key = benchKey(key, i*10)
				c.Set(key, nil)
			}
			b.ReportAllocs()
			for b.Loop() {
				n := rand.IntN(rows - 10)
				lower, upper = benchKey(lower, n), benchKey(upper, n+10)
				cursor := r.Scan(lower, upper)
				for cursor.Next() {
					if kind == "commit and set" {
						key = benchKey(key, rand.IntN(rows))
						c.Set(key, nil)
					}
				}
				if err := cursor.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func TestTouchesTellsWhereACommitDiffersFromBefore(t *testing.T) {
	s := openMemory(t)
	seed := s.Begin()
	for _, key := range []string{"deleted", "in a range", "left", "set"} {
		seed.Set([]byte(key), []byte("old"))
	}
	if err := seed.Apply(); err != nil {
		t.Fatal(err)
	}
	c := s.Begin()
	defer c.Abandon()
	c.Set([]byte("set"), []byte("new"))
	c.Set([]byte("new"), nil)
	c.Delete([]byte("deleted"))
	c.DeleteRange([]byte("in"), []byte("in b"))
	for key, want := range map[string]bool{"set": true, "new": true, "deleted": true, "in a range": true, "left": false, "absent": false} {
		if got := c.Touches([]byte(key)); got != want {
			t.Errorf("Touches(%q) is %v", key, got)
		}
	}
}

// A commit reads each keyspace by an iterator of its own after the first keys;
// what it finds must not depend on which keys came before, in what order.
func TestBeforeFindsKeysOfAllKeyspacesInAnyOrder(t *testing.T) {
	s := openMemory(t)
	keys := []string{"f", "fcrm", "m", "meta", "metadata", "r\x00\x00\x00\x01", "r\xFF\xFF\xFF\xFFz"}
	for relation := range 3 {
		for n := range 20 {
			keys = append(keys, fmt.Sprintf("r\x00\x00\x00%c%02d", relation, n))
		}
	}
	seed := s.Begin()
	for n, key := range keys {
		if n%2 == 0 {
			seed.Set([]byte(key), []byte(key))
		}
	}
	if err := seed.Apply(); err != nil {
		t.Fatal(err)
	}
	c := s.Begin()
	defer c.Abandon()
	r := rand.New(rand.NewPCG(1, 1))
	for range 500 {
		n := r.IntN(len(keys))
		value, found, err := c.Before().Get([]byte(keys[n]))
		if err != nil || found != (n%2 == 0) || found && string(value) != keys[n] {
			t.Fatalf("key %q: found %v with value %q: %v", keys[n], found, value, err)
		}
	}
}
