package storage

import (
	"errors"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// A disk that is full ends the process by way of Fatal, and Sync never returns
// as if it had worked; the store opens again with all that was synced.
func TestDiskFull(t *testing.T) {
	all := states(t)
	disk := vfs.NewCrashableMem()
	var full atomic.Bool
	injector := errorfs.InjectorFunc(func(op errorfs.Op) error {
		if full.Load() && (op.Kind == errorfs.OpFileWrite || op.Kind == errorfs.OpFileSyncData) {
			return syscall.ENOSPC
		}
		return nil
	})
	told := make(chan error, 16)
	s, err := Open("store", Options{FS: errorfs.Wrap(disk, injector), CacheBytes: 1 << 20, Fatal: func(err error) {
		told <- err
		runtime.Goexit() // as far as a test can end the process
	}})
	if err != nil {
		t.Fatal(err)
	}
	for n := 1; n <= 3; n++ {
		apply(t, s, func(c *Commit) { writeCommit(c, n) })
	}
	if err := s.Sync(); err != nil {
		t.Fatal(err)
	}
	full.Store(true)
	returned := make(chan error, 1)
	go func() { // ends by Goexit: the store cannot be closed any more
		apply(t, s, func(c *Commit) { writeCommit(c, 4) })
		returned <- s.Sync()
	}()
	select {
	case err := <-told:
		if !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("told %v", err)
		}
	case err := <-returned:
		t.Fatalf("synced to a full disk: %v", err)
	case <-time.After(time.Minute):
		t.Fatal("a full disk is waited for")
	}
	r := &crashRun{clone: disk.CrashClone(vfs.CrashCloneCfg{}), cloneSynced: 3, cloneBegun: 4}
	r.recovered(t, all)
}

// A disk that is full when a store is opened whose log is to be brought into tables ends the process, too:
// Pebble would try again without end, and the command neither open the store nor say why.
func TestDiskFullWhileAStoreIsOpened(t *testing.T) {
	pristine, _ := flushedStore(t)
	full := errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind == errorfs.OpCreate && strings.HasSuffix(op.Path, ".sst") {
			return syscall.ENOSPC
		}
		return nil
	})
	told := make(chan error, 1)
	go func() { // never comes back: the store is not open
		_, _ = Open("store", Options{FS: errorfs.Wrap(pristine, full), Fatal: func(err error) {
			told <- err
			select {} // as far as a test can end the process
		}})
	}()
	select {
	case err := <-told:
		if !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("told %v", err)
		}
	case <-time.After(time.Minute):
		t.Fatal("a full disk is waited for")
	}
}
