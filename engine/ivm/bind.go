package ivm

import (
	"sort"

	"odsd/storage/relation"
)

// decideExistence tells whether a dirty instance, whose own row is there and
// whose parent exists, exists: its join holds, its condition is true, and its
// required `one`s have a match. It binds the `one`s on the way.
func (p *pass) decideExistence(i *instance) error {
	p.env.enter(i)
	if !p.joined(i) {
		return nil
	}
	if err := p.bind(i); err != nil {
		return err
	}
	p.env.enter(i)
	if i.node.where != nil {
		holds := i.node.where(&p.env.Env)
		if holds.IsError() {
			i.failure = holds.Code()
		}
		if !holds.True() {
			return nil
		}
	}
	for _, one := range i.node.ones {
		if one.def.Required && p.env.Rows[one.def.ID] == nil {
			return nil
		}
	}
	i.exists = true
	return nil
}

// joined tests the join of an instance's own row with the rows above it. A list
// inside a `one` is there only where the `one` has a match.
func (p *pass) joined(i *instance) bool {
	own := i.rows[0]
	if parent := i.node.own.def.Parent; parent >= 0 && p.env.Rows[parent] == nil {
		return false
	}
	for _, eq := range i.node.own.def.Join {
		outer := p.env.Rows[eq.Outer]
		if outer == nil {
			return false
		}
		a, b := own[eq.Column], outer[eq.OuterColumn]
		if a.Missing() || b.Missing() || !relation.Equal(a, b) {
			return false
		}
	}
	return true
}

// bind finds the rows of an instance's `one`s in the pending state.
func (p *pass) bind(i *instance) error {
	if i.bound {
		return nil
	}
	i.bound = true
	p.env.enter(i)
	for _, one := range i.node.ones {
		if err := p.bindOne(one); err != nil {
			return err
		}
	}
	for k, o := range i.node.occs[1:] {
		i.rows[k+1] = p.env.Rows[o.def.ID]
	}
	return nil
}

// bindOne binds a `one` and those below it in the environment: the first
// candidate, in its order, for which its condition is true. Without one, or
// where a required `one` below has no match, it and all below it are unbound.
func (p *pass) bindOne(o *occurrence) error {
	candidates, err := p.candidates(o)
	if err != nil {
		return err
	}
	for _, row := range candidates {
		if err := p.tryCandidate(o, row); err != nil {
			return err
		}
		if o.where == nil || o.where(&p.env.Env).True() {
			for _, one := range o.ones {
				if one.def.Required && p.env.Rows[one.def.ID] == nil {
					p.unbind(o)
				}
			}
			return nil
		}
	}
	p.unbind(o)
	return nil
}

func (p *pass) tryCandidate(o *occurrence, row []relation.Value) error {
	p.env.Rows[o.def.ID] = row
	for _, one := range o.ones {
		if err := p.bindOne(one); err != nil {
			return err
		}
	}
	return nil
}

func (p *pass) unbind(o *occurrence) {
	p.env.Rows[o.def.ID] = nil
	for _, one := range o.ones {
		p.unbind(one)
	}
}

// candidates lists the rows that a `one` may pick, in the order of the pick.
// Where the first will do, it stops at the first.
func (p *pass) candidates(o *occurrence) ([][]relation.Value, error) {
	firstWillDo := o.where == nil && (o.down.Unique || o.down.ordered || len(o.order) == 0)
	var rows [][]relation.Value
	err := p.after.find(o.down, p.env.Rows, func(row []relation.Value) (bool, error) {
		rows = append(rows, row)
		return !firstWillDo, nil
	})
	if err != nil || len(rows) < 2 || o.down.ordered {
		return rows, err
	}
	p.sortCandidates(o, rows)
	return rows, nil
}

// sortCandidates orders rows that came in key order, which stays the tie-breaker.
func (p *pass) sortCandidates(o *occurrence, rows [][]relation.Value) {
	type ranked struct{ row, terms []relation.Value }
	all := make([]ranked, len(rows))
	for k, row := range rows {
		p.env.Rows[o.def.ID] = row
		all[k].row = row
		for _, term := range o.order {
			all[k].terms = append(all[k].terms, term(&p.env.Env))
		}
	}
	p.env.Rows[o.def.ID] = nil
	sort.SliceStable(all, func(a, b int) bool {
		for t, term := range o.def.Order {
			if c := compareTerms(all[a].terms[t], all[b].terms[t], term.Desc, term.NullsFirst); c != 0 {
				return c < 0
			}
		}
		return false
	})
	for k := range all {
		rows[k] = all[k].row
	}
}

// compareTerms orders two values of an order's term.
func compareTerms(a, b relation.Value, desc, nullsFirst bool) int {
	c := relation.Compare(a, b)
	if a.Missing() != b.Missing() {
		if nullsFirst {
			return -c
		}
		return c
	}
	if desc {
		return -c
	}
	return c
}
