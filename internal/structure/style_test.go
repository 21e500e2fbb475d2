package structure

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// maxLines of a file; 400 is the aim.
const maxLines = 700

func TestFilesAreShort(t *testing.T) {
	for _, s := range sources(t) {
		if s.lines > maxLines {
			t.Errorf("%s has %d lines: split it by what its parts do (limit %d, aim for 400)", s.file, s.lines, maxLines)
		}
	}
}

func TestPackagesAreDocumented(t *testing.T) {
	documented := map[string]bool{}
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		opening := "Package " + s.syntax.Name.Name + " "
		if s.syntax.Name.Name == "main" {
			opening = "Command " + path.Base(s.folder) + " "
		}
		documented[s.folder] = documented[s.folder] || strings.HasPrefix(s.syntax.Doc.Text(), opening)
	}
	for folder, ok := range documented {
		if !ok {
			t.Errorf("%s: no file has a comment that says what the package is for", folder)
		}
	}
}

// vague names of packages gather whatever finds no place elsewhere.
var vague = []string{"util", "utils", "common", "types", "model", "models", "manager", "helper", "helpers", "misc", "base", "shared"}

func TestPackageNames(t *testing.T) {
	for _, s := range sources(t) {
		if slices.Contains(vague, s.syntax.Name.Name) {
			t.Errorf("%s: a package named %s says nothing of what it holds", s.file, s.syntax.Name.Name)
		}
	}
}

// TestLockFilesNameNoHost: packages come from the registry that the machine is
// set up for, and hashes say which they are.
func TestLockFilesNameNoHost(t *testing.T) {
	found := 0
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && skipped(entry.Name()) && name != root {
			return fs.SkipDir
		}
		if entry.Name() != "package-lock.json" {
			return nil
		}
		found++
		text, err := os.ReadFile(name)
		if strings.Contains(string(text), `"resolved":`) {
			t.Errorf("%s says from which host packages come: write it with npm install --omit-lockfile-registry-resolved", name)
		}
		return err
	})
	if err != nil || found == 0 {
		t.Errorf("%d lock files found: %v", found, err)
	}
}
