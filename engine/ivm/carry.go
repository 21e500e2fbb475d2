package ivm

import (
	"fmt"

	"odsd/storage"
)

// An instance whose path changes takes what stands below it along. The rows are copied as they are
// stored: nothing of theirs has changed, or they are known and look after themselves.

// byOldPath finds known instances by the path they had.
func (p *pass) byOldPath() map[string]*instance {
	touched := map[string]*instance{}
	for _, list := range p.lists {
		for _, i := range list {
			if i.existed() {
				touched[string(i.oldPath)] = i
			}
		}
	}
	return touched
}

// carrySubtree moves the rows below an instance whose path has changed. Known
// instances among them look after themselves and after what stands below them.
func (p *pass) carrySubtree(i *instance, touched map[string]*instance) error {
	return p.carryBelow(p.before.reader, i, i.oldPath, i.root().hid, func(path []byte) bool { return touched[string(path)] != nil })
}

// carryDivided moves all rows of a document that has been divided, whose parts were written before it
// was known that `having` hides it now, or no longer.
func (p *pass) carryDivided(root *instance, hidden bool) error {
	err := p.carryBelow(p.commit, root, root.newPath, hidden, func([]byte) bool { return false })
	p.writes.to(p.commit)
	return err
}

// carryBelow moves the rows that a reader has below an instance's path, but for those that are left,
// with all below them, to where the instance is now.
func (p *pass) carryBelow(reader storage.Reader, i *instance, path []byte, hidden bool, left func(path []byte) bool) error {
	lower := p.nodeKey(path, hidden)
	prefix := len(lower) - len(path)
	cursor := reader.Scan(append(append([]byte(nil), lower...), 0), append(append([]byte(nil), lower...), 0xFF))
	defer cursor.Close()
	for ok := cursor.Next(); ok; {
		key := append([]byte(nil), cursor.Key()...)
		if left(key[prefix:]) {
			ok = cursor.SeekGE(append(key, 0xFF))
			continue
		}
		if err := p.carryRow(i, path, key, prefix, append([]byte(nil), cursor.Value()...)); err != nil {
			return err
		}
		if err := p.relieve(); err != nil {
			return err
		}
		ok = cursor.Next()
	}
	if err := cursor.Err(); err != nil {
		return fmt.Errorf("read view %s: %w", p.view.Plan.View.Name, err)
	}
	return nil
}

// carryRow moves one stored row, and its order entry, from below a path of an instance to below
// its new one.
func (p *pass) carryRow(i *instance, above, key []byte, prefix int, stored []byte) error {
	oldPath := key[prefix:]
	p.writes.delete(key)
	newPath := append(append([]byte(nil), i.newPath...), oldPath[len(above):]...)
	p.writes.set(p.nodeKey(newPath, i.root().hides), stored)
	p.result.Written += 2
	n, start, err := p.nodeAt(i.node, oldPath, len(above))
	if err != nil {
		return err
	}
	if n.OrderInPath {
		return nil
	}
	id := oldPath[start:]
	row := n.layout.Decode(nil, stored)
	oldParent := oldPath[:start-1]
	newParent := append(append([]byte(nil), i.newPath...), oldParent[len(above):]...)
	p.writes.move(p.orderKeyOf(n, oldParent, row, id), p.orderKeyOf(n, newParent, row, id))
	return nil
}

// relieve writes what has gathered, where that is more than memory should hold. That may be in the middle of
// a pass, since no two rows have a key in common: see division.
func (p *pass) relieve() error {
	if p.bounds.Instances == 0 || len(p.writes.sets) <= p.bounds.Instances {
		return nil
	}
	if p.bounds.Whole {
		return ErrCrowded
	}
	p.writes.to(p.commit)
	p.writes = writes{}
	return p.spill()
}
