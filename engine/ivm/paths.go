package ivm

import (
	"bytes"
	"fmt"

	"odsd/storage"
	"odsd/storage/encoding"
	"odsd/storage/relation"
)

// writes gathers what a pass writes to node rows, order lists and declared
// indexes, so that every delete comes before every set: within one commit a row
// may take the path that another leaves.
type writes struct {
	deletes [][]byte
	sets    []entry
}

type entry struct{ key, value []byte }

func (w *writes) delete(key []byte) { w.deletes = append(w.deletes, key) }

func (w *writes) set(key, value []byte) { w.sets = append(w.sets, entry{key, value}) }

// move turns an entry of an index into another; equal ones stay.
func (w *writes) move(old, now []byte) {
	if bytes.Equal(old, now) {
		return
	}
	if old != nil {
		w.delete(old)
	}
	if now != nil {
		w.set(now, nil)
	}
}

func (w *writes) to(c *storage.Commit) {
	for _, key := range w.deletes {
		c.Delete(key)
	}
	for _, e := range w.sets {
		c.Set(e.key, e.value)
	}
}

// paths goes from the root to the leaves and writes what the steps before have
// found.
func (p *pass) paths() error {
	var touched map[string]*instance
	for _, list := range p.lists {
		for _, i := range list {
			if i.dirty || i.moved() {
				if err := p.write(i); err != nil {
					return err
				}
			}
			if i.moved() && !i.divided {
				if touched == nil {
					touched = p.byOldPath()
				}
				if err := p.carrySubtree(i, touched); err != nil {
					return err
				}
			}
			p.writeAccumulators(i)
		}
	}
	p.writes.to(p.commit)
	return nil
}

// write puts one instance's row, order entry, index entries, checks and errors in place.
func (p *pass) write(i *instance) error {
	if !i.dirty {
		i.newRow = i.oldRow
	}
	p.writeRow(i)
	if i.node.parent == nil {
		p.writeIndexes(i)
		p.writeChecks(i)
		p.result.Documents += present(i.shows()) - present(i.showed())
		p.tellRoot(i)
	}
	if !i.node.OrderInPath {
		p.writes.move(p.orderKey(i, i.parentPath(true), i.oldRow), p.orderKey(i, i.parentPath(false), i.existingRow()))
	}
	return p.writeErrors(i)
}

func present(exists bool) int64 {
	if exists {
		return 1
	}
	return 0
}

// existingRow is the row to store, nil for none.
func (i *instance) existingRow() []relation.Value {
	if !i.exists {
		return nil
	}
	return i.newRow
}

func (p *pass) writeRow(i *instance) {
	samePath := i.exists && i.existed() && !i.moved()
	if samePath && identicalRows(i.oldRow, i.newRow) {
		return
	}
	if i.existed() && !samePath {
		p.writes.delete(p.nodeKey(i.oldPath, i.root().hid))
		p.result.Written++
	}
	if i.exists {
		p.writes.set(p.nodeKey(i.newPath, i.root().hides), i.node.layout.Append(nil, i.newRow))
		p.result.Written++
	}
}

func identicalRows(a, b []relation.Value) bool {
	for k := range a {
		if !relation.Identical(a[k], b[k]) {
			return false
		}
	}
	return true
}

func (p *pass) nodeKey(path []byte, hidden bool) []byte {
	if hidden {
		return append(storage.AppendHiddenPrefix(nil, p.view.Generation), path...)
	}
	return append(storage.AppendNodePrefix(nil, p.view.Generation), path...)
}

// tellRoot notes the change of a root's fields for the views above.
func (p *pass) tellRoot(i *instance) {
	if !p.view.Feeds {
		return
	}
	change := Change{Relation: p.view.Plan.View.Name}
	fields := len(i.node.def.Scalars)
	if i.showed() {
		change.Old = i.oldRow[:fields]
	}
	if i.shows() {
		change.New = i.newRow[:fields]
	}
	if change.Old != nil && change.New != nil && identicalRows(change.Old, change.New) {
		return
	}
	if change.Old != nil || change.New != nil {
		p.result.Roots = append(p.result.Roots, change)
	}
}

// orderKey is an instance's entry in the order list of its parent, nil for none.
func (p *pass) orderKey(i *instance, parent []byte, row []relation.Value) []byte {
	if row == nil {
		return nil
	}
	return p.orderKeyOf(i.node, parent, row, i.id[i.key:])
}

func (p *pass) orderKeyOf(n *node, parent []byte, row []relation.Value, key []byte) []byte {
	b := append(storage.AppendOrderPrefix(nil, p.view.Generation, byte(n.Node)), parent...)
	b = append(b, n.Slot)
	for t, column := range n.OrderColumns {
		b = encoding.AppendPart(b, n.parts[t], row[column])
	}
	return append(b, key...)
}

// writeIndexes keeps the view's declared indexes over its root rows.
func (p *pass) writeIndexes(i *instance) {
	for x := range p.view.indexes {
		var old, now []byte
		if i.showed() {
			old = p.indexKey(x, i.oldRow, i.id)
		}
		if i.shows() {
			now = p.indexKey(x, i.newRow, i.id)
		}
		p.writes.move(old, now)
	}
}

func (p *pass) indexKey(x int, row []relation.Value, id []byte) []byte {
	index := p.view.indexes[x]
	b := storage.AppendViewIndexPrefix(nil, p.view.Generation, byte(x))
	for k, column := range index.columns {
		b = encoding.AppendPart(b, index.parts[k], row[column])
	}
	return append(b, id...)
}

// nodeAt finds the node that a path below a node leads to, and where its own
// parts begin.
func (p *pass) nodeAt(n *node, path []byte, at int) (*node, int, error) {
	for at < len(path) {
		slot := int(path[at])
		if slot == 0 || slot > len(n.children) {
			break
		}
		n = n.children[slot-1]
		_, end, err := n.keyOfPath(path, at+1)
		if err != nil {
			return nil, 0, err
		}
		if len(end) == len(path) {
			return n, at + 1, nil
		}
		at = len(end)
	}
	return nil, 0, fmt.Errorf("view %s holds a path that no list has: rebuild the view", p.view.Plan.View.Name)
}
