package storage

import (
	"bytes"
	"errors"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// ofStore says whether an operation is on a table of the store itself.
func ofStore(op errorfs.Op) bool {
	return strings.HasSuffix(op.Path, ".sst") && !strings.Contains(op.Path, "scratch")
}

// severalLogs is a store with a table and three logs that are not in tables: one of writes, one of a table that is to be
// ingested after them and above what the first table has, and one of later writes.
func severalLogs(t *testing.T) (fs *vfs.MemFS, state []pair) {
	t.Helper()
	live := vfs.NewCrashableMem()
	var full atomic.Bool
	injector := errorfs.InjectorFunc(func(op errorfs.Op) error {
		if full.Load() && op.Kind == errorfs.OpCreate && ofStore(op) {
			time.Sleep(time.Millisecond) // it is tried again without a pause
			return syscall.ENOSPC
		}
		return nil
	})
	s := openAt(t, Options{FS: errorfs.Wrap(live, injector)})
	wide := bytes.Repeat([]byte("wide"), 5000)
	apply(t, s, func(c *Commit) {
		for _, key := range []string{"a", "m", "q", "s", "z"} {
			c.Set([]byte(key), wide)
		}
	})
	if err := s.db.Flush(); err != nil {
		t.Fatal(err)
	}
	full.Store(true)
	apply(t, s, func(c *Commit) { c.Set([]byte("r"), []byte("before")) })
	b := s.NewBulk()
	b.Set([]byte("r"), []byte("a row"))
	ingestAll(t, b, 100)
	apply(t, s, func(c *Commit) { c.Set([]byte("y"), []byte("after")) })
	if err := s.Sync(); err != nil {
		t.Fatal(err)
	}
	state = stored(t, s)
	fs = live.CrashClone(vfs.CrashCloneCfg{})
	full.Store(false)
	return fs, state
}

// opened is what comes of opening a store: an error is what Open gave, or what Fatal was told.
func opened(t *testing.T, fs FS) (*Store, error) {
	t.Helper()
	var s *Store
	ended := make(chan error, 2)
	go func() {
		var err error
		s, err = Open("store", Options{FS: fs, CacheBytes: 1 << 20, Fatal: func(err error) {
			ended <- err
			select {} // as far as a test can end the process
		}})
		ended <- err
	}()
	select {
	case err := <-ended:
		return s, err
	case <-time.After(time.Minute):
		t.Fatal("opening does not end")
		return nil, nil
	}
}

// failing is a file system in which some operations fail.
func failing(fs FS, with error, which func(errorfs.Op) bool) FS {
	return errorfs.Wrap(fs, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if which(op) {
			return with
		}
		return nil
	}))
}

// A disk that does not say how much room it has is no reason not to open a store.
func TestRoomIsNotKnown(t *testing.T) {
	pristine, _ := severalLogs(t)
	s, err := opened(t, failing(pristine, syscall.ENOSYS, func(op errorfs.Op) bool { return op.Kind == errorfs.OpGetDiskUsage }))
	if err != nil {
		t.Fatal(err)
	}
	closeOrFail(t, s.Close)
}

// Logs that follow each other are one sequence of writes, the ingest between two included; one that the disk does not read
// is not said to be damaged.
func TestSeveralLogsAreOne(t *testing.T) {
	pristine, state := severalLogs(t)
	for _, name := range matching(t, pristine, "*.log") {
		_, err := opened(t, failing(pristine, syscall.EIO, func(op errorfs.Op) bool {
			return op.Kind == errorfs.OpFileRead && op.Path == name
		}))
		if corrupt := (*CorruptError)(nil); !errors.Is(err, syscall.EIO) || errors.As(err, &corrupt) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := samePairs(stored(t, openAt(t, Options{FS: pristine})), state); err != nil {
		t.Error(err)
	}
}

// Damage that is met where the log is brought into tables is told, and not met again without end.
func TestDamageUnderTheLog(t *testing.T) {
	pristine, _ := severalLogs(t)
	for _, name := range matching(t, pristine, "*.sst") {
		for at := 0; at < len(readFile(t, pristine, name)); at += 150 {
			s, err := opened(t, flip(t, pristine, name, at))
			if corrupt := (*CorruptError)(nil); err != nil && !errors.As(err, &corrupt) {
				t.Errorf("%s at %d: %v", name, at, err)
			}
			if err == nil {
				_ = s.Close() // it may have damage to tell of
			}
		}
	}
}
