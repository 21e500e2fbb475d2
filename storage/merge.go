package storage

import (
	"bytes"

	"github.com/tidwall/btree"
)

// mergeCursor walks the store and a commit's pending writes as one sequence; in a fork the
// store is that under what the fork's commit has written.
// Both sides stand at their next key that is not less than the current one;
// where they stand at the same key, the pending write wins.
type mergeCursor struct {
	before       *before
	overlay      *overlay
	frozen       bool // nobody writes to the overlay, and others read it too
	lower, upper []byte
	seq          uint64 // it sees the writes up to this one
	probe        entry

	it      iterator // nil once closed
	stored  bool     // it stands at a key
	iter    btree.IterG[item]
	grown   uint64 // of the overlay when iter was positioned
	pending entry  // a copy of the visible write that the overlay's side stands at
	ahead   bool   // it stands at one
	latest  *entry // the tree's entry for it, from which the walk goes on

	started     bool
	fromPending bool // the current key is the pending one
	valid       bool
	err         error
}

// merge gives a cursor over what the commit sees. Of the two overlays of a fork a range
// has seldom more than one.
func (c *Commit) merge(lower, upper []byte) *mergeCursor {
	it, err := c.under.take(lower, upper)
	if c.base == nil || !c.base.touches(lower, upper, &c.probe) {
		return c.mergeOwn(it, err, lower, upper)
	}
	below := newMergeCursor(c.under, c.base, lower, upper)
	below.frozen, below.seq = true, c.base.seq
	below.it, below.err = it, err
	if err != nil || !c.pending.touches(lower, upper, &c.probe) {
		return below
	}
	return c.mergeOwn(mergedIterator{below}, nil, lower, upper)
}

func (c *Commit) mergeOwn(it iterator, err error, lower, upper []byte) *mergeCursor {
	m := newMergeCursor(c.under, c.pending, lower, upper)
	if m.it, m.err = it, err; err != nil {
		m.it = nil
		return m
	}
	m.seq = c.pending.open()
	return m
}

// mergedIterator is a merged cursor as what lies under another.
type mergedIterator struct{ *mergeCursor }

func (i mergedIterator) First() bool      { return i.SeekGE(i.lower) }
func (i mergedIterator) NextPrefix() bool { return i.Next() }
func (i mergedIterator) Error() error     { return i.err }

func (i mergedIterator) ValueAndErr() ([]byte, error) { return i.Value(), i.err }

func newMergeCursor(under *before, o *overlay, lower, upper []byte) *mergeCursor {
	m := &mergeCursor{before: under, overlay: o}
	bounds := make([]byte, 0, len(lower)+len(upper))
	bounds = append(append(bounds, lower...), upper...)
	m.lower = bounds[:len(lower):len(lower)]
	if upper != nil {
		m.upper = bounds[len(lower):]
	}
	return m
}

func (m *mergeCursor) Next() bool {
	switch {
	case m.it == nil || m.err != nil:
		return false
	case !m.started:
		return m.SeekGE(m.lower)
	case !m.valid:
		return false
	}
	sameKey := m.fromPending && m.stored && bytes.Equal(m.it.Key(), m.pending.key)
	if !m.fromPending || sameKey { // NextPrefix: see storeCursor
		m.stored = m.it.NextPrefix()
	}
	if m.fromPending {
		m.advancePending()
	}
	return m.settle()
}

func (m *mergeCursor) SeekGE(key []byte) bool {
	if m.it == nil || m.err != nil {
		return false
	}
	m.started = true
	m.before.stats.Seeks++
	if bytes.Compare(key, m.lower) < 0 {
		key = m.lower
	}
	m.stored = seek(m.it, key)
	m.seekPending(key, false)
	return m.settle()
}

// settle finds the next key that is to be seen, from where both sides stand.
func (m *mergeCursor) settle() bool {
	for {
		m.skipHidden()
		order := -1 // of the store's key to the pending one
		switch {
		case !m.stored && !m.ahead:
			return m.finish()
		case !m.stored:
			order = 1
		case m.ahead:
			order = bytes.Compare(m.it.Key(), m.pending.key)
		}
		if order < 0 || !m.pending.deleted {
			m.fromPending, m.valid = order >= 0, true
			m.before.stats.Nexts++
			return true
		}
		if order == 0 {
			m.stored = m.it.NextPrefix()
		}
		m.advancePending()
	}
}

// finish ends the walk, or a part of it: SeekGE may go back.
func (m *mergeCursor) finish() bool {
	m.valid = false
	if err := m.it.Error(); err != nil {
		m.err = m.before.store.store.failure("scan store", err)
	}
	return false
}

// skipHidden moves the store's side past ranges that the commit deleted.
func (m *mergeCursor) skipHidden() {
	o := m.overlay
	for m.stored && len(o.ranges) > 0 {
		r := o.hidden(m.it.Key(), 0, m.seq)
		if r == nil {
			return
		}
		m.stored = m.it.SeekGE(r.upper)
	}
}

func (m *mergeCursor) advancePending() {
	if m.grown != m.overlay.grown {
		m.seekPending(m.latest.key, true)
		return
	}
	m.showPending(m.iter.Next())
}

// seekPending positions the overlay's side at the first visible write from key
// on, or after it.
func (m *mergeCursor) seekPending(key []byte, after bool) {
	o := m.overlay
	m.ahead = false
	if o.tree.Len() == 0 {
		return
	}
	if m.grown != o.grown || !m.seeked() {
		m.iter = o.tree.Iter()
		m.grown = o.grown
	}
	ok := m.iter.Seek(probing(key, &m.probe))
	if ok && after && bytes.Equal(m.iter.Item().entry.key, key) {
		ok = m.iter.Next()
	}
	m.showPending(ok)
}

func (m *mergeCursor) seeked() bool { return m.latest != nil }

// showPending takes the write that the tree's iterator stands at, or the next
// one that this cursor sees.
func (m *mergeCursor) showPending(ok bool) {
	o := m.overlay
	m.ahead = false
	for ; ok; ok = m.iter.Next() {
		e := m.iter.Item().entry
		m.latest = e
		if m.upper != nil && bytes.Compare(e.key, m.upper) >= 0 {
			return
		}
		for e != nil && e.seq > m.seq {
			e = e.older
		}
		if e != nil && (len(o.ranges) == 0 || o.hidden(e.key, e.seq, m.seq) == nil) {
			m.pending, m.ahead = *e, true
			return
		}
	}
}

func (m *mergeCursor) Key() []byte {
	switch {
	case !m.valid || m.it == nil:
		return nil
	case m.fromPending:
		return m.pending.key
	}
	return m.it.Key()
}

func (m *mergeCursor) Value() []byte {
	switch {
	case !m.valid || m.it == nil:
		return nil
	case m.fromPending:
		return m.pending.value
	}
	value, err := m.it.ValueAndErr()
	if err != nil && m.err == nil {
		m.err = m.before.store.store.failure("scan store", err)
	}
	return value
}

func (m *mergeCursor) Err() error { return m.err }

func (m *mergeCursor) Close() error {
	if m.it == nil {
		return m.err
	}
	if err := m.giveBack(); m.err == nil {
		m.err = err
	}
	m.it, m.valid = nil, false
	if !m.frozen {
		m.overlay.close()
	}
	return m.err
}

func (m *mergeCursor) giveBack() error {
	if below, ok := m.it.(mergedIterator); ok {
		return below.Close()
	}
	return m.before.give(m.it)
}
