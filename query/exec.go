package query

import (
	"errors"

	"odsd/storage"
	"odsd/storage/encoding"
)

// endOfInstance sorts after every slot, so path + endOfInstance lies just
// behind all that is stored below path.
const endOfInstance = 0xFF

// reader writes documents of one view from one snapshot. A document is written
// in one go over one cursor: rows are read where they lie and values appended as
// JSON; what is not asked for is stepped over.
type reader struct {
	*meter
	*output
	snapshot storage.TwoWayReader
	view     *viewSchema
	served   *ServedView
	lists    []boundList // of the operation
	rows     walk        // over the view's node rows
	levels   []*level
	orders   map[byte]*walk       // by node, over the entries of its order lists
	probes   map[byte]*probe      // by node, of those that look through lists
	ranges   map[int][]*rangeWalk // by index, -1 for the root rows: cursors that are at nobody's service
	prefix   []byte               // of the view's rows
	root     []byte               // key of the document at hand
	failed   *Error               // what a test met
}

// output is the reply as far as it is written.
type output struct{ out []byte }

// level is the reader's memory for one depth of a document.
type level struct {
	list   []byte // prefix of the list's children
	child  []byte // key of the child at hand
	row    []byte // its row, kept while the cursor is elsewhere
	end    []byte
	prefix []byte // of the list in the order keyspace
	picked []byte // keys of the list's children that are written, one after the other
	ends   []int  // where each of them ends
}

var errLostRow = errors.New("an order or an index names a row that is not stored")

// open places the cursor over the view's rows.
func (r *reader) open() {
	r.prefix = storage.AppendNodePrefix(nil, r.served.Generation)
	r.rows = walk{meter: r.meter, cursor: r.snapshot.Scan(r.prefix, storage.PrefixEnd(r.prefix))}
}

func (r *reader) close() error {
	var errs []error
	if r.rows.cursor != nil {
		errs = append(errs, r.rows.cursor.Close())
	}
	for _, orders := range r.orders {
		errs = append(errs, orders.cursor.Close())
	}
	for _, walks := range r.ranges {
		for _, w := range walks {
			errs = append(errs, w.cursor.Close())
		}
	}
	for _, p := range r.probes {
		errs = append(errs, p.rows.cursor.Close())
		if p.orders.cursor != nil {
			errs = append(errs, p.orders.cursor.Close())
		}
	}
	return errors.Join(errs...)
}

func (r *reader) level(depth int) *level {
	for len(r.levels) <= depth {
		r.levels = append(r.levels, &level{})
	}
	return r.levels[depth]
}

// instance writes the object of the row at which the cursor stands; key is its
// key, which must outlive the cursor's moves when the selection has lists.
func (r *reader) instance(sel *selection, node *nodeLayout, key []byte, depth int) *Error {
	if err := r.node(); err != nil {
		return err
	}
	row := r.rows.cursor.Value()
	if sel.lists {
		l := r.level(depth)
		l.row = append(l.row[:0], row...)
		row = l.row
		if err := r.rows.next(); err != nil {
			return err
		}
	}
	position := slotPosition{}
	return r.object(sel, node, key, row, depth, &position)
}

// slotPosition remembers the furthest list of an instance that was read: lists asked
// for in another order than they are stored in make the cursor go back.
type slotPosition struct{ slot byte }

func (r *reader) object(sel *selection, node *nodeLayout, key, row []byte, depth int, position *slotPosition) *Error {
	if len(sel.steps) == 0 {
		r.out = append(r.out, '{')
	}
	for i := range sel.steps {
		s := &sel.steps[i]
		r.out = append(r.out, s.prefix...)
		switch s.kind {
		case scalarField:
			v := node.row.Value(row, s.column)
			if s.required && v.Missing() {
				return internal(errors.New("a stored row lacks a value that is never null"))
			}
			r.out = s.write.append(r.out, v)
		case oneField:
			if s.column >= 0 && !node.row.Value(row, s.column).True() {
				if s.required {
					return internal(errors.New("a stored row lacks its required one"))
				}
				r.out = append(r.out, "null"...)
				continue
			}
			if err := r.object(s.object, node, key, row, depth, position); err != nil {
				return err
			}
		case manyField:
			if err := r.many(s, key, depth, position); err != nil {
				return err
			}
		}
	}
	r.out = append(r.out, '}')
	return nil
}

func (r *reader) many(s *step, key []byte, depth int, position *slotPosition) *Error {
	list := &r.lists[s.arguments]
	limit := list.limit
	slot := s.list.slot
	back := slot <= position.slot
	position.slot = max(slot, position.slot)
	if limit == 0 {
		r.out = append(r.out, "[]"...)
		return nil
	}
	l := r.level(depth + 1)
	l.list = append(append(l.list[:0], key...), slot)
	if list.where != nil || len(list.order) > 0 {
		return r.pickedList(s, list, l, key, depth+1)
	}
	if s.list.indexed {
		return r.indexedList(s, l, limit, depth+1)
	}
	move := r.rows.forward
	if back {
		move = r.rows.seek
	}
	if err := move(l.list); err != nil {
		return err
	}
	return r.list(s, l, limit, depth+1)
}

// list writes the children that lie in their order, from where the cursor stands.
func (r *reader) list(s *step, l *level, limit, depth int) *Error {
	r.out = append(r.out, '[')
	for count := 0; r.rows.within(l.list) && count != limit; count++ {
		if err := r.examine(); err != nil {
			return err
		}
		if count > 0 {
			r.out = append(r.out, ',')
		}
		if !s.list.children {
			if err := r.instance(s.object, s.list, nil, depth); err != nil {
				return err
			}
			if err := r.rows.next(); err != nil {
				return err
			}
			continue
		}
		l.child = append(l.child[:0], r.rows.key...)
		if err := r.instance(s.object, s.list, l.child, depth); err != nil {
			return err
		}
		l.end = append(append(l.end[:0], l.child...), endOfInstance)
		if err := r.rows.forward(l.end); err != nil {
			return err
		}
	}
	r.out = append(r.out, ']')
	return nil
}

// indexedList writes the children in the order of the order keyspace and reads
// each where it lies.
func (r *reader) indexedList(s *step, l *level, limit, depth int) *Error {
	orders := r.ordersOf(s.list.node)
	l.prefix = storage.AppendOrderPrefix(l.prefix[:0], r.served.Generation, s.list.node)
	l.prefix = append(l.prefix, l.list[len(r.prefix):]...)
	if err := orders.seek(l.prefix); err != nil {
		return err
	}
	r.out = append(r.out, '[')
	for count := 0; orders.within(l.prefix) && count != limit; count++ {
		if err := r.examine(); err != nil {
			return err
		}
		if count > 0 {
			r.out = append(r.out, ',')
		}
		key, err := afterOrder(s.list, orders.key[len(l.prefix):])
		if err != nil {
			return internal(err)
		}
		l.child = append(append(l.child[:0], l.list...), key...)
		if err := r.rows.find(l.child); err != nil {
			return err
		}
		if err := r.instance(s.object, s.list, l.child, depth); err != nil {
			return err
		}
		if err := orders.next(); err != nil {
			return err
		}
	}
	r.out = append(r.out, ']')
	return nil
}

// ordersOf gives the one cursor over a node's order lists. A list of the node is
// never read inside another of them, so they can share it.
func (r *reader) ordersOf(node byte) *walk {
	if w := r.orders[node]; w != nil {
		return w
	}
	all := storage.AppendOrderPrefix(nil, r.served.Generation, node)
	w := &walk{meter: r.meter, cursor: r.snapshot.Scan(all, storage.PrefixEnd(all))}
	if r.orders == nil {
		r.orders = map[byte]*walk{}
	}
	r.orders[node] = w
	return w
}

// afterOrder steps over the order parts of an entry: what is left are the key parts.
func afterOrder(list *nodeLayout, entry []byte) ([]byte, error) {
	var err error
	for _, p := range list.order {
		if entry, err = encoding.SkipPart(p.kind, p.part, entry); err != nil {
			return nil, err
		}
	}
	return entry, nil
}
