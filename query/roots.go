package query

import (
	"bytes"

	"odsd/storage"
)

// search is a list's way through a view's documents: an access with its tests
// compiled.
type search struct {
	*access
	spans []span
	test  test // nil: all
}

func (r *reader) search(a *access) *search {
	s := &search{access: a, spans: a.spans(r.served.Generation)}
	if rest := conjunction(a.rest); rest != nil {
		s.test = r.compileTest(r.view.nodes[0], rest)
	}
	return s
}

// finding is told a document's sort key, and where in it the path begins; false
// ends the search.
type finding func(key []byte, path int) (bool, *Error)

// documents visits what a search finds behind a sort key (nil: all), until visit
// says no. The reader's root is then the key of the document; with row set, or
// where rows are tested, its cursor stands at the row.
func (r *reader) documents(s *search, after []byte, row bool, visit finding) *Error {
	if s.index >= 0 || s.backward {
		return r.ranged(s, after, row || s.test != nil, visit)
	}
	for i := range s.spans {
		from, over := s.spans[i].startOfRows(after)
		if over {
			continue
		}
		if more, err := r.rootRows(s, &s.spans[i], from, visit); err != nil || !more {
			return err
		}
	}
	return nil
}

// startOfRows is the first key of the span's root rows behind a sort key.
func (s *span) startOfRows(after []byte) (from []byte, over bool) {
	if after == nil {
		return s.lower, false
	}
	tail, over := s.tailBehind(after)
	if over || tail == nil {
		return s.lower, over
	}
	from = append(append(bytes.Clone(s.base), tail...), endOfInstance)
	if bytes.Compare(from, s.lower) < 0 {
		return s.lower, false
	}
	return from, false
}

// rootRows visits the documents of a span in the order of their keys. more is
// false where visit wants no more.
func (r *reader) rootRows(s *search, in *span, from []byte, visit finding) (more bool, err *Error) {
	l := r.level(0)
	if err := r.rows.seek(from); err != nil {
		return false, err
	}
	for r.rows.before(in.upper) {
		if err := r.examine(); err != nil {
			return false, err
		}
		r.root = append(r.root[:0], r.rows.key...)
		keep, err := r.meets(s.test)
		if err != nil {
			return false, err
		}
		if keep {
			if more, err := visit(r.root[len(r.prefix):], 0); err != nil || !more {
				return false, err
			}
		}
		l.end = append(append(l.end[:0], r.root...), endOfInstance)
		if err := r.rows.forward(l.end); err != nil {
			return false, err
		}
	}
	return true, nil
}

// ranged visits documents by the entries of an index, or the root rows read
// backward, of all spans as one sequence.
func (r *reader) ranged(s *search, after []byte, row bool, visit finding) *Error {
	m := r.merge(s, after)
	defer m.release()
	for {
		e, err := m.next()
		if err != nil || e == nil {
			return err
		}
		if err := r.examine(); err != nil {
			return err
		}
		r.root = append(append(r.root[:0], r.prefix...), e.key[e.path:]...)
		if row {
			if err := r.rows.find(r.root); err != nil {
				return err
			}
		}
		keep, err := r.meets(s.test)
		if err != nil {
			return err
		}
		if keep {
			if more, err := visit(e.key, e.path); err != nil || !more {
				return err
			}
		}
	}
}

// meets tests the root row at which the cursor stands.
func (r *reader) meets(t test) (bool, *Error) {
	if t == nil {
		return true, nil
	}
	found := t(r.rows.cursor.Value(), r.root)
	return found == yes && r.failed == nil, r.failed
}

// rangeWalk is a walk in both directions over an index of the view, or over its
// root rows.
type rangeWalk struct {
	walk
	both storage.TwoWay
}

func (w *rangeWalk) prev() *Error { return w.note(w.both.Prev()) }

// seekBelow moves to the last key before a bound.
func (w *rangeWalk) seekBelow(bound []byte) *Error { return w.note(w.both.SeekLT(bound)) }

// after says whether the walk stands at a key that is not before a bound.
func (w *rangeWalk) after(bound []byte) bool { return w.valid && bytes.Compare(w.key, bound) >= 0 }

// takeRange gives a walk over an index, one that was given back if there is one.
func (r *reader) takeRange(index int) *rangeWalk {
	if free := r.ranges[index]; len(free) > 0 {
		w := free[len(free)-1]
		r.ranges[index] = free[:len(free)-1]
		return w
	}
	all := r.prefix
	if index >= 0 {
		all = storage.AppendViewIndexPrefix(nil, r.served.Generation, byte(index))
	}
	both := r.snapshot.ScanBoth(all, storage.PrefixEnd(all))
	return &rangeWalk{walk: walk{meter: r.meter, cursor: both}, both: both}
}

func (r *reader) giveRange(index int, w *rangeWalk) {
	if r.ranges == nil {
		r.ranges = map[int][]*rangeWalk{}
	}
	r.ranges[index] = append(r.ranges[index], w)
}
