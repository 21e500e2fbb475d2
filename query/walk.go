package query

import (
	"bytes"
	"context"
	"fmt"

	"odsd/storage"
)

// meter counts what a request costs and stops it when that is too much.
type meter struct {
	ctx     context.Context
	limits  Limits
	scanned int // keys of the store
	rows    int // looked at, to be tested or sorted or written
	nodes   int // rows of views in the reply
}

// checkEvery is how many keys pass between looks at the context.
const checkEvery = 512

// scan counts a move of a cursor. Each row that is looked at costs a few at most.
func (m *meter) scan() *Error {
	m.scanned++
	if m.scanned%checkEvery == 0 {
		return m.alive()
	}
	return nil
}

// examine counts a row.
func (m *meter) examine() *Error {
	m.rows++
	if m.rows > m.limits.Scan {
		return failure(ScanLimit, "ask for less with first or limit", "the request reads more than %d rows", m.limits.Scan)
	}
	return nil
}

func (m *meter) alive() *Error {
	if err := m.ctx.Err(); err != nil {
		return &Error{Code: Timeout, Message: "the request took too long or was given up", cause: err}
	}
	return nil
}

func (m *meter) node() *Error {
	m.nodes++
	if m.nodes > m.limits.Nodes {
		return failure(TooComplex, "ask for fewer with first or limit, or for less of each", "the reply has more than %d rows", m.limits.Nodes)
	}
	return nil
}

// walk is a cursor that knows where it stands. The executor keeps one
// invariant: every move while it is below an instance goes to a key that is not
// past the instance's end, so a key found at or past that end is the first one
// there, and forward need not move at all.
type walk struct {
	*meter
	cursor storage.Cursor
	key    []byte // where it stands, valid until the next move
	valid  bool
}

func (w *walk) note(moved bool) *Error {
	w.valid = moved
	if moved {
		w.key = w.cursor.Key()
		return w.scan()
	}
	w.key = nil
	if err := w.cursor.Err(); err != nil {
		return internal(fmt.Errorf("reading a view's rows: %w", err))
	}
	return nil
}

func (w *walk) next() *Error { return w.note(w.cursor.Next()) }

// seek moves to the first key at or after target, forwards or backwards.
func (w *walk) seek(target []byte) *Error { return w.note(w.cursor.SeekGE(target)) }

// forward moves to the first key at or after target, given that the walk stands
// at one before it or at the first one after. The next key is often the one.
func (w *walk) forward(target []byte) *Error {
	if !w.valid || bytes.Compare(w.key, target) >= 0 {
		return nil
	}
	if err := w.next(); err != nil || !w.valid || bytes.Compare(w.key, target) >= 0 {
		return err
	}
	return w.seek(target)
}

// find moves to a key that must be there.
func (w *walk) find(key []byte) *Error {
	if w.valid && bytes.Equal(w.key, key) {
		return nil
	}
	if err := w.seek(key); err != nil {
		return err
	}
	if !w.valid || !bytes.Equal(w.key, key) {
		return internal(errLostRow)
	}
	return nil
}

func (w *walk) before(end []byte) bool { return w.valid && bytes.Compare(w.key, end) < 0 }

func (w *walk) within(prefix []byte) bool { return w.valid && bytes.HasPrefix(w.key, prefix) }
