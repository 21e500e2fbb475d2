package ivm

import (
	"errors"
	"fmt"
	"slices"

	"odsd/storage"
	"odsd/storage/encoding"
	"odsd/storage/relation"
)

// One changed row may lead to more instances than memory should hold. Instances under
// different roots have nothing to do with each other, so the marks then go to a run
// outside the store, in the order of their roots, and are worked off in parts: as many
// whole roots at a time as fit. A single document that does not fit is divided: see division.
//
//	mark of the run    identity │ node 1
//
// What the parts write leaves memory between them; the state before the commit stays
// what it is for all of them.

// Input is what a view is told of a commit.
type Input struct {
	// Changes of its relations, one a key.
	Changes []Change
	// Many are the changes of views below that were too many for memory.
	Many []*Roots
}

// each visits all changes.
func (in Input) each(visit func(Change) error) error {
	for _, change := range in.Changes {
		if err := visit(change); err != nil {
			return err
		}
	}
	for _, roots := range in.Many {
		if err := roots.Each(visit); err != nil {
			return err
		}
	}
	return nil
}

// Bounds are of what the maintenance of a view holds in memory.
type Bounds struct {
	// Instances that are known at a time, about; 0: any number.
	Instances int
	// Part is told after each part of a view that did not fit.
	Part func() error
	// Whole says that what does not fit is not to be worked off in parts: it ends with ErrCrowded.
	Whole bool
}

// ErrCrowded ends a step, which has written nothing yet or is to be abandoned with its
// commit, since more instances became known than there is room for.
var ErrCrowded = errors.New("more instances than fit into memory")

// crowded says whether more instances are known than should be.
func (p *pass) crowded(times int) bool {
	return p.bounds.Instances > 0 && p.count > times*p.bounds.Instances
}

// marked makes an instance dirty because a changed row could touch it. Where those
// become too many, they leave memory.
func (p *pass) marked(i *instance) error {
	i.dirty, i.marked = true, true
	if !p.crowded(1) {
		return nil
	}
	if p.bounds.Whole {
		return ErrCrowded
	}
	return p.spillMarks()
}

// spillMarks moves the marks of all instances into the run, and forgets the instances.
func (p *pass) spillMarks() (err error) {
	if p.marks == nil {
		if p.marks, err = p.commit.NewRun(); err != nil {
			return err
		}
	}
	for n, list := range p.lists {
		for _, i := range list {
			if i.marked {
				if err := p.marks.Add(append(slices.Clone(i.id), byte(n))); err != nil {
					return err
				}
			}
		}
	}
	p.forget()
	return nil
}

// forget makes all instances unknown.
func (p *pass) forget() {
	for n := range p.known {
		p.known[n], p.lists[n] = map[string]*instance{}, nil
	}
	p.count, p.writes = 0, writes{}
}

// work does what follows from the marks, at once or in parts.
func (p *pass) work(finish func(*pass) error) error {
	if p.marks == nil {
		err := finish(p)
		if !errors.Is(err, ErrCrowded) || p.bounds.Whole {
			return err
		}
	}
	if err := p.spillMarks(); err != nil {
		return err
	}
	return p.workParts(division{marks: p.marks}, finish)
}

// splitKey takes the key parts of a node off an identity.
func (n *node) splitKey(id []byte) (key, rest []byte, err error) {
	rest = id
	for _, t := range n.KeyParts {
		if rest, err = encoding.SkipPart(t, encoding.Part{}, rest); err != nil {
			return nil, nil, fmt.Errorf("damaged identity in list %q: %w", n.def.Name, err)
		}
	}
	return id[:len(id)-len(rest)], rest, nil
}

// Roots are the changes of a view's root rows in a commit, where they are too many for
// memory: a run names those that may have changed, and the rows are read before and after.
type Roots struct {
	run           *storage.Run
	view          *View
	before, after storage.Reader
}

// rootsOf gives the changes of the roots that were marked, to the views above.
func (p *pass) rootsOf() (*Roots, error) {
	if p.marks == nil {
		return nil, nil
	}
	if !p.view.Feeds {
		return nil, p.marks.Close()
	}
	return &Roots{run: p.marks, view: p.view, before: p.reads.before.reader, after: p.commit}, nil
}

// Each visits the changes in the order of the keys. The view must be through.
func (r *Roots) Each(visit func(Change) error) error {
	root := r.view.nodes[0]
	prefix := storage.AppendNodePrefix(nil, r.view.Generation)
	var last []byte
	return r.run.Each(nil, func(mark []byte) (bool, error) {
		key, _, err := root.splitKey(mark[:len(mark)-1])
		if err != nil || last != nil && string(key) == string(last) {
			return err == nil, err
		}
		last = append(last[:0], key...)
		change := Change{Relation: r.view.Plan.View.Name}
		at := append(slices.Clone(prefix), key...)
		if change.Old, err = r.row(r.before, at); err != nil {
			return false, err
		}
		if change.New, err = r.row(r.after, at); err != nil {
			return false, err
		}
		if change.Old == nil && change.New == nil || change.Old != nil && change.New != nil && identicalRows(change.Old, change.New) {
			return true, nil
		}
		return true, visit(change)
	})
}

func (r *Roots) row(reader storage.Reader, key []byte) ([]relation.Value, error) {
	stored, found, err := reader.Get(key)
	if err != nil {
		return nil, fmt.Errorf("read a row of view %s: %w", r.view.Plan.View.Name, err)
	}
	if !found {
		return nil, nil
	}
	root := r.view.nodes[0]
	return root.layout.Decode(nil, stored)[:len(root.def.Scalars)], nil
}

// indexedAtOnce is how many changes WriteIndexes has in memory.
const indexedAtOnce = 1000

// WriteIndexes moves the index entries of the view's root rows, as the function of
// that name does.
func (r *Roots) WriteIndexes(c *storage.Commit, of *Relation) error {
	if len(of.Indexes) == 0 {
		return nil
	}
	var some []Change
	write := func() error {
		WriteIndexes(c, of, some)
		some = some[:0]
		return c.Spill()
	}
	err := r.Each(func(change Change) error {
		if some = append(some, change); len(some) < indexedAtOnce {
			return nil
		}
		return write()
	})
	if err != nil {
		return err
	}
	return write()
}

// Close gives up the run.
func (r *Roots) Close() error { return r.run.Close() }
