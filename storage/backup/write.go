package backup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// partial ends the names of what is not whole.
const partial = ".partial"

// OccupiedError says that there is something where a backup was to be.
type OccupiedError struct{ Dir string }

func (e *OccupiedError) Error() string { return fmt.Sprintf("%s exists and is not empty", e.Dir) }

// Hint says how to mend it.
func (e *OccupiedError) Hint() string {
	return "name a folder that does not exist: a backup is never written over another"
}

// Vacant finds out whether a backup can be at dir: before anything is held for its sake.
func Vacant(dir string) error {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if _, err := os.Stat(filepath.Dir(filepath.Clean(dir))); err != nil {
			return fmt.Errorf("make a backup at %s: %w", dir, err)
		}
		return nil
	case err != nil:
		return fmt.Errorf("make a backup at %s: %w", dir, err)
	case len(entries) > 0:
		return &OccupiedError{dir}
	}
	return nil
}

// resolved is where a folder lies, or would: a link to one is to stay, and what is written to lie where it
// leads.
func resolved(dir string) (string, error) {
	real, err := filepath.EvalSymlinks(dir)
	if !errors.Is(err, fs.ErrNotExist) {
		return real, err
	}
	if _, err := os.Lstat(dir); err == nil {
		return "", fmt.Errorf("%s is a link to a folder that does not exist", dir)
	}
	parent, err := filepath.EvalSymlinks(filepath.Dir(filepath.Clean(dir)))
	return filepath.Join(parent, filepath.Base(dir)), err
}

// Within says whether a folder, which need not exist, lies in another or is it.
func Within(dir, other string) bool {
	dir, err := resolved(dir)
	if err != nil {
		return false
	}
	if other, err = resolved(other); err != nil {
		return false
	}
	from, err := filepath.Rel(other, dir)
	return err == nil && filepath.IsLocal(from)
}

// Progress is told how many of how many bytes are copied.
type Progress func(done, known int64)

// Write makes a backup at dir of the files of a checkpoint. m gets the format,
// the files and their size. When it fails, there is nothing at dir.
func Write(ctx context.Context, dir, checkpoint string, m *Manifest, show Progress) (err error) {
	if err := Vacant(dir); err != nil {
		return err
	}
	if dir, err = resolved(dir); err != nil {
		return fmt.Errorf("make a backup: %w", err)
	}
	under := dir + partial
	if err := removeLeftover(under); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(under, storeName), 0o700); err != nil {
		return fmt.Errorf("make a backup: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(under))
		}
	}()
	m.Format = Format
	if m.Files, err = filesOf(checkpoint); err != nil {
		return err
	}
	m.Bytes = sizeOf(m.Files)
	c := copying{ctx: ctx, known: m.Bytes, show: show}
	for i := range m.Files {
		f := &m.Files[i]
		to := filepath.Join(under, storeName, f.Name)
		if f.Bytes, f.SHA256, err = c.file(filepath.Join(checkpoint, f.Name), to); err != nil {
			return err
		}
	}
	m.Bytes = sizeOf(m.Files)
	if err := syncFolder(filepath.Join(under, storeName)); err != nil {
		return err
	}
	if err := writeManifest(under, m); err != nil {
		return err
	}
	if err := syncFolder(under); err != nil {
		return err
	}
	// An empty folder may be in its place, and nothing but an empty one is removed by this.
	if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("make a backup: %w", err)
	}
	if err := os.Rename(under, dir); err != nil {
		return fmt.Errorf("make a backup: %w", err)
	}
	return syncFolder(filepath.Dir(dir))
}

// removeLeftover removes what a program that was killed left, and nothing else.
func removeLeftover(under string) error {
	entries, err := os.ReadDir(under)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("make a backup: %w", err)
	}
	ours := []string{storeName, manifestName, manifestName + partial}
	for _, e := range entries {
		if !slices.Contains(ours, e.Name()) {
			return &OccupiedError{under}
		}
	}
	if err := os.RemoveAll(under); err != nil {
		return fmt.Errorf("remove what an interrupted backup left: %w", err)
	}
	return nil
}

// filesOf lists the files of a checkpoint, which has no folders.
func filesOf(checkpoint string) ([]File, error) {
	entries, err := os.ReadDir(checkpoint)
	if err != nil {
		return nil, fmt.Errorf("list a checkpoint: %w", err)
	}
	files := []File{}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			return nil, fmt.Errorf("list a checkpoint: %w", err)
		}
		if !info.Mode().IsRegular() {
			return nil, fmt.Errorf("list a checkpoint: %s is not a file", e.Name())
		}
		files = append(files, File{Name: e.Name(), Bytes: info.Size()})
	}
	return files, nil
}

func sizeOf(files []File) (n int64) {
	for _, f := range files {
		n += f.Bytes
	}
	return n
}
