package storage

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// FS is the file system that a store lives in.
type FS = vfs.FS

// MemoryFS is a file system in memory, for tests.
func MemoryFS() FS { return vfs.NewMem() }

// Options of a store. The zero Options are those of a daemon on a disk.
type Options struct {
	// FS is where the store lives, nil for the disk.
	FS FS
	// CacheBytes is the size of the cache of decompressed blocks, besides what
	// is written and not yet flushed; 0: 192 MiB.
	CacheBytes int64
	// Log takes what the store has to report, nil for nowhere.
	Log *slog.Logger
	// Fatal is told of an error after which nothing can be written any more,
	// such as a failed write of the log, and must not return: what is durable
	// is known again only after a restart. nil: report to Log and exit with 2.
	Fatal func(error)
}

// Store is one open store. It serves any number of readers and one writer.
type Store struct {
	dir  string
	fs   FS
	db   *pebble.DB
	lock *pebble.Lock
	log  *slog.Logger
	// cache is shared with the layers of large commits; tables are the options by which
	// their tables are written.
	cache      *pebble.Cache
	cacheBytes int64
	tables     *pebble.Options
	fatal      func(error)
	open       atomic.Bool // from the end of Open to the beginning of Close
	opening    atomic.Bool // while Pebble opens its files

	// damage is the first corruption that was found, by whomever.
	damage atomic.Pointer[CorruptError]
	// applied counts commits, synced those known to be durable.
	applied, synced atomic.Uint64
	// bulks counts those that were made, for their names.
	bulks atomic.Uint64

	// writer is held from Begin to the end of the commit.
	writer sync.Mutex
	// untaken is why tables were not taken in, after which nothing is written; nil otherwise.
	untaken error
	// pending is the memory of one commit, handed from each to the next, and spare that
	// of forks.
	pending *overlay
	spare   []*overlay
}

// Open opens the store in dir, which is created where there is none. It fails with
// *LockedError when another process has it, *FormatError when a newer odsd wrote
// it, and *CorruptError when its files are damaged.
func Open(dir string, o Options) (*Store, error) {
	if o.FS == nil {
		o.FS = vfs.Default
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if err := o.FS.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("create store %s: %w", dir, err)
	}
	lock, err := pebble.LockDirectory(dir, o.FS)
	if err != nil {
		return nil, lockError(dir, err)
	}
	s := &Store{dir: dir, fs: o.FS, lock: lock, log: o.Log, pending: newOverlay()}
	if err := s.clearScratch(); err != nil {
		return nil, closeAfter(err, lock.Close)
	}
	if err := s.openTables(o); err != nil {
		return nil, closeAfter(err, lock.Close)
	}
	if err := s.checkFormat(); err != nil {
		return nil, closeAfter(err, s.Close)
	}
	s.open.Store(true)
	return s, nil
}

// openTables opens what the store is kept in, or makes it.
func (s *Store) openTables(o Options) error {
	err := s.openDB(o)
	if err == nil {
		return nil
	}
	if never, lookErr := s.neverMade(); lookErr != nil || !never {
		return err
	}
	s.log.Warn("a store whose making was interrupted is made anew", "dir", s.dir, "error", err)
	if err := s.clear(); err != nil {
		return err
	}
	s.damage.Store(nil)
	return s.openDB(o)
}

func (s *Store) openDB(o Options) (err error) {
	if err := s.checkManifest(); err != nil {
		return err
	}
	s.tables = s.options(o)
	s.opening.Store(true)
	s.db, err = pebble.Open(s.dir, s.tables)
	s.opening.Store(false)
	if err != nil {
		s.cache.Unref()
		return openError(s.dir, err)
	}
	return nil
}

// Lock keeps everybody from opening the store in dir, which must exist, until unlock is
// called. It fails with *LockedError where another process has it open.
func Lock(dir string) (unlock func() error, err error) {
	lock, err := pebble.LockDirectory(dir, vfs.Default)
	if err != nil {
		return nil, lockError(dir, err)
	}
	return lock.Close, nil
}

// closeAfter cleans up after an error, which is the one worth telling.
func closeAfter(err error, cleanup func() error) error {
	_ = cleanup()
	return err
}

// Close ends the store. Commits, snapshots and cursors must have ended before.
// What was applied is durable after it.
func (s *Store) Close() error {
	s.open.Store(false)
	err := s.db.Close()
	s.cache.Unref()
	if lockErr := s.lock.Close(); err == nil {
		err = lockErr
	}
	return s.failure("close store", err)
}

// Sync makes every commit that was applied before the call durable. It may
// run beside Apply.
//
// The log is one sequence of records, also across its files: a file is synced
// before its successor begins. So one synced record, of nothing, makes durable
// all that stands before it.
func (s *Store) Sync() error {
	applied := s.applied.Load()
	if s.synced.Load() >= applied {
		return nil
	}
	if err := s.Damage(); err != nil {
		return err
	}
	if err := s.db.LogData(nil, pebble.Sync); err != nil {
		return s.failure("sync store", err)
	}
	for {
		synced := s.synced.Load()
		if synced >= applied || s.synced.CompareAndSwap(synced, applied) {
			return nil
		}
	}
}

// Damage is the first corruption that anybody found since the store was
// opened, compactions in the background included, or nil.
func (s *Store) Damage() error {
	if damage := s.damage.Load(); damage != nil {
		return damage
	}
	return nil
}

// failure says what the store was doing when err came about, and remembers
// corruption.
func (s *Store) failure(doing string, err error) error {
	if err == nil {
		return nil
	}
	if pebble.IsCorruptionError(err) {
		s.foundDamage(err)
		return &CorruptError{Dir: s.dir, Cause: err}
	}
	return fmt.Errorf("%s %s: %w", doing, s.dir, err)
}

func (s *Store) foundDamage(err error) {
	damage := &CorruptError{Dir: s.dir, Cause: err}
	if s.damage.CompareAndSwap(nil, damage) {
		s.log.Error("store is damaged", "dir", s.dir, "error", err, "hint", damage.Hint())
	}
}

func exit(log *slog.Logger, dir string) func(error) {
	return func(err error) {
		hint := "free disk space or mend the disk, then start again: nothing that was acknowledged is lost"
		if damage := (*CorruptError)(nil); errors.As(err, &damage) {
			hint = damage.Hint()
		}
		log.Error("store cannot be written", "dir", dir, "error", err, "hint", hint)
		os.Exit(2)
	}
}
