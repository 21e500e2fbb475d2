package ivm

import (
	"fmt"
	"slices"

	"odsd/storage"
	"odsd/storage/encoding"
	"odsd/views"
)

// View maintains one generation of one view. It belongs to the one writer.
type View struct {
	Plan       *views.Plan
	Generation storage.GenerationID
	nodes      []*node
	occs       []*occurrence
	// touches lists the occurrences of each relation.
	touches map[string][]*occurrence
	indexes []viewIndex
	having  views.Eval
	checks  []check
	// Feeds is set when other views stand on this one: Apply then tells the
	// changes of its root rows.
	Feeds bool

	group    *group    // of a group-by view
	branches []*branch // of a union
}

// node is a views.PlanNode made runnable.
type node struct {
	*views.PlanNode
	def    *views.Node
	parent *node
	own    *occurrence
	ones   []*occurrence // directly below the node's own row
	occs   []*occurrence // all that its row holds: its own, then every `one`
	// lentOnes is set when a node below joins to one of the `one`s.
	lentOnes bool
	where    views.Eval
	order    []views.Eval
	parts    []encoding.Part // of the order
	columns  []views.Eval    // by stored column; nil for aggregates and presence
	layout   *encoding.Layout
	children []*node
	// inputs lists all stored columns that any child's joins use: known before
	// any aggregate is.
	inputs []int
}

// occurrence is a views.PlanOccurrence made runnable.
type occurrence struct {
	*views.PlanOccurrence
	def   *views.Occurrence
	down  *lookup
	up    []*lookup
	where views.Eval
	order []views.Eval
	ones  []*occurrence
}

type viewIndex struct {
	columns []int
	parts   []encoding.Part
}

// NewView binds a plan to the relations and indexes stored for it.
func NewView(plan *views.Plan, generation storage.GenerationID, catalog *Catalog) (*View, error) {
	v := NewReader(plan, generation)
	for _, o := range v.occs {
		if err := v.bind(o, catalog); err != nil {
			return nil, fmt.Errorf("view %s: %w", plan.View.Name, err)
		}
	}
	if err := v.bindKind(catalog); err != nil {
		return nil, fmt.Errorf("view %s: %w", plan.View.Name, err)
	}
	return v, nil
}

// NewReader gives a view that reads what is stored of it, and cannot maintain it.
func NewReader(plan *views.Plan, generation storage.GenerationID) *View {
	v := &View{Plan: plan, Generation: generation, touches: map[string][]*occurrence{}}
	for i := range plan.Occurrences {
		o := newOccurrence(plan, i)
		v.occs = append(v.occs, o)
		v.touches[o.def.Schema.Name] = append(v.touches[o.def.Schema.Name], o)
	}
	for _, o := range v.occs {
		for _, id := range o.def.Ones {
			o.ones = append(o.ones, v.occs[id])
		}
	}
	for i := range plan.Nodes {
		v.nodes = append(v.nodes, v.newNode(i))
	}
	if plan.View.Having != nil {
		v.having = plan.View.Having.Compile()
	}
	v.checks = newChecks(plan.View)
	for _, index := range plan.Indexes {
		x := viewIndex{columns: index.Columns}
		for _, desc := range index.Desc {
			x.parts = append(x.parts, encoding.Part{Desc: desc, NullsFirst: desc})
		}
		v.indexes = append(v.indexes, x)
	}
	return v
}

func newOccurrence(plan *views.Plan, id int) *occurrence {
	o := &occurrence{PlanOccurrence: plan.Occurrences[id], def: plan.View.Occurrences[id]}
	if o.def.Where != nil {
		o.where = o.def.Where.Compile()
	}
	for _, term := range o.def.Order {
		o.order = append(o.order, term.Expr.Compile())
	}
	return o
}

// bind finds what an occurrence's lookups need in the store. The rows of groups
// and unions find their instance by themselves.
func (v *View) bind(o *occurrence, catalog *Catalog) (err error) {
	if catalog.Relations[o.def.Schema.Name] == nil {
		return fmt.Errorf("relation %s is not stored", o.def.Schema.Name)
	}
	if kind := v.Plan.View.Kind; kind == views.GroupView || kind == views.UnionView {
		return nil
	}
	id := o.def.ID
	if o.down, err = newLookup(catalog, v.Plan, id, o.Down); err != nil {
		return err
	}
	for _, step := range o.Up {
		bound, err := newLookup(catalog, v.Plan, step.Occurrence, step.Lookup)
		if err != nil {
			return err
		}
		o.up = append(o.up, bound)
	}
	return nil
}

func (v *View) newNode(id int) *node {
	p := v.Plan.Nodes[id]
	n := &node{PlanNode: p, def: v.Plan.View.Nodes[id]}
	n.own = v.occs[n.def.Own]
	n.ones = n.own.ones
	n.occs = []*occurrence{n.own}
	for _, o := range v.occs {
		if o.def.Node == id && o != n.own {
			n.occs = append(n.occs, o)
		}
	}
	n.lentOnes = v.lendsOnes(id)
	if n.def.Parent >= 0 {
		n.parent = v.nodes[n.def.Parent]
		n.parent.children = append(n.parent.children, n)
	}
	if p.Where != nil {
		n.where = p.Where.Compile()
	}
	for _, term := range p.Order {
		n.order = append(n.order, term.Expr.Compile())
		n.parts = append(n.parts, encoding.Part{Desc: term.Desc, NullsFirst: term.NullsFirst})
	}
	for _, column := range p.Columns {
		var eval views.Eval
		if column.Expr != nil {
			eval = column.Expr.Compile()
		}
		n.columns = append(n.columns, eval)
	}
	n.layout = encoding.NewLayout(rowVersion, p.Types())
	for _, inputs := range p.Inputs {
		for _, column := range inputs {
			if !slices.Contains(n.inputs, column) {
				n.inputs = append(n.inputs, column)
			}
		}
	}
	return n
}

// lendsOnes says whether any node below joins to a `one` of this node, or is a
// list inside one.
func (v *View) lendsOnes(node int) bool {
	lent := func(occurrence int) bool {
		outer := v.occs[occurrence].def
		return outer.Node == node && outer.ID != v.Plan.View.Nodes[node].Own
	}
	for _, o := range v.occs {
		if o.def.Node == node {
			continue
		}
		if o.def.Parent >= 0 && lent(o.def.Parent) {
			return true
		}
		for _, eq := range o.def.Join {
			if lent(eq.Outer) {
				return true
			}
		}
	}
	return false
}
