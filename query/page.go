package query

import "bytes"

// page is one stretch of a view's documents in the order asked for. Several
// fields may read it (nodes, edges, pageInfo, totalCount); the first one finds it.
type page struct {
	first, offset int
	after         []byte // sort key of the document before it, nil at the beginning
	identity      string // what its cursors are bound to
	search        *search
	order         *sorter
	counted, next bool // whether all documents are counted, and whether the next one is asked about

	// What has been found: the sort keys one after the other.
	known   bool
	keys    []byte
	ends    []pageEnd
	hasNext bool
	before  bool // there are documents before the page
	looked  bool // before is known
	total   int64
}

// pageEnd is where a sort key ends, and where in it the path begins.
type pageEnd struct{ path, end int }

func (p *page) key(i int) []byte {
	start := 0
	if i > 0 {
		start = p.ends[i-1].end
	}
	return p.keys[start:p.ends[i].end]
}

func (p *page) add(key []byte, path int) {
	p.ends = append(p.ends, pageEnd{path: len(p.keys) + path, end: len(p.keys) + len(key)})
	p.keys = append(p.keys, key...)
}

func (p *page) count() {
	if p.counted {
		p.total++
	}
}

// each visits the page's documents, the cursor standing at each one's root row
// and r.root holding its key. visit may be nil, to find the page alone.
func (r *reader) each(p *page, visit func(i int) *Error) *Error {
	if !p.known {
		p.known = true
		if p.search.ordered {
			return r.findInOrder(p, visit)
		}
		if err := r.findSorted(p); err != nil {
			return err
		}
	}
	if visit == nil {
		return nil
	}
	for i, e := range p.ends {
		r.root = append(append(r.root[:0], r.prefix...), p.keys[e.path:e.end]...)
		if err := r.rows.find(r.root); err != nil {
			return err
		}
		if err := visit(i); err != nil {
			return err
		}
	}
	return nil
}

// findInOrder finds a page of documents that come in its order, and visits them
// on the way.
func (r *reader) findInOrder(p *page, visit func(i int) *Error) *Error {
	from := p.after
	if p.counted {
		from = nil
	}
	if p.first == 0 && !p.counted && !p.next {
		return nil
	}
	skipped := 0
	return r.documents(p.search, from, visit != nil, func(key []byte, path int) (bool, *Error) {
		p.count()
		switch {
		case p.counted && p.after != nil && bytes.Compare(key, p.after) <= 0:
			p.before, p.looked = true, true
			return true, nil
		case skipped < p.offset:
			skipped++
			p.before, p.looked = true, true
			return true, nil
		case len(p.ends) == p.first:
			p.hasNext = true
			return p.counted, nil
		}
		p.add(key, path)
		if visit != nil {
			if err := visit(len(p.ends) - 1); err != nil {
				return false, err
			}
		}
		return p.counted || p.next || len(p.ends) < p.first, nil
	})
}

// findSorted finds a page among documents that come in another order: it looks
// at all of them and keeps the first.
func (r *reader) findSorted(p *page) *Error {
	kept := top{limits: r.meter.limits, keep: p.offset + p.first}
	matching := 0
	var key []byte
	err := r.documents(p.search, nil, true, func(_ []byte, _ int) (bool, *Error) {
		p.count()
		key = p.order.append(key[:0], r.rows.cursor.Value())
		path := len(key)
		key = append(key, r.root[len(r.prefix):]...)
		if p.after != nil && bytes.Compare(key, p.after) <= 0 {
			p.before = true
			return true, nil
		}
		matching++
		return true, kept.offer(key, path)
	})
	if err != nil {
		return err
	}
	rows := kept.sort()
	skipped := min(p.offset, len(rows))
	for _, row := range rows[skipped:] {
		p.add(row.key, row.path)
	}
	p.before = p.before || skipped > 0
	p.looked = true
	p.hasNext = matching > p.offset+p.first
	return nil
}

// hasPrevious says whether a document lies before the page.
func (r *reader) hasPrevious(p *page) (bool, *Error) {
	if p.looked || p.after == nil {
		return p.before, nil
	}
	p.looked = true
	err := r.documents(p.search, nil, false, func(key []byte, _ int) (bool, *Error) {
		p.before = bytes.Compare(key, p.after) <= 0
		return false, nil
	})
	return p.before, err
}

// connection writes the object of a list.
func (q *request) connection(steps []*pageStep, r *reader, p *page) *Error {
	if len(steps) == 0 {
		q.out = append(q.out, '{')
	}
	for _, s := range steps {
		q.out = append(q.out, s.prefix...)
		var err *Error
		switch s.kind {
		case nodesField:
			err = q.nodes(s.document, r, p)
		case edgesField:
			err = q.edges(s.leaves, r, p)
		case pageInfoField:
			err = q.pageInfo(s.leaves, r, p)
		case totalField:
			if err = r.each(p, nil); err == nil {
				q.total(p.total)
			}
		}
		if err != nil {
			return err
		}
	}
	q.out = append(q.out, '}')
	return nil
}

func (q *request) nodes(document *selection, r *reader, p *page) *Error {
	q.out = append(q.out, '[')
	err := r.each(p, func(i int) *Error {
		if i > 0 {
			q.out = append(q.out, ',')
		}
		return r.instance(document, r.view.nodes[0], r.root, 0)
	})
	q.out = append(q.out, ']')
	return err
}

func (q *request) edges(leaves []*leafStep, r *reader, p *page) *Error {
	q.out = append(q.out, '[')
	err := r.each(p, func(i int) *Error {
		if i > 0 {
			q.out = append(q.out, ',')
		}
		return q.edge(leaves, r, p, i)
	})
	q.out = append(q.out, ']')
	return err
}

func (q *request) edge(leaves []*leafStep, r *reader, p *page, i int) *Error {
	if len(leaves) == 0 {
		q.out = append(q.out, '{')
	}
	read := false
	for _, s := range leaves {
		q.out = append(q.out, s.prefix...)
		switch s.kind {
		case cursorField:
			if err := q.cursorOf(p, i); err != nil {
				return err
			}
		case nodeField:
			if read { // an alias asked for it once more
				if err := r.rows.seek(r.root); err != nil {
					return err
				}
			}
			read = true
			if err := r.instance(s.document, r.view.nodes[0], r.root, 0); err != nil {
				return err
			}
		}
	}
	q.out = append(q.out, '}')
	return nil
}

func (q *request) pageInfo(leaves []*leafStep, r *reader, p *page) *Error {
	if err := r.each(p, nil); err != nil {
		return err
	}
	if len(leaves) == 0 {
		q.out = append(q.out, '{')
	}
	for _, s := range leaves {
		q.out = append(q.out, s.prefix...)
		var err *Error
		switch s.kind {
		case hasNextField:
			q.out = appendBool(q.out, p.hasNext)
		case hasPreviousField:
			var previous bool
			previous, err = r.hasPrevious(p)
			q.out = appendBool(q.out, previous)
		case startCursorField:
			err = q.cursorOf(p, 0)
		case endCursorField:
			err = q.cursorOf(p, len(p.ends)-1)
		}
		if err != nil {
			return err
		}
	}
	q.out = append(q.out, '}')
	return nil
}

// cursorOf writes the cursor of a document of the page, null where there is none.
func (q *request) cursorOf(p *page, i int) *Error {
	if i < 0 || i >= len(p.ends) {
		q.out = append(q.out, "null"...)
		return nil
	}
	key := p.key(i)
	if len(key) > maxSortKey {
		return failure(TooComplex, "order by a shorter field", "a document's place in the order takes more than %d bytes", maxSortKey)
	}
	q.out = q.service.seal.appendCursor(q.out, p.identity, key)
	return nil
}
