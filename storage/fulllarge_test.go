package storage

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// fullAt is set for a process that is to have a disk that fills at that write.
const fullAt = "ODSD_STORAGE_FULL_AT"

// fillingDisk has no room from the k-th write of the large commit on; 0: always.
type fillingDisk struct {
	k      int64
	counts atomic.Bool
	writes atomic.Int64
}

// MaybeError implements errorfs.Injector. A sync of a folder needs no room.
func (d *fillingDisk) MaybeError(op errorfs.Op) error {
	switch op.Kind {
	case errorfs.OpFileWrite, errorfs.OpFileSyncData, errorfs.OpCreate:
		if d.counts.Load() && d.writes.Add(1) >= d.k && d.k > 0 {
			return syscall.ENOSPC
		}
	}
	return nil
}

func (d *fillingDisk) String() string { return fmt.Sprintf("full from write %d on", d.k) }

// writeHuge makes commit n as one of slices that are more than the memory of a layer, so that
// it has written all over the disk before it is seen.
func writeHuge(c *Commit, n int) error {
	value := bytes.Repeat([]byte("0123456789abcdef"), 1<<14) // 256 KiB
	for slice := range 4 {
		for i := range 24 {
			c.Set(fmt.Appendf(nil, "y%d-%02d", slice, i), value)
			c.Set(crashKey(i%10), []byte("a slice"))
		}
		SetFrontier(c, "shop", Frontier{Position: 1})
		if err := c.NextSlice(); err != nil {
			return err
		}
	}
	c.DeleteRange([]byte("y"), []byte("z"))
	for i := range 10 {
		c.Delete(crashKey(i)) // those of the commit before, which has written others
	}
	writeCommit(c, n)
	return nil
}

func applyHuge(s *Store, n int) error {
	c := s.Begin()
	defer c.Abandon() // does nothing after Apply
	if err := writeHuge(c, n); err != nil {
		return err
	}
	if err := c.Apply(); err != nil {
		return err
	}
	return s.Sync()
}

// Commits of a run: those before the large one are synced.
const commitsBefore, hugeCommit = 3, 4

// fillDisk is the process whose disk fills. It says how many writes the large commit was, if it
// came to its end.
func fillDisk(dir string, k int64, out io.Writer) error {
	disk := &fillingDisk{k: k}
	s, err := Open(dir, Options{FS: errorfs.Wrap(vfs.Default, disk), CacheBytes: 1 << 20, Log: slog.New(slog.NewTextHandler(out, nil))})
	if err != nil {
		return err
	}
	for n := 1; n <= commitsBefore; n++ {
		c := s.Begin()
		writeCommit(c, n)
		if err := c.Apply(); err != nil {
			return err
		}
	}
	if err := s.Sync(); err != nil {
		return err
	}
	disk.counts.Store(true)
	err = applyHuge(s, hugeCommit)
	disk.counts.Store(false)
	if err != nil {
		return err // as a daemon ends, which does not go on without its commit
	}
	fmt.Fprintf(out, "durable after %d writes\n", disk.writes.Load())
	return s.Close()
}

// A disk that fills at any write of a large commit, in the layer outside the store, in the tables
// that are made of it, or as they become the store's, ends the process with words. What is
// stored is the state before the commit, or the whole of it, and it can be made again.
func TestDiskFullDuringALargeCommit(t *testing.T) {
	if k, err := strconv.ParseInt(os.Getenv(fullAt), 10, 64); err == nil {
		if err := fillDisk(os.Getenv(fullAt+"_DIR"), k, os.Stdout); err != nil {
			fmt.Println("ended:", err)
			os.Exit(3)
		}
		os.Exit(0)
	}
	all := states(t)
	writes, _ := fullDisk(t, all, 0)
	step := max(writes/25, 1)
	if testing.Short() {
		step = max(writes/5, 1)
	}
	states := map[int]int{}
	for k := int64(1); k <= writes; k += step {
		_, state := fullDisk(t, all, k)
		states[state]++
	}
	t.Logf("%d writes; found after so many commits: %v", writes, states)
	if states[commitsBefore] == 0 {
		t.Error("no full disk kept the large commit away: that shows little")
	}
}

// fullDisk has a process end by a full disk and looks at what is stored then. It gives how many writes
// a commit was that went well, and the number of the last commit that is there.
func fullDisk(t *testing.T, all [][]pair, k int64) (writes int64, state int) {
	t.Helper()
	dir := t.TempDir()
	// One that waits for room for ever ends with the traces of its goroutines.
	process := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestDiskFullDuringALargeCommit$", "-test.timeout=2m")
	process.Env = append(os.Environ(), fmt.Sprintf("%s=%d", fullAt, k), fullAt+"_DIR="+dir)
	raw, err := process.CombinedOutput()
	output := string(raw)
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if _, rest, ok := strings.Cut(output, "durable after "); ok {
		if _, err := fmt.Sscanf(rest, "%d", &writes); err != nil {
			t.Fatal(err)
		}
	}
	if writes == 0 && (!strings.Contains(output, "no space left on device") || strings.Contains(output, "goroutine ")) {
		t.Errorf("full from write %d on: the process ends by %v without saying why in words:\n%s", k, err, output)
	}
	s, err := Open(dir, Options{CacheBytes: 1 << 20})
	if err != nil {
		t.Fatalf("full from write %d on: %v", k, err)
	}
	defer closeOrFail(t, s.Close)
	found := stored(t, s)
	state = hugeCommit
	if samePairs(found, all[hugeCommit]) != nil {
		state = commitsBefore
		if err := samePairs(found, all[commitsBefore]); err != nil || writes > 0 {
			t.Errorf("full from write %d on: it holds neither of both states: %v", k, err)
		}
	}
	if err := applyHuge(s, hugeCommit); err != nil {
		t.Errorf("full from write %d on, and made again: %v", k, err)
	}
	if err := samePairs(stored(t, s), all[hugeCommit]); err != nil {
		t.Errorf("full from write %d on, and made again: %v", k, err)
	}
	return writes, state
}
