package postgres

import (
	"unsafe"

	"odsd/storage/relation"
)

// The sizes of an arena's chunks: the first is small, since most transactions
// are, and each next one twice as large.
const (
	firstChunk, largestChunk = 512, 64 << 10
	firstSlab, largestSlab   = 16, 2048
)

// arena holds the bytes and the rows of one transaction or one batch, so that
// each tuple is copied once and a row costs no allocation of its own. What it
// gave away is never written again, so that values may alias it for ever.
type arena struct {
	bytes    []byte
	values   []relation.Value
	nextSize int
	nextSlab int
}

// reserve makes room for n bytes that follow each other and gives the empty
// slice to append to; keep ends the reservation.
func (a *arena) reserve(n int) []byte {
	if cap(a.bytes)-len(a.bytes) < n {
		a.nextSize = min(max(a.nextSize*2, firstChunk), largestChunk)
		a.bytes = make([]byte, 0, max(a.nextSize, n))
	}
	return a.bytes[len(a.bytes):]
}

// keep makes what was appended to a reservation the arena's own and gives it
// as a string that aliases it.
func (a *arena) keep(b []byte) string {
	a.bytes = a.bytes[:len(a.bytes)+len(b)]
	return unsafe.String(unsafe.SliceData(b), len(b))
}

// text copies b into the arena.
func (a *arena) text(b []byte) string {
	return a.keep(append(a.reserve(len(b)), b...))
}

// row gives n null values.
func (a *arena) row(n int) []relation.Value {
	if len(a.values) < n {
		a.nextSlab = min(max(a.nextSlab*2, firstSlab), largestSlab)
		a.values = make([]relation.Value, max(a.nextSlab, n))
	}
	row := a.values[:n:n]
	a.values = a.values[n:]
	return row
}
