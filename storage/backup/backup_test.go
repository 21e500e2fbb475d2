package backup

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"odsd/storage"
)

// checkpoint makes a store of one row, and a checkpoint of it.
func checkpoint(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	s, err := storage.Open(filepath.Join(dir, "store"), storage.Options{})
	if err != nil {
		t.Fatal(err)
	}
	c := s.Begin()
	c.Set([]byte("z"), []byte(strings.Repeat("row ", 1000)))
	storage.SetFrontier(c, "shop", storage.Frontier{Position: 7})
	if err := c.Apply(); err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(dir, "checkpoint")
	if err := s.Checkpoint(to, func(storage.Reader) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return to
}

func write(t *testing.T) (dir string, m *Manifest) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "backup")
	m = &Manifest{Odsd: "1.2.3", Sources: []Source{{Name: "shop", LSN: "0/7", Resumes: true}}}
	if err := Write(t.Context(), dir, checkpoint(t), m, nil); err != nil {
		t.Fatal(err)
	}
	return dir, m
}

func names(t *testing.T, dir string) (all []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

func TestABackupIsAStore(t *testing.T) {
	dir, written := write(t)
	m, err := Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	if a, b := mustJSON(t, m), mustJSON(t, written); a != b {
		t.Errorf("read %s, written %s", a, b)
	}
	var last int64
	to := filepath.Join(t.TempDir(), "store")
	if err := CopyStore(t.Context(), dir, m, to, func(done, _ int64) { last = done }); err != nil {
		t.Fatal(err)
	}
	if last != m.Bytes {
		t.Errorf("told of %d bytes, there are %d", last, m.Bytes)
	}
	s, err := storage.Open(to, storage.Options{})
	if err != nil {
		t.Fatal(err)
	}
	snapshot := s.Snapshot()
	if value, found, err := snapshot.Get([]byte("z")); err != nil || !found || len(value) != 4000 {
		t.Errorf("%d bytes, %v, %v", len(value), found, err)
	}
	if err := errors.Join(snapshot.Close(), s.Close()); err != nil {
		t.Error(err)
	}
}

func mustJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Whatever byte of whatever file is changed: nothing is restored.
func TestFlippedByteIsRefused(t *testing.T) {
	dir, m := write(t)
	files := []string{manifestName}
	for _, f := range m.Files {
		if f.Bytes > 0 {
			files = append(files, filepath.Join(storeName, f.Name))
		}
	}
	for _, name := range files {
		path := filepath.Join(dir, name)
		pristine, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for at := 0; at < len(pristine); at += max(1, len(pristine)/20) {
			flipped := slices.Clone(pristine)
			flipped[at] ^= 0x04
			if err := os.WriteFile(path, flipped, 0o600); err != nil {
				t.Fatal(err)
			}
			to := filepath.Join(t.TempDir(), "store")
			read, err := Read(dir)
			if err == nil {
				err = CopyStore(t.Context(), dir, read, to, nil)
			}
			var damage *DamageError
			if !errors.As(err, &damage) || damage.Hint() == "" {
				t.Errorf("%s, byte %d: %v", name, at, err)
			}
			if _, err := os.Stat(to); err == nil {
				t.Errorf("%s, byte %d: something was restored", name, at)
			}
		}
		if err := os.WriteFile(path, pristine, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestMissingAndCutFilesAreRefused(t *testing.T) {
	for name, spoil := range map[string]func(string) error{
		"missing": os.Remove,
		"cut":     func(path string) error { return os.Truncate(path, 10) },
	} {
		dir, m := write(t)
		at := slices.IndexFunc(m.Files, func(f File) bool { return f.Bytes > 10 })
		if err := spoil(filepath.Join(dir, storeName, m.Files[at].Name)); err != nil {
			t.Fatal(err)
		}
		var damage *DamageError
		if err := CopyStore(t.Context(), dir, m, filepath.Join(t.TempDir(), "store"), nil); !errors.As(err, &damage) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNewerBackupIsRefused(t *testing.T) {
	dir, m := write(t)
	m.Format, m.Odsd = Format+1, "9.0.0"
	if err := Amend(dir, m); err != nil {
		t.Fatal(err)
	}
	var format *FormatError
	if _, err := Read(dir); !errors.As(err, &format) || !strings.Contains(format.Hint(), "9.0.0") {
		t.Errorf("%v", err)
	}
}

// An interrupted backup leaves nothing that looks like one, and does not keep the next
// from being made.
func TestInterruptedBackup(t *testing.T) {
	from := checkpoint(t)
	dir := filepath.Join(t.TempDir(), "backup")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	err := Write(ctx, dir, from, &Manifest{}, func(int64, int64) { cancel() })
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("interrupted: %v", err)
	}
	if left := names(t, filepath.Dir(dir)); len(left) > 0 {
		t.Errorf("it leaves %q", left)
	}
	// As one that is killed leaves it.
	if err := os.MkdirAll(filepath.Join(dir+partial, storeName), 0o700); err != nil {
		t.Fatal(err)
	}
	var no *NotBackupError
	if _, err := Read(dir + partial); !errors.As(err, &no) || no.Hint() == "" {
		t.Errorf("what is left of it: %v", err)
	}
	if err := Write(t.Context(), dir, from, &Manifest{}, nil); err != nil {
		t.Fatal(err)
	}
	if left := names(t, filepath.Dir(dir)); !slices.Equal(left, []string{"backup"}) {
		t.Errorf("there is %q", left)
	}
}

// What is not ours is never removed or written over.
func TestOccupiedFolders(t *testing.T) {
	from := checkpoint(t)
	dir := filepath.Join(t.TempDir(), "backup")
	var occupied *OccupiedError
	for _, foreign := range []string{dir, dir + partial} {
		if err := os.MkdirAll(foreign, 0o700); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(foreign, "mine")
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := Write(t.Context(), dir, from, &Manifest{}, nil); !errors.As(err, &occupied) || occupied.Dir != foreign {
			t.Errorf("%s: %v", foreign, err)
		}
		if _, err := os.Stat(file); err != nil {
			t.Error(err)
		}
		if err := os.RemoveAll(foreign); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := Write(t.Context(), dir, from, &Manifest{}, nil); err != nil {
		t.Errorf("an empty folder: %v", err)
	}
}

// A link to an empty folder stays, and the backup lies where it leads: on that disk.
func TestBackupThroughALink(t *testing.T) {
	from, base := checkpoint(t), t.TempDir()
	real, link := filepath.Join(base, "real"), filepath.Join(base, "link")
	if err := os.Symlink(real, link); err != nil {
		t.Fatal(err)
	}
	if err := Write(t.Context(), link, from, &Manifest{}, nil); err == nil || !strings.Contains(err.Error(), link) {
		t.Errorf("a link that leads nowhere: %v", err)
	}
	if err := os.Mkdir(real, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := Write(t.Context(), link, from, &Manifest{}, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Readlink(link); err != nil {
		t.Errorf("the link is gone: %v", err)
	}
	if _, err := Read(real); err != nil {
		t.Errorf("where it leads there is no backup: %v", err)
	}
}

func TestWithin(t *testing.T) {
	base := t.TempDir()
	data := filepath.Join(base, "data")
	for _, err := range []error{os.Mkdir(data, 0o700), os.Symlink(data, filepath.Join(base, "link"))} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for dir, want := range map[string]bool{"data": true, "data/b": true, "link": true, "link/b": true, "database": false, "b": false, ".": false} {
		if got := Within(filepath.Join(base, dir), data); got != want {
			t.Errorf("%s: %t", dir, got)
		}
		if got := Within(filepath.Join(base, dir), filepath.Join(base, "link")); got != want {
			t.Errorf("%s, by way of the link: %t", dir, got)
		}
	}
}
