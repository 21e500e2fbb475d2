package ivm

import (
	"bytes"
	"fmt"
	"slices"

	"odsd/storage"
	"odsd/storage/encoding"
	"odsd/storage/relation"
)

// expand goes from the root to the leaves: it resolves every known instance and
// marks the children of those that appear, disappear or join them differently.
// Marking only ever adds to nodes below, which come later.
func (p *pass) expand() error {
	for _, n := range p.view.nodes {
		// What is stored of neighbours lies together.
		slices.SortFunc(p.lists[n.Node], func(a, b *instance) int { return bytes.Compare(a.id, b.id) })
		for _, i := range p.lists[n.Node] {
			if err := p.resolve(i); err != nil {
				return err
			}
			if !i.dirty {
				continue
			}
			err := p.eachReplaced(i, func(child *node, key []byte) error {
				p.instance(child, i, key).dirty = true
				if p.crowded(2) {
					return ErrCrowded
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// eachReplaced visits the children that the lists below an instance had or have, of those lists that
// are replaced. A child may be visited twice.
func (p *pass) eachReplaced(i *instance, visit func(child *node, key []byte) error) error {
	if i.exists && i.dirty {
		p.computeInputs(i)
	}
	for c, child := range i.node.children {
		if !i.replaces(c) {
			continue
		}
		if err := p.eachStoredChild(i, child, visit); err != nil {
			return err
		}
		if err := p.eachFailedChild(i, child, visit); err != nil {
			return err
		}
		if err := p.eachJoinedChild(i, child, visit); err != nil {
			return err
		}
	}
	return nil
}

// replaces says whether all that stands in a list below an instance is to be looked at: the instance
// appears, disappears or joins them differently. One that is divided takes nothing along unseen either.
func (i *instance) replaces(child int) bool {
	if i.exists != i.existed() || i.divided && i.moved() {
		return true
	}
	return i.exists && i.dirty && inputsDiffer(i, child)
}

// computeInputs fills the stored columns that joins below use, which read
// columns only and so are known before any other.
func (p *pass) computeInputs(i *instance) {
	i.newRow = make([]relation.Value, len(i.node.columns))
	if len(i.node.inputs) == 0 {
		return
	}
	p.env.enter(i)
	for _, column := range i.node.inputs {
		i.newRow[column] = p.hidden(i.node, column)
	}
}

func inputsDiffer(i *instance, child int) bool {
	for _, column := range i.node.Inputs[child] {
		if !relation.Identical(i.oldRow[column], i.newRow[column]) {
			return true
		}
	}
	return false
}

// eachStoredChild visits the children that stand below an instance before the commit.
func (p *pass) eachStoredChild(i *instance, child *node, visit func(child *node, key []byte) error) error {
	if !i.existed() {
		return nil
	}
	lower := append(p.nodeKey(i.oldPath, i.root().hid), child.Slot)
	cursor := p.before.reader.Scan(lower, storage.PrefixEnd(lower))
	defer cursor.Close()
	for ok := cursor.Next(); ok; {
		key, path, err := child.keyOfPath(cursor.Key(), len(lower))
		if err != nil {
			return fmt.Errorf("view %s: %w", p.view.Plan.View.Name, err)
		}
		if err := visit(child, key); err != nil {
			return err
		}
		// Skip what stands below this child.
		ok = cursor.SeekGE(append(append([]byte(nil), path...), 0xFF))
	}
	if err := cursor.Err(); err != nil {
		return fmt.Errorf("read view %s: %w", p.view.Plan.View.Name, err)
	}
	return nil
}

// keyOfPath takes apart a stored key whose path has the child's parts from
// start on: the encoded key parts, and the stored key up to their end.
func (n *node) keyOfPath(stored []byte, start int) (key, path []byte, err error) {
	rest := stored[start:]
	if n.OrderInPath {
		for t, term := range n.Order {
			if rest, err = encoding.SkipPart(term.Expr.Type, n.parts[t], rest); err != nil {
				return nil, nil, fmt.Errorf("damaged path in list %q: %w", n.def.Name, err)
			}
		}
	}
	from := len(stored) - len(rest)
	for _, t := range n.KeyParts {
		if rest, err = encoding.SkipPart(t, encoding.Part{}, rest); err != nil {
			return nil, nil, fmt.Errorf("damaged path in list %q: %w", n.def.Name, err)
		}
	}
	to := len(stored) - len(rest)
	return append([]byte(nil), stored[from:to]...), stored[:to], nil
}

// eachFailedChild visits children that had no row because their condition could not be computed:
// all that is stored of them is the error.
func (p *pass) eachFailedChild(i *instance, child *node, visit func(child *node, key []byte) error) error {
	if !i.existed() {
		return nil
	}
	prefix := append(storage.AppendErrorPrefix(nil, p.view.Generation, byte(child.Node)), i.id...)
	cursor := p.before.reader.Scan(prefix, storage.PrefixEnd(prefix))
	defer cursor.Close()
	for cursor.Next() {
		if err := visit(child, append([]byte(nil), cursor.Key()[len(prefix):]...)); err != nil {
			return err
		}
	}
	if err := cursor.Err(); err != nil {
		return fmt.Errorf("read errors of view %s: %w", p.view.Plan.View.Name, err)
	}
	return nil
}

// eachJoinedChild visits the children that join to an instance in the pending state.
func (p *pass) eachJoinedChild(i *instance, child *node, visit func(child *node, key []byte) error) error {
	if !i.exists {
		return nil
	}
	if err := p.bind(i); err != nil {
		return err
	}
	p.env.enter(i)
	if p.env.Rows[child.own.def.Parent] == nil {
		return nil // a list inside a `one` without a match
	}
	return p.after.find(child.own.down, p.env.Rows, func(row []relation.Value) (bool, error) {
		var key []byte
		for _, column := range child.def.Key {
			key = encoding.AppendPart(key, encoding.Part{}, row[column])
		}
		return true, visit(child, key)
	})
}
