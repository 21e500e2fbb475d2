package ivm

import (
	"bytes"

	"odsd/storage/encoding"
	"odsd/storage/relation"
)

// mark makes every instance dirty that a changed row could touch. The old row
// is followed through the state before the commit and the new row through the
// pending one: an instance that differs between the two has a changed row in
// one of them.
func (p *pass) mark(in Input) error {
	return in.each(func(change Change) error {
		for _, o := range p.view.touches[change.Relation] {
			if o.leavesAlone(change) {
				continue
			}
			if change.Old != nil {
				if err := p.climbFrom(p.before, o, change.Old); err != nil {
					return err
				}
			}
			if change.New != nil {
				if err := p.climbFrom(p.after, o, change.New); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// leavesAlone is true for an update of columns that the occurrence never reads.
func (o *occurrence) leavesAlone(change Change) bool {
	if change.Old == nil || change.New == nil {
		return false
	}
	for _, column := range o.Uses {
		if !relation.Identical(change.Old[column], change.New[column]) {
			return false
		}
	}
	return true
}

func (p *pass) climbFrom(s *side, o *occurrence, row []relation.Value) error {
	clear(p.rows)
	p.rows[o.def.ID] = row
	return p.climb(s, o, 0)
}

// climb binds one occurrence after the other on the way to the root, for every
// combination of rows that joins, and marks the instances it arrives at.
func (p *pass) climb(s *side, o *occurrence, step int) error {
	if step == len(o.up) {
		return p.markBound(p.view.nodes[o.def.Node])
	}
	l := o.up[step]
	err := s.find(l, p.rows, func(row []relation.Value) (bool, error) {
		p.rows[l.occurrence] = row
		return true, p.climb(s, o, step+1)
	})
	p.rows[l.occurrence] = nil
	return err
}

// markBound marks the instance whose own rows, from the root down, are bound.
func (p *pass) markBound(n *node) error {
	i := p.boundInstance(n)
	if i == nil {
		return nil
	}
	return p.marked(i)
}

func (p *pass) boundInstance(n *node) *instance {
	var parent *instance
	if n.parent != nil {
		if parent = p.boundInstance(n.parent); parent == nil {
			return nil
		}
	}
	var key []byte
	own := p.rows[n.own.def.ID]
	for _, column := range n.def.Key {
		key = encoding.AppendPart(key, encoding.Part{}, own[column])
	}
	if parent == nil && p.upTo != nil && bytes.Compare(key, p.upTo) > 0 {
		return nil
	}
	return p.instance(n, parent, key)
}
