package ivm

import (
	"fmt"
	"slices"
	"time"

	"odsd/storage"
	"odsd/storage/encoding"
	"odsd/storage/relation"
)

// instance is one row of a node during one commit: what is stored of it, and
// what the pending base rows make of it. Its parent is always there too, even
// when nothing about the parent changes.
type instance struct {
	node   *node
	parent *instance
	// id is the identity: the key parts of every level from the root down; the
	// last level's begin at key.
	id  []byte
	key int

	// dirty instances are computed anew; the others stand as they are stored. marked are
	// those that a changed row made so.
	dirty, marked bool
	// divided ones have what stands below them worked off before them: see division.
	divided bool

	// Before the commit: the stored row with its path, nil if there was none.
	oldPath []byte
	oldRow  []relation.Value

	// In the pending state: whether it exists, its path, the base rows bound to
	// its occurrences (its own first, then those of its `one`s) and its row.
	exists  bool
	bound   bool
	newPath []byte
	rows    [][]relation.Value
	newRow  []relation.Value
	// hid and hides say whether `having` hid the document before, and hides it
	// now; of roots only.
	hid, hides bool
	// failure is why the condition could not be computed; the row is then left out.
	failure relation.ErrorCode

	// accumulators touched in this commit, by ordinal.
	accumulators []*accumulator
}

func (i *instance) existed() bool { return i.oldRow != nil }

func (i *instance) moved() bool {
	if !i.exists || !i.existed() {
		return false
	}
	root := i.root()
	return root.hid != root.hides || string(i.oldPath) != string(i.newPath)
}

func (i *instance) root() *instance {
	for i.parent != nil {
		i = i.parent
	}
	return i
}

// shows says whether queries see the root row, before and now.
func (i *instance) showed() bool { return i.existed() && !i.hid }
func (i *instance) shows() bool  { return i.exists && !i.hides }

// pass is the maintenance of one view in one commit.
type pass struct {
	view          *View
	commit        *storage.Commit
	before, after *side
	reads         *Reads
	bounds        Bounds
	// upTo is the last root identity that a build has reached; nil when the
	// view is whole. Roots beyond it do not exist yet.
	upTo []byte

	known [](map[string]*instance) // by node
	lists [][]*instance            // by node, in the order they became known
	count int                      // of known instances

	// marks are those that do not fit into memory, nil where all do; parts is what was
	// done of them.
	marks *storage.Run
	parts Result

	rows   [][]relation.Value // scratch of a climb
	env    envelope
	writes writes
	result Result
}

// Result is what a commit did to a view.
type Result struct {
	Documents int64 // root rows gained
	Errors    int64 // instances with errors gained
	Written   int   // node rows written or deleted
	Touched   int   // documents that the changes led to, changed by them or not
	Left      int   // rows that a step of a build was to take in and had no room for
	Failed    int   // instances that came to have errors, or other ones
	// Checks are, for each check, the documents gained that fail it; nil where no
	// root was looked at.
	Checks []int64
	// Took is how long it was at work, told by whoever ran it: a pass knows no clock.
	Took time.Duration
	// Roots are the changes of the root's fields, for views that stand on this one; or
	// Many, where they are too many for memory, which whoever has it closes.
	Roots []Change
	Many  *Roots
}

// Add adds what another part of the same commit did.
func (r *Result) Add(o Result) {
	r.Documents += o.Documents
	r.Errors += o.Errors
	r.Written += o.Written
	r.Touched += o.Touched
	r.Failed += o.Failed
	r.Took += o.Took
	if r.Roots == nil {
		r.Roots = o.Roots
	} else {
		r.Roots = append(r.Roots, o.Roots...)
	}
	if r.Checks == nil {
		r.Checks = o.Checks
		return
	}
	for i, n := range o.Checks {
		r.Checks[i] += n
	}
}

// Counts says whether any of the numbers kept of the view has moved.
func (r *Result) Counts() bool {
	return r.Documents != 0 || r.Errors != 0 || slices.ContainsFunc(r.Checks, func(n int64) bool { return n != 0 })
}

// instance gives the instance with a key below a parent (nil for a root),
// making it known if it is not. Key is the encoded key parts.
func (p *pass) instance(n *node, parent *instance, key []byte) *instance {
	id, start := identityBelow(parent, key)
	if known, ok := p.known[n.Node][string(id)]; ok {
		return known
	}
	i := &instance{node: n, parent: parent, id: id, key: start}
	p.known[n.Node][string(id)] = i
	p.lists[n.Node] = append(p.lists[n.Node], i)
	p.count++
	return i
}

func (p *pass) knows(n *node, parent *instance, key []byte) bool {
	id, _ := identityBelow(parent, key)
	return p.known[n.Node][string(id)] != nil
}

// identityBelow is the identity of an instance with a key, which begins at start.
func identityBelow(parent *instance, key []byte) (id []byte, start int) {
	if parent != nil {
		id = append(id, parent.id...)
	}
	start = len(id)
	return append(id, key...), start
}

// resolve finds out what is stored of an instance and what has become of it.
// Its parent has been resolved before.
func (p *pass) resolve(i *instance) error {
	if err := p.resolveOld(i); err != nil {
		return err
	}
	if i.parent != nil && !i.parent.exists {
		return nil
	}
	own, err := p.ownRow(p.after, i)
	if err != nil || own == nil {
		return err
	}
	i.rows = make([][]relation.Value, len(i.node.occs))
	i.rows[0] = own
	if !i.dirty {
		i.exists = i.existed()
	} else if err := p.decideExistence(i); err != nil {
		return err
	}
	if !i.exists {
		return nil
	}
	if i.node.lentOnes {
		if err := p.bind(i); err != nil {
			return err
		}
	}
	i.newPath = p.path(i, i.parentPath(false), own)
	return nil
}

func (p *pass) resolveOld(i *instance) error {
	if i.parent != nil && !i.parent.existed() {
		return nil
	}
	own, err := p.ownRow(p.before, i)
	if err != nil || own == nil {
		return err
	}
	i.oldPath = p.path(i, i.parentPath(true), own)
	return p.readStored(i)
}

// readStored reads the row at an instance's old path. A root may be hidden;
// what stands below it is where it is.
func (p *pass) readStored(i *instance) error {
	found, err := p.readAt(i, i.root().hid)
	if err != nil || found || i.parent != nil || p.view.having == nil {
		return err
	}
	i.hid, err = p.readAt(i, true)
	i.hides = i.hid
	return err
}

func (p *pass) readAt(i *instance, hidden bool) (bool, error) {
	stored, found, err := p.before.reader.Get(p.nodeKey(i.oldPath, hidden))
	if err != nil {
		return false, fmt.Errorf("read a row of view %s: %w", p.view.Plan.View.Name, err)
	}
	if found {
		i.oldRow = i.node.layout.Decode(nil, stored)
	}
	return found, nil
}

func (i *instance) parentPath(old bool) []byte {
	switch {
	case i.parent == nil:
		return nil
	case old:
		return i.parent.oldPath
	}
	return i.parent.newPath
}

// path of an instance with this own row below a parent's path.
func (p *pass) path(i *instance, parent []byte, own []relation.Value) []byte {
	n := i.node
	if n.parent == nil {
		return i.id
	}
	path := append(append([]byte(nil), parent...), n.Slot)
	if n.OrderInPath && len(n.order) > 0 {
		p.env.only(n.own.def.ID, own)
		for t, term := range n.order {
			path = encoding.AppendPart(path, n.parts[t], term(&p.env.Env))
		}
	}
	return append(path, i.id[i.key:]...)
}

// ownRow gets the base row of an instance on one side, nil if there is none.
func (p *pass) ownRow(s *side, i *instance) ([]relation.Value, error) {
	n, l := i.node, i.node.own.down
	if n.parent != nil || n.keyIsRelationKey() {
		return s.row(l.relation, append(slices.Clone(l.relation.Prefix), i.id[i.key:]...))
	}
	// The view has a key of its own: its values lead through a unique index. If
	// two rows claim one key, the first entry is the lowest primary key's.
	probe := make([]relation.Value, len(l.relation.Schema.Columns))
	rest := i.id[i.key:]
	for k, column := range n.def.Key {
		var err error
		if probe[column], rest, err = encoding.DecodePart(n.KeyParts[k], encoding.Part{}, rest); err != nil {
			return nil, fmt.Errorf("key of view %s: %w", p.view.Plan.View.Name, err)
		}
	}
	rows := make([][]relation.Value, n.own.def.ID+1)
	rows[n.own.def.ID] = probe
	var found []relation.Value
	err := s.find(l, rows, func(row []relation.Value) (bool, error) {
		found = row
		return false, nil
	})
	return found, err
}

func (n *node) keyIsRelationKey() bool {
	key := n.own.def.Schema.Key
	if len(key) != len(n.def.Key) {
		return false
	}
	for i := range key {
		if key[i] != n.def.Key[i] {
			return false
		}
	}
	return true
}
