package ivm

import (
	"errors"
	"fmt"
	"slices"

	"odsd/storage"
)

// A document of which more changes at once than memory should hold is divided: what stands
// below one of its instances is worked off in parts as well, as many whole children at a time as fit,
// and the instance itself last, when its aggregates have what all of them contribute. A child that does
// not fit is divided in turn. Meanwhile nothing of the document is known but the instances that are
// being divided, from the root down.
//
//	mark of a divided instance's run    child's node 1 │ identity │ node 1
//
// No part touches a key that another writes: each key that is stored of an instance, whatever orders it,
// ends with its identity. So the parts may write one after the other what one pass would write at once.

// division is what is worked off in parts: all roots that are marked, or the children of one instance.
type division struct {
	marks *storage.Run
	// of is the instance whose children they are, nil for roots. It is resolved.
	of *instance
}

// top says whether a node's instances are the ones that a part has whole.
func (d division) top(n *node) bool {
	if d.of == nil {
		return n.parent == nil
	}
	return n.parent == d.of.node
}

// mark of an instance, or, without a node, the prefix of all marks of it and of what stands below.
func (d division) mark(top *node, id []byte, n ...byte) []byte {
	var mark []byte
	if d.of != nil {
		mark = append(mark, byte(top.Node))
	}
	return append(append(mark, id...), n...)
}

// identity takes a mark apart.
func (d division) identity(mark []byte) (id []byte, n byte) {
	if d.of != nil {
		mark = mark[1:]
	}
	return mark[:len(mark)-1], mark[len(mark)-1]
}

// part is a pass over some of a division's marks.
type part struct {
	*pass
	tops []*instance
	next []byte // the mark where the part after it begins, nil where there is none
}

func (p *pass) workParts(d division, finish func(*pass) error) error {
	size := p.bounds.Instances
	var lower []byte
	for {
		part, err := p.nextPart(d, lower, size)
		if err == nil && len(part.tops) == 0 {
			return nil
		}
		if err == nil {
			err = finish(part.pass)
		}
		switch {
		case errors.Is(err, ErrCrowded) && len(part.tops) == 1: // it is too large by itself
			part, err = p.divide(d, part.tops[0])
		case errors.Is(err, ErrCrowded): // what the marks led to is more than they are
			size = max(1, size/2)
			continue
		}
		if err != nil {
			return err
		}
		if err := p.endPart(part); err != nil {
			return err
		}
		if part.count < p.bounds.Instances/2 {
			size = min(2*size, p.bounds.Instances)
		}
		if lower = part.next; lower == nil {
			return nil
		}
	}
}

// endPart has what was written leave memory.
func (p *pass) endPart(part *part) error {
	result := part.done()
	result.Roots = nil // the run has them
	part.parts.Add(result)
	p.parts.Add(part.parts)
	return p.spill()
}

func (p *pass) spill() error {
	if p.bounds.Part != nil {
		if err := p.bounds.Part(); err != nil {
			return err
		}
	}
	return p.commit.Spill()
}

// newPart knows nothing but the instances that are being divided.
func (p *pass) newPart(of *instance) *part {
	made := &part{pass: p.view.newPass(p.commit, p.reads)}
	made.bounds, made.upTo = p.bounds, p.upTo
	for i := of; i != nil; i = i.parent {
		made.known[i.node.Node][string(i.id)] = i
	}
	return made
}

// nextPart reads as many marks as given, and the rest of their last top's. It ends with
// ErrCrowded where these are too many.
func (p *pass) nextPart(d division, lower []byte, size int) (*part, error) {
	made := p.newPart(d.of)
	marks := 0
	err := d.marks.Each(lower, func(mark []byte) (bool, error) {
		i, err := made.ofMark(d, mark, marks < size)
		if err != nil {
			return false, err
		}
		if i == nil {
			made.next = slices.Clone(mark)
			return false, nil
		}
		i.dirty, i.marked = true, true
		if marks++; made.crowded(2) {
			return false, ErrCrowded
		}
		return true, nil
	})
	return made, err
}

// ofMark makes the instance of a mark known, and those above it. A mark of another top is left
// where none is to be begun.
func (p *part) ofMark(d division, mark []byte, begin bool) (i *instance, err error) {
	rest, number := d.identity(slices.Clone(mark))
	var chain []*node
	for n := p.view.nodes[number]; n != nil; n = n.parent {
		chain = append(chain, n)
	}
	slices.Reverse(chain)
	for _, n := range chain {
		key, after, err := n.splitKey(rest)
		if err != nil {
			return nil, fmt.Errorf("view %s: %w", p.view.Plan.View.Name, err)
		}
		opens := d.top(n) && !p.knows(n, i, key)
		if opens && !begin {
			return nil, nil
		}
		i, rest = p.instance(n, i, key), after
		if opens {
			p.tops = append(p.tops, i)
		}
	}
	return i, nil
}

// divide works off one top of a division that does not fit into memory.
func (p *pass) divide(d division, crowded *instance) (*part, error) {
	made := p.newPart(d.of)
	i := made.instance(crowded.node, d.of, crowded.id[crowded.key:])
	i.divided = true
	below, err := p.commit.NewRun()
	if err != nil {
		return nil, err
	}
	defer below.Close() // nothing to lose: it is scratch, of which Close tells no more than its writes
	inner := division{marks: below, of: i}
	if made.next, err = d.hand(i, inner); err != nil {
		return nil, err
	}
	if err := made.resolve(i); err != nil {
		return nil, err
	}
	err = made.eachReplaced(i, func(child *node, key []byte) error {
		return below.Add(inner.mark(child, append(slices.Clone(i.id), key...), byte(child.Node)))
	})
	if err != nil {
		return nil, err
	}
	if err := made.workParts(inner, (*pass).run); err != nil {
		return nil, err
	}
	return made, made.finishDivided(i)
}

// hand passes the marks of an instance and of what stands below it on to the division of its
// children. It gives the mark after them, nil where there is none.
func (d division) hand(i *instance, inner division) (next []byte, err error) {
	prefix := d.mark(i.node, i.id)
	err = d.marks.Each(prefix, func(mark []byte) (bool, error) {
		if !hasPrefix(mark, prefix) {
			next = slices.Clone(mark)
			return false, nil
		}
		id, number := d.identity(mark)
		if int(number) == i.node.Node {
			i.dirty, i.marked = true, true
			return true, nil
		}
		return true, inner.marks.Add(inner.mark(i.node.childAbove(int(number)), id, number))
	})
	return next, err
}

// childAbove is the child of a node that a node below it is, or stands below.
func (n *node) childAbove(number int) *node {
	for _, child := range n.children {
		if child.Node == number || child.childAbove(number) != nil {
			return child
		}
	}
	return nil
}

// finishDivided computes and writes an instance, what stands below it being in place.
func (p *part) finishDivided(i *instance) error {
	hidden := i.hides
	if err := p.values(); err != nil {
		return err
	}
	if err := p.paths(); err != nil {
		return err
	}
	if i.parent != nil || !i.exists || i.hides == hidden {
		return nil
	}
	return p.carryDivided(i, hidden)
}
