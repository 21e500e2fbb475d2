package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestScratchOfAnEarlierDaemonIsRemoved(t *testing.T) {
	dir := t.TempDir()
	left := filepath.Join(dir, "scratch", "shop")
	if err := os.MkdirAll(left, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(left, "7.stream"), []byte("rows"), 0o600); err != nil {
		t.Fatal(err)
	}
	scratch, err := emptyScratch(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(left); scratch != filepath.Dir(left) || !os.IsNotExist(err) {
		t.Errorf("scratch is %s, what was left there: %v", scratch, err)
	}
}
