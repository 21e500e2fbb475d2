package query

import (
	"bytes"
	"container/heap"

	"odsd/storage"
	"odsd/storage/encoding"
)

// entry is one document of a search by its sort key, valid until the next one.
type entry struct {
	key  []byte
	path int // where the document's path begins in key
}

// merge gives the documents of several spans in the order of their sort keys. A
// span is not read before its head says that its turn may have come, so those
// that lie one after the other take one cursor together.
type merge struct {
	reader *reader
	search *search
	runs   []*run // a heap by position
	last   *run   // gave the entry before, and must move on
}

func (r *reader) merge(s *search, after []byte) *merge {
	m := &merge{reader: r, search: s}
	for i := range s.spans {
		run := &run{reader: r, search: s, span: &s.spans[i]}
		run.entry.key = run.span.head
		if after != nil {
			tail, over := run.span.tailBehind(after)
			if over {
				continue
			}
			run.tail = tail
		}
		m.runs = append(m.runs, run)
	}
	return m // sorted by head, so a heap
}

func (m *merge) Len() int { return len(m.runs) }
func (m *merge) Less(i, j int) bool {
	return bytes.Compare(m.runs[i].entry.key, m.runs[j].entry.key) < 0
}
func (m *merge) Swap(i, j int) { m.runs[i], m.runs[j] = m.runs[j], m.runs[i] }
func (m *merge) Push(any)      {} // spans are known from the beginning
func (m *merge) Pop() any      { m.runs = m.runs[:len(m.runs)-1]; return nil }

// next gives the next document, nil at the end. What is not in the order asked
// for, to be sorted, comes span by span.
func (m *merge) next() (*entry, *Error) {
	for len(m.runs) > 0 {
		first := m.runs[0]
		if first.ready() && first != m.last {
			m.last = first
			return &first.entry, nil
		}
		m.last = nil
		if err := first.advance(); err != nil {
			return nil, err
		}
		switch {
		case first.done:
			first.release()
			heap.Remove(m, 0)
		case m.search.ordered:
			heap.Fix(m, 0)
		}
	}
	return nil, nil
}

func (m *merge) release() {
	for _, run := range m.runs {
		run.release()
	}
}

// run walks one span in the direction of the search.
type run struct {
	reader *reader
	search *search
	span   *span
	tail   []byte // of the sort key to begin behind; nil: at the beginning
	walk   *rangeWalk
	done   bool
	entry  entry
	buffer []byte // of the entry's key

	// Backward, entries that are equal in all parts come by ascending key all the
	// same, as ties do: ties holds such a group, read backward and given from its end;
	// a larger one is read forward, up to groupEnd, and groupStart tells where the
	// groups before it end.
	ties       [][]byte
	groupStart []byte
	groupEnd   []byte // not nil while a group is read forward
}

// maxTies is how many entries of a group are kept to be given in their order.
const maxTies = 32

func (r *run) ready() bool { return r.walk != nil && !r.done }

func (r *run) release() {
	if r.walk != nil {
		r.reader.giveRange(r.search.index, r.walk)
		r.walk = nil
	}
}

// advance moves to the next entry.
func (r *run) advance() *Error {
	first := r.walk == nil
	if first {
		r.walk = r.reader.takeRange(r.search.index)
	}
	switch {
	case !r.search.backward:
		return r.forward(first)
	case r.search.index < 0:
		return r.rootsBackward(first)
	}
	return r.backward(first)
}

func (r *run) forward(first bool) *Error {
	var err *Error
	if first {
		err = r.walk.seek(r.startForward())
	} else {
		err = r.walk.next()
	}
	if err != nil {
		return err
	}
	if !r.walk.before(r.span.upper) {
		r.done = true
		return nil
	}
	return r.show(r.walk.key)
}

func (r *run) startForward() []byte {
	if r.tail == nil {
		return r.span.lower
	}
	from := append(append(bytes.Clone(r.span.base), r.tail...), 0)
	if bytes.Compare(from, r.span.lower) < 0 {
		return r.span.lower
	}
	return from
}

// show makes the sort key of an entry of an index.
func (r *run) show(key []byte) *Error {
	tail := key[len(r.span.base):]
	parts, err := r.partsOf(tail)
	if err != nil {
		return err
	}
	r.buffer = append(append(r.buffer[:0], r.span.head...), tail...)
	r.entry.key = r.buffer
	r.entry.path = len(r.span.head) + parts
	if r.search.backward {
		invert(r.entry.key[len(r.span.head):r.entry.path])
	}
	return nil
}

// partsOf is how many bytes of a tail the parts take that are not held.
func (r *run) partsOf(tail []byte) (int, *Error) {
	rest := tail
	for _, p := range r.search.free() {
		var problem error
		if rest, problem = encoding.SkipPart(p.kind, p.part, rest); problem != nil {
			return 0, internal(problem)
		}
	}
	return len(tail) - len(rest), nil
}

// invert turns parts into what they are in the opposite order: null's place is
// reversed with the values.
func invert(b []byte) {
	for i := range b {
		b[i] = ^b[i]
	}
}

// backward gives groups of equal parts from the last to the first, each by
// ascending key.
func (r *run) backward(first bool) *Error {
	if first {
		return r.startBackward()
	}
	if r.groupEnd != nil {
		if err := r.walk.next(); err != nil {
			return err
		}
		return r.inGroup()
	}
	if n := len(r.ties); n > 0 {
		key := r.ties[n-1]
		r.ties = r.ties[:n-1]
		return r.show(key)
	}
	return r.gatherGroup()
}

// startBackward goes to the last group, or to the rest of the one that the sort
// key to begin behind is in.
func (r *run) startBackward() *Error {
	if r.tail == nil {
		if err := r.walk.seekBelow(r.span.upper); err != nil {
			return err
		}
		return r.gatherGroup()
	}
	tail := bytes.Clone(r.tail)
	invert(tail)
	parts, err := r.partsOf(tail)
	if err != nil {
		return err
	}
	r.groupStart = append(bytes.Clone(r.span.base), tail[:parts]...)
	if bytes.Compare(r.groupStart, r.span.lower) < 0 || bytes.Compare(r.groupStart, r.span.upper) >= 0 {
		// The filter has no such group; the groups before it may be there.
		if err := r.walk.seekBelow(minKey(r.groupStart, r.span.upper)); err != nil {
			return err
		}
		return r.gatherGroup()
	}
	return r.readGroup(append(append(bytes.Clone(r.groupStart), r.tail[parts:]...), 0))
}

func minKey(a, b []byte) []byte {
	if bytes.Compare(a, b) < 0 {
		return a
	}
	return b
}

// gatherGroup takes the group whose last entry the walk stands at, and leaves the
// walk at the last entry of the group before it.
func (r *run) gatherGroup() *Error {
	if !r.walk.after(r.span.lower) {
		r.done = true
		return nil
	}
	parts, err := r.partsOf(r.walk.key[len(r.span.base):])
	if err != nil {
		return err
	}
	r.groupStart = append(r.groupStart[:0:0], r.walk.key[:len(r.span.base)+parts]...)
	for r.walk.valid && bytes.HasPrefix(r.walk.key, r.groupStart) {
		if len(r.ties) == maxTies {
			r.ties = r.ties[:0]
			return r.readGroup(r.groupStart)
		}
		r.ties = append(r.ties, bytes.Clone(r.walk.key))
		if err := r.walk.prev(); err != nil {
			return err
		}
	}
	key := r.ties[len(r.ties)-1]
	r.ties = r.ties[:len(r.ties)-1]
	return r.show(key)
}

// readGroup reads the group at groupStart forward from a key on.
func (r *run) readGroup(from []byte) *Error {
	r.groupEnd = storage.PrefixEnd(r.groupStart)
	if err := r.walk.seek(from); err != nil {
		return err
	}
	return r.inGroup()
}

// inGroup shows the entry that the walk stands at, or goes to the group before.
func (r *run) inGroup() *Error {
	if r.walk.before(r.groupEnd) {
		return r.show(r.walk.key)
	}
	r.groupEnd = nil
	if err := r.walk.seekBelow(r.groupStart); err != nil {
		return err
	}
	return r.gatherGroup()
}

// rootsBackward gives root rows from the last to the first. What lies below a
// root is passed over by its key.
func (r *run) rootsBackward(first bool) *Error {
	bound := r.span.upper
	switch {
	case !first:
		bound = append(bytes.Clone(r.reader.prefix), r.entry.key[r.entry.path:]...)
	case r.tail != nil:
		tail := bytes.Clone(r.tail)
		invert(tail)
		parts, err := r.partsOf(tail)
		if err != nil {
			return err
		}
		same := append(bytes.Clone(r.span.base), tail[:parts]...)
		if bytes.Compare(same[len(r.reader.prefix):], r.tail[parts:]) > 0 {
			same = append(same, 0) // the row with the same parts comes behind that of another span
		}
		bound = minKey(same, bound)
	}
	if err := r.walk.seekBelow(bound); err != nil {
		return err
	}
	if !r.walk.after(r.span.lower) {
		r.done = true
		return nil
	}
	tail := r.walk.key[len(r.span.base):]
	parts, err := r.partsOf(tail)
	if err != nil {
		return err
	}
	path := r.walk.key[len(r.reader.prefix) : len(r.span.base)+parts]
	r.buffer = append(append(r.buffer[:0], r.span.head...), tail[:parts]...)
	r.entry.path = len(r.buffer)
	invert(r.buffer[len(r.span.head):])
	r.buffer = append(r.buffer, path...)
	r.entry.key = r.buffer
	return nil
}
