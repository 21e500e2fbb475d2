package postgres

import (
	"bufio"
	"encoding/binary"
	"io"
	"maps"
	"os"

	"odsd/engine"
)

// largeBytes is how much of a transaction's messages is decoded into memory; what is
// larger stays on disk and is decoded as often as the engine reads it.
const largeBytes = 8 << 20

// arenaChanges is how many changes of a stored transaction share an arena, so that
// what the engine has worked off can be forgotten.
const arenaChanges = 256

// storedChanges are those of a committed transaction that are too many for memory:
// messages in a file, as records of the spool. Each was decoded once when the
// transaction was committed, so that what cannot be read was told then, in the
// stream's order; here it is decoded with the targets of that time.
//
// The file has no name any more, so that nothing is left of it however the daemon ends.
type storedChanges struct {
	dir  string
	file *os.File
	size int64
	// targets are those at the beginning, described those that the messages which
	// describe tables led to, in their order.
	targets   map[uint32]*target
	described []*target
	dropped   map[string]bool // relations of which nothing is delivered any more
	length    int
}

func newStored(dir string, file *os.File, targets map[uint32]*target) *storedChanges {
	return &storedChanges{dir: dir, file: file, targets: maps.Clone(targets), dropped: map[string]bool{}}
}

// Len implements engine.Changes.
func (s *storedChanges) Len() int { return s.length }

// Close implements engine.Changes. A file that is forgotten without it is closed in time.
func (s *storedChanges) Close() error { return s.file.Close() }

// Each implements engine.Changes.
func (s *storedChanges) Each(visit func(engine.Change) error) error {
	a := &assembler{targets: maps.Clone(s.targets), open: true, tx: new(engine.Transaction), arena: new(arena)}
	described, changes := 0, 0
	return readRecords(s.file, s.dir, 0, s.size, func(_ int64, _ uint32, message []byte) (bool, error) {
		m := &a.message
		if err := m.decode(message); err != nil {
			return false, disorder("%v", err)
		}
		switch m.kind {
		case messageRelation:
			a.targets[m.described.oid] = s.described[described]
			described++
			return true, nil
		case messageTruncate:
			if err := a.truncate(); err != nil {
				return false, err
			}
		default:
			if err := a.change(); err != nil {
				return false, err
			}
		}
		for _, change := range a.tx.Changes {
			if s.dropped[change.Relation] {
				continue
			}
			if err := visit(change); err != nil {
				return false, err
			}
		}
		a.tx.Changes = a.tx.Changes[:0]
		if changes++; changes%arenaChanges == 0 {
			a.arena = new(arena)
		}
		return true, nil
	})
}

// readRecords visits the records of a file between the places of two.
func readRecords(file io.ReaderAt, dir string, from, end int64, visit func(at int64, sub uint32, message []byte) (more bool, err error)) error {
	reader := bufio.NewReaderSize(io.NewSectionReader(file, from, end-from), spoolBuffer)
	var head [recordHead]byte
	var message []byte
	for at := from; at < end; {
		if _, err := io.ReadFull(reader, head[:]); err != nil {
			return spoolError("read", dir, err)
		}
		length := int64(binary.BigEndian.Uint32(head[:]))
		if at+recordHead+length > end {
			return spoolError("read", dir, io.ErrUnexpectedEOF)
		}
		if int64(cap(message)) < length {
			message = make([]byte, length)
		}
		message = message[:length]
		if _, err := io.ReadFull(reader, message); err != nil {
			return spoolError("read", dir, err)
		}
		if more, err := visit(at, binary.BigEndian.Uint32(head[4:]), message); err != nil || !more {
			return err
		}
		at += recordHead + length
	}
	return nil
}

// overflow is where the messages of a transaction go that comes as a whole and turns
// out to be large. It is the spool's until it is finished, so that a session that ends in the
// middle gives its room back at once: the next one needs it.
type overflow struct {
	*storedChanges
	writer *bufio.Writer
}

func (s *spool) newOverflow(targets map[uint32]*target) (*overflow, error) {
	file, err := os.CreateTemp(s.dir, "large-*"+spoolEnding)
	if err == nil {
		err = os.Remove(file.Name())
	}
	if err != nil {
		return nil, spoolError("keep", s.dir, err)
	}
	s.overflow = &overflow{newStored(s.dir, file, targets), bufio.NewWriterSize(file, spoolBuffer)}
	return s.overflow, nil
}

// dropOverflow gives up what came of a transaction that did not end.
func (s *spool) dropOverflow() {
	if s.overflow != nil {
		s.overflow.Close() // the file has no name, and nobody reads it
		s.overflow = nil
	}
}

// add keeps a message.
func (o *overflow) add(message []byte) error {
	var head [recordHead]byte
	binary.BigEndian.PutUint32(head[:], uint32(len(message)))
	_, err := o.writer.Write(head[:])
	if err == nil {
		_, err = o.writer.Write(message)
	}
	if err != nil {
		return spoolError("keep", o.dir, err)
	}
	o.size += int64(recordHead + len(message))
	return nil
}

// finishOverflow ends the transaction under way; what was kept is its reader's.
func (s *spool) finishOverflow() error {
	if s.overflow == nil {
		return nil
	}
	if err := s.overflow.writer.Flush(); err != nil {
		return spoolError("keep", s.dir, err)
	}
	s.overflow = nil
	return nil
}

// claim takes a committed transaction out of the spool, whose file lives on without a name.
func (s *spool) claim(id uint32, targets map[uint32]*target) (*storedChanges, error) {
	t := s.streamed[id]
	file, err := os.Open(s.path(t))
	if err != nil {
		return nil, spoolError("read", s.dir, err)
	}
	c := newStored(s.dir, file, targets)
	c.size = t.size
	if err := s.remove(t); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// large says whether a transaction in progress is too large for memory.
func (s *spool) large(id uint32, bound int64) bool {
	t := s.streamed[id]
	return t != nil && s.block == nil && t.size > bound
}
