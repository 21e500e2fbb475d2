package postgres

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
)

// The messages of pgoutput by their first byte. Those of two-phase commit are
// not among them: we leave it off, so that a prepared transaction comes as a
// whole when it is committed.
const (
	messageBegin    = 'B'
	messageCommit   = 'C'
	messageRelation = 'R'
	messageType     = 'Y'
	messageOrigin   = 'O'
	messageInsert   = 'I'
	messageUpdate   = 'U'
	messageDelete   = 'D'
	messageTruncate = 'T'
	messageLogical  = 'M'

	// Of transactions in progress, since protocol version 2. Between start and
	// stop, the messages that change rows have the id of their transaction or
	// sub-transaction after their first byte.
	messageStreamStart  = 'S'
	messageStreamStop   = 'E'
	messageStreamCommit = 'c'
	messageStreamAbort  = 'A'
)

// The kinds of cells of a tuple.
const (
	cellNull      = 'n'
	cellUnchanged = 'u'
	cellText      = 't'
)

var errTruncated = errors.New("message ends too early")

// cell is one column of a tuple; data aliases the message.
type cell struct {
	kind byte
	data []byte
}

// message is one decoded pgoutput message. It is reused: everything in it
// lives until the next decode, and cells alias the bytes decoded.
type message struct {
	kind byte
	// Begin: where the commit record lies. Commit and StreamCommit: the same,
	// and end, the position just after it. All: the commit's time, microseconds
	// since 2000.
	final, end uint64
	time       int64
	// StreamStart, StreamCommit, StreamAbort: the transaction. StreamAbort: what
	// was rolled back, the transaction itself or one within it. StreamStart:
	// whether it is the first of its blocks.
	id, sub uint32
	first   bool
	// Insert, Update, Delete: the relation's oid and the tuples. oldKind is
	// 'K' where old holds the key alone, 'O' where it is whole, 0 where there
	// is none.
	relation uint32
	oldKind  byte
	old, new []cell
	truncate []uint32
	// described is set by Relation alone and not reused.
	described *describedRelation
}

// describedRelation is what a Relation message says of a table.
type describedRelation struct {
	oid             uint32
	namespace, name string
	identity        byte
	columns         []describedColumn
}

type describedColumn struct {
	name     string
	key      bool
	typeOID  uint32
	modifier int32
}

// reader takes a message apart. The first read past its end makes it failed,
// and every read after that gives zero.
type reader struct {
	rest   []byte
	failed bool
}

func (r *reader) take(n int) []byte {
	if n < 0 || n > len(r.rest) {
		r.failed = true
		r.rest = nil
		return nil
	}
	b := r.rest[:n:n]
	r.rest = r.rest[n:]
	return b
}

func (r *reader) byte() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) uint16() uint16 {
	if b := r.take(2); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

func (r *reader) uint32() uint32 {
	if b := r.take(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

func (r *reader) uint64() uint64 {
	if b := r.take(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

// text reads a string up to its terminating zero.
func (r *reader) text() string {
	end := bytes.IndexByte(r.rest, 0)
	if end < 0 {
		r.take(len(r.rest) + 1)
		return ""
	}
	s := string(r.rest[:end])
	r.rest = r.rest[end+1:]
	return s
}

// tuple reads a tuple's cells into dst. Each cell takes a byte at least, so
// that dst cannot outgrow the message.
func (r *reader) tuple(dst []cell) []cell {
	dst = dst[:0]
	for n := int(r.uint16()); n > 0 && !r.failed; n-- {
		c := cell{kind: r.byte()}
		switch c.kind {
		case cellNull, cellUnchanged:
		case cellText:
			c.data = r.take(int(int32(r.uint32())))
		default:
			r.failed = true
		}
		dst = append(dst, c)
	}
	return dst
}

// decode reads one pgoutput message into m. A message that this protocol
// version does not know is an error: skipping it could lose a change.
func (m *message) decode(data []byte) error {
	r := reader{rest: data}
	m.kind, m.oldKind = r.byte(), 0
	m.old, m.new, m.truncate, m.described = m.old[:0], m.new[:0], m.truncate[:0], nil
	switch m.kind {
	case messageRelation:
		m.described = r.relation()
	case messageInsert, messageUpdate, messageDelete:
		m.row(&r)
	case messageTruncate:
		m.truncated(&r)
	case messageBegin, messageCommit, messageStreamStart, messageStreamStop, messageStreamCommit, messageStreamAbort:
		m.boundary(&r)
	case messageType, messageOrigin, messageLogical:
		m.skip(&r)
	default:
		return fmt.Errorf("unknown pgoutput message %q", m.kind)
	}
	if r.failed {
		return fmt.Errorf("pgoutput message %q: %w", m.kind, errTruncated)
	}
	if len(r.rest) != 0 {
		return fmt.Errorf("pgoutput message %q: %d bytes too many", m.kind, len(r.rest))
	}
	return nil
}

func (m *message) row(r *reader) {
	m.relation = r.uint32()
	switch m.kind {
	case messageInsert:
		m.newTuple(r, r.byte())
	case messageUpdate:
		m.newTuple(r, m.oldTuple(r, r.byte()))
	case messageDelete:
		if tag := r.byte(); tag != 'K' && tag != 'O' {
			r.failed = true
		} else {
			m.oldKind, m.old = tag, r.tuple(m.old)
		}
	}
}

// boundary reads where a transaction, or a block of one in progress, begins or ends.
func (m *message) boundary(r *reader) {
	switch m.kind {
	case messageBegin:
		m.final, m.time = r.uint64(), int64(r.uint64())
		r.uint32() // the transaction's id
	case messageStreamStart:
		m.id, m.first = r.uint32(), r.byte() != 0
	case messageStreamAbort:
		m.id, m.sub = r.uint32(), r.uint32()
		if len(r.rest) > 0 { // told to those who apply in parallel
			r.uint64()
			r.uint64()
		}
	case messageStreamCommit:
		m.id = r.uint32()
		fallthrough
	case messageCommit:
		r.byte() // flags, unused
		m.final, m.end, m.time = r.uint64(), r.uint64(), int64(r.uint64())
	}
}

// skip reads what changes no row.
func (m *message) skip(r *reader) {
	switch m.kind {
	case messageType:
		r.uint32()
		r.text()
		r.text()
	case messageOrigin:
		r.uint64()
		r.text()
	case messageLogical:
		r.byte()
		r.uint64()
		r.text()
		r.take(int(int32(r.uint32())))
	}
}

// oldTuple reads an update's old tuple where there is one and gives the tag
// that follows it.
func (m *message) oldTuple(r *reader, tag byte) byte {
	if tag != 'K' && tag != 'O' {
		return tag
	}
	m.oldKind, m.old = tag, r.tuple(m.old)
	return r.byte()
}

func (m *message) newTuple(r *reader, tag byte) {
	if tag != 'N' {
		r.failed = true
		return
	}
	m.new = r.tuple(m.new)
}

func (m *message) truncated(r *reader) {
	n := uint64(r.uint32())
	r.byte() // CASCADE, RESTART IDENTITY: the tables are listed anyway
	if n*4 > uint64(len(r.rest)) {
		r.failed = true
		return
	}
	for ; n > 0; n-- {
		m.truncate = append(m.truncate, r.uint32())
	}
}

func (r *reader) relation() *describedRelation {
	d := &describedRelation{oid: r.uint32(), namespace: r.text(), name: r.text(), identity: r.byte()}
	for n := int(r.uint16()); n > 0 && !r.failed; n-- {
		d.columns = append(d.columns, describedColumn{
			key: r.byte()&1 != 0, name: r.text(), typeOID: r.uint32(), modifier: int32(r.uint32()),
		})
	}
	return d
}
