package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// killed is what a restore panics with where the test ends it: nothing that it
// would do after an error is done.
type killed struct{}

// killAt ends the restore at the n-th step; before each rename and after it is one.
func killAt(n int) (replacement, *int) {
	step := 0
	pass := func() {
		if step++; step == n {
			panic(killed{})
		}
	}
	return replacement{func(from, to string) error {
		pass()
		err := os.Rename(from, to)
		pass()
		return err
	}}, &step
}

// fill makes a folder that can be told: half of a store is none.
func fill(dir, content string) error {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	return errors.Join(
		os.WriteFile(filepath.Join(dir, "first"), []byte(content), 0o600),
		os.WriteFile(filepath.Join(dir, "second"), []byte(content), 0o600))
}

func contentOf(t *testing.T, dir string) string {
	t.Helper()
	first, err := os.ReadFile(filepath.Join(dir, "first"))
	if err != nil {
		t.Fatal(err)
	}
	second, err := os.ReadFile(filepath.Join(dir, "second"))
	if err != nil || string(first) != string(second) {
		t.Fatalf("%q and %q, %v", first, second, err)
	}
	return string(first)
}

// replaceKilled replaces a store by a new one and says whether it was killed on the way.
func replaceKilled(r replacement, dataDir string) (ended bool, err error) {
	defer func() {
		if p := recover(); p != nil {
			if _, ok := p.(killed); !ok {
				panic(p)
			}
			ended = true
		}
	}()
	return false, r.replace(dataDir, true, func(to string) error { return fill(to, "new") })
}

// Wherever a restore is killed, the old store or the new one is whole in its place when a store is
// opened the next time, and a restore can be made again.
func TestKilledRestoreLeavesOneStore(t *testing.T) {
	found := map[string]int{}
	for n := 1; ; n++ {
		dataDir := t.TempDir()
		if err := fill(storePath(dataDir), "old"); err != nil {
			t.Fatal(err)
		}
		r, steps := killAt(n)
		ended, err := replaceKilled(r, dataDir)
		if err != nil {
			t.Fatal(err)
		}
		if !ended {
			if *steps != n-1 || n < 7 {
				t.Errorf("%d steps, %d of them tried", *steps, n-1)
			}
			break
		}
		if there, err := anyStore(dataDir); err != nil || !there {
			t.Errorf("killed at step %d: no store is found, %v", n, err)
		}
		if err := endReplacement(dataDir); err != nil {
			t.Fatalf("killed at step %d: %v", n, err)
		}
		found[contentOf(t, storePath(dataDir))]++
		if _, err := os.Stat(replacedPath(dataDir)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("killed at step %d: what was replaced is there still: %v", n, err)
		}
		if ended, err := replaceKilled(replacement{os.Rename}, dataDir); ended || err != nil {
			t.Fatalf("killed at step %d, and again: %v", n, err)
		}
		if got := contentOf(t, storePath(dataDir)); got != "new" {
			t.Errorf("killed at step %d: the restore after it leaves the %s one", n, got)
		}
		if _, err := os.Stat(restoringPath(dataDir)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("killed at step %d: the restore after it leaves something: %v", n, err)
		}
	}
	if found["old"] == 0 || found["new"] == 0 {
		t.Errorf("found after kills: %v; there must be both", found)
	}
}

// A store that cannot be put into the place of another leaves that one there.
func TestFailedRestoreLeavesTheOldStore(t *testing.T) {
	dataDir := t.TempDir()
	if err := fill(storePath(dataDir), "old"); err != nil {
		t.Fatal(err)
	}
	refused := errors.New("refused")
	r := replacement{func(from, to string) error {
		if from == restoringPath(dataDir) {
			return refused
		}
		return os.Rename(from, to)
	}}
	if err := r.replace(dataDir, true, func(to string) error { return fill(to, "new") }); !errors.Is(err, refused) {
		t.Errorf("told %v", err)
	}
	if got := contentOf(t, storePath(dataDir)); got != "old" {
		t.Errorf("found the %s one", got)
	}
	if _, err := os.Stat(replacedPath(dataDir)); !errors.Is(err, os.ErrNotExist) {
		t.Error(fmt.Errorf("what was replaced: %w", err))
	}
}
