package storage

import (
	"bytes"
	"sync"

	"github.com/cockroachdb/pebble/v2"
)

// Snapshot is a Reader of the store as it was when the snapshot was taken. It
// serves any number of goroutines, each with cursors of its own.
type Snapshot struct {
	view
	snapshot *pebble.Snapshot
}

// Snapshot takes a snapshot at the latest commit, synced or not.
func (s *Store) Snapshot() *Snapshot {
	snapshot := s.db.NewSnapshot()
	return &Snapshot{view: view{store: s, source: snapshot}, snapshot: snapshot}
}

// Close ends the snapshot.
func (s *Snapshot) Close() error {
	s.drop()
	return s.store.failure("close snapshot of store", s.snapshot.Close())
}

// maxIdle is how many iterators a view keeps for its next cursors.
const maxIdle = 8

// view reads one state of Pebble. Making an iterator costs several short
// scans, so those of closed cursors are kept for the next.
type view struct {
	store  *Store
	source pebble.Reader

	mu     sync.Mutex
	idle   []*pebble.Iterator
	closed bool
}

// Get implements Reader.
func (v *view) Get(key []byte) (value []byte, found bool, err error) {
	stored, closer, err := v.source.Get(key)
	if err == pebble.ErrNotFound {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, v.store.failure("read store", err)
	}
	value = append(make([]byte, 0, len(stored)), stored...)
	return value, true, v.store.failure("read store", closer.Close())
}

// Scan implements Reader.
func (v *view) Scan(lower, upper []byte) Cursor {
	c := v.open(lower, upper)
	return &c
}

// ScanBoth implements TwoWayReader.
func (v *view) ScanBoth(lower, upper []byte) TwoWay {
	c := v.open(lower, upper)
	return &c
}

func (v *view) open(lower, upper []byte) storeCursor {
	it, err := v.take(lower, upper)
	return storeCursor{view: v, it: it, err: err}
}

func (v *view) take(lower, upper []byte) (*pebble.Iterator, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if n := len(v.idle); n > 0 {
		it := v.idle[n-1]
		v.idle = v.idle[:n-1]
		it.SetBounds(lower, upper)
		return it, nil
	}
	it, err := v.source.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
	return it, v.store.failure("scan store", err)
}

// give takes an iterator back.
func (v *view) give(it *pebble.Iterator) error {
	v.mu.Lock()
	keep := !v.closed && len(v.idle) < maxIdle && it.Error() == nil
	if keep {
		v.idle = append(v.idle, it)
	}
	v.mu.Unlock()
	if keep {
		return nil
	}
	return v.store.failure("scan store", it.Close())
}

// drop closes the idle iterators, and those still in use when they are given back.
func (v *view) drop() {
	v.mu.Lock()
	idle := v.idle
	v.idle, v.closed = nil, true
	v.mu.Unlock()
	for _, it := range idle {
		_ = it.Close() // it had no error when it was given back
	}
}

// storeCursor is a Cursor over a view.
type storeCursor struct {
	view    *view
	it      *pebble.Iterator // nil once closed, or when it could not be made
	started bool
	err     error
}

func (c *storeCursor) Next() bool {
	switch {
	case c.it == nil || c.err != nil:
		return false
	case c.started:
		// To Pebble a whole key is a prefix. Next would walk through every version of a key
		// that was overwritten since the last flush, which a hot document's are thousands of.
		return c.moved(c.it.NextPrefix())
	}
	c.started = true
	return c.moved(c.it.First())
}

func (c *storeCursor) SeekGE(key []byte) bool {
	if c.it == nil || c.err != nil {
		return false
	}
	c.started = true
	return c.moved(seek(c.it, key))
}

func (c *storeCursor) Prev() bool {
	switch {
	case c.it == nil || c.err != nil:
		return false
	case c.started:
		return c.moved(c.it.Prev())
	}
	c.started = true
	return c.moved(c.it.Last())
}

func (c *storeCursor) SeekLT(key []byte) bool {
	if c.it == nil || c.err != nil {
		return false
	}
	c.started = true
	return c.moved(c.it.SeekLT(key))
}

// seek moves to the first key not less than key. Pebble wants no empty keys.
func seek(it iterator, key []byte) bool {
	if len(key) == 0 {
		return it.First()
	}
	return it.SeekGE(key)
}

func (c *storeCursor) moved(valid bool) bool {
	if !valid {
		c.fail(c.it.Error())
	}
	return valid
}

func (c *storeCursor) fail(err error) {
	if c.err == nil {
		c.err = c.view.store.failure("scan store", err)
	}
}

func (c *storeCursor) Key() []byte {
	if c.it == nil || !c.it.Valid() {
		return nil
	}
	return c.it.Key()
}

func (c *storeCursor) Value() []byte {
	if c.it == nil || !c.it.Valid() {
		return nil
	}
	value, err := c.it.ValueAndErr()
	c.fail(err)
	return value
}

func (c *storeCursor) Err() error { return c.err }

func (c *storeCursor) Close() error {
	if c.it != nil {
		if err := c.view.give(c.it); c.err == nil {
			c.err = err
		}
		c.it = nil
	}
	return c.err
}

// contains says whether key lies in [lower, upper), a nil upper being the end.
func contains(lower, upper, key []byte) bool {
	return bytes.Compare(lower, key) <= 0 && (upper == nil || bytes.Compare(key, upper) < 0)
}
