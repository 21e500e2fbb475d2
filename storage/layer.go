package storage

import (
	"fmt"
	"log/slog"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
)

// layer holds what the slices of a large commit have written so far, outside the
// store: a Pebble of its own without a log, in a folder beside the store's files. Its
// values are markers, since a key that was deleted hides the store's. Nothing in it
// outlives the commit; what a crash leaves is removed when the store is opened.
type layer struct {
	dir     string
	fs      FS
	store   *Store
	db      *pebble.DB
	release func() // gives back the share of the cache
	// hidden are the ranges that were deleted, of the store's keys.
	hidden []span
}

const layerMemTable = 16 << 20

// scratchDir is where layers lie: on the store's file system, since the tables
// that are made there become the store's by a link.
func (s *Store) scratchDir() string { return s.fs.PathJoin(s.dir, "scratch") }

// clearScratch removes what a crash left of a large commit.
func (s *Store) clearScratch() error {
	if err := s.fs.RemoveAll(s.scratchDir()); err != nil {
		return fmt.Errorf("remove what is left of a large commit: %w", err)
	}
	return nil
}

func (s *Store) newLayer() (*layer, error) {
	l := &layer{dir: s.fs.PathJoin(s.scratchDir(), "layer"), fs: s.fs, store: s}
	var err error
	if l.db, err = s.openScratch(l.dir, layerMemTable); err != nil {
		return nil, err
	}
	// What slices need of the heap is taken from the cache meanwhile.
	l.release = s.cache.Reserve(int(s.cacheBytes / 2))
	return l, nil
}

// openScratch makes a Pebble that need not outlive the process.
func (s *Store) openScratch(dir string, memTableBytes uint64) (*pebble.DB, error) {
	if err := s.fs.MkdirAll(dir, 0o700); err != nil {
		return nil, &ScratchError{"make room for a large commit", err}
	}
	options := &pebble.Options{
		FS:                         s.fs,
		FormatMajorVersion:         pebble.FormatNewest,
		Cache:                      s.cache,
		DisableWAL:                 true,
		MemTableSize:               memTableBytes,
		LBaseMaxBytes:              memTable,
		L0StopWritesThreshold:      1000,
		MaxOpenFiles:               500,
		CompactionConcurrencyRange: func() (int, int) { return 1, 1 },
		Logger:                     &logger{log: slog.New(slog.DiscardHandler), fatal: s.fatal},
		EventListener: &pebble.EventListener{
			// Without room for it, it would be waited for for ever.
			BackgroundError: func(err error) { s.fatal(fmt.Errorf("write a large commit: %w", err)) },
		},
	}
	for i := range options.Levels {
		options.Levels[i].FilterPolicy = bloom.FilterPolicy(bloomBits)
	}
	db, err := pebble.Open(dir, options)
	if err != nil {
		return nil, &ScratchError{"make room for a large commit", err}
	}
	return db, nil
}

// take moves a commit's writes into the layer.
func (l *layer) take(o *overlay) error {
	batch := l.db.NewBatchWithSize(o.size + 17*o.tree.Len() + 64)
	for _, r := range o.ranges {
		if err := batch.DeleteRange(r.lower, r.upper, nil); err != nil {
			return err
		}
		l.hidden = addSpan(l.hidden, r.lower, r.upper)
	}
	o.each(func(e *entry) error {
		op := batch.SetDeferred(len(e.key), 1+len(e.value))
		copy(op.Key, e.key)
		if op.Value[0] = markSet; e.deleted {
			op.Value[0] = markGone
		}
		copy(op.Value[1:], e.value)
		return op.Finish()
	})
	err := batch.Commit(pebble.NoSync)
	if closeErr := batch.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return &ScratchError{"write a large commit", err}
	}
	return nil
}

// snapshot is the layer as it is now.
func (l *layer) snapshot() *under {
	return &under{view: view{store: l.store, source: l.db.NewSnapshot()}}
}

func (l *layer) close() error {
	l.release()
	err := l.db.Close()
	if removeErr := l.fs.RemoveAll(l.dir); err == nil {
		err = removeErr
	}
	return err
}
