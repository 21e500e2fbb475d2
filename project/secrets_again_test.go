package project

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What a DSN names is read at every connect, and what is absent is named.
func TestDSNIsReadAnew(t *testing.T) {
	dir := t.TempDir()
	write := func(secret string) {
		if err := os.WriteFile(filepath.Join(dir, "secret"), []byte(secret+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r := resolver{dir: dir, env: func(string) (string, bool) { return "ada", true }}
	for _, secret := range []string{"first", "second"} {
		write(secret)
		if got, err := r.again("user=${NAME} password=${file:secret}"); err != nil || got != "user=ada password="+secret {
			t.Errorf("%q, %v", got, err)
		}
	}
	if err := os.Remove(filepath.Join(dir, "secret")); err != nil {
		t.Fatal(err)
	}
	if _, err := r.again("${file:secret}"); err == nil || !strings.Contains(err.Error(), "there is no file") {
		t.Errorf("error %v", err)
	}
}
