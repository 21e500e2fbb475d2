package storage

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

func TestSecondDaemonIsRefused(t *testing.T) {
	for name, fs := range map[string]FS{"disk": nil, "memory": MemoryFS()} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "data")
			s, err := Open(dir, Options{FS: fs})
			if err != nil {
				t.Fatal(err)
			}
			var locked *LockedError
			if _, err := Open(dir, Options{FS: fs}); !errors.As(err, &locked) || locked.Dir != dir || locked.Hint() == "" {
				t.Errorf("the second: %v", err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			again, err := Open(dir, Options{FS: fs})
			if err != nil {
				t.Fatalf("after the first has ended: %v", err)
			}
			closeOrFail(t, again.Close)
		})
	}
}

func TestUnusableDirectoryIsNotALock(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var locked *LockedError
	if _, err := Open(file, Options{}); err == nil || errors.As(err, &locked) || !strings.Contains(err.Error(), file) {
		t.Errorf("a file as the directory: %v", err)
	}
}

func TestFormatIsWrittenAtCreation(t *testing.T) {
	s := openMemory(t)
	snapshot := s.Snapshot()
	defer closeOrFail(t, snapshot.Close)
	var record formatRecord
	found, err := GetMeta(snapshot, formatName, &record)
	if err != nil || !found || record != (formatRecord{Format: Format, Needs: needs}) {
		t.Errorf("%+v, %v, %v", record, found, err)
	}
	if s.db.FormatMajorVersion() != pebble.FormatNewest {
		t.Errorf("Pebble's format is %v", s.db.FormatMajorVersion())
	}
}

// withStore writes a store into fs and closes it.
func withStore(t *testing.T, fs FS, write func(*Commit)) {
	t.Helper()
	s, err := Open("store", Options{FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	apply(t, s, write)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestNewerFormatIsRefused(t *testing.T) {
	fs := MemoryFS()
	withStore(t, fs, func(c *Commit) {
		if err := SetMeta(c, formatName, formatRecord{Format: Format + 1, Needs: "2.3.0"}); err != nil {
			t.Fatal(err)
		}
	})
	var format *FormatError
	_, err := Open("store", Options{FS: fs})
	if !errors.As(err, &format) || format.Found != Format+1 || format.Supported != Format || !strings.Contains(format.Hint(), "2.3.0") {
		t.Errorf("%v", err)
	}
	if _, err := Open("store", Options{FS: fs}); !errors.As(err, &format) {
		t.Errorf("opened again: %v (is the lock released?)", err)
	}
}

// A store that an older program wrote is read, and is not for it any more.
func TestOlderFormatIsTakenOver(t *testing.T) {
	fs := MemoryFS()
	withStore(t, fs, func(c *Commit) {
		if err := SetMeta(c, formatName, formatRecord{Format: 1, Needs: "0.1.0"}); err != nil {
			t.Fatal(err)
		}
	})
	withStore(t, fs, func(*Commit) {})
	s, err := Open("store", Options{FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var record formatRecord
	c := s.Begin()
	defer c.Abandon()
	if _, err := GetMeta(c, formatName, &record); err != nil || record.Format != Format {
		t.Errorf("%+v, %v", record, err)
	}
}

func TestNewerPebbleIsRefused(t *testing.T) {
	fs := MemoryFS()
	withStore(t, fs, func(*Commit) {})
	names, err := fs.List("store")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if strings.HasPrefix(name, "marker.format-version.") {
			if err := fs.Rename("store/"+name, "store/marker.format-version.000099.999"); err != nil {
				t.Fatal(err)
			}
		}
	}
	var format *FormatError
	if _, err := Open("store", Options{FS: fs}); !errors.As(err, &format) || format.Hint() == "" {
		t.Errorf("%v", err)
	}
}

func TestSomebodyElsesStoreIsRefused(t *testing.T) {
	for name, write := range map[string]func(*Commit){
		"no format":      func(c *Commit) { c.Delete(MetaKey(formatName)); c.Set([]byte("x"), nil) },
		"format 0":       func(c *Commit) { c.Set(MetaKey(formatName), []byte(`{}`)) },
		"another format": func(c *Commit) { c.Set(MetaKey(formatName), []byte(`what`)) },
	} {
		fs := MemoryFS()
		withStore(t, fs, write)
		s, err := Open("store", Options{FS: fs})
		if err == nil {
			t.Errorf("%s: opened", name)
			closeOrFail(t, s.Close)
		}
	}
}

// closedStore is a closed store of a table and a log, and what it held after
// each commit that is in the log alone.
func closedStore(t *testing.T) (fs *vfs.MemFS, states [][]pair) {
	fs = vfs.NewMem()
	s, err := Open("store", Options{FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	apply(t, s, func(c *Commit) {
		for i := range 2000 {
			c.Set(AppendNodePrefix(nil, GenerationID(i)), bytes.Repeat([]byte{byte(i)}, 50))
		}
	})
	if err := s.db.Flush(); err != nil {
		t.Fatal(err)
	}
	states = append(states, stored(t, s))
	for n := 1; n <= 7; n++ {
		apply(t, s, func(c *Commit) { writeCommit(c, n) })
		if err := s.Sync(); err != nil {
			t.Fatal(err)
		}
		states = append(states, stored(t, s))
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return fs, states
}

func readFile(t *testing.T, fs FS, name string) []byte {
	t.Helper()
	f, err := fs.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer closeOrFail(t, f.Close)
	data, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func writeFile(t *testing.T, fs FS, name string, data []byte) {
	t.Helper()
	f, err := fs.Create(name, vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		t.Fatal(err)
	}
}

// Whatever byte of a table or the manifest is changed: the store says that it
// is damaged, or nothing that it holds has changed. A changed byte of the log
// may also look like the torn end of a crash, with an earlier commit before it.
func TestFlippedBytes(t *testing.T) {
	pristine, states := closedStore(t)
	kinds := map[string]struct {
		glob    string
		allowed [][]pair
	}{
		"table":    {"*.sst", states[len(states)-1:]},
		"manifest": {"MANIFEST-*", states[len(states)-1:]},
		"log":      {"*.log", states},
	}
	for kind, k := range kinds {
		noticed := 0
		for _, name := range matching(t, pristine, k.glob) {
			size := len(readFile(t, pristine, name))
			for at := 0; at < size; at += max(1, size/15) {
				if notices(t, flip(t, pristine, name, at), k.allowed, fmt.Sprintf("%s at %d", name, at)) {
					noticed++
				}
			}
		}
		if noticed == 0 {
			t.Errorf("no changed byte of a %s was noticed", kind)
		}
	}
}

// matching are the files of a store whose names match a pattern.
func matching(t *testing.T, fs FS, pattern string) (paths []string) {
	t.Helper()
	names, err := fs.List("store")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		match, err := filepath.Match(pattern, name)
		if err != nil {
			t.Fatal(err)
		}
		if match {
			paths = append(paths, "store/"+name)
		}
	}
	return paths
}

// flip copies a store with one byte of one file changed.
func flip(t *testing.T, pristine FS, name string, at int) FS {
	t.Helper()
	fs := vfs.NewMem()
	if _, err := vfs.Clone(pristine, fs, "store", "store"); err != nil {
		t.Fatal(err)
	}
	data := readFile(t, fs, name)
	data[at] ^= 0x10
	writeFile(t, fs, name, data)
	return fs
}

// notices opens and reads a store with a changed byte: it is damaged, or holds
// one of the allowed states.
func notices(t *testing.T, fs FS, allowed [][]pair, where string) bool {
	t.Helper()
	var corrupt *CorruptError
	s, err := Open("store", Options{FS: fs, CacheBytes: 1 << 20})
	if err != nil {
		if !errors.As(err, &corrupt) || !strings.Contains(corrupt.Hint(), "store") {
			t.Errorf("%s: opening says %v", where, err)
		}
		return true
	}
	defer func() { _ = s.Close() }() // it may have damage to tell of
	snapshot := s.Snapshot()
	defer func() { _ = snapshot.Close() }()
	got, err := read(snapshot.Scan(nil, nil))
	if err != nil {
		if !errors.As(err, &corrupt) || s.Damage() == nil {
			t.Errorf("%s: reading says %v", where, err)
		}
		return true
	}
	if !slices.ContainsFunc(allowed, func(state []pair) bool { return slices.Equal(state, got) }) {
		t.Errorf("%s: damage goes unnoticed", where)
	}
	return false
}

func TestMissingTableIsDamage(t *testing.T) {
	fs, _ := closedStore(t)
	for _, name := range matching(t, fs, "*.sst") {
		if err := fs.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	var corrupt *CorruptError
	if s, err := Open("store", Options{FS: fs}); !errors.As(err, &corrupt) {
		t.Errorf("%v", err)
		if s != nil {
			closeOrFail(t, s.Close)
		}
	}
}

func TestDamageStopsWriting(t *testing.T) {
	var log bytes.Buffer
	s := openAt(t, Options{FS: MemoryFS(), Log: slog.New(slog.NewTextHandler(&log, nil))})
	s.foundDamage(errors.New("block 7"))
	s.foundDamage(errors.New("block 8"))
	c := s.Begin()
	c.Set([]byte("a"), nil)
	var corrupt *CorruptError
	if err := c.Apply(); !errors.As(err, &corrupt) || !strings.Contains(err.Error(), "block 7") {
		t.Errorf("%v", err)
	}
	if got := log.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "hint") {
		t.Errorf("the log says %q", got)
	}
}

func TestFatalErrorsAreTold(t *testing.T) {
	var told error
	l := &logger{log: slog.New(slog.DiscardHandler), fatal: func(err error) { told = err }}
	cause := errors.New("no space left on device")
	l.Fatalf("commit: %v", cause)
	if !errors.Is(told, cause) {
		t.Errorf("told %v", told)
	}
}

func TestMetrics(t *testing.T) {
	s, err := Open(t.TempDir(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer closeOrFail(t, s.Close)
	apply(t, s, func(c *Commit) { c.Set([]byte("a"), bytes.Repeat([]byte("x"), 10_000)) })
	if m := s.Metrics(); m.DiskBytes == 0 || m.MemTableBytes == 0 || m.FreeBytes == 0 {
		t.Errorf("%+v", m)
	}
}
