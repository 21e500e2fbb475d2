package storage

import (
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// Run is a set of keys that may be too large for memory, in order. It lies outside
// the store, belongs to whoever writes a commit, and is closed before that ends.
type Run struct {
	store *Store
	dir   string
	db    *pebble.DB
	batch *pebble.Batch
}

const (
	runMemTable = 4 << 20
	runBatch    = 1 << 20
)

// NewRun makes an empty run.
func (c *Commit) NewRun() (*Run, error) {
	if c.pending == nil {
		return nil, ErrFinished
	}
	c.runs++
	r := &Run{store: c.store, dir: c.store.fs.PathJoin(c.store.scratchDir(), fmt.Sprintf("run-%d", c.runs))}
	var err error
	if r.db, err = c.store.openScratch(r.dir, runMemTable); err != nil {
		return nil, err
	}
	r.batch = r.db.NewBatch()
	return r, nil
}

// Add puts a key in, which may be there.
func (r *Run) Add(key []byte) error {
	if err := r.batch.Set(key, nil, nil); err != nil {
		return &ScratchError{"write a run of a large commit", err}
	}
	if r.batch.Len() < runBatch {
		return nil
	}
	return r.flush()
}

func (r *Run) flush() error {
	if err := r.batch.Commit(pebble.NoSync); err != nil {
		return &ScratchError{"write a run of a large commit", err}
	}
	r.batch.Reset()
	return nil
}

// Each visits the keys from lower on (nil: all) in order, until visit says that it
// has enough. A key is valid during the visit.
func (r *Run) Each(lower []byte, visit func(key []byte) (more bool, err error)) error {
	if err := r.flush(); err != nil {
		return err
	}
	it, err := r.db.NewIter(&pebble.IterOptions{LowerBound: lower})
	if err != nil {
		return &ScratchError{"read a run of a large commit", err}
	}
	for ok := it.First(); ok; ok = it.Next() {
		more, err := visit(it.Key())
		if err != nil || !more {
			return closeAfter(err, it.Close)
		}
	}
	if err := it.Close(); err != nil {
		return &ScratchError{"read a run of a large commit", err}
	}
	return nil
}

// Close forgets the keys.
func (r *Run) Close() error {
	err := r.batch.Close()
	if closeErr := r.db.Close(); err == nil {
		err = closeErr
	}
	if removeErr := r.store.fs.RemoveAll(r.dir); err == nil {
		err = removeErr
	}
	return err
}
