package storage

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2/objstorage/objstorageprovider"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Bulk brings many keys into the store that nobody reads before all of them are there, such
// as the rows of a copy and their index entries, in whatever order they come:
//
//	Set ─▶ memory ─ Spill ─▶ sorted runs in scratch ─ Ingest ─▶ tables that do not overlap ─▶ the store
//
// They pass neither the log nor a memtable, and lie where compactions need not move
// them. Until Ingest is done the store has none of them, and a crash leaves nothing. It
// belongs to the one who writes commits, who calls nothing of it while a commit is open.
type Bulk struct {
	store *Store
	dir   string
	// memory holds the pairs that are not spilled, which entries point into.
	memory  []byte
	entries []bulkEntry
	runs    []string // files, the oldest first
	omitted [][]byte
	// ingesting is nil before the first call of Ingest.
	ingesting *ingesting
}

// bulkEntry is a pair, with the beginning of its key in place, as an item of an overlay.
type bulkEntry struct {
	high, low  uint64
	at         uint32
	key, value uint32 // lengths
}

const (
	bulkEntryBytes = 32
	bulkGrowth     = 1 << 20
	// runBlock is larger than a store's: a run is read once, from its beginning to its end.
	runBlock = 32 << 10
)

// NewBulk makes an empty one.
func (s *Store) NewBulk() *Bulk {
	return &Bulk{store: s, dir: s.fs.PathJoin(s.scratchDir(), fmt.Sprintf("bulk-%d", s.bulks.Add(1)))}
}

// Set adds a key. Of several values of one key the last wins.
func (b *Bulk) Set(key, value []byte) {
	if need := len(key) + len(value); cap(b.memory)-len(b.memory) < need {
		b.memory = slices.Grow(b.memory, max(cap(b.memory), need, bulkGrowth))
	}
	e := bulkEntry{at: uint32(len(b.memory)), key: uint32(len(key)), value: uint32(len(value))}
	e.high, e.low = beginning(key)
	b.memory = append(append(b.memory, key...), value...)
	b.entries = append(b.entries, e)
}

// Bytes is how much of it lies in memory.
func (b *Bulk) Bytes() int { return len(b.memory) + bulkEntryBytes*len(b.entries) }

// Runs is how often it was spilled.
func (b *Bulk) Runs() int { return len(b.runs) }

// Omit leaves out every key of an index that was dropped meanwhile, given by the prefix of its entries:
// those that were set before, and those that lie in tables which the store has not taken yet.
func (b *Bulk) Omit(prefix []byte) { b.omitted = append(b.omitted, prefix) }

func (b *Bulk) omits(key []byte) bool {
	return slices.ContainsFunc(b.omitted, func(prefix []byte) bool { return bytes.HasPrefix(key, prefix) })
}

func (b *Bulk) pair(e bulkEntry) (key, value []byte) {
	pair := b.memory[e.at : e.at+e.key+e.value]
	return pair[:e.key], pair[e.key:]
}

// each visits what lies in memory, in order, and of each key the last value.
func (b *Bulk) each(visit func(key, value []byte) error) error {
	slices.SortFunc(b.entries, func(x, y bulkEntry) int {
		switch {
		case x.high != y.high:
			return cmp.Compare(x.high, y.high)
		case x.low != y.low:
			return cmp.Compare(x.low, y.low)
		}
		xKey, _ := b.pair(x)
		yKey, _ := b.pair(y)
		if c := bytes.Compare(xKey, yKey); c != 0 {
			return c
		}
		return cmp.Compare(y.at, x.at)
	})
	var last []byte
	for i, e := range b.entries {
		key, value := b.pair(e)
		if i > 0 && bytes.Equal(key, last) || b.omits(key) {
			continue
		}
		last = key
		if err := visit(key, value); err != nil {
			return err
		}
	}
	return nil
}

// Write writes what lies in memory as part of a commit, and forgets it: for what is so little that
// tables are not worth it.
func (b *Bulk) Write(c *Commit) error {
	err := b.each(func(key, value []byte) error {
		c.Set(key, value)
		return nil
	})
	b.forget()
	return err
}

func (b *Bulk) forget() { b.memory, b.entries = nil, nil }

// Spill moves what lies in memory into a run.
func (b *Bulk) Spill() error {
	if len(b.entries) == 0 {
		return nil
	}
	if err := b.store.fs.MkdirAll(b.dir, 0o700); err != nil {
		return &ScratchError{"make room for copied rows", err}
	}
	path := b.store.fs.PathJoin(b.dir, fmt.Sprintf("run-%06d", len(b.runs)))
	file, err := b.store.fs.Create(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return &ScratchError{"write copied rows", err}
	}
	b.runs = append(b.runs, path)
	table := sstable.NewWriter(objstorageprovider.NewFileWritable(unsynced{file}), b.runOptions())
	err = b.each(table.Set)
	if closeErr := table.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return &ScratchError{"write copied rows", err}
	}
	b.forget()
	return nil
}

func (b *Bulk) runOptions() sstable.WriterOptions {
	options := b.store.tables.MakeWriterOptions(0, b.store.db.TableFormat())
	options.FilterPolicy, options.BlockSize = nil, runBlock
	return options
}

// unsynced is a file that need not outlive the process.
type unsynced struct{ vfs.File }

func (unsynced) Sync() error                { return nil }
func (unsynced) SyncData() error            { return nil }
func (unsynced) SyncTo(int64) (bool, error) { return false, nil }

// Close forgets what was not ingested.
func (b *Bulk) Close() error {
	b.forget()
	var err error
	if b.ingesting != nil {
		err = b.ingesting.close()
	}
	if len(b.runs) > 0 {
		if removeErr := b.store.fs.RemoveAll(b.dir); err == nil {
			err = removeErr
		}
	}
	return err
}
