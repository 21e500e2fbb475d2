package ivm

import (
	"errors"
	"fmt"

	"odsd/storage"
	"odsd/storage/encoding"
	"odsd/storage/relation"
)

// Apply maintains a view for one commit. The base rows of changes, one change a
// key, have been written to c by WriteBase; Apply adds what follows for the
// view. reads are those of all views of the commit. upTo is the last root
// identity that a build of this generation has reached, nil when it is whole.
func (v *View) Apply(c *storage.Commit, reads *Reads, in Input, upTo []byte, bounds Bounds) (result Result, err error) {
	p := v.newPass(c, reads)
	p.upTo, p.bounds = upTo, bounds
	defer func() {
		if err != nil && p.marks != nil {
			_ = p.marks.Close() // the error is told
		}
	}()
	switch {
	case v.group != nil:
		err = p.applyGroups(in)
	case v.branches != nil:
		err = p.applyUnion(in)
	default:
		if err = p.mark(in); err == nil {
			err = p.work((*pass).run)
		}
	}
	if err != nil {
		return Result{}, err
	}
	if p.marks == nil {
		return p.done(), nil
	}
	many, err := p.rootsOf()
	p.parts.Roots, p.parts.Many, p.marks = nil, many, nil
	return p.parts, err
}

func (v *View) newPass(c *storage.Commit, reads *Reads) *pass {
	p := &pass{
		view: v, commit: c, before: reads.before, after: reads.after, reads: reads,
		known: make([]map[string]*instance, len(v.nodes)),
		lists: make([][]*instance, len(v.nodes)),
		rows:  make([][]relation.Value, len(v.occs)),
		env:   newEnvelope(len(v.occs)),
	}
	for n := range p.known {
		p.known[n] = map[string]*instance{}
	}
	return p
}

func (p *pass) run() error {
	if err := p.expand(); err != nil {
		return err
	}
	if err := p.values(); err != nil {
		return err
	}
	return p.paths()
}

// done is what the pass did.
func (p *pass) done() Result {
	p.result.Touched = len(p.lists[0])
	return p.result
}

// Build goes on with the filling of a generation: it takes in at most limit rows
// of the view's input after a cursor (nil: from the first), fewer where they lead to more instances than
// the bounds allow. It returns the cursor to store with the chunk, nil when the generation is whole.
func (v *View) Build(c *storage.Commit, after []byte, limit int, bounds Bounds) (result Result, cursor []byte, err error) {
	reads := NewReads(c, nil, nil)
	// Deferred, so that a fault that the caller recovers from leaves no cursor open.
	defer func() { err = errors.Join(err, reads.Close()) }()
	switch {
	case v.group != nil:
		return v.newPass(c, reads).buildGroups(after, limit)
	case v.branches != nil:
		return v.newPass(c, reads).buildUnion(after, limit)
	}
	roots, err := v.roots(c.Before(), after, limit)
	if err != nil {
		return Result{}, nil, err
	}
	taken := len(roots)
	for {
		p := v.newPass(c, reads)
		p.bounds = bounds
		p.bounds.Whole = taken > 1
		result, cursor, err = p.buildDocuments(roots[:taken])
		if !errors.Is(err, ErrCrowded) {
			break
		}
		taken = (taken + 1) / 2
	}
	result.Left = len(roots) - taken
	if taken < limit && taken == len(roots) {
		cursor = nil
	}
	return result, cursor, err
}

func (p *pass) buildDocuments(roots [][]relation.Value) (Result, []byte, error) {
	v := p.view
	var last []byte
	for _, row := range roots {
		var key []byte
		for _, column := range v.nodes[0].def.Key {
			key = encoding.AppendPart(key, encoding.Part{}, row[column])
		}
		i := p.instance(v.nodes[0], nil, key)
		i.dirty, i.marked = true, true
		if string(key) > string(last) {
			last = key
		}
	}
	err := p.work((*pass).run)
	if p.marks == nil {
		return p.done(), last, err
	}
	return p.parts, last, errors.Join(err, p.marks.Close())
}

// roots reads root rows in the order of the view's key, after a cursor (nil:
// from the first), at most limit of them.
func (v *View) roots(r storage.Reader, after []byte, limit int) (rows [][]relation.Value, err error) {
	root := v.nodes[0]
	l := root.own.down
	s := newSide(r)
	defer func() {
		if closeErr := s.close(); err == nil {
			err = closeErr
		}
	}()
	visit := func(row []relation.Value) (bool, error) {
		rows = append(rows, row)
		return len(rows) < limit, nil
	}
	return rows, s.scanRoots(root, l, after, visit)
}

// scanRoots walks the relation itself where its key is the view's, else the
// unique index on the view's key.
func (s *side) scanRoots(root *node, l *lookup, after []byte, visit func([]relation.Value) (bool, error)) error {
	if !root.keyIsRelationKey() {
		return s.scanRootsByIndex(l, after, visit)
	}
	return l.relation.ScanAfter(s.reader, after, visit)
}

func (s *side) scanRootsByIndex(l *lookup, after []byte, visit func([]relation.Value) (bool, error)) error {
	prefix := l.index.prefix
	lower := append([]byte(nil), prefix...)
	if after != nil {
		lower = append(append(lower, after...), 0xFF)
	}
	cursor := s.reader.Scan(lower, storage.PrefixEnd(prefix))
	defer cursor.Close()
	for cursor.Next() {
		key, err := l.index.rowKey(l.relation, cursor.Key())
		if err != nil {
			return err
		}
		row, err := s.row(l.relation, key)
		if err != nil {
			return err
		}
		if row == nil {
			return fmt.Errorf("an index of %s names a row that is not there", l.relation.Schema.Name)
		}
		if more, err := visit(row); err != nil || !more {
			return err
		}
	}
	if err := cursor.Err(); err != nil {
		return fmt.Errorf("read an index of %s: %w", l.relation.Schema.Name, err)
	}
	return nil
}
