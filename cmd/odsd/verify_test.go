package main

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"odsd/engine"
	"odsd/storage"
)

// A table that is damaged beside what is compared is damage all the same.
func TestVerifyReadsAllOfAStore(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "odsd.yaml"), []byte("version: 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	dataDir := filepath.Join(dir, "data")
	fillStore(t, dataDir)
	verify := func() (string, error) {
		var out bytes.Buffer
		c := &cli{dir: dir, stdout: &out, stderr: &out}
		err := c.verifyClosed(t.Context(), verifyRequest{}, errors.New("there is no store"))
		return out.String(), err
	}
	if out, err := verify(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	flipLargestTable(t, storePath(dataDir))
	var corrupt *storage.CorruptError
	if out, err := verify(); !errors.As(err, &corrupt) {
		t.Errorf("%v\n%s", err, out)
	}
}

// A store that is found damaged while its daemon runs is shown so, with what to do.
func TestDamageIsShown(t *testing.T) {
	dataDir := t.TempDir()
	fillStore(t, dataDir)
	store, err := openStore(dataDir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }() // it has damage to tell of
	e, err := engine.New(engine.Options{Store: store})
	if err != nil {
		t.Fatal(err)
	}
	if found := e.Status().Damaged; found != nil {
		t.Fatalf("before: %+v", found)
	}
	flipLargestTable(t, storePath(dataDir))
	snapshot := store.Snapshot()
	defer func() { _ = snapshot.Close() }()
	if err := storage.ScanMeta(snapshot, "z", func(string, []byte) error { return nil }); err == nil {
		t.Fatal("a changed byte is not noticed")
	}
	found := e.Status().Damaged
	if found == nil || found.Code != engine.StoreDamaged || found.Hint == "" {
		t.Fatalf("%+v", found)
	}
	var out bytes.Buffer
	statusDocument{Status: engine.Status{Damaged: found}}.print(&out)
	if !strings.Contains(out.String(), "store: "+engine.StoreDamaged+": ") || !strings.Contains(out.String(), "hint: ") {
		t.Errorf("status prints\n%s", out.String())
	}
}

// fillStore makes a store with a table in which nothing belongs to a view.
func fillStore(t *testing.T, dataDir string) {
	t.Helper()
	store, err := openStore(dataDir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	commit := store.Begin()
	for i := range 5000 {
		if err := storage.SetMeta(commit, fmt.Sprintf("z%04d", i), i*7919); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(commit.Apply(), store.Close()); err != nil {
		t.Fatal(err)
	}
	// What stands in the log is brought into a table at the next start.
	if store, err = openStore(dataDir, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
}

func flipLargestTable(t *testing.T, dir string) {
	t.Helper()
	tables, err := filepath.Glob(filepath.Join(dir, "*.sst"))
	if err != nil {
		t.Fatal(err)
	}
	var largest string
	var data []byte
	for _, table := range tables {
		found, err := os.ReadFile(table)
		if err != nil {
			t.Fatal(err)
		}
		if len(found) > len(data) {
			largest, data = table, found
		}
	}
	if largest == "" {
		t.Fatal("there is no table")
	}
	data[len(data)/2] ^= 0x10
	if err := os.WriteFile(largest, data, 0o600); err != nil {
		t.Fatal(err)
	}
}
