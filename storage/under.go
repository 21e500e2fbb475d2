package storage

import (
	"bytes"

	"github.com/cockroachdb/pebble/v2"
)

// under is one state of Pebble that lies under a commit's writes. A commit reads
// many single keys, mostly in their order within each keyspace: one iterator that
// is kept for each finds them with less work than as many separate reads, since it
// goes on from where it stands, and passes tables by their Bloom filters as those
// do. It serves one goroutine.
type under struct {
	view
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

func (u *under) get(key []byte) (value []byte, found bool, err error) {
	p := u.point(key)
	if p.gets++; p.gets <= fewGets || len(key) < len(keyspace{}) {
		return u.view.Get(key)
	}
	if p.it == nil {
		space := keyspaceOf(key)
		if p.it, err = u.source.NewIter(&pebble.IterOptions{LowerBound: space[:], UpperBound: PrefixEnd(space[:])}); err != nil {
			return nil, false, u.store.failure("read store", err)
		}
	}
	if !p.it.SeekPrefixGE(key) {
		return nil, false, u.store.failure("read store", p.it.Error())
	}
	if !bytes.Equal(p.it.Key(), key) {
		return nil, false, nil
	}
	stored, err := p.it.ValueAndErr()
	if err != nil {
		return nil, false, u.store.failure("read store", err)
	}
	return append(make([]byte, 0, len(stored)), stored...), true, nil
}

func (u *under) point(key []byte) *point {
	space := keyspaceOf(key)
	p := u.points[space]
	if p == nil {
		if u.points == nil {
			u.points = map[keyspace]*point{}
		}
		p = &point{}
		u.points[space] = p
	}
	return p
}

func (u *under) drop() {
	u.view.drop()
	for _, p := range u.points {
		if p.it != nil {
			_ = p.it.Close() // its errors were told by get
		}
	}
	u.points = nil
}
