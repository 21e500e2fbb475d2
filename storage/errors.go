package storage

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
)

// LockedError says that another process has the store open.
type LockedError struct{ Dir string }

func (e *LockedError) Error() string {
	return fmt.Sprintf("store %s is in use by another process", e.Dir)
}

// Hint says how to mend it.
func (e *LockedError) Hint() string {
	return "stop the other odsd, or give this one a data_dir of its own"
}

// FormatError says that the store was written by a version of odsd that this
// one does not read.
type FormatError struct {
	Dir string
	// Found is the store's format, 0 when even its outermost layer is unknown;
	// Supported is the newest that this program reads.
	Found, Supported int
	// Needs is the lowest version of odsd that reads the store, where known.
	Needs string
}

func (e *FormatError) Error() string {
	if e.Found == 0 {
		return fmt.Sprintf("store %s was written by a newer odsd: its format is unknown to this one, which reads up to format %d", e.Dir, e.Supported)
	}
	return fmt.Sprintf("store %s has format %d, this odsd reads up to format %d", e.Dir, e.Found, e.Supported)
}

// Hint says how to mend it.
func (e *FormatError) Hint() string {
	if e.Needs == "" {
		return "run the odsd that wrote it, or a newer one"
	}
	return fmt.Sprintf("run odsd %s or newer", e.Needs)
}

// CorruptError says that stored bytes are not what was written.
type CorruptError struct {
	Dir   string
	Cause error
}

func (e *CorruptError) Error() string {
	cause, _, _ := strings.Cut(e.Cause.Error(), "\n") // what follows tells of Pebble's own errors
	return fmt.Sprintf("store %s is damaged: %s", e.Dir, cause)
}

// Unwrap gives what found the damage.
func (e *CorruptError) Unwrap() error { return e.Cause }

// Hint says how to mend it.
func (e *CorruptError) Hint() string {
	return fmt.Sprintf("check the disk; then restore a backup, or move %s away and start odsd again: it copies every source anew and rebuilds every view", e.Dir)
}

// ScratchError says that what a large commit needs outside the store cannot be
// written or read: the disk is at fault, and nobody who asked for it.
type ScratchError struct {
	Doing string
	Cause error
}

func (e *ScratchError) Error() string { return e.Doing + ": " + e.Cause.Error() }

// Unwrap gives what stands in the way.
func (e *ScratchError) Unwrap() error { return e.Cause }

// ErrFinished is what a Commit returns after Apply or Abandon.
var ErrFinished = errors.New("the commit has ended")

// openError says what kept the store from opening: the system, or what lies in its files, which
// were all written by a store that could be opened.
func openError(dir string, err error) error {
	var system syscall.Errno
	switch {
	case strings.Contains(err.Error(), "unknown format major version"):
		return &FormatError{Dir: dir, Supported: Format}
	case errors.As(err, &system) && !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("open store %s: %w", dir, err)
	}
	return &CorruptError{Dir: dir, Cause: err}
}

// lockError tells a held lock from a directory that cannot be written.
func lockError(dir string, err error) error {
	var path *fs.PathError
	held := errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EACCES) || strings.Contains(err.Error(), "lock held")
	if held && !errors.As(err, &path) {
		return &LockedError{Dir: dir}
	}
	return fmt.Errorf("lock store %s: %w", dir, err)
}
