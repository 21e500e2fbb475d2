package storage

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/cockroachdb/pebble/v2/record"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// flushedStore is a store whose list of tables has grown while it was open, with later commits in
// its log: what a daemon leaves that ran for long and was killed.
func flushedStore(t *testing.T) (fs *vfs.MemFS, state []pair) {
	t.Helper()
	live := vfs.NewCrashableMem()
	s := openAt(t, Options{FS: live})
	for n := range 4 {
		apply(t, s, func(c *Commit) {
			for i := range 100 {
				c.Set(AppendNodePrefix(nil, GenerationID(1000*n+i)), bytes.Repeat([]byte{byte(n)}, 50))
			}
		})
		if n < 3 {
			if err := s.db.Flush(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := s.Sync(); err != nil {
		t.Fatal(err)
	}
	state = stored(t, s)
	return live.CrashClone(vfs.CrashCloneCfg{}), state
}

// ingestedStore is a store whose list of tables ends with one that was ingested and never was in the log, which
// has what was written before it, and after it where later is set.
func ingestedStore(t *testing.T, later bool) (fs *vfs.MemFS, states [][]pair) {
	t.Helper()
	live := vfs.NewCrashableMem()
	s := openAt(t, Options{FS: live})
	apply(t, s, func(c *Commit) { c.Set([]byte("a"), []byte("before")) })
	if !later { // a crash that lost the ingest would leave this
		states = append(states, stored(t, s))
	}
	b := s.NewBulk()
	b.Set([]byte("r"), []byte("a row"))
	ingestAll(t, b, 100)
	if later {
		apply(t, s, func(c *Commit) { c.Set([]byte("z"), []byte("after")) })
	}
	if err := s.Sync(); err != nil {
		t.Fatal(err)
	}
	return live.CrashClone(vfs.CrashCloneCfg{}), append(states, stored(t, s))
}

// Whatever byte of the list of tables is changed, in a record in its middle too: a table that it does
// not name any more is not gone without a word.
func TestChangedListOfTables(t *testing.T) {
	flushed, state := flushedStore(t)
	ingested, before := ingestedStore(t, false)
	going, after := ingestedStore(t, true)
	for _, c := range []struct {
		name     string
		pristine *vfs.MemFS
		states   [][]pair
	}{
		{"flushed", flushed, [][]pair{state}}, {"ingested", ingested, before}, {"ingested, and gone on from", going, after},
	} {
		if noticed := changedListOfTables(t, c.pristine, c.states, c.name); noticed == 0 {
			t.Errorf("%s: no changed byte was noticed", c.name)
		}
	}
}

func changedListOfTables(t *testing.T, pristine *vfs.MemFS, states [][]pair, store string) (noticed int) {
	t.Helper()
	for _, name := range matching(t, pristine, "MANIFEST-*") {
		for at := range readFile(t, pristine, name) {
			if notices(t, flip(t, pristine, name, at), states, fmt.Sprintf("%s, %s at %d", store, name, at)) {
				noticed++
			}
		}
	}
	return noticed
}

// What else is read when a store is opened is not trusted either.
func TestChangedOptions(t *testing.T) {
	pristine, state := flushedStore(t)
	for _, name := range matching(t, pristine, "OPTIONS-*") {
		for at := 0; at < len(readFile(t, pristine, name)); at += 7 {
			notices(t, flip(t, pristine, name, at), [][]pair{state}, fmt.Sprintf("%s at %d", name, at))
		}
	}
}

// A store of which a file is missing is damaged, and what it has left is not touched: Pebble would
// make a new one in its place where the name of the list of tables is gone.
func TestMissingFilesAreDamage(t *testing.T) {
	pristine, _ := flushedStore(t)
	for _, missing := range []string{"marker.manifest.*", "marker.format-version.*", "MANIFEST-*", "*.sst"} {
		fs := vfs.NewMem()
		if _, err := vfs.Clone(pristine, fs, "store", "store"); err != nil {
			t.Fatal(err)
		}
		for _, name := range matching(t, fs, missing) {
			if err := fs.Remove(name); err != nil {
				t.Fatal(err)
			}
		}
		left := matching(t, fs, "*")
		var corrupt *CorruptError
		if _, err := Open("store", Options{FS: fs}); !errors.As(err, &corrupt) {
			t.Errorf("without %s: %v", missing, err)
		}
		for _, name := range left {
			if _, err := fs.Stat(name); err != nil {
				t.Errorf("without %s: %v", missing, err)
			}
		}
	}
}

// A record that a crash tore is none that follows itself: not where its beginning is whole, and not where the block before
// has no room for it.
func TestTornRecordIsNoDamage(t *testing.T) {
	for left := range 20 { // bytes that the first record leaves of its block
		var list bytes.Buffer
		w := record.NewWriter(&list)
		for _, size := range []int{manifestBlock - chunkHead - left, manifestBlock + 1000} {
			r, err := w.Next()
			if err == nil {
				_, err = r.Write(make([]byte, size))
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		fs := vfs.NewMem()
		if err := fs.MkdirAll("store", 0o700); err != nil {
			t.Fatal(err)
		}
		writeFile(t, fs, "store/list", list.Bytes()[:list.Len()-100])
		file, err := fs.Open("store/list")
		if err != nil {
			t.Fatal(err)
		}
		defer closeOrFail(t, file.Close)
		read := readManifest(file)
		if read.unread < 0 {
			t.Fatalf("%d: all of the list is read", left)
		}
		if follows, err := recordFollows(file, read.unread); follows || err != nil {
			t.Errorf("%d: a record follows the torn one, %v", left, err)
		}
	}
}
