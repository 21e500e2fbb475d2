package storage

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
)

// Readers see a large commit whole or not at all, and while it is made nothing of it.
func TestReadersSeeLargeCommitsWhole(t *testing.T) {
	s := openMemory(t)
	const keys = 300
	apply(t, s, func(c *Commit) {
		for i := range keys {
			c.Set(fmt.Appendf(nil, "k%03d", i), []byte("0"))
		}
	})
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
				pairs, err := read(snapshot.Scan([]byte("k"), []byte("l")))
				if len(pairs) != keys {
					err = fmt.Errorf("%d keys", len(pairs))
				}
				for _, p := range pairs {
					if p.value != pairs[0].value {
						err = errors.New("part of a large commit")
					}
				}
				if err := errors.Join(err, snapshot.Close()); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for n := 1; n <= 10; n++ {
		apply(t, s, func(c *Commit) {
			for i := range keys {
				if i%20 == 0 {
					if err := c.NextSlice(); err != nil {
						t.Fatal(err)
					}
				}
				c.Set(fmt.Appendf(nil, "k%03d", i), fmt.Append(nil, n))
			}
		})
	}
	close(done)
	group.Wait()
}

// A large commit is made of tables that end within deleted ranges, and its folder is
// empty again when it is over.
func TestLargeCommitOfSeveralTables(t *testing.T) {
	fs := MemoryFS()
	s := openAt(t, Options{FS: fs})
	value := bytes.Repeat([]byte("0123456789abcdef"), 1<<14) // 256 KiB
	const keys = 600                                         // 150 MiB: three tables
	key := func(i int) []byte { return fmt.Appendf(nil, "k%04d", i) }
	apply(t, s, func(c *Commit) {
		for i := range 2 * keys {
			c.Set(key(i), []byte("old"))
		}
	})
	apply(t, s, func(c *Commit) {
		for i := range keys {
			if i%50 == 0 {
				if err := c.NextSlice(); err != nil {
					t.Fatal(err)
				}
			}
			if i == 10 {
				c.DeleteRange([]byte("k"), key(2*keys-1))
			}
			if i%2 == 0 {
				c.Set(key(i), value)
			} else {
				c.Set(key(i), value[:1<<16])
			}
		}
		c.Delete(key(keys - 1))
		if tables := c.Bytes(); tables < 2*tableBytes/2 {
			t.Errorf("%d bytes are no more than a table", tables)
		}
	})
	var want []pair
	for i := 10; i < keys-1; i++ {
		v := value
		if i%2 == 1 {
			v = value[:1<<16]
		}
		want = append(want, pair{string(key(i)), string(v)})
	}
	want = append(want, pair{string(key(2*keys - 1)), "old"})
	snapshot := s.Snapshot()
	defer closeOrFail(t, snapshot.Close)
	have, err := read(snapshot.Scan([]byte("k"), []byte("l")))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(have, want) {
		t.Errorf("%d pairs, want %d", len(have), len(want))
	}
	if left, err := fs.List(s.scratchDir()); err != nil || len(left) > 0 {
		t.Errorf("of what was made outside the store there is %q, %v", left, err)
	}
}

func TestRunIsASortedSet(t *testing.T) {
	s := openMemory(t)
	c := s.Begin()
	defer c.Abandon()
	r, err := c.NewRun()
	if err != nil {
		t.Fatal(err)
	}
	const keys = 100_000
	for i := range keys { // more than a batch
		if err := r.Add(fmt.Appendf(nil, "key of a run %06d", (i*7919)%keys/2)); err != nil {
			t.Fatal(err)
		}
	}
	var have []string
	if err := r.Each([]byte("key of a run 000010"), func(key []byte) (bool, error) {
		have = append(have, string(key))
		return string(key) < "key of a run 049000", nil
	}); err != nil {
		t.Fatal(err)
	}
	if len(have) != 48_991 || !slices.IsSorted(have) || have[0] != "key of a run 000010" {
		t.Errorf("%d keys from %q on", len(have), have[0])
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}

// What a crash leaves of a large commit is removed.
func TestScratchOfACrashIsRemoved(t *testing.T) {
	fs := MemoryFS()
	s, err := Open("store", Options{FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	scratch := s.scratchDir()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := fs.MkdirAll(fs.PathJoin(scratch, "deep"), 0o700); err != nil {
		t.Fatal(err)
	}
	openAt(t, Options{FS: fs})
	if _, err := fs.Stat(scratch); err == nil {
		t.Error("it is still there")
	}
}
