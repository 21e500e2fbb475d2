package reference

import (
	"context"
	"slices"

	"odsd/storage/relation"
	"odsd/views"
)

// Evaluator computes the documents of one view. It holds the compiled
// expressions of the definition and no data; it serves one goroutine.
type Evaluator struct {
	view  *views.View
	nodes []nodeCode // by node id
	ones  []oneCode  // by occurrence id
	// branches of a union.
	branches []branchCode
	having   views.Eval // nil: nothing is hidden
}

// nodeCode is a node with its expressions compiled.
type nodeCode struct {
	*views.Node
	where    views.Eval // nil: always true
	order    []orderCode
	scalars  []views.Eval    // by ordinal; nil for aggregates
	sums     []aggregateCode // by ordinal; zero for scalars
	children []int           // ids of the nodes directly below
}

// oneCode is the part of an occurrence that only a `one` has.
type oneCode struct {
	where views.Eval
	order []orderCode
}

type orderCode struct {
	eval views.Eval
	term views.OrderTerm
}

// New compiles the view's expressions.
func New(v *views.View) *Evaluator {
	e := &Evaluator{view: v, having: compile(v.Having), branches: compileBranches(v)}
	for _, n := range v.Nodes {
		e.nodes = append(e.nodes, compileNode(n))
		if n.Parent >= 0 {
			above := &e.nodes[n.Parent]
			above.children = append(above.children, n.ID)
		}
	}
	for _, o := range v.Occurrences {
		e.ones = append(e.ones, oneCode{where: compile(o.Where), order: compileOrder(o.Order)})
	}
	return e
}

func compileNode(n *views.Node) nodeCode {
	code := nodeCode{
		Node:    n,
		where:   compile(n.Where),
		order:   compileOrder(n.Order),
		scalars: make([]views.Eval, len(n.Scalars)),
		sums:    make([]aggregateCode, len(n.Scalars)),
	}
	for i, f := range n.Scalars {
		if f.Aggregate != nil {
			code.sums[i] = compileAggregate(f)
			continue
		}
		code.scalars[i] = compile(f.Expr)
	}
	return code
}

func compile(e *views.Expr) views.Eval {
	if e == nil {
		return nil
	}
	return e.Compile()
}

func compileOrder(terms []views.OrderTerm) []orderCode {
	var order []orderCode
	for _, t := range terms {
		order = append(order, orderCode{eval: t.Expr.Compile(), term: t})
	}
	return order
}

// Documents visits every document of the view, in no particular order. It stops
// at the first error of visit.
func (e *Evaluator) Documents(ctx context.Context, rows Rows, visit func(*Document) error) error {
	r := &run{Evaluator: e, rows: rows}
	switch e.view.Kind {
	case views.GroupView:
		return r.groups(ctx, visit)
	case views.UnionView:
		return r.union(ctx, visit)
	}
	return rows.All(e.view.Occurrences[0].Schema.Name, func(row []relation.Value) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		first, err := r.claimsKey(row)
		if err != nil || !first {
			return err
		}
		doc, err := r.document(row)
		if err != nil || doc == nil {
			return err
		}
		return visit(doc)
	})
}

// Document computes the document with the given key; nil when there is none.
func (e *Evaluator) Document(rows Rows, key []relation.Value) (*Document, error) {
	r := &run{Evaluator: e, rows: rows}
	if e.view.Kind == views.GroupView || e.view.Kind == views.UnionView {
		return r.search(key)
	}
	row, err := r.claimant(key)
	if err != nil || row == nil {
		return nil, err
	}
	return r.document(row)
}

// search computes all rows to find one: of groups and unions there is no
// shorter way that is as plain.
func (r *run) search(key []relation.Value) (found *Document, err error) {
	err = r.Documents(context.Background(), r.rows, func(d *Document) error {
		if compareKeys(d.Key, key) == 0 {
			found = d
		}
		return nil
	})
	return found, err
}

// Evaluate computes all documents of a view, in the order of their keys.
func Evaluate(ctx context.Context, v *views.View, rows Rows) ([]*Document, error) {
	var all []*Document
	err := New(v).Documents(ctx, rows, func(d *Document) error {
		all = append(all, d)
		return nil
	})
	slices.SortFunc(all, func(a, b *Document) int { return compareKeys(a.Key, b.Key) })
	return all, err
}

// run is one evaluation: the view over one state of the rows.
type run struct {
	*Evaluator
	rows Rows
}

func (r *run) document(row []relation.Value) (*Document, error) {
	in, err := r.instance(0, row, nil)
	if err != nil || in == nil || !holds(r.having, &in.env) {
		return nil, err
	}
	return r.show(in), nil
}

// claimsKey says whether the row is the one that its view key stands for.
func (r *run) claimsKey(row []relation.Value) (bool, error) {
	root := r.view.Occurrences[0]
	if subset(root.Schema.Key, r.view.Key) {
		return true, nil // no two rows can claim it
	}
	first, err := r.claimant(columnsOf(row, r.view.Key))
	return first != nil && compareColumns(first, row, root.Schema.Key) == 0, err
}

// claimant finds the row that a view key stands for. Should several rows of the
// relation claim it, which the source's unique index forbids while it is there,
// the one with the lowest relation key does.
func (r *run) claimant(key []relation.Value) ([]relation.Value, error) {
	root := r.view.Occurrences[0]
	var first []relation.Value
	err := r.rows.Find(root.Schema.Name, r.view.Key, key, func(row []relation.Value) error {
		if first == nil || compareColumns(row, first, root.Schema.Key) < 0 {
			first = row
		}
		return nil
	})
	return first, err
}

// holds is the truth of a condition: without one it holds, null and error are false.
func holds(condition views.Eval, env *views.Env) bool {
	return condition == nil || condition(env).True()
}

func columnsOf(row []relation.Value, columns []int) []relation.Value {
	values := make([]relation.Value, len(columns))
	for i, c := range columns {
		values[i] = row[c]
	}
	return values
}

func subset(some, of []int) bool {
	for _, s := range some {
		if !slices.Contains(of, s) {
			return false
		}
	}
	return true
}

func compareKeys(a, b []relation.Value) int {
	for i := range a {
		if d := relation.Compare(a[i], b[i]); d != 0 {
			return d
		}
	}
	return 0
}
