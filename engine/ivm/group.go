package ivm

import (
	"bytes"
	"fmt"

	"odsd/storage"
	"odsd/storage/encoding"
	"odsd/storage/relation"
	"odsd/views"
)

// A group-by view keeps one row a group and no row a contribution: what an input
// row contributes (its dimensions, the arguments and conditions of the measures)
// is a pure function of that row alone, so the stored old row gives the old
// contribution again. That is the one place where expressions run on old rows.
//
// A group is there as long as its last accumulator, which counts its rows, is
// not empty. An input row whose condition or dimension cannot be computed is in
// no group; its error is kept under the row's own key.

// group is a group-by view made runnable.
type group struct {
	input    *Relation
	inputs   []views.Eval // views.Plan.Input
	measures []int        // ordinals to evaluate from other fields, in order
}

// inputErrors is the node under which errors of input rows are kept; groups
// themselves are node 0.
const inputErrors = 1

// bindKind prepares what groups and unions need.
func (v *View) bindKind(catalog *Catalog) error {
	switch v.Plan.View.Kind {
	case views.GroupView:
		g := &group{input: catalog.Relations[v.occs[0].def.Schema.Name]}
		for _, column := range v.Plan.Input {
			g.inputs = append(g.inputs, column.Expr.Compile())
		}
		root := v.Plan.View.Nodes[0]
		for _, ordinal := range root.EvalOrder {
			if root.Scalars[ordinal].Aggregate == nil && ordinal >= len(v.Plan.View.KeyFields) {
				g.measures = append(g.measures, ordinal)
			}
		}
		v.group = g
	case views.UnionView:
		return v.bindBranches(catalog)
	}
	return nil
}

// contribution is what one state of an input row puts into a group.
type contribution struct {
	key     []byte // of the group; nil when the row is in none
	columns []relation.Value
	errors  []byte // as errorsOf has them: 0 the condition, n + 1 the dimension n
}

// contributionOf computes what an input row contributes; nothing for no row.
func (p *pass) contributionOf(row []relation.Value) contribution {
	var c contribution
	if row == nil {
		return c
	}
	n, g := p.view.nodes[0], p.view.group
	p.env.only(0, row)
	if n.where != nil {
		holds := n.where(&p.env.Env)
		if holds.IsError() {
			c.errors = []byte{0, byte(holds.Code())}
		}
		if !holds.True() {
			return c
		}
	}
	key := []byte{}
	for d := range p.view.Plan.View.KeyFields {
		value := shown(n.columns[d](&p.env.Env))
		if value.IsError() {
			c.errors = []byte{byte(d + 1), byte(value.Code())}
			return c
		}
		key = encoding.AppendPart(key, encoding.Part{}, value)
	}
	c.key = key
	c.columns = make([]relation.Value, 0, len(g.inputs)) // not nil: a row that is merely counted
	for _, input := range g.inputs {
		c.columns = append(c.columns, input(&p.env.Env))
	}
	return c
}

// applyGroups moves contributions from where the old rows put them to where
// the new rows do, and then computes the groups that they touched.
func (p *pass) applyGroups(in Input) error {
	o := p.view.occs[0]
	err := in.each(func(change Change) error {
		if change.Relation != o.def.Schema.Name || o.leavesAlone(change) {
			return nil
		}
		if p.crowded(1) {
			if p.bounds.Whole {
				return ErrCrowded
			}
			if err := p.finishSomeGroups(); err != nil {
				return err
			}
		}
		return p.contributeChange(p.builtYet(change))
	})
	if err != nil {
		return err
	}
	if p.marks != nil {
		return p.finishSomeGroups()
	}
	return p.finishGroups()
}

// finishSomeGroups writes the groups that are known, and forgets them. A change
// to come that touches one of them again finds what is written here, not what was
// before the commit: of a group nothing but its sums and its row is asked for.
func (p *pass) finishSomeGroups() error {
	if err := p.finishGroups(); err != nil {
		return err
	}
	p.result.Touched += len(p.lists[0])
	p.parts.Add(p.result)
	p.result = Result{}
	if err := p.spillMarks(); err != nil {
		return err
	}
	p.before = &side{reader: p.commit}
	return p.spill()
}

// builtYet leaves out the sides of a change that the build of this generation
// has not come to.
func (p *pass) builtYet(change Change) Change {
	if p.upTo == nil {
		return change
	}
	g := p.view.group
	if change.Old != nil && bytes.Compare(g.input.appendKey(nil, change.Old), p.upTo) > 0 {
		change.Old = nil
	}
	if change.New != nil && bytes.Compare(g.input.appendKey(nil, change.New), p.upTo) > 0 {
		change.New = nil
	}
	return change
}

func (p *pass) contributeChange(change Change) error {
	old, now := p.contributionOf(change.Old), p.contributionOf(change.New)
	if err := p.moveInputErrors(change, old.errors, now.errors); err != nil {
		return err
	}
	if old.key != nil && now.key != nil && bytes.Equal(old.key, now.key) {
		return p.contributeToGroup(old.key, old.columns, now.columns)
	}
	if old.key != nil {
		if err := p.contributeToGroup(old.key, old.columns, nil); err != nil {
			return err
		}
	}
	if now.key != nil {
		return p.contributeToGroup(now.key, nil, now.columns)
	}
	return nil
}

// contributeToGroup feeds the accumulators of one group. The input row takes
// the place that a list's row has below its parent.
func (p *pass) contributeToGroup(key []byte, old, now []relation.Value) error {
	holder := p.instance(p.view.nodes[0], nil, key)
	holder.dirty, holder.marked = true, true
	row := &instance{node: p.view.nodes[0], parent: holder, oldRow: old, newRow: now, exists: now != nil}
	for a, spec := range holder.node.Accumulators {
		if _, err := p.contributeTo(row, a, spec); err != nil {
			return err
		}
	}
	return nil
}

func (p *pass) moveInputErrors(change Change, old, now []byte) error {
	keyOf := func(row []relation.Value) []byte {
		prefix := storage.AppendErrorPrefix(nil, p.view.Generation, inputErrors)
		return p.view.group.input.appendKey(prefix, row)
	}
	if old != nil {
		p.writes.delete(keyOf(change.Old))
	}
	if now != nil {
		p.writes.set(keyOf(change.New), now)
		if !bytes.Equal(old, now) {
			p.result.Failed++
		}
	}
	p.result.Errors += present(now != nil) - present(old != nil)
	return nil
}

// finishGroups computes and writes the groups that were touched.
func (p *pass) finishGroups() error {
	for _, i := range p.lists[0] {
		if err := p.evaluateGroup(i); err != nil {
			return err
		}
	}
	return p.paths()
}

func (p *pass) evaluateGroup(i *instance) error {
	i.oldPath = i.id
	if err := p.readStored(i); err != nil {
		return err
	}
	count, err := p.accumulator(i, len(i.node.Accumulators)-1)
	if err != nil {
		return err
	}
	i.exists = !count.now.empty()
	if !i.exists {
		i.hides = false
		return nil
	}
	i.newPath = i.id
	i.newRow = make([]relation.Value, len(i.node.columns))
	if err := p.dimensions(i); err != nil {
		return err
	}
	if err := p.evaluateAggregates(i); err != nil {
		return err
	}
	clear(p.env.Rows)
	p.env.Fields = i.newRow
	for _, ordinal := range p.view.group.measures {
		i.newRow[ordinal] = shown(i.node.columns[ordinal](&p.env.Env))
	}
	p.decideHaving(i)
	return nil
}

// dimensions takes a group's dimensions out of its key: of the rows that made
// it, some may say 1.0 and some 1.00, and the group must not depend on which came
// first. A declared scale is shown.
func (p *pass) dimensions(i *instance) error {
	rest := i.id
	for d, t := range i.node.KeyParts {
		var err error
		var v relation.Value
		if v, rest, err = encoding.DecodePart(t, encoding.Part{}, rest); err != nil {
			return fmt.Errorf("key of a group of view %s: %w", p.view.Plan.View.Name, err)
		}
		i.newRow[d] = relation.PadScale(v, t.Scale)
	}
	return nil
}

// buildGroups takes in the next rows of the input.
func (p *pass) buildGroups(after []byte, limit int) (Result, []byte, error) {
	input := p.view.group.input
	var cursor []byte
	rows := 0
	err := input.ScanAfter(p.before.reader, after, func(row []relation.Value) (bool, error) {
		rows++
		cursor = input.appendKey(cursor[:0], row)
		return rows < limit, p.contributeChange(Change{New: row})
	})
	if rows < limit {
		cursor = nil
	}
	if err == nil {
		err = p.finishGroups()
	}
	return p.done(), cursor, err
}
