package storage

import (
	"bytes"

	"github.com/cockroachdb/pebble/v2"
)

// before is a commit's view of the store as it was. A commit reads many single
// keys, mostly in their order: one iterator that is kept finds them with less
// work than as many separate reads, and passes tables by their Bloom filters
// as those do. It serves one goroutine.
type before struct {
	view
	stats *Stats
	gets  int
	point *pebble.Iterator // made for the third key: smaller commits do without
}

// fewGets are cheaper than an iterator.
const fewGets = 2

// Get implements Reader.
func (b *before) Get(key []byte) (value []byte, found bool, err error) {
	b.stats.Gets++
	if b.gets++; b.gets <= fewGets || len(key) == 0 {
		return b.view.Get(key)
	}
	if b.point == nil {
		if b.point, err = b.source.NewIter(nil); err != nil {
			return nil, false, b.store.failure("read store", err)
		}
	}
	if !b.point.SeekPrefixGE(key) {
		return nil, false, b.store.failure("read store", b.point.Error())
	}
	if !bytes.Equal(b.point.Key(), key) {
		return nil, false, nil
	}
	stored, err := b.point.ValueAndErr()
	if err != nil {
		return nil, false, b.store.failure("read store", err)
	}
	return append(make([]byte, 0, len(stored)), stored...), true, nil
}

// Scan implements Reader.
func (b *before) Scan(lower, upper []byte) Cursor {
	return &countingCursor{storeCursor: b.open(lower, upper), stats: b.stats}
}

func (b *before) drop() {
	b.view.drop()
	if b.point != nil {
		_ = b.point.Close() // its errors were told by Get
		b.point = nil
	}
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
