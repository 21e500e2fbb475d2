package pgcluster

import (
	"archive/tar"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fakePrograms makes a folder whose postgres prints the version line.
func fakePrograms(t *testing.T, dir, versionLine string) string {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	script := fmt.Sprintf("#!/bin/sh\necho '%s'\n", versionLine)
	for _, program := range []string{"postgres", "initdb"} {
		if err := os.WriteFile(filepath.Join(dir, program), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestInspect(t *testing.T) {
	cases := []struct {
		line, version string
		asked, major  int
		failure       string
	}{
		{line: "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)", version: "15.18", major: 15},
		{line: "postgres (PostgreSQL) 18beta1", version: "18beta1", major: 18},
		{line: "postgres (PostgreSQL) 16.14", asked: 16, version: "16.14", major: 16},
		{line: "postgres (PostgreSQL) 16.14", asked: 14, failure: "version 16.14"},
		{line: "postgres (PostgreSQL) 9.6.24", failure: "too old"},
		{line: "something else", failure: "cannot read"},
	}
	for _, c := range cases {
		t.Run(c.line, func(t *testing.T) {
			dir := fakePrograms(t, t.TempDir(), c.line)
			got, err := inspect(t.Context(), dir, c.asked, nil)
			if c.failure != "" {
				if err == nil || !strings.Contains(err.Error(), c.failure) {
					t.Fatalf("got %v, want %q", err, c.failure)
				}
				return
			}
			if err != nil || got.Version != c.version || got.Major != c.major {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}

func TestNewestOfTakesTheNewest(t *testing.T) {
	dir := t.TempDir()
	fakePrograms(t, filepath.Join(dir, "9", "bin"), "postgres (PostgreSQL) 9.6.1")
	fakePrograms(t, filepath.Join(dir, "16", "bin"), "postgres (PostgreSQL) 16.1")
	fakePrograms(t, filepath.Join(dir, "17", "bin"), "postgres (PostgreSQL) 17.2")
	got, _ := newestOf(t.Context(), []string{filepath.Join(dir, "*", "bin")}, 0, nil)
	if got.Major != 17 {
		t.Errorf("got %+v", got)
	}
}

func TestNothingFoundSaysWhatWasTried(t *testing.T) {
	_, err := find(t.Context(), FindOptions{Major: 13}, nil)
	if err == nil || !strings.Contains(err.Error(), "14 to 18") {
		t.Errorf("unsupported version: %v", err)
	}
	t.Setenv("PATH", t.TempDir())
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	missing := 14
	if found, _ := newestOf(t.Context(), packageFolders, missing, nil); found.Dir != "" {
		missing = 16
	}
	_, err = find(t.Context(), FindOptions{Major: missing}, nil)
	if err == nil {
		t.Skipf("PostgreSQL %d is installed in a package folder", missing)
	}
	notFound, ok := err.(*NotFoundError)
	if !ok {
		t.Fatalf("got %T: %v", err, err)
	}
	for _, tried := range []string{"PATH: ", "pg_config --bindir: ", "package folders: ", "npm package: no npm in PATH", "package manager: not allowed"} {
		if !strings.Contains(err.Error(), tried) {
			t.Errorf("no %q in %v", tried, err)
		}
	}
	if !strings.Contains(notFound.Hint(), "--install") {
		t.Errorf("hint: %s", notFound.Hint())
	}
}

func TestUnpackStaysInItsFolder(t *testing.T) {
	dir := t.TempDir()
	archive := filepath.Join(dir, "a.tgz")
	writeArchive(t, archive, map[string]string{"package/native/bin/postgres": "x", "package/README.md": "y"})
	if err := unpack(archive, "package/native/", filepath.Join(dir, "good")); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "good", "bin", "postgres")); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "good", "README.md")); err == nil {
		t.Error("a file outside the prefix was unpacked")
	}
	writeArchive(t, archive, map[string]string{"package/native/../../evil": "x"})
	if err := unpack(archive, "package/native/", filepath.Join(dir, "bad")); err == nil {
		t.Error("unpacked a file outside its folder")
	}
}

func TestSymlinksStayInTheirFolder(t *testing.T) {
	dir := t.TempDir()
	list := filepath.Join(dir, "pg-symlinks.json")
	if err := os.WriteFile(list, []byte(`[{"source":"native/lib/libpq.so.5.17","target":"native/lib/libpq.so.5"}]`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "lib"), 0o755); err != nil {
		t.Fatal(err)
	}
	for range 2 { // links that are there already do not matter
		if err := makeSymlinks(dir); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.Readlink(filepath.Join(dir, "lib", "libpq.so.5")); err != nil || got != "libpq.so.5.17" {
		t.Errorf("got %q, %v", got, err)
	}
	if err := os.WriteFile(list, []byte(`[{"source":"native/lib/x","target":"../x"}]`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := makeSymlinks(dir); err == nil {
		t.Error("made a link outside the folder")
	}
}

func writeArchive(t *testing.T, path string, files map[string]string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	zipped := gzip.NewWriter(f)
	archive := tar.NewWriter(zipped)
	for name, content := range files {
		if err := archive.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: int64(len(content)), Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
		if _, err := archive.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	for _, closer := range []interface{ Close() error }{archive, zipped, f} {
		if err := closer.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
