package storage

import (
	"bytes"

	"github.com/cockroachdb/pebble/v2"
)

// before is a commit's view of the store as it was. A commit reads many single
// keys, mostly in their order within each keyspace: one iterator that is kept for
// each finds them with less work than as many separate reads, since it goes on
// from where it stands, and passes tables by their Bloom filters as those do. It
// serves one goroutine.
type before struct {
	view
	stats  *Stats
	points map[keyspace]*point
}

// keyspace is how keys of one relation, index or generation begin. Shorter keys
// are few and read by themselves.
type keyspace [5]byte

func keyspaceOf(key []byte) keyspace {
	var space keyspace
	copy(space[:], key)
	return space
}

// point reads single keys of one keyspace.
type point struct {
	gets int
	it   *pebble.Iterator // made for the third key: smaller commits do without
}

// fewGets are cheaper than an iterator.
const fewGets = 2

// Get implements Reader.
func (b *before) Get(key []byte) (value []byte, found bool, err error) {
	b.stats.Gets++
	p := b.point(key)
	if p.gets++; p.gets <= fewGets || len(key) < len(keyspace{}) {
		return b.view.Get(key)
	}
	if p.it == nil {
		space := keyspaceOf(key)
		if p.it, err = b.source.NewIter(&pebble.IterOptions{LowerBound: space[:], UpperBound: PrefixEnd(space[:])}); err != nil {
			return nil, false, b.store.failure("read store", err)
		}
	}
	if !p.it.SeekPrefixGE(key) {
		return nil, false, b.store.failure("read store", p.it.Error())
	}
	if !bytes.Equal(p.it.Key(), key) {
		return nil, false, nil
	}
	stored, err := p.it.ValueAndErr()
	if err != nil {
		return nil, false, b.store.failure("read store", err)
	}
	return append(make([]byte, 0, len(stored)), stored...), true, nil
}

func (b *before) point(key []byte) *point {
	space := keyspaceOf(key)
	p := b.points[space]
	if p == nil {
		if b.points == nil {
			b.points = map[keyspace]*point{}
		}
		p = &point{}
		b.points[space] = p
	}
	return p
}

// Scan implements Reader.
func (b *before) Scan(lower, upper []byte) Cursor {
	return &countingCursor{storeCursor: b.open(lower, upper), stats: b.stats}
}

func (b *before) drop() {
	b.view.drop()
	for _, p := range b.points {
		if p.it != nil {
			_ = p.it.Close() // its errors were told by Get
		}
	}
	b.points = nil
}

// countingCursor counts what a commit reads of the store before it.
type countingCursor struct {
	storeCursor
	stats *Stats
}

func (c *countingCursor) Next() bool {
	if !c.started {
		c.stats.Seeks++
	}
	return c.count(c.storeCursor.Next())
}

func (c *countingCursor) SeekGE(key []byte) bool {
	c.stats.Seeks++
	return c.count(c.storeCursor.SeekGE(key))
}

func (c *countingCursor) count(moved bool) bool {
	if moved {
		c.stats.Nexts++
	}
	return moved
}
