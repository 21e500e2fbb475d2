package storage

import (
	"fmt"
	"log/slog"
	"strings"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
)

// The cache lies outside Go's heap, where the allocator keeps what was once taken: with the memtables'
// share, what it may take at most and about 150 MiB of heap are to stay below 512 MiB.
const (
	defaultCache = 192 << 20
	memTable     = 64 << 20
	bloomBits    = 10
)

// memTables is what Pebble takes out of its cache for memtables under steady
// writing: one that is filled and one that is flushed. It is added to what the
// cache is given, else a backlog leaves next to nothing of it for blocks.
const memTables = 2 * memTable

// nothingFlushed is what Pebble says of a log that had nothing to be brought into tables.
const nothingFlushed = "pebble: empty table"

// options are Pebble's, for a store whose reads are short ranges and single
// keys and whose writes come as one large sorted batch after the other.
func (s *Store) options(o Options) *pebble.Options {
	if o.CacheBytes <= 0 {
		o.CacheBytes = defaultCache
	}
	if o.Fatal == nil {
		o.Fatal = exit(o.Log, s.dir)
	}
	s.fatal, s.cacheBytes = o.Fatal, o.CacheBytes+memTables
	s.cache = pebble.NewCache(s.cacheBytes)
	options := &pebble.Options{
		FS:                          &logFS{s.fs, o.Fatal, &s.open},
		Lock:                        s.lock,
		FormatMajorVersion:          pebble.FormatNewest,
		Cache:                       s.cache,
		MemTableSize:                memTable,
		MemTableStopWritesThreshold: 4,
		LBaseMaxBytes:               memTable,
		L0CompactionThreshold:       4,
		L0StopWritesThreshold:       1000, // a backlog slows reads; stopping would stall every source
		MaxOpenFiles:                1000,
		CompactionConcurrencyRange:  func() (int, int) { return 1, 2 },
		Logger:                      &logger{log: o.Log, fatal: o.Fatal},
		EventListener: &pebble.EventListener{
			FlushEnd: func(i pebble.FlushInfo) {
				if s.opening.Load() && i.Err != nil && i.Err.Error() != nothingFlushed {
					// What stands in the log is brought into tables first, and tried again without
					// end and without a pause; nobody could end the command meanwhile.
					o.Fatal(s.failure("write tables of", i.Err))
				}
			},
			DataCorruption: func(i pebble.DataCorruptionInfo) {
				s.foundDamage(fmt.Errorf("%s: %w", i.Path, i.Details))
			},
			BackgroundError: func(err error) {
				if pebble.IsCorruptionError(err) {
					s.foundDamage(err)
					return
				}
				o.Log.Error("store: background work failed and is tried again", "dir", s.dir, "error", err)
			},
		},
	}
	for i := range options.Levels {
		options.Levels[i].FilterPolicy = bloom.FilterPolicy(bloomBits)
		options.Levels[i].BlockSize = 8 << 10
		options.Levels[i].IndexBlockSize = 64 << 10
	}
	options.EnsureDefaults() // tables of large commits are written by them too
	return options
}

// logger takes Pebble's messages: its chatter is dropped, which could name keys.
type logger struct {
	log   *slog.Logger
	fatal func(error)
}

func (l *logger) Infof(string, ...any) {}

func (l *logger) Errorf(format string, args ...any) {
	l.log.Error("store: " + fmt.Sprintf(format, args...))
}

func (l *logger) Fatalf(format string, args ...any) {
	if begin, ok := strings.CutSuffix(format, ": %v"); ok {
		format = begin + ": %w" // whoever is told may ask what it was
	}
	l.fatal(fmt.Errorf(format, args...))
}

// Metrics are the store's own figures.
type Metrics struct {
	DiskBytes           uint64 // what the store takes
	FreeBytes           uint64 // what its disk has left
	CompactionDebtBytes uint64 // what compactions have yet to rewrite
	MemTableBytes       uint64
	CacheBytes          int64
	CacheHits           int64
	CacheMisses         int64
	ReadAmplification   int // how many places a read may have to look into
}

// Metrics gives the figures of the moment.
func (s *Store) Metrics() Metrics {
	m := s.db.Metrics()
	metrics := Metrics{
		DiskBytes:           m.DiskSpaceUsage(),
		CompactionDebtBytes: m.Compact.EstimatedDebt,
		MemTableBytes:       m.MemTable.Size,
		CacheBytes:          m.BlockCache.Size,
		CacheHits:           m.BlockCache.Hits,
		CacheMisses:         m.BlockCache.Misses,
		ReadAmplification:   m.ReadAmp(),
	}
	metrics.FreeBytes, _ = s.FreeBytes()
	return metrics
}

// FreeBytes is how many bytes the store's disk has left; an error where it does not say.
func (s *Store) FreeBytes() (uint64, error) {
	usage, err := s.fs.GetDiskUsage(s.dir)
	if err != nil {
		return 0, fmt.Errorf("look how much room %s has: %w", s.dir, err)
	}
	return usage.AvailBytes, nil
}

// DiskUsage says about how many bytes the files hold of the keys in [lower, upper);
// what lies in memory only does not count.
func (s *Store) DiskUsage(lower, upper []byte) (int64, error) {
	size, err := s.db.EstimateDiskUsage(lower, upper)
	if err != nil {
		return 0, s.failure("estimate the size of a range", err)
	}
	return int64(size), nil
}
