package backup

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"odsd/storage/relation"
)

// Format is the newest format of backups that this program reads, and the one it
// writes. That of the store within counts for itself.
const Format = 1

const (
	manifestName = "manifest.json"
	storeName    = "store"
)

// maxManifest bounds what is read of a manifest: a million files take less.
const maxManifest = 256 << 20

// Manifest says what a backup holds.
type Manifest struct {
	Format  int       `json:"backup"`
	Odsd    string    `json:"odsd"` // the version that wrote it
	Made    time.Time `json:"made"`
	Sources []Source  `json:"sources"`
	Bytes   int64     `json:"bytes"`
	Files   []File    `json:"files"`
}

// Source is how far a source was applied.
type Source struct {
	Name        string     `json:"name"`
	LSN         string     `json:"lsn"`
	CommittedAt *time.Time `json:"committedAt"`
	// Resumes is false where nothing goes on from LSN: the first copy, or one anew, was not
	// complete.
	Resumes bool `json:"resumes"`
	// Held is the replication slot that keeps what follows LSN; "" for none.
	Held string `json:"held,omitempty"`
}

// Position is LSN as a position.
func (s Source) Position() (relation.Position, error) { return relation.ParsePosition(s.LSN) }

// File is one file of the store.
type File struct {
	Name   string `json:"name"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// sealed is the manifest's file: the checksum is of the bytes of what it stands beside.
type sealed struct {
	Manifest json.RawMessage `json:"manifest"`
	SHA256   string          `json:"sha256"`
}

// FormatError says that a newer odsd wrote the backup.
type FormatError struct {
	Dir   string
	Found int
	Odsd  string
}

func (e *FormatError) Error() string {
	return fmt.Sprintf("backup %s has format %d, this odsd reads up to format %d", e.Dir, e.Found, Format)
}

// Hint says how to mend it.
func (e *FormatError) Hint() string {
	return fmt.Sprintf("run the odsd that wrote it (%s), or a newer one", e.Odsd)
}

// DamageError says that a backup is not what was written.
type DamageError struct{ Dir, What string }

func (e *DamageError) Error() string { return fmt.Sprintf("backup %s is damaged: %s", e.Dir, e.What) }

// Hint says how to mend it.
func (e *DamageError) Hint() string {
	return "check the disk; nothing was restored: take another backup, or start odsd without one, and it copies every source anew"
}

// NotBackupError says that a folder is no whole backup.
type NotBackupError struct{ Dir string }

func (e *NotBackupError) Error() string {
	return fmt.Sprintf("%s is no backup: it has no %s", e.Dir, manifestName)
}

// Hint says how to mend it.
func (e *NotBackupError) Hint() string {
	return "'odsd backup DIR' makes one; a folder that ends in " + partial + " is what is left of one that was interrupted"
}

// Read reads the manifest of a backup; the files are checked when they are copied out of it.
func Read(dir string) (*Manifest, error) {
	name := filepath.Join(dir, manifestName)
	info, err := os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &NotBackupError{dir}
	}
	if err != nil {
		return nil, fmt.Errorf("read backup: %w", err)
	}
	if info.Size() > maxManifest {
		return nil, &DamageError{dir, manifestName + " is too large to be one"}
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("read backup: %w", err)
	}
	var s sealed
	if json.Unmarshal(text, &s) != nil || s.SHA256 != checksum(s.Manifest) {
		return nil, &DamageError{dir, manifestName + " is not what was written"}
	}
	// The format first: of a newer one not even the rest is known.
	var version struct {
		Format int    `json:"backup"`
		Odsd   string `json:"odsd"`
	}
	if err := json.Unmarshal(s.Manifest, &version); err == nil && version.Format > Format {
		return nil, &FormatError{Dir: dir, Found: version.Format, Odsd: version.Odsd}
	}
	var m Manifest
	if err := json.Unmarshal(s.Manifest, &m); err != nil || m.Format < 1 {
		return nil, &DamageError{dir, manifestName + " is not one"}
	}
	for _, f := range m.Files {
		if !filepath.IsLocal(f.Name) || filepath.Base(f.Name) != f.Name {
			return nil, &DamageError{dir, fmt.Sprintf("%s names a file outside: %q", manifestName, f.Name)}
		}
	}
	return &m, nil
}

// Amend replaces the manifest of a backup, at once.
func Amend(dir string, m *Manifest) error {
	if err := writeManifest(dir, m); err != nil {
		return err
	}
	return syncFolder(dir)
}

func writeManifest(dir string, m *Manifest) error {
	body, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("write %s: %w", manifestName, err)
	}
	var text bytes.Buffer
	fmt.Fprintf(&text, "{\"sha256\":%q,\n\"manifest\":%s}\n", checksum(body), body)
	name := filepath.Join(dir, manifestName)
	written, err := os.OpenFile(name+partial, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("write backup: %w", err)
	}
	_, err = written.Write(text.Bytes())
	if err = errors.Join(err, written.Sync(), written.Close()); err != nil {
		return fmt.Errorf("write backup: %w", err)
	}
	if err := os.Rename(name+partial, name); err != nil {
		return fmt.Errorf("write backup: %w", err)
	}
	return nil
}

func checksum(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
