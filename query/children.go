package query

import "odsd/storage"

// probe is a pair of cursors over one node's lists, beside those that write the
// document. Whoever looks through a list looks only into lists below it
// meanwhile, so one probe a node is enough.
type probe struct {
	rows, orders        walk
	list, prefix, child []byte
	end                 []byte
}

func (r *reader) probe(list *nodeLayout) *probe {
	if p := r.probes[list.node]; p != nil {
		return p
	}
	p := &probe{rows: walk{meter: r.meter, cursor: r.snapshot.Scan(r.prefix, storage.PrefixEnd(r.prefix))}}
	if list.indexed {
		all := storage.AppendOrderPrefix(nil, r.served.Generation, list.node)
		p.orders = walk{meter: r.meter, cursor: r.snapshot.Scan(all, storage.PrefixEnd(all))}
	}
	if r.probes == nil {
		r.probes = map[byte]*probe{}
	}
	r.probes[list.node] = p
	return p
}

// children visits the rows of the list below parent that the definition shows, in
// its order, or in any where that does not matter, until visit says no.
func (r *reader) children(list *nodeLayout, parent []byte, anyOrder bool, visit func(row, key []byte) (bool, *Error)) *Error {
	p := r.probe(list)
	p.list = append(append(p.list[:0], parent...), list.slot)
	if list.indexed && !anyOrder {
		return r.childrenByOrder(p, list, visit)
	}
	if err := p.rows.seek(p.list); err != nil {
		return err
	}
	for count := 0; p.rows.within(p.list) && (list.limit == 0 || count < list.limit); count++ {
		if err := r.examine(); err != nil {
			return err
		}
		p.child = append(p.child[:0], p.rows.key...)
		more, err := visit(p.rows.cursor.Value(), p.child)
		if err != nil || !more {
			return err
		}
		if !list.children {
			err = p.rows.next()
		} else {
			p.end = append(append(p.end[:0], p.child...), endOfInstance)
			err = p.rows.forward(p.end)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) childrenByOrder(p *probe, list *nodeLayout, visit func(row, key []byte) (bool, *Error)) *Error {
	p.prefix = storage.AppendOrderPrefix(p.prefix[:0], r.served.Generation, list.node)
	p.prefix = append(p.prefix, p.list[len(r.prefix):]...)
	if err := p.orders.seek(p.prefix); err != nil {
		return err
	}
	for count := 0; p.orders.within(p.prefix) && (list.limit == 0 || count < list.limit); count++ {
		if err := r.examine(); err != nil {
			return err
		}
		key, problem := afterOrder(list, p.orders.key[len(p.prefix):])
		if problem != nil {
			return internal(problem)
		}
		p.child = append(append(p.child[:0], p.list...), key...)
		if err := p.rows.find(p.child); err != nil {
			return err
		}
		more, err := visit(p.rows.cursor.Value(), p.child)
		if err != nil || !more {
			return err
		}
		if err := p.orders.next(); err != nil {
			return err
		}
	}
	return nil
}
