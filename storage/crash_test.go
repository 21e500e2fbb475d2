package storage

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// crashRun is one run of commits in which the power fails at the k-th write.
type crashRun struct {
	fs   *vfs.MemFS
	k    int
	seed uint64
	// large makes each second commit a large one, of several slices; the run is shorter,
	// since those write more often.
	large bool

	mu     sync.Mutex
	writes int
	synced int // commits known to be durable
	begun  int // commits that may have left a trace
	clone  *vfs.MemFS
	// what was synced and begun when the power failed
	cloneSynced, cloneBegun int
}

// MaybeError implements errorfs.Injector. It never fails: it takes a copy of
// what the disk would hold.
func (r *crashRun) MaybeError(op errorfs.Op) error {
	if op.Kind.ReadOrWrite() == errorfs.OpIsRead {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.writes++
	if r.writes == r.k {
		rng := rand.New(rand.NewPCG(r.seed, uint64(r.k)))
		percent := []int{0, 50, 100}[r.k%3] // what was not synced is lost, torn, or kept
		r.clone = r.fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: rng})
		r.cloneSynced, r.cloneBegun = r.synced, r.begun
	}
	return nil
}

func (r *crashRun) String() string { return fmt.Sprintf("crash at write %d", r.k) }

// crashCommits is how many commits a run makes. Commit n replaces commit n-1's
// keys by its own, so that a mixture of two is recognised.
const crashCommits = 24

func crashKey(i int) []byte { return fmt.Appendf(nil, "z%02d", i) }

// writeCommit makes commit n: a frontier, some keys of a common value, some
// deleted, now and then a range, now and then more than fits one write.
func writeCommit(c *Commit, n int) {
	if n%7 == 0 {
		c.DeleteRange([]byte("z"), []byte("zz"))
	}
	for i := range 10 {
		if (i+n)%4 == 0 {
			c.Delete(crashKey(i))
			continue
		}
		value := binary.BigEndian.AppendUint64(nil, uint64(n))
		if n%5 == 0 {
			value = append(value, bytes.Repeat([]byte{byte(n)}, 9000)...)
		}
		c.Set(crashKey(i), value)
	}
	SetFrontier(c, "shop", Frontier{Position: 100 + 1})
	c.Set([]byte("zz-last"), binary.BigEndian.AppendUint64(nil, uint64(n)))
}

// writeSlices makes commit n as a large one, over slices that write what must not be seen.
func writeSlices(t *testing.T, c *Commit, n int) {
	for slice := range 3 {
		for i := range 10 {
			if (i+n+slice)%3 == 0 {
				c.Delete(crashKey(i))
			} else {
				c.Set(crashKey(i), []byte("a slice"))
			}
		}
		SetFrontier(c, "shop", Frontier{Position: 1})
		if err := c.NextSlice(); err != nil {
			t.Fatal(err)
		}
	}
	if n%7 != 0 { // what is not written again is as the commit before has left it
		for i := range 10 {
			c.Delete(crashKey(i))
		}
	}
	writeCommit(c, n)
}

// commits is how many a run makes.
func (r *crashRun) commits() int {
	if r.large {
		return crashCommits / 3
	}
	return crashCommits
}

// run makes the commits, syncing after each third, and flushing once.
func (r *crashRun) run(t *testing.T) {
	s, err := Open("store", Options{FS: errorfs.Wrap(r.fs, r), CacheBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	for n := 1; n <= r.commits(); n++ {
		r.mu.Lock()
		r.begun = n
		r.mu.Unlock()
		apply(t, s, func(c *Commit) {
			if r.large && n%2 == 1 {
				writeSlices(t, c, n)
			} else {
				writeCommit(c, n)
			}
		})
		if n%3 == 0 {
			if err := s.Sync(); err != nil {
				t.Fatal(err)
			}
			r.mu.Lock()
			r.synced = n
			r.mu.Unlock()
		}
		if n == r.commits()/2 {
			if err := s.db.Flush(); err != nil { // begins another log
				t.Fatal(err)
			}
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// states gives what the store holds after each number of commits.
func states(t *testing.T) [][]pair {
	s := openMemory(t)
	all := [][]pair{stored(t, s)}
	for n := 1; n <= crashCommits; n++ {
		apply(t, s, func(c *Commit) { writeCommit(c, n) })
		all = append(all, stored(t, s))
	}
	return all
}

// After a crash at any write the store opens, and holds what some prefix of
// the commits left, with all in it that were synced.
func TestCrashAtEveryWrite(t *testing.T) {
	t.Run("batches", func(t *testing.T) { crashAtEveryWrite(t, false) })
	t.Run("large commits", func(t *testing.T) { crashAtEveryWrite(t, true) })
}

func crashAtEveryWrite(t *testing.T, large bool) {
	all := states(t)
	dry := &crashRun{fs: vfs.NewCrashableMem(), large: large}
	dry.run(t)
	if dry.writes < dry.commits() {
		t.Fatalf("only %d writes", dry.writes)
	}
	t.Logf("%d commits are %d writes", dry.commits(), dry.writes)
	step := 1
	if large {
		step = 3
	}
	if testing.Short() {
		step *= 7
	}
	lost, kept := 0, 0
	for k := 1; k <= dry.writes; k += step {
		r := &crashRun{fs: vfs.NewCrashableMem(), k: k, seed: 7, large: large}
		r.run(t)
		if r.clone == nil {
			continue // in the background a write more or less may happen
		}
		n := r.recovered(t, all)
		if n < r.cloneBegun {
			lost++
		} else {
			kept++
		}
	}
	if lost == 0 || kept == 0 {
		t.Errorf("crashes that lose something: %d, that lose nothing: %d; there must be both", lost, kept)
	}
}

// recovered opens the store after the crash and gives the number of commits in it.
func (r *crashRun) recovered(t *testing.T, all [][]pair) int {
	t.Helper()
	s, err := Open("store", Options{FS: r.clone, CacheBytes: 1 << 20})
	if err != nil {
		t.Fatalf("%v: %v", r, err)
	}
	got := stored(t, s)
	n := slices.IndexFunc(all, func(state []pair) bool { return slices.Equal(state, got) })
	if n < r.cloneSynced || n > r.cloneBegun {
		t.Errorf("%v: it holds the state of commit %d, with %d synced and %d begun", r, n, r.cloneSynced, r.cloneBegun)
	}
	apply(t, s, func(c *Commit) { writeCommit(c, crashCommits) }) // and goes on
	if err := s.Close(); err != nil {
		t.Errorf("%v: %v", r, err)
	}
	return n
}
