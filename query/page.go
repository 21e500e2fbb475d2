package query

import "bytes"

// page is one stretch of a view's documents in key order. Several fields may
// read it (nodes, edges, pageInfo); the first one finds its bounds.
type page struct {
	first int
	after []byte // path of the document before it, nil at the beginning
	// What a pass over it has found.
	known      bool
	hasNext    bool
	start, end []byte // paths of the first and last document, nil when it is empty
}

// pass visits the page's documents, the cursor standing at each one's root row
// and r.root holding its key. visit may be nil, to find the bounds alone.
func (r *reader) pass(p *page, visit func(i int) *Error) *Error {
	l := r.level(0)
	l.end = append(l.end[:0], r.prefix...)
	if p.after != nil {
		l.end = append(append(l.end, p.after...), endOfInstance)
	}
	if err := r.rows.seek(l.end); err != nil {
		return err
	}
	for i := 0; r.rows.valid && i < p.first; i++ {
		r.root = append(r.root[:0], r.rows.key...)
		if path := r.root[len(r.prefix):]; !p.known {
			if i == 0 {
				p.start = bytes.Clone(path)
			}
			p.end = append(p.end[:0], path...)
		}
		if visit != nil {
			if err := visit(i); err != nil {
				return err
			}
		}
		l.end = append(append(l.end[:0], r.root...), endOfInstance)
		if err := r.rows.forward(l.end); err != nil {
			return err
		}
	}
	if !p.known {
		p.known, p.hasNext = true, r.rows.valid
	}
	return nil
}

// hasPrevious says whether a document lies before the page.
func (r *reader) hasPrevious(p *page) (bool, *Error) {
	if p.after == nil {
		return false, nil
	}
	if err := r.rows.seek(r.prefix); err != nil {
		return false, err
	}
	l := r.level(0)
	l.end = append(append(append(l.end[:0], r.prefix...), p.after...), endOfInstance)
	return r.rows.valid && bytes.Compare(r.rows.key, l.end) < 0, nil
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
			err = q.total(r.served)
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
	err := r.pass(p, func(i int) *Error {
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
	err := r.pass(p, func(i int) *Error {
		if i > 0 {
			q.out = append(q.out, ',')
		}
		return q.edge(leaves, r)
	})
	q.out = append(q.out, ']')
	return err
}

func (q *request) edge(leaves []*leafStep, r *reader) *Error {
	if len(leaves) == 0 {
		q.out = append(q.out, '{')
	}
	read := false
	for _, s := range leaves {
		q.out = append(q.out, s.prefix...)
		switch s.kind {
		case cursorField:
			q.out = q.service.seal.appendCursor(q.out, r.view.identity, r.root[len(r.prefix):])
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
	if !p.known {
		if err := r.pass(p, nil); err != nil {
			return err
		}
	}
	if len(leaves) == 0 {
		q.out = append(q.out, '{')
	}
	for _, s := range leaves {
		q.out = append(q.out, s.prefix...)
		switch s.kind {
		case hasNextField:
			q.out = appendBool(q.out, p.hasNext)
		case hasPreviousField:
			previous, err := r.hasPrevious(p)
			if err != nil {
				return err
			}
			q.out = appendBool(q.out, previous)
		case startCursorField:
			q.cursorOf(r, p.start)
		case endCursorField:
			q.cursorOf(r, p.end)
		}
	}
	q.out = append(q.out, '}')
	return nil
}

func (q *request) cursorOf(r *reader, path []byte) {
	if path == nil {
		q.out = append(q.out, "null"...)
		return
	}
	q.out = q.service.seal.appendCursor(q.out, r.view.identity, path)
}
