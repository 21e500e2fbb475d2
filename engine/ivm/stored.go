package ivm

import (
	"context"
	"fmt"

	"odsd/storage"
	"odsd/storage/encoding"
	"odsd/storage/relation"
)

// Stored is a node instance as it stands in the store, with what stands below.
type Stored struct {
	Node     int
	Row      []relation.Value // by stored column
	Children [][]*Stored      // by place among the node's children, in list order
	path     []byte
}

// Documents reads every document of a generation in the order of its keys, each
// whole. It checks the form of what it reads: that every path belongs to a list,
// that every row has its parent, and that order lists name just the rows that are there.
func (v *View) Documents(ctx context.Context, r storage.Reader, visit func(*Stored) error) error {
	prefix := storage.AppendNodePrefix(nil, v.Generation)
	cursor := r.Scan(prefix, storage.PrefixEnd(prefix))
	defer cursor.Close()
	var open []*Stored // from the root down to the row read last
	for cursor.Next() {
		if err := ctx.Err(); err != nil {
			return err
		}
		path := append([]byte(nil), cursor.Key()[len(prefix):]...)
		for len(open) > 0 && !hasPrefix(path, open[len(open)-1].path) {
			if len(open) == 1 {
				if err := v.finishDocument(r, open[0], visit); err != nil {
					return err
				}
			}
			open = open[:len(open)-1]
		}
		stored, err := v.place(open, path, append([]byte(nil), cursor.Value()...))
		if err != nil {
			return err
		}
		open = append(open, stored)
	}
	if err := cursor.Err(); err != nil {
		return fmt.Errorf("read view %s: %w", v.Plan.View.Name, err)
	}
	if len(open) > 0 {
		return v.finishDocument(r, open[0], visit)
	}
	return nil
}

// place puts a row below the last open one.
func (v *View) place(open []*Stored, path, value []byte) (*Stored, error) {
	n := v.nodes[0]
	if len(open) > 0 {
		parent := open[len(open)-1]
		parentNode := v.nodes[parent.Node]
		p := pass{view: v}
		below, start, err := p.nodeAt(parentNode, path, len(parent.path))
		if err != nil {
			return nil, err
		}
		if below.parent != parentNode || start != len(parent.path)+1 {
			return nil, fmt.Errorf("view %s holds a row of list %q without its parent", v.Plan.View.Name, below.def.Name)
		}
		n = below
	}
	if err := n.layout.Check(value); err != nil {
		return nil, fmt.Errorf("view %s: %w", v.Plan.View.Name, err)
	}
	stored := &Stored{Node: n.Node, Row: n.layout.Decode(nil, value), Children: make([][]*Stored, len(n.children)), path: path}
	if len(open) > 0 {
		parent := open[len(open)-1]
		parent.Children[n.Slot-1] = append(parent.Children[n.Slot-1], stored)
	}
	return stored, nil
}

func (v *View) finishDocument(r storage.Reader, root *Stored, visit func(*Stored) error) error {
	if err := v.orderLists(r, root); err != nil {
		return err
	}
	return visit(root)
}

// orderLists sorts the lists whose order is kept apart from their paths.
func (v *View) orderLists(r storage.Reader, parent *Stored) error {
	for c, child := range v.nodes[parent.Node].children {
		if !child.OrderInPath {
			if err := v.orderList(r, parent, c, child); err != nil {
				return err
			}
		}
		for _, stored := range parent.Children[c] {
			if err := v.orderLists(r, stored); err != nil {
				return err
			}
		}
	}
	return nil
}

func (v *View) orderList(r storage.Reader, parent *Stored, c int, child *node) error {
	byKey := map[string]*Stored{}
	for _, stored := range parent.Children[c] {
		byKey[string(stored.path[len(parent.path)+1:])] = stored
	}
	prefix := append(storage.AppendOrderPrefix(nil, v.Generation, byte(child.Node)), parent.path...)
	prefix = append(prefix, child.Slot)
	cursor := r.Scan(prefix, storage.PrefixEnd(prefix))
	defer cursor.Close()
	var sorted []*Stored
	p := pass{view: v}
	for cursor.Next() {
		key, err := child.keyOfOrder(cursor.Key()[len(prefix):])
		if err != nil {
			return err
		}
		stored := byKey[string(key)]
		if stored == nil || string(p.orderKeyOf(child, parent.path, stored.Row, key)) != string(cursor.Key()) {
			return fmt.Errorf("view %s: the order of list %q names a row that is not there", v.Plan.View.Name, child.def.Name)
		}
		sorted = append(sorted, stored)
	}
	if err := cursor.Err(); err != nil {
		return fmt.Errorf("read view %s: %w", v.Plan.View.Name, err)
	}
	if len(sorted) != len(parent.Children[c]) {
		return fmt.Errorf("view %s: the order of list %q lacks rows", v.Plan.View.Name, child.def.Name)
	}
	parent.Children[c] = sorted
	return nil
}

// keyOfOrder skips the order parts of an order entry.
func (n *node) keyOfOrder(rest []byte) ([]byte, error) {
	var err error
	for t, term := range n.Order {
		if rest, err = encoding.SkipPart(term.Expr.Type, n.parts[t], rest); err != nil {
			return nil, fmt.Errorf("damaged order of list %q: %w", n.def.Name, err)
		}
	}
	return rest, nil
}
