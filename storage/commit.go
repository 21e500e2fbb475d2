package storage

import (
	"bytes"
	"runtime/debug"

	"github.com/cockroachdb/pebble/v2"
)

// Commit gathers writes and applies them all at once. Until then it is a
// Reader of the pending state: the store with the writes so far. It serves one goroutine.
type Commit struct {
	store *Store
	// before is what the slice is made over; under is what lies under the pending writes:
	// the same, until some of the slice's writes were spilled.
	before, under *before
	pending       *overlay // nil once ended
	stats         Stats
	// layer has the writes of the slices before this one; nil in the first. moved is
	// how many bytes they were.
	layer *layer
	moved int
	runs  int // that were made, for their names
	// base is what the commit that this one is a fork of has written; nil of others.
	base  *overlay
	probe entry // of the keys that are asked for
}

// maxBatchBytes is what one batch may write: Pebble's end at 4 GiB, and each is
// held in memory whole. What is larger takes the way of a large commit.
const maxBatchBytes = 1 << 30

// keepBatch is up to what size a batch's memory is used again. Batches of half
// a memtable and more are not copied but kept by Pebble, and are not ours any longer.
const keepBatch = memTable / 2

// Begin begins a commit. There is one at a time: Begin waits until the one
// before has ended.
func (s *Store) Begin() *Commit {
	s.writer.Lock()
	c := &Commit{store: s, pending: s.pending}
	c.before = &before{store: &under{view: view{store: s, source: s.db}}, stats: &c.stats}
	c.under = c.before
	return c
}

// Before reads the store as it was before this commit, until the commit ends: in a
// large one, as it was before this slice. It needs no snapshot: nobody else writes meanwhile.
func (c *Commit) Before() Reader { return c.before }

// Get implements Reader.
func (c *Commit) Get(key []byte) (value []byte, found bool, err error) {
	if c.pending == nil {
		return nil, false, ErrFinished
	}
	pending, set, gone := c.written(key)
	switch {
	case set:
		c.stats.Gets++
		return append(make([]byte, 0, len(pending)), pending...), true, nil
	case gone:
		c.stats.Gets++
		return nil, false, nil
	}
	return c.under.Get(key)
}

// Touches says whether the commit, or this slice of it, has written or deleted a key: where it has not,
// Get gives what Before's does. Of writes that were spilled it is not known.
func (c *Commit) Touches(key []byte) bool {
	if c.pending == nil {
		return false
	}
	if c.under != c.before {
		return true
	}
	_, set, gone := c.written(key)
	return set || gone
}

// Scan implements Reader. The cursor sees the writes made before the call, and
// none made after: writing while scanning neither disturbs it nor shows in it.
func (c *Commit) Scan(lower, upper []byte) Cursor {
	if c.pending == nil {
		return &countingCursor{before: c.before, err: ErrFinished}
	}
	return c.merge(lower, upper)
}

// Set writes a key. Of several writes of one key the last wins.
func (c *Commit) Set(key, value []byte) {
	c.stats.Sets++
	c.pending.write(key, value, false)
}

// Delete removes a key, which need not exist.
func (c *Commit) Delete(key []byte) {
	c.stats.Deletes++
	c.pending.write(key, nil, true)
}

// DeleteRange removes every key in [lower, upper), those written before in
// this commit included; none where upper is not above lower. It is meant for dropping whole relations and
// generations: a store strewn with ranges reads slowly.
func (c *Commit) DeleteRange(lower, upper []byte) {
	if bytes.Compare(lower, upper) < 0 {
		c.stats.Deletes++
		c.pending.deleteRange(lower, upper)
	}
}

// Len is how many writes are pending in memory: keys and ranges.
func (c *Commit) Len() int {
	if c.pending == nil {
		return 0
	}
	return c.pending.tree.Len() + len(c.pending.ranges)
}

// Bytes is how much is pending: the keys and values to be written, and the
// bounds of ranges.
func (c *Commit) Bytes() int {
	if c.pending == nil {
		return 0
	}
	return c.moved + c.pending.size
}

// Stats says what the commit did so far.
func (c *Commit) Stats() Stats {
	stats := c.stats
	stats.Bytes = int64(c.Bytes())
	return stats
}

// Apply makes the writes visible, all at once, and ends the commit. They are
// durable after the next Store.Sync. On an error none is visible; where the store could not write, it has to be opened anew.
func (c *Commit) Apply() error {
	if c.pending == nil {
		return ErrFinished
	}
	defer c.end()
	s := c.store
	if err := s.writable(); err != nil {
		return err
	}
	if c.layer != nil || c.pending.size > maxBatchBytes {
		return c.applyLarge()
	}
	if c.Len() == 0 {
		return nil
	}
	batch := s.db.NewBatchWithSize(c.pending.size+16*c.Len()+64, pebble.WithMaxRetainedSizeBytes(keepBatch))
	err := c.fill(batch)
	if err == nil {
		err = batch.Commit(pebble.NoSync)
	}
	if closeErr := batch.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return s.failure("write store", err)
	}
	s.applied.Add(1)
	return nil
}

// Abandon ends the commit without writing anything. After Apply it does nothing.
func (c *Commit) Abandon() {
	switch {
	case c.pending == nil:
	case c.base != nil:
		c.leave()
	default:
		c.end()
	}
}

func (c *Commit) end() {
	c.newOverlay()
	c.store.pending = c.pending
	c.pending = nil
	if c.under != c.before {
		c.retire(c.under)
	}
	c.retire(c.before)
	c.before.store.drop()
	if c.layer != nil {
		if err := c.layer.close(); err != nil {
			c.store.log.Error("store: cannot remove what is left of a large commit", "dir", c.layer.dir, "error", err)
		}
		if c.moved > memTable {
			debug.FreeOSMemory() // what it took of the heap is the cache's again
		}
	}
	c.store.writer.Unlock()
}

// fill writes the ranges first and then, in the order of keys, what was
// written to them or elsewhere after.
func (c *Commit) fill(batch *pebble.Batch) error {
	for _, r := range c.pending.ranges {
		if err := batch.DeleteRange(r.lower, r.upper, nil); err != nil {
			return err
		}
	}
	return c.pending.each(func(e *entry) error {
		if e.deleted {
			return batch.Delete(e.key, nil)
		}
		return batch.Set(e.key, e.value, nil)
	})
}
