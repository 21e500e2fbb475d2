package postgres

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Bounds of what a spool holds in memory. The buffer is the only one, since
// blocks of transactions never overlap.
const (
	spoolBuffer = 256 << 10
	// knownStarts is how many sub-transactions' beginnings are remembered of
	// each transaction; older ones are found by reading its file.
	knownStarts = 4096
	// mostStreamed is more transactions than a server can have open.
	mostStreamed = 1 << 18
)

// spool keeps the transactions that PostgreSQL streams while they are still in
// progress: a file each, of messages as they came, decoded when the commit
// comes. What has not committed is thus never held in memory, however large,
// and a transaction that is rolled back costs its bytes and nothing else.
//
// A file is a row of records:
//
//	length 4 │ sub-transaction's id 4 │ message without the id, length bytes
//
// A file lives no longer than its connection: whatever was not committed, the
// server sends anew to the next one.
type spool struct {
	dir      string
	streamed map[uint32]*streamed
	block    *streamed // whose messages come now; nil between blocks
	file     *os.File  // of block
	buffer   []byte    // what file lacks
	// overflow is that of the transaction under way that comes as a whole; nil where it has none.
	overflow *overflow
}

// streamed is one transaction in progress.
type streamed struct {
	id     uint32
	size   int64      // of its file, with what lies in the buffer
	starts []subStart // by place
	// The first records of sub-transactions that are no longer among starts lie
	// between these two places.
	forgottenFrom, forgottenTo int64
	newest                     uint32 // of the ids that came, the transaction's own among them
}

// subStart is where the first record of a sub-transaction lies.
type subStart struct {
	id uint32
	at int64
	// maybe says that an earlier one may be among the forgotten.
	maybe bool
}

// spoolError is a file of the spool that cannot be written or read.
func spoolError(doing, dir string, cause error) error {
	var path *fs.PathError
	if errors.As(cause, &path) {
		cause = path.Err // the path is said by us
	}
	return pass(codeSpool, fmt.Sprintf("cannot %s a transaction in progress in %s: %v", doing, dir, cause),
		"make room in that folder, or make it writable; the source tries again by itself")
}

const spoolEnding = ".stream"

// openSpool makes a spool in a folder that is its own, and removes what an
// earlier one left there.
func openSpool(dir string) (*spool, error) {
	s := &spool{dir: dir, streamed: make(map[uint32]*streamed)}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, spoolError("keep", dir, err)
	}
	return s, s.clear()
}

// clear removes every file of the spool.
func (s *spool) clear() error {
	left, err := filepath.Glob(filepath.Join(globLiteral(s.dir), "*"+spoolEnding))
	for _, path := range left {
		err = errors.Join(err, os.Remove(path))
	}
	if err != nil {
		return spoolError("remove", s.dir, err)
	}
	return nil
}

// globLiteral is a folder's name that filepath.Glob takes as it is.
func globLiteral(dir string) string {
	return strings.NewReplacer(`\`, `\\`, `[`, `\[`, `*`, `\*`, `?`, `\?`).Replace(dir)
}

// close ends the spool and removes its files.
func (s *spool) close() error {
	if s.file != nil {
		s.file.Close() // it is removed in any case
		s.file, s.block = nil, nil
	}
	s.dropOverflow()
	clear(s.streamed)
	return s.clear()
}

func (s *spool) path(t *streamed) string {
	return filepath.Join(s.dir, fmt.Sprintf("%d%s", t.id, spoolEnding))
}

// begin begins a block of a transaction, the first one where first is set.
func (s *spool) begin(id uint32, first bool) error {
	t := s.streamed[id]
	switch {
	case s.block != nil:
		return disorder("a block of transaction %d within one of %d", id, s.block.id)
	case first != (t == nil):
		return disorder("a block of transaction %d that is first: %t, known: %t", id, first, t != nil)
	case first && len(s.streamed) >= mostStreamed:
		return disorder("%d transactions in progress at once", len(s.streamed))
	case first:
		t = &streamed{id: id, newest: id}
		s.streamed[id] = t
	}
	s.block = t
	return nil
}

// add keeps a message of the block's transaction, whose kind comes first and
// whose id has been taken out.
func (s *spool) add(sub uint32, kind byte, rest []byte) error {
	t := s.block
	if sub != t.id {
		t.remember(sub)
	}
	s.buffer = binary.BigEndian.AppendUint32(s.buffer, uint32(1+len(rest)))
	s.buffer = binary.BigEndian.AppendUint32(s.buffer, sub)
	s.buffer = append(append(s.buffer, kind), rest...)
	t.size += int64(recordHead + 1 + len(rest))
	if len(s.buffer) < spoolBuffer {
		return nil
	}
	return s.flush()
}

const recordHead = 4 + 4

// remember notes where a sub-transaction begins. Ids are given out in rising
// order (they wrap round), so that most are known to be new at once.
func (t *streamed) remember(sub uint32) {
	isNew := int32(sub-t.newest) > 0
	if isNew {
		t.newest = sub
	} else if t.known(sub) != nil {
		return
	}
	if len(t.starts) == knownStarts {
		const half = knownStarts / 2
		if t.forgottenTo == 0 {
			t.forgottenFrom = t.starts[0].at
		}
		t.forgottenTo = t.starts[half].at
		t.starts = t.starts[:copy(t.starts, t.starts[half:])]
	}
	t.starts = append(t.starts, subStart{id: sub, at: t.size, maybe: !isNew && t.forgottenTo > 0})
}

// known finds a sub-transaction among starts; the last ones are asked for most.
func (t *streamed) known(sub uint32) *subStart {
	for i := len(t.starts) - 1; i >= 0; i-- {
		if t.starts[i].id == sub {
			return &t.starts[i]
		}
	}
	return nil
}

// flush writes the buffer to the block's file.
func (s *spool) flush() (err error) {
	if s.file == nil {
		s.file, err = os.OpenFile(s.path(s.block), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	}
	if err == nil {
		_, err = s.file.Write(s.buffer)
	}
	if err != nil {
		return spoolError("keep", s.dir, err)
	}
	if s.buffer = s.buffer[:0]; cap(s.buffer) > 2*spoolBuffer {
		s.buffer = nil // a huge row has made it so
	}
	return nil
}

// end ends a block.
func (s *spool) end() error {
	if s.block == nil {
		return disorder("the end of a block that did not begin")
	}
	var err error
	if len(s.buffer) > 0 {
		err = s.flush()
	}
	if s.file != nil {
		if closed := s.file.Close(); closed != nil && err == nil {
			err = spoolError("keep", s.dir, closed)
		}
	}
	s.file, s.block = nil, nil
	return err
}

// abort drops a transaction that was rolled back, or what one of its
// sub-transactions did. One that is not known is no error: a server may tell of
// the end of a transaction of which it had sent nothing.
func (s *spool) abort(id, sub uint32) error {
	t := s.streamed[id]
	switch {
	case s.block != nil:
		return disorder("transaction %d is rolled back within a block of %d", id, s.block.id)
	case t == nil:
		return nil
	case id == sub:
		return s.remove(t)
	}
	at, err := s.start(t, sub)
	if err != nil || at == t.size {
		return err
	}
	// All that a session does from a sub-transaction's beginning to its rollback
	// belongs to it or to one within it, so that its end can be cut off.
	if err := os.Truncate(s.path(t), at); err != nil {
		return spoolError("keep", s.dir, err)
	}
	t.cut(at)
	return nil
}

// cut forgets what lies at a place and after it.
func (t *streamed) cut(at int64) {
	t.size = at
	for len(t.starts) > 0 && t.starts[len(t.starts)-1].at >= at {
		t.starts = t.starts[:len(t.starts)-1]
	}
	if t.forgottenTo = min(t.forgottenTo, at); t.forgottenTo <= t.forgottenFrom {
		t.forgottenFrom, t.forgottenTo = 0, 0
	}
}

// start finds the first record of a sub-transaction; the size where there is none.
func (s *spool) start(t *streamed, sub uint32) (int64, error) {
	found := t.size
	if known := t.known(sub); known != nil {
		found = known.at
		if !known.maybe {
			return found, nil
		}
	}
	err := s.read(t, t.forgottenFrom, t.forgottenTo, func(at int64, of uint32, _ []byte) (bool, error) {
		if of == sub {
			found = at
		}
		return of != sub, nil
	})
	return found, err
}

// commit gives every message of a transaction that has committed, in order, and
// forgets it. A message lives until the next.
func (s *spool) commit(id uint32, take func(message []byte) error) error {
	t := s.streamed[id]
	if s.block != nil || t == nil {
		return disorder("a commit of transaction %d, known: %t, within a block: %t", id, t != nil, s.block != nil)
	}
	err := s.read(t, 0, t.size, func(_ int64, _ uint32, message []byte) (bool, error) { return true, take(message) })
	if err != nil {
		return err
	}
	return s.remove(t)
}

// read visits the records of a transaction between the places of two.
func (s *spool) read(t *streamed, from, end int64, visit func(at int64, sub uint32, message []byte) (more bool, err error)) error {
	if from >= end {
		return nil
	}
	file, err := os.Open(s.path(t))
	if err != nil {
		return spoolError("read", s.dir, err)
	}
	defer file.Close()
	return readRecords(file, s.dir, from, end, visit)
}

func (s *spool) remove(t *streamed) error {
	delete(s.streamed, t.id)
	if err := os.Remove(s.path(t)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return spoolError("remove", s.dir, err)
	}
	return nil
}
