package storage

import (
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// logFS ends the process in words when a log cannot be written. Where Pebble replaces one by
// the next it panics, under a lock that its own clean-up unlocks once more, and all that
// is left then is a trace. The store is as it was either way.
type logFS struct {
	FS
	fatal func(error)
	// told is set while the store is open: what fails before and after is an error of that.
	told *atomic.Bool
}

func isLog(name string) bool { return strings.HasSuffix(name, ".log") }

// failed tells in a goroutine of its own, which a test may end: this one is in the middle of
// Pebble's, which must not be left without its clean-up.
func (f *logFS) failed(err error) {
	if err == nil || !f.told.Load() {
		return
	}
	over := make(chan struct{})
	go func() {
		defer close(over)
		f.fatal(fmt.Errorf("write the log: %w", err))
	}()
	<-over
}

// Create implements FS.
func (f *logFS) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	file, err := f.FS.Create(name, category)
	return f.file(name, file, err)
}

// ReuseForWrite implements FS.
func (f *logFS) ReuseForWrite(before, name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	file, err := f.FS.ReuseForWrite(before, name, category)
	return f.file(name, file, err)
}

func (f *logFS) file(name string, file vfs.File, err error) (vfs.File, error) {
	if !isLog(name) {
		return file, err
	}
	f.failed(err)
	if err != nil {
		return nil, err
	}
	return logFile{file, f}, nil
}

// logFile is a log that is being written.
type logFile struct {
	vfs.File
	fs *logFS
}

// Write implements vfs.File.
func (f logFile) Write(p []byte) (int, error) {
	n, err := f.File.Write(p)
	f.fs.failed(err)
	return n, err
}

// Sync implements vfs.File.
func (f logFile) Sync() error {
	err := f.File.Sync()
	f.fs.failed(err)
	return err
}

// SyncData implements vfs.File.
func (f logFile) SyncData() error {
	err := f.File.SyncData()
	f.fs.failed(err)
	return err
}
