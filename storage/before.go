package storage

import "github.com/cockroachdb/pebble/v2"

// before is the state that a commit, or a slice of a large one, is made over: the
// store, under what the slices before this one have written. It serves one goroutine.
type before struct {
	store *under
	stats *Stats
	// layer holds what earlier slices wrote, as of this slice's beginning; nil in
	// the first. hidden are the store's keys that they deleted by ranges.
	layer  *under
	hidden []span
}

// Get implements Reader.
func (b *before) Get(key []byte) (value []byte, found bool, err error) {
	b.stats.Gets++
	if b.layer != nil {
		marker, found, err := b.layer.get(key)
		if err != nil {
			return nil, false, err
		}
		if found {
			value, set := unmark(marker)
			return value, set, nil
		}
		if covering(b.hidden, key) != nil {
			return nil, false, nil
		}
	}
	return b.store.get(key)
}

// Scan implements Reader.
func (b *before) Scan(lower, upper []byte) Cursor {
	it, err := b.take(lower, upper)
	return &countingCursor{before: b, it: it, err: err}
}

func (b *before) take(lower, upper []byte) (iterator, error) {
	store, err := b.store.take(lower, upper)
	if err != nil {
		return nil, err
	}
	if b.layer == nil {
		return store, nil
	}
	layer, err := b.layer.take(lower, upper)
	if err != nil {
		return nil, closeAfter(err, func() error { return b.store.give(store) })
	}
	return &layeredIterator{layer: layer, store: store, hidden: b.hidden}, nil
}

func (b *before) give(it iterator) error {
	layered, ok := it.(*layeredIterator)
	if !ok {
		return b.store.give(it.(*pebble.Iterator))
	}
	err := b.layer.give(layered.layer)
	if storeErr := b.store.give(layered.store); err == nil {
		err = storeErr
	}
	return err
}

// iterator is what cursors of a commit need of the state under it: the methods
// of Pebble's iterators, which say what they do.
type iterator interface {
	First() bool
	SeekGE(key []byte) bool
	NextPrefix() bool
	Key() []byte
	ValueAndErr() ([]byte, error)
	Error() error
}

// countingCursor reads the state before a commit and counts what it reads.
type countingCursor struct {
	before  *before
	it      iterator // nil once closed, or when it could not be made
	started bool
	valid   bool
	err     error
}

func (c *countingCursor) Next() bool {
	switch {
	case c.it == nil || c.err != nil:
		return false
	case c.started: // NextPrefix: see storeCursor
		return c.moved(c.it.NextPrefix())
	}
	c.started = true
	c.before.stats.Seeks++
	return c.moved(c.it.First())
}

func (c *countingCursor) SeekGE(key []byte) bool {
	if c.it == nil || c.err != nil {
		return false
	}
	c.started = true
	c.before.stats.Seeks++
	return c.moved(seek(c.it, key))
}

func (c *countingCursor) moved(valid bool) bool {
	if c.valid = valid; valid {
		c.before.stats.Nexts++
	} else {
		c.fail(c.it.Error())
	}
	return valid
}

func (c *countingCursor) fail(err error) {
	if c.err == nil {
		c.err = c.before.store.store.failure("scan store", err)
	}
}

func (c *countingCursor) Key() []byte {
	if !c.valid || c.it == nil {
		return nil
	}
	return c.it.Key()
}

func (c *countingCursor) Value() []byte {
	if !c.valid || c.it == nil {
		return nil
	}
	value, err := c.it.ValueAndErr()
	c.fail(err)
	return value
}

func (c *countingCursor) Err() error { return c.err }

func (c *countingCursor) Close() error {
	if c.it != nil {
		if err := c.before.give(c.it); c.err == nil {
			c.err = err
		}
		c.it = nil
	}
	return c.err
}
