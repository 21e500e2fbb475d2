package query

import (
	"odsd/storage"
	"odsd/storage/encoding"
)

// search is a list's way through a view's documents: an access with its tests
// compiled.
type search struct {
	*access
	span
	test test // nil: all
}

func (r *reader) search(a *access) *search {
	s := &search{access: a, span: a.span(r.served.Generation)}
	if rest := conjunction(a.rest); rest != nil {
		s.test = r.compileTest(r.view.nodes[0], rest)
	}
	return s
}

// documents visits what a search finds from a key of its span on, until visit says
// no. The reader's root is then the key of the document; with row set, or where
// rows are tested, its cursor stands at the row.
func (r *reader) documents(s *search, from []byte, row bool, visit func(key []byte, path int) (bool, *Error)) *Error {
	if s.index < 0 {
		return r.rootRows(s, from, visit)
	}
	return r.indexEntries(s, from, row || s.test != nil, visit)
}

func (r *reader) rootRows(s *search, from []byte, visit func(key []byte, path int) (bool, *Error)) *Error {
	l := r.level(0)
	if err := r.rows.seek(from); err != nil {
		return err
	}
	for r.rows.before(s.upper) {
		if err := r.examine(); err != nil {
			return err
		}
		r.root = append(r.root[:0], r.rows.key...)
		keep, err := r.meets(s.test)
		if err != nil {
			return err
		}
		if keep {
			if more, err := visit(r.root[len(r.prefix):], 0); err != nil || !more {
				return err
			}
		}
		l.end = append(append(l.end[:0], r.root...), endOfInstance)
		if err := r.rows.forward(l.end); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) indexEntries(s *search, from []byte, row bool, visit func(key []byte, path int) (bool, *Error)) *Error {
	w := r.indexWalk(s.index)
	if err := w.seek(from); err != nil {
		return err
	}
	for w.before(s.upper) {
		if err := r.examine(); err != nil {
			return err
		}
		key := w.key[len(s.base):]
		path := key
		for _, p := range s.parts[len(s.fixed):] {
			var problem error
			if path, problem = encoding.SkipPart(p.kind, p.part, path); problem != nil {
				return internal(problem)
			}
		}
		r.root = append(append(r.root[:0], r.prefix...), path...)
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
			if more, err := visit(key, len(key)-len(path)); err != nil || !more {
				return err
			}
		}
		if err := w.next(); err != nil {
			return err
		}
	}
	return nil
}

// meets tests the root row at which the cursor stands.
func (r *reader) meets(t test) (bool, *Error) {
	if t == nil {
		return true, nil
	}
	found := t(r.rows.cursor.Value(), r.root)
	return found == yes && r.failed == nil, r.failed
}

// indexWalk gives the one cursor over an index of the view.
func (r *reader) indexWalk(index int) *walk {
	if w := r.indexes[index]; w != nil {
		return w
	}
	all := storage.AppendViewIndexPrefix(nil, r.served.Generation, byte(index))
	w := &walk{meter: r.meter, cursor: r.snapshot.Scan(all, storage.PrefixEnd(all))}
	if r.indexes == nil {
		r.indexes = map[int]*walk{}
	}
	r.indexes[index] = w
	return w
}
