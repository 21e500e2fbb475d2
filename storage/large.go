package storage

import (
	"bytes"
	"context"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/objstorage/objstorageprovider"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// NextSlice ends a slice of a commit that is too large for memory: what it has
// written moves to a layer outside the store, and is part of what Before reads from
// now on. Readers of the store see none of it before Apply. A
// reader that Before gave earlier ends here; cursors go on over what they were opened over.
func (c *Commit) NextSlice() error {
	if err := c.Spill(); err != nil {
		return err
	}
	if c.before != c.under {
		c.retire(c.before)
		c.before = c.under
	}
	return nil
}

// Spill moves what the slice has written so far out of memory. Nothing else changes:
// the commit reads it still, and Before does not.
func (c *Commit) Spill() error {
	switch {
	case c.pending == nil:
		return ErrFinished
	case c.base != nil:
		return errForked
	}
	if c.layer == nil {
		var err error
		if c.layer, err = c.store.newLayer(); err != nil {
			return err
		}
	}
	if err := c.layer.take(c.pending); err != nil {
		return err
	}
	c.moved += c.pending.size
	c.newOverlay()
	if c.under != c.before {
		c.retire(c.under)
	}
	c.under = &before{store: c.under.store, stats: &c.stats, layer: c.layer.snapshot(), hidden: c.layer.hidden}
	return nil
}

// newOverlay begins with no pending writes. Cursors that are open keep the ones
// that they were opened over.
func (c *Commit) newOverlay() {
	if c.pending.cursors > 0 {
		c.pending = newOverlay()
		return
	}
	c.pending.reset()
}

// retire gives up a state of the layer.
func (c *Commit) retire(b *before) {
	if b.layer != nil {
		b.layer.drop()
		_ = b.layer.source.Close() // of a snapshot: it has nothing to tell
	}
}

// tableBytes is about the size of one table of a large commit.
const tableBytes = 64 << 20

// applyLarge makes the slices visible together: their sum is written as sorted tables
// that do not overlap, which Pebble takes in by one step.
func (c *Commit) applyLarge() error {
	if err := c.Spill(); err != nil {
		return err
	}
	w := &tableWriter{layer: c.layer, store: c.store, hidden: c.layer.hidden}
	if err := w.write(); err != nil {
		return fmt.Errorf("write the tables of a large commit: %w", err)
	}
	return c.store.takeIn(w.paths)
}

// takeIn has the store take tables in by one step: all that they hold is visible then, and durable.
// The caller is the writer.
func (s *Store) takeIn(tables []string) error {
	if len(tables) == 0 {
		return nil
	}
	if err := s.writable(); err != nil {
		return err
	}
	// The tables do not pass through the log: what stands in it must not be lost in a
	// crash that keeps them, as the record of the relation that they are of.
	if err := s.Sync(); err != nil {
		return err
	}
	if err := s.db.Ingest(context.Background(), tables); err != nil {
		s.untaken = s.failure("write store", err)
		return s.untaken
	}
	s.applied.Add(1)
	return nil
}

// writable says why nothing may be written any more, if so. Tables that were not taken in have numbers all the same: what
// came after them in the log would be taken for what goes on from tables that are gone. See checkManifest.
func (s *Store) writable() error {
	if err := s.Damage(); err != nil {
		return err
	}
	return s.untaken
}

// tableWriter turns a layer into tables.
type tableWriter struct {
	layer  *layer
	store  *Store
	hidden []span
	paths  []string
	// table is the one that is being written, nil between two; lower is where it begins.
	table *sstable.Writer
	lower []byte
	size  int
}

func (w *tableWriter) write() error {
	it, err := w.layer.db.NewIter(nil)
	if err != nil {
		return err
	}
	err = w.writePoints(it)
	if closeErr := it.Close(); err == nil {
		err = closeErr
	}
	if err == nil && w.table == nil && len(w.hidden) > 0 {
		err = w.begin(nil)
	}
	if w.table != nil {
		if finishErr := w.finish(nil); err == nil {
			err = finishErr
		}
	}
	return err
}

func (w *tableWriter) writePoints(it *pebble.Iterator) error {
	for ok := it.First(); ok; ok = it.NextPrefix() {
		marker, err := it.ValueAndErr()
		if err != nil {
			return err
		}
		key := it.Key()
		if w.table != nil && w.size >= tableBytes {
			if err := w.finish(key); err != nil {
				return err
			}
		}
		if w.table == nil {
			if err := w.begin(key); err != nil {
				return err
			}
		}
		if value, set := unmark(marker); set {
			err = w.table.Set(key, value)
		} else {
			err = w.table.Delete(key)
		}
		if err != nil {
			return err
		}
		w.size += len(key) + len(marker)
	}
	return it.Error()
}

// begin begins a table whose first key this is. The first of all begins before every key.
func (w *tableWriter) begin(key []byte) error {
	path := w.store.fs.PathJoin(w.layer.dir, fmt.Sprintf("table-%06d.sst", len(w.paths)))
	file, err := w.store.fs.Create(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	w.lower = nil
	if len(w.paths) > 0 {
		w.lower = bytes.Clone(key)
	}
	w.paths = append(w.paths, path)
	options := w.store.tables.MakeWriterOptions(0, w.store.db.TableFormat())
	w.table, w.size = sstable.NewWriter(objstorageprovider.NewFileWritable(file), options), 0
	return nil
}

// finish ends a table before the key that begins the next one, nil for none. Of
// a range that was deleted it has the part that lies in it: the tables must not overlap.
// A key that was set after has the same age as the range in one table, and stays.
func (w *tableWriter) finish(next []byte) error {
	table := w.table
	w.table = nil
	for _, s := range w.hidden {
		lower, upper := s.lower, s.upper
		if bytes.Compare(lower, w.lower) < 0 {
			lower = w.lower
		}
		if next != nil && bytes.Compare(upper, next) > 0 {
			upper = next
		}
		if bytes.Compare(lower, upper) < 0 {
			if err := table.DeleteRange(lower, upper); err != nil {
				return closeAfter(err, table.Close)
			}
		}
	}
	return table.Close()
}
