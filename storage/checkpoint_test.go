package storage

import (
	"path/filepath"
	"slices"
	"sync"
	"testing"
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
