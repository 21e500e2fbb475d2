package storage

import "errors"

// Fork gives another commit over the state that this one has now, for a goroutine of its
// own: it reads what c has written, and keeps to itself what it writes until c.Join takes that
// in. While any fork reads or writes, c itself is not used, nor joined with another. No two forks may write to the same key or delete
// a range that the other writes in: they do not see each other, and Join asks nobody. Of a
// commit in slices there are no forks.
func (c *Commit) Fork() *Commit {
	f := &Commit{store: c.store, pending: c.store.spareOverlay(), base: c.pending}
	f.before = &before{store: &under{view: view{store: c.store, source: c.store.db}}, stats: &f.stats}
	f.under = f.before
	return f
}

// errForked tells of a mistake of a caller.
var errForked = errors.New("a fork of a commit has no slices")

// CanFork says whether the commit can be forked now.
func (c *Commit) CanFork() bool { return c.pending != nil && c.layer == nil && c.base == nil }

// Join takes in what a fork has written and counted, and ends the fork.
func (c *Commit) Join(f *Commit) {
	for _, r := range f.pending.ranges {
		c.pending.deleteRange(r.lower, r.upper)
	}
	_ = f.pending.each(func(e *entry) error {
		c.pending.write(e.key, e.value, e.deleted)
		return nil
	})
	c.stats.add(f.stats)
	f.leave()
}

// leave ends a fork, joined or given up.
func (f *Commit) leave() {
	f.newOverlay()
	f.store.spare = append(f.store.spare, f.pending)
	f.pending = nil
	f.before.store.drop()
}

// spareOverlay gives the memory of a fork that has ended, or new memory.
func (s *Store) spareOverlay() *overlay {
	n := len(s.spare)
	if n == 0 {
		return newOverlay()
	}
	o := s.spare[n-1]
	s.spare = s.spare[:n-1]
	return o
}

// written says what the commit, or else the one that it is a fork of, made of a key.
func (c *Commit) written(key []byte) (value []byte, set, gone bool) {
	value, set, gone = c.pending.get(key, &c.probe)
	if set || gone || c.base == nil {
		return value, set, gone
	}
	return c.base.get(key, &c.probe)
}
