package reference

import (
	"slices"

	"odsd/storage/relation"
	"odsd/views"
)

// instance is one row of a node with everything below it: all instances of its
// lists, those beyond a `limit` and in hidden lists included, since aggregates
// count them.
type instance struct {
	node  int
	env   views.Env
	order []relation.Value    // values of the node's order terms
	lists map[int][]*instance // by id of the node directly below
}

// bind starts an instance: the rows of the instances above, and its own.
func (r *run) bind(node int, row []relation.Value, above *instance) *instance {
	in := &instance{node: node, lists: make(map[int][]*instance)}
	in.env.Rows = make([][]relation.Value, len(r.view.Occurrences))
	in.env.Fields = make([]relation.Value, len(r.nodes[node].Scalars))
	if above != nil {
		copy(in.env.Rows, above.env.Rows)
	}
	in.env.Rows[r.nodes[node].Own] = row
	return in
}

// instance computes the instance that a row of the node's own relation makes,
// nil when there is none: the condition excludes it, or a required `one` has no
// match.
func (r *run) instance(node int, row []relation.Value, above *instance) (*instance, error) {
	code := &r.nodes[node]
	in := r.bind(node, row, above)
	complete, err := r.bindOnes(&in.env, r.view.Occurrences[code.Own].Ones)
	if err != nil || !complete || !holds(code.where, &in.env) {
		return nil, err
	}
	for _, child := range code.children {
		if in.lists[child], err = r.list(child, in); err != nil {
			return nil, err
		}
	}
	r.computeFields(in)
	for _, o := range code.order {
		in.order = append(in.order, o.eval(&in.env))
	}
	return in, nil
}

// list computes the instances of a node below one instance, in order.
func (r *run) list(node int, above *instance) ([]*instance, error) {
	code := &r.nodes[node]
	own := r.view.Occurrences[code.Own]
	var list []*instance
	err := r.matches(own, &above.env, func(row []relation.Value) error {
		in, err := r.instance(node, row, above)
		if in != nil {
			list = append(list, in)
		}
		return err
	})
	slices.SortFunc(list, func(a, b *instance) int {
		if d := compareOrder(code.order, a.order, b.order); d != 0 {
			return d
		}
		return compareColumns(a.env.Rows[code.Own], b.env.Rows[code.Own], code.Key)
	})
	return list, err
}

// computeFields fills Env.Fields. The fields of a `one` without a match are
// null whatever their expressions say, since the object that would hold them
// does not exist.
func (r *run) computeFields(in *instance) {
	code := &r.nodes[in.node]
	for _, ordinal := range code.EvalOrder {
		field := code.Scalars[ordinal]
		switch {
		case in.env.Rows[field.Within] == nil:
			in.env.Fields[ordinal] = relation.OfNull()
		case field.Aggregate != nil:
			in.env.Fields[ordinal] = shown(code.sums[ordinal].over(r, in))
		default:
			in.env.Fields[ordinal] = shown(code.scalars[ordinal](&in.env))
		}
	}
}

// shown is a field's value as documents show it: an infinite date or time is no
// instant, hence an error of the field.
func shown(v relation.Value) relation.Value {
	if v.IsInfinite() {
		return relation.OfError(relation.ErrInfiniteTime)
	}
	return v
}

// bindOnes binds the `one`s with the given ids and all below them. It is
// complete when each required one among them has a match.
func (r *run) bindOnes(env *views.Env, ids []int) (complete bool, err error) {
	complete = true
	for _, id := range ids {
		if err := r.bindOne(env, id); err != nil {
			return false, err
		}
		if env.Rows[id] == nil && r.view.Occurrences[id].Required {
			complete = false
		}
	}
	return complete, nil
}

// bindOne picks the first of the matching rows for which the condition holds,
// and binds it unless a required `one` below it has no match.
func (r *run) bindOne(env *views.Env, id int) error {
	o := r.view.Occurrences[id]
	var first, firstOrder []relation.Value
	err := r.matches(o, env, func(row []relation.Value) error {
		env.Rows[id] = row
		if _, err := r.bindOnes(env, o.Ones); err != nil {
			return err
		}
		if !holds(r.ones[id].where, env) {
			return nil
		}
		order := r.orderOfOne(env, id)
		if first == nil || r.comesBefore(id, row, order, first, firstOrder) {
			first, firstOrder = row, order
		}
		return nil
	})
	r.unbind(env, id)
	if err != nil || first == nil {
		return err
	}
	env.Rows[id] = first
	complete, err := r.bindOnes(env, o.Ones)
	if !complete {
		r.unbind(env, id)
	}
	return err
}

func (r *run) unbind(env *views.Env, id int) {
	env.Rows[id] = nil
	for _, below := range r.view.Occurrences[id].Ones {
		r.unbind(env, below)
	}
}

func (r *run) orderOfOne(env *views.Env, id int) []relation.Value {
	var order []relation.Value
	for _, o := range r.ones[id].order {
		order = append(order, o.eval(env))
	}
	return order
}

func (r *run) comesBefore(id int, row, order, otherRow, otherOrder []relation.Value) bool {
	d := compareOrder(r.ones[id].order, order, otherOrder)
	if d == 0 {
		d = compareColumns(row, otherRow, r.view.Occurrences[id].Schema.Key)
	}
	return d < 0
}

// compareOrder compares two rows by the values of their order terms. An error
// sorts as null.
func compareOrder(order []orderCode, a, b []relation.Value) int {
	for i, o := range order {
		if d := compareTerm(o.term, a[i], b[i]); d != 0 {
			return d
		}
	}
	return 0
}

func compareTerm(term views.OrderTerm, a, b relation.Value) int {
	switch {
	case a.Missing() && b.Missing():
		return 0
	case a.Missing() || b.Missing():
		if a.Missing() == term.NullsFirst {
			return -1
		}
		return 1
	case term.Desc:
		return relation.Compare(b, a)
	}
	return relation.Compare(a, b)
}

// matches visits the rows that join to the bound enclosing rows. A join never
// matches on null, and where the enclosing object does not exist nothing joins
// to it.
func (r *run) matches(o *views.Occurrence, env *views.Env, visit func(row []relation.Value) error) error {
	if env.Rows[o.Parent] == nil {
		return nil
	}
	var columns []int
	var values []relation.Value
	for _, j := range o.Join {
		outer := env.Rows[j.Outer]
		if outer == nil || outer[j.OuterColumn].Missing() {
			return nil
		}
		value := outer[j.OuterColumn]
		if at := slices.Index(columns, j.Column); at < 0 {
			columns, values = append(columns, j.Column), append(values, value)
		} else if !relation.Equal(values[at], value) {
			return nil
		}
	}
	return r.rows.Find(o.Schema.Name, columns, values, visit)
}
