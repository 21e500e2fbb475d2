package storage

import (
	"bytes"
	"encoding/binary"

	"github.com/tidwall/btree"
)

// overlay holds a commit's writes, sorted, before they reach the store.
//
// Each write has a number, and a cursor sees the writes up to the number at which it
// was opened. An entry that is overwritten while a cursor may still want it
// keeps its former self in older; without open cursors nothing is kept and
// values are overwritten in place.
type overlay struct {
	tree   *btree.BTreeG[item]
	hint   btree.PathHint // sets come mostly in the order of keys
	seq    uint64         // number of the last write
	ranges []rangeDelete
	// grown changes whenever the tree's nodes do, which makes iterators stale.
	grown uint64
	// cursors is how many are open, pinned the number the latest was opened at.
	cursors int
	pinned  uint64
	probe   entry // of the one goroutine that writes
	entries slab
	memory  arena
	size    int // bytes of the keys and values to be written
}

// item is an entry with the beginning of its key in place: most comparisons
// end there, without touching the entry.
type item struct {
	high, low uint64
	entry     *entry
}

// entry is the latest write of a key.
type entry struct {
	key     []byte
	value   []byte
	deleted bool
	seq     uint64
	older   *entry // the write before, where a cursor may want it
}

// rangeDelete hides writes before it and the store's keys in [lower, upper).
type rangeDelete struct {
	lower, upper []byte
	seq          uint64
}

func newOverlay() *overlay {
	return &overlay{tree: btree.NewBTreeGOptions(lessItem, btree.Options{NoLocks: true})}
}

func lessItem(a, b item) bool {
	switch {
	case a.high != b.high:
		return a.high < b.high
	case a.low != b.low:
		return a.low < b.low
	}
	return bytes.Compare(a.entry.key, b.entry.key) < 0
}

// itemOf makes the item of an entry; a short key is padded with zeros, and the
// whole key decides where that makes two alike.
func itemOf(e *entry) item {
	high, low := beginning(e.key)
	return item{high, low, e}
}

// beginning is the first sixteen bytes of a key, as numbers that compare as they do.
func beginning(key []byte) (high, low uint64) {
	if len(key) >= 16 {
		return binary.BigEndian.Uint64(key), binary.BigEndian.Uint64(key[8:])
	}
	var padded [16]byte
	copy(padded[:], key)
	return binary.BigEndian.Uint64(padded[:]), binary.BigEndian.Uint64(padded[8:])
}

// probing makes the item by which a key is searched, until the next search with
// the same probe.
func probing(key []byte, probe *entry) item {
	probe.key = key
	return itemOf(probe)
}

func (o *overlay) find(key []byte, probe *entry) *entry {
	if o.tree.Len() == 0 {
		return nil
	}
	found, ok := o.tree.Get(probing(key, probe))
	if !ok {
		return nil
	}
	return found.entry
}

// touches says whether anything in [lower, upper) may have been written.
func (o *overlay) touches(lower, upper []byte, probe *entry) (touched bool) {
	if len(o.ranges) > 0 {
		return true
	}
	o.tree.Ascend(probing(lower, probe), func(i item) bool {
		touched = upper == nil || bytes.Compare(i.entry.key, upper) < 0
		return false
	})
	return touched
}

// write sets or deletes a key. It copies what it is given.
func (o *overlay) write(key, value []byte, deleted bool) {
	o.seq++
	found, ok := o.tree.GetHint(probing(key, &o.probe), &o.hint)
	if !ok {
		e := o.entries.next()
		*e = entry{key: o.memory.copy(key), value: o.memory.copy(value), deleted: deleted, seq: o.seq}
		o.tree.SetHint(itemOf(e), &o.hint)
		o.grown++
		o.size += len(key) + len(value)
		return
	}
	e := found.entry
	o.size += len(value) - len(e.value)
	if o.cursors > 0 && e.seq <= o.pinned {
		older := o.entries.next()
		*older = *e
		e.older, e.value = older, nil
	}
	if len(value) <= cap(e.value) {
		e.value = append(e.value[:0], value...)
	} else {
		e.value = o.memory.copy(value)
	}
	e.deleted, e.seq = deleted, o.seq
}

func (o *overlay) deleteRange(lower, upper []byte) {
	o.seq++
	o.size += len(lower) + len(upper)
	o.ranges = append(o.ranges, rangeDelete{o.memory.copy(lower), o.memory.copy(upper), o.seq})
}

// hidden finds a range deleted after one write and not after another that
// covers key; nil when there is none.
func (o *overlay) hidden(key []byte, after, upTo uint64) *rangeDelete {
	for i := range o.ranges {
		r := &o.ranges[i]
		if r.seq > after && r.seq <= upTo && contains(r.lower, r.upper, key) {
			return r
		}
	}
	return nil
}

// get says what the pending writes make of a key: set, gone, or, with neither,
// not touched. Several goroutines may ask, each with a probe of its own, while nobody writes.
func (o *overlay) get(key []byte, probe *entry) (value []byte, set, gone bool) {
	e := o.find(key, probe)
	switch {
	case e == nil:
		return nil, false, len(o.ranges) > 0 && o.hidden(key, 0, o.seq) != nil
	case e.deleted || len(o.ranges) > 0 && o.hidden(key, e.seq, o.seq) != nil:
		return nil, false, true
	}
	return e.value, true, false
}

// open pins the current state for a cursor and gives its number.
func (o *overlay) open() uint64 {
	o.cursors++
	o.pinned = o.seq
	return o.seq
}

func (o *overlay) close() {
	if o.cursors--; o.cursors == 0 {
		o.pinned = 0
	}
}

// each visits the latest write of every key in order, but for those that a range
// deleted later covers.
func (o *overlay) each(visit func(e *entry) error) (err error) {
	o.tree.Scan(func(i item) bool {
		if e := i.entry; len(o.ranges) == 0 || o.hidden(e.key, e.seq, o.seq) == nil {
			err = visit(e)
		}
		return err == nil
	})
	return err
}

// reset forgets everything and keeps the memory for the next commit.
func (o *overlay) reset() {
	o.tree.Clear()
	o.entries.reset()
	o.memory.reset()
	clear(o.ranges)
	*o = overlay{tree: o.tree, ranges: o.ranges[:0], entries: o.entries, memory: o.memory}
}
