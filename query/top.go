package query

import (
	"bytes"
	"container/heap"
	"slices"
)

// top keeps the first rows of an order, of any number of rows that are offered,
// by their sort keys. Its memory is bounded by the request's limits.
type top struct {
	limits Limits
	keep   int // how many, -1 for all
	bytes  int
	rows   []sorted
	full   bool // rows is a heap, the last one in front
}

// sorted is a row by its sort key, of which the end from path on finds it.
type sorted struct {
	key  []byte
	path int
}

// sortOverhead is what a kept row takes beside its key.
const sortOverhead = 64

func (t *top) Len() int           { return len(t.rows) }
func (t *top) Less(i, j int) bool { return bytes.Compare(t.rows[i].key, t.rows[j].key) > 0 }
func (t *top) Swap(i, j int)      { t.rows[i], t.rows[j] = t.rows[j], t.rows[i] }
func (t *top) Push(x any) {
	if row, ok := x.(sorted); ok {
		t.rows = append(t.rows, row)
	}
}

func (t *top) Pop() any {
	last := t.rows[len(t.rows)-1]
	t.rows = t.rows[:len(t.rows)-1]
	return last
}

// offer copies the key of a row that is among the first so far.
func (t *top) offer(key []byte, path int) *Error {
	switch {
	case t.keep == 0:
		return nil
	case len(t.rows) == t.keep:
		if !t.full {
			heap.Init(t)
			t.full = true
		}
		first := &t.rows[0]
		if bytes.Compare(key, first.key) >= 0 {
			return nil
		}
		t.bytes += len(key) - len(first.key)
		first.key, first.path = append(first.key[:0], key...), path
		heap.Fix(t, 0)
	default:
		t.bytes += len(key) + sortOverhead
		t.rows = append(t.rows, sorted{key: bytes.Clone(key), path: path})
	}
	if t.bytes > t.limits.Sort {
		return failure(TooComplex, "ask for fewer with first or limit and go on with after instead of offset, or declare an index in this order",
			"sorting takes more than %d bytes", t.limits.Sort)
	}
	return nil
}

// sort gives the rows in their order.
func (t *top) sort() []sorted {
	slices.SortFunc(t.rows, func(a, b sorted) int { return bytes.Compare(a.key, b.key) })
	return t.rows
}
