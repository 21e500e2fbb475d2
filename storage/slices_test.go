package storage

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// A slice is made over what the slices before it have left.
func TestSliceIsMadeOverTheOnesBeforeIt(t *testing.T) {
	s := openMemory(t)
	apply(t, s, func(c *Commit) {
		for _, key := range []string{"deleted", "in a range 1", "in a range 2", "kept", "kept not"} {
			c.Set([]byte(key), []byte("stored"))
		}
	})
	c := s.Begin()
	defer c.Abandon()
	c.Delete([]byte("deleted"))
	c.DeleteRange([]byte("in a range"), []byte("in b"))
	c.Set([]byte("in a range 2"), []byte("first"))
	c.Set([]byte("fresh"), []byte("first"))
	c.Set([]byte("kept not"), []byte("first"))
	if err := c.NextSlice(); err != nil {
		t.Fatal(err)
	}
	want := []pair{{"fresh", "first"}, {"in a range 2", "first"}, {"kept", "stored"}, {"kept not", "first"}}
	c.Set([]byte("here"), []byte("second"))
	for name, r := range map[string]Reader{"before": c.Before(), "pending": c} {
		expected := want
		if name == "pending" {
			expected = []pair{want[0], {"here", "second"}, want[1], want[2], want[3]}
		}
		pairs, err := read(r.Scan([]byte("d"), []byte("m")))
		if err != nil {
			t.Fatal(err)
		}
		if err := samePairs(pairs, expected); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, key := range []string{"deleted", "in a range 1", "in a range 2", "kept", "fresh", "kept not"} {
			value, found, err := r.Get([]byte(key))
			if err != nil {
				t.Fatal(err)
			}
			there := false
			for _, p := range want {
				there = there || p.key == key && p.value == string(value)
			}
			if found != there {
				t.Errorf("%s: %q is %q, %v", name, key, value, found)
			}
		}
	}
}

// A large commit is not kept by a crash that loses a commit before it.
func TestLargeCommitComesAfterTheLog(t *testing.T) {
	disk := vfs.NewCrashableMem()
	s := openAt(t, Options{FS: disk})
	apply(t, s, func(c *Commit) { c.Set([]byte("a"), []byte("small")) })
	apply(t, s, func(c *Commit) {
		c.Set([]byte("z"), []byte("large"))
		if err := c.NextSlice(); err != nil {
			t.Fatal(err)
		}
	})
	crashed := openAt(t, Options{FS: disk.CrashClone(vfs.CrashCloneCfg{})})
	snapshot := crashed.Snapshot()
	defer closeOrFail(t, snapshot.Close)
	_, small, err := snapshot.Get([]byte("a"))
	if err != nil {
		t.Fatal(err)
	}
	_, large, err := snapshot.Get([]byte("z"))
	if err != nil {
		t.Fatal(err)
	}
	if large && !small {
		t.Error("it is there, and the commit before is not")
	}
	if err := s.Sync(); err != nil {
		t.Fatal(err)
	}
}
