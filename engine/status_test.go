package engine

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"odsd/storage"
)

// A store that is found damaged while its daemon runs is shown so, with what to do.
func TestDamageIsShown(t *testing.T) {
	dir := t.TempDir()
	open := func() *storage.Store {
		store, err := storage.Open(dir, storage.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return store
	}
	store := open()
	c := store.Begin()
	for i := range 5000 {
		if err := storage.SetMeta(c, fmt.Sprintf("z%04d", i), i*7919); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Apply(); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the log is brought into a table at the next start
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
		store = open()
	}
	defer func() { _ = store.Close() }() // it has damage to tell of
	e, err := New(Options{Store: store})
	if err != nil {
		t.Fatal(err)
	}
	if found := e.Status().Damaged; found != nil {
		t.Fatalf("before: %+v", found)
	}
	tables, err := filepath.Glob(filepath.Join(dir, "*.sst"))
	if err != nil || len(tables) == 0 {
		t.Fatalf("%v: %v", tables, err)
	}
	for _, table := range tables {
		flipInTheMiddle(t, table)
	}
	snapshot := store.Snapshot()
	defer func() { _ = snapshot.Close() }()
	if err := storage.ScanMeta(snapshot, "z", func(string, []byte) error { return nil }); err == nil {
		t.Fatal("a changed byte is not noticed")
	}
	if found := e.Status().Damaged; found == nil || found.Code != StoreDamaged || found.Hint == "" {
		t.Errorf("%+v", found)
	}
}

func flipInTheMiddle(t *testing.T, path string) {
	t.Helper()
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 1)
	if _, err := file.ReadAt(b, info.Size()/2); err != nil {
		t.Fatal(err)
	}
	b[0] ^= 0x10
	if _, err := file.WriteAt(b, info.Size()/2); err != nil {
		t.Fatal(err)
	}
}
