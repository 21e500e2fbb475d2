package storage

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/objstorage/objstorageprovider"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// ingesting is a Bulk whose runs are being merged into tables.
type ingesting struct {
	merged *pebble.Iterator // stands on the next pair
	tables []bulkTable
	table  *sstable.Writer // of the last one; nil between two
	size   int
}

// bulkTable is a table that the store shall take.
type bulkTable struct {
	path  string
	space [spaceBytes]byte // that all its keys are of
}

// spaceBytes of a key say what it is and of which relation or index. A table has keys of
// one alone: the bounds of one with more would hold those of others between them, and
// it would be ingested above these and not below.
const spaceBytes = 5

// Ingest goes on with bringing everything into the store, by about so many bytes of keys and
// values; done says that there is no more to do. All of it becomes visible in the last step, and
// is durable then. Nothing is set any more from the first step on.
func (b *Bulk) Ingest(limit int) (done bool, err error) {
	if b.ingesting == nil {
		if err := b.Spill(); err != nil {
			return false, err
		}
		if b.ingesting, err = b.mergeRuns(); err != nil {
			return false, &ScratchError{"read copied rows", err}
		}
	}
	more, err := b.writeTables(limit)
	if err != nil {
		return false, &ScratchError{"write the tables of copied rows", err}
	}
	if more {
		return false, nil
	}
	return true, b.takeIn()
}

// mergeRuns begins to read the runs as one.
func (b *Bulk) mergeRuns() (*ingesting, error) {
	var files [][]sstable.ReadableFile // of equal keys that of the first is read: the newest
	for _, path := range slices.Backward(b.runs) {
		file, err := b.store.fs.Open(path)
		if err != nil {
			return nil, errors.Join(err, closeAll(files))
		}
		files = append(files, []sstable.ReadableFile{file})
	}
	merged, err := pebble.NewExternalIter(b.store.tables, nil, files)
	if err != nil {
		return nil, err // it has closed them
	}
	merged.First()
	return &ingesting{merged: merged}, nil
}

func closeAll(files [][]sstable.ReadableFile) error {
	var errs []error
	for _, file := range files {
		errs = append(errs, file[0].Close())
	}
	return errors.Join(errs...)
}

// writeTables writes some of the keys to tables.
func (b *Bulk) writeTables(limit int) (more bool, err error) {
	in := b.ingesting
	for written := 0; written < limit; in.merged.Next() {
		if !in.merged.Valid() {
			return false, errors.Join(in.merged.Error(), in.finish())
		}
		key := in.merged.Key()
		if b.omits(key) {
			continue
		}
		value, err := in.merged.ValueAndErr()
		if err != nil {
			return false, err
		}
		if err := in.write(b, key, value); err != nil {
			return false, err
		}
		written += len(key) + len(value)
	}
	return true, nil
}

func (in *ingesting) write(b *Bulk, key, value []byte) error {
	if in.table != nil && (in.size >= tableBytes || !bytes.HasPrefix(key, in.tables[len(in.tables)-1].space[:])) {
		if err := in.finish(); err != nil {
			return err
		}
	}
	if in.table == nil {
		if err := in.begin(b, key); err != nil {
			return err
		}
	}
	in.size += len(key) + len(value)
	return in.table.Set(key, value)
}

func (in *ingesting) begin(b *Bulk, key []byte) error {
	next := bulkTable{path: b.store.fs.PathJoin(b.dir, fmt.Sprintf("table-%06d.sst", len(in.tables)))}
	file, err := b.store.fs.Create(next.path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	copy(next.space[:], key)
	in.tables = append(in.tables, next)
	options := b.store.tables.MakeWriterOptions(0, b.store.db.TableFormat())
	in.table, in.size = sstable.NewWriter(objstorageprovider.NewFileWritable(file), options), 0
	return nil
}

func (in *ingesting) finish() error {
	if in.table == nil {
		return nil
	}
	table := in.table
	in.table = nil
	return table.Close()
}

// takeIn has the store take the tables.
func (b *Bulk) takeIn() error {
	var paths []string
	for _, table := range b.ingesting.tables {
		if !b.omits(table.space[:]) { // of an index that was dropped after it was written
			paths = append(paths, table.path)
		}
	}
	b.store.writer.Lock()
	defer b.store.writer.Unlock()
	return b.store.takeIn(paths)
}

func (in *ingesting) close() error {
	return errors.Join(in.finish(), in.merged.Close())
}
