package storage

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// A checkpoint is the state of one commit, which look has read, however many others
// are made meanwhile.
func TestCheckpointIsAtABoundary(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(filepath.Join(dir, "store"), Options{CacheBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer closeOrFail(t, s.Close)
	stop := make(chan struct{})
	var writer sync.WaitGroup
	writer.Add(1)
	go func() {
		defer writer.Done()
		for n := 1; ; n++ {
			select {
			case <-stop:
				return
			default:
				apply(t, s, func(c *Commit) { writeCommit(c, n) })
			}
		}
	}()
	for _, name := range []string{"a", "b", "c"} {
		var seen []pair
		err := s.Checkpoint(filepath.Join(dir, name), func(r Reader) error {
			var err error
			seen, err = read(r.Scan(nil, nil))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		c, err := Open(filepath.Join(dir, name), Options{CacheBytes: 1 << 20})
		if err != nil {
			t.Fatal(err)
		}
		if got := stored(t, c); !slices.Equal(got, seen) {
			t.Errorf("%s holds %d pairs, seen were %d", name, len(got), len(seen))
		}
		closeOrFail(t, c.Close)
	}
	close(stop)
	writer.Wait()
}

// A table that is damaged where nobody has read is found before it goes into a backup.
func TestDamagedTablesOfACheckpoint(t *testing.T) {
	fs := vfs.NewMem()
	s, err := Open("store", Options{FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }() // it may have damage to tell of
	apply(t, s, func(c *Commit) {
		for i := range 5000 {
			c.Set(AppendNodePrefix(nil, GenerationID(i)), fmt.Appendf(nil, "value %d of many", i*7919))
		}
	})
	if err := s.db.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := s.Checkpoint("copy", func(Reader) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if err := s.CheckTables(t.Context(), "copy"); err != nil {
		t.Fatal(err)
	}
	names, err := fs.List("copy")
	if err != nil {
		t.Fatal(err)
	}
	tables := 0
	for _, name := range names {
		if !strings.HasSuffix(name, ".sst") {
			continue
		}
		tables++
		path := "copy/" + name
		pristine := readFile(t, fs, path)
		for at := 0; at < len(pristine); at += max(1, len(pristine)/50) {
			flipped := slices.Clone(pristine)
			flipped[at] ^= 0x10
			writeFile(t, fs, path, flipped)
			var corrupt *CorruptError
			if err := s.CheckTables(t.Context(), "copy"); !errors.As(err, &corrupt) || !strings.Contains(err.Error(), name) {
				t.Errorf("byte %d of %d: %v", at, len(pristine), err)
			}
		}
	}
	if tables == 0 {
		t.Error("there was no table")
	}
}
