package storage

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// A loss of power while a store is made leaves a store that opens, and is empty: whichever of the
// names and bytes that were not synced reached the disk.
func TestCrashWhileAStoreIsMade(t *testing.T) {
	for k, writes := 1, 1; k <= writes; k++ {
		for seed := range uint64(30) {
			disk := vfs.NewCrashableMem()
			var clone *vfs.MemFS
			writes = 0
			injector := errorfs.InjectorFunc(func(op errorfs.Op) error {
				if op.Kind.ReadOrWrite() == errorfs.OpIsRead {
					return nil
				}
				if writes++; writes == k {
					clone = disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 50, RNG: rand.New(rand.NewPCG(seed, uint64(k)))})
				}
				return nil
			})
			s, err := Open("store", Options{FS: errorfs.Wrap(disk, injector)})
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if clone == nil {
				return
			}
			left, _ := clone.List("store") // where the folder did not reach the disk, there are none
			if s, err = Open("store", Options{FS: clone}); err != nil {
				t.Fatalf("crash at write %d of %d, seed %d: %v; there were %v", k, writes, seed, err, left)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// A store that lost its manifest, and has anything else, is damaged and never made anew.
func TestStoreWithoutItsManifestIsDamaged(t *testing.T) {
	for _, flushed := range []bool{false, true} {
		t.Run(fmt.Sprintf("flushed %t", flushed), func(t *testing.T) {
			fs := MemoryFS()
			s, err := Open("store", Options{FS: fs})
			if err != nil {
				t.Fatal(err)
			}
			c := s.Begin()
			c.Set([]byte("zkey"), []byte("value"))
			if err := errors.Join(c.Apply(), s.Sync()); err != nil {
				t.Fatal(err)
			}
			if flushed {
				err = s.db.Flush()
			}
			if err := errors.Join(err, s.Close()); err != nil {
				t.Fatal(err)
			}
			names, err := fs.List("store")
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range names {
				if strings.HasPrefix(name, "MANIFEST-") {
					if err := fs.Remove("store/" + name); err != nil {
						t.Fatal(err)
					}
				}
			}
			var damaged *CorruptError
			if _, err := Open("store", Options{FS: fs}); !errors.As(err, &damaged) {
				t.Errorf("opened without its manifest: %v", err)
			}
		})
	}
}
