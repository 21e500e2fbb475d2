package storage

import (
	"bytes"
	"errors"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// Tables that were not taken in have numbers all the same, which stand in no list and in no log. Nothing is written after
// them, so that a store that a crash leaves then is not taken for a damaged one.
func TestNothingIsWrittenAfterTablesThatWereNotTakenIn(t *testing.T) {
	disk := vfs.NewCrashableMem()
	s, err := Open("store", Options{FS: disk})
	if err != nil {
		t.Fatal(err)
	}
	wide := bytes.Repeat([]byte("wide"), 5000)
	apply(t, s, func(c *Commit) {
		for _, key := range []string{"a", "m", "q", "s", "z"} {
			c.Set([]byte(key), wide)
		}
	})
	closeOrFail(t, s.Close)
	var unreadable atomic.Bool
	s, err = Open("store", Options{FS: failing(disk, syscall.EIO, func(op errorfs.Op) bool {
		return unreadable.Load() && op.Kind == errorfs.OpFileReadAt && ofStore(op)
	})})
	if err != nil {
		t.Fatal(err)
	}
	b := s.NewBulk()
	b.Set([]byte("r"), []byte("a row"))
	unreadable.Store(true)
	for done := false; err == nil && !done; {
		done, err = b.Ingest(100)
	}
	if !errors.Is(err, syscall.EIO) {
		t.Fatalf("the tables were taken in: %v", err)
	}
	unreadable.Store(false)
	c := s.Begin()
	c.Set([]byte("y"), []byte("after"))
	if err := c.Apply(); !errors.Is(err, syscall.EIO) {
		t.Errorf("writing on says %v", err)
	}
	if err := s.Sync(); err != nil {
		t.Fatal(err)
	}
	want := stored(t, s)
	crashed := disk.CrashClone(vfs.CrashCloneCfg{})
	closeOrFail(t, b.Close)
	closeOrFail(t, s.Close)
	if err := samePairs(stored(t, openAt(t, Options{FS: crashed})), want); err != nil {
		t.Error(err)
	}
}
