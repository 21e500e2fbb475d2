package views

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Counts are how many rows relations have, tables and views by their names, as far
// as that is known.
type Counts struct {
	Rows map[string]int64
	// From says who counted, for people: "the running daemon".
	From string
}

// ExplainedCost estimates what one changed row costs. What is not known is nil.
type ExplainedCost struct {
	// Touches is how many rows of the view change on average, AtMost how many
	// can: every row that joins by what is no key may join to the same one.
	Touches *float64 `json:"touches"`
	AtMost  *int64   `json:"atMost"`
	// OwnKeys are written for the row itself and this view's indexes on it, RowKeys
	// about for each touched row of the view: the row, its places in orders and
	// indexes, the aggregates above and the rows that show them.
	OwnKeys int `json:"ownKeys"`
	RowKeys int `json:"rowKeys"`
}

// manyRows is from how many touched rows on a change is warned of: it takes
// seconds, in which the source's other changes wait.
const manyRows = 1_000_000

// ExplainWith puts a plan in words, with estimates made of how many rows there are.
func (p *Plan) ExplainWith(counts Counts) *Explanation {
	e := p.explain()
	x := explainer{plan: p, view: p.View, counts: counts}
	e.Counted = counts.From
	for i, o := range p.View.Occurrences {
		e.Changes[i].Cost = x.cost(o)
		if most := e.Changes[i].Cost.AtMost; most != nil && *most >= manyRows {
			e.Warnings = append(e.Warnings, x.warning(o, e.Changes[i].Cost))
		}
	}
	for _, rows := range e.Rows {
		x.countRows(rows)
	}
	return e
}

func (x explainer) warning(o *Occurrence, c ExplainedCost) string {
	text := fmt.Sprintf("one change of %s can touch %s rows", o.Schema.Name, roundRows(*c.AtMost))
	if c.Touches != nil {
		text += fmt.Sprintf(", about %s on average", average(*c.Touches))
	}
	return text + ": the sources' other changes wait meanwhile"
}

// cost estimates what a changed row of an occurrence costs.
func (x explainer) cost(o *Occurrence) ExplainedCost {
	c := ExplainedCost{OwnKeys: 1, RowKeys: x.rowKeys(o)}
	for _, a := range x.plan.Arrangements {
		if a.Relation == o.Schema.Name {
			c.OwnKeys++
		}
	}
	touches, known := 1.0, true
	var spread []*Node // nodes of which a changed row may lead to any number of rows
	if o.ID < len(x.plan.Occurrences) {
		for _, step := range x.plan.Occurrences[o.ID].Up {
			if step.Lookup.Unique {
				continue
			}
			if at := x.view.Nodes[x.view.Occurrences[step.Occurrence].Node]; !slices.Contains(spread, at) {
				spread = append(spread, at)
			}
			each, ok := x.each(step)
			known = known && ok
			touches *= each
		}
	}
	if known {
		c.Touches = &touches
	}
	if most, ok := x.product(spread); ok {
		c.AtMost = &most
	}
	return c
}

// product is how many combinations there are of a row of each node: what lies below
// any number of rows that lie below any number themselves is in all of these places.
func (x explainer) product(nodes []*Node) (most int64, known bool) {
	most = 1
	for _, n := range nodes {
		rows, ok := x.counts.Rows[x.view.Occurrences[n.Own].Schema.Name]
		if !ok {
			return 0, false
		}
		if rows = max(rows, 1); most > math.MaxInt64/rows {
			return math.MaxInt64, true
		}
		most *= rows
	}
	return most, true
}

// each is how many rows a step finds on average: where it begins from a key, the
// rows are spread over all that have one.
func (x explainer) each(step UpStep) (float64, bool) {
	from := step.Lookup.From
	if len(from) == 0 {
		return 0, false
	}
	columns := make([]int, 0, len(from))
	for _, c := range from {
		if c.Occurrence != from[0].Occurrence {
			return 0, false
		}
		columns = append(columns, c.Column)
	}
	schema := x.view.Occurrences[from[0].Occurrence].Schema
	to, known := x.counts.Rows[x.view.Occurrences[step.Occurrence].Schema.Name]
	keys, keysKnown := x.counts.Rows[schema.Name]
	if !schema.IsUnique(columns) || !known || !keysKnown {
		return 0, false
	}
	return float64(to) / float64(max(keys, 1)), true
}

// rowKeys counts what is written for a row of the view that a change touches.
func (x explainer) rowKeys(o *Occurrence) int {
	root := x.plan.Nodes[0]
	switch x.view.Kind {
	case GroupView:
		return len(root.Accumulators) + 1 + len(x.plan.Indexes)
	case UnionView:
		return 1 + len(x.plan.Indexes)
	}
	n := x.plan.Nodes[o.Node]
	keys := 1
	if !n.OrderInPath {
		keys++
	}
	for id := o.Node; x.view.Nodes[id].Parent >= 0; id = x.view.Nodes[id].Parent {
		above := x.plan.Nodes[x.view.Nodes[id].Parent]
		fed := 0
		for _, a := range above.Accumulators {
			if a.Child == id {
				fed++
			}
		}
		if fed == 0 {
			break
		}
		keys += fed + 1
	}
	if o.Node == 0 {
		keys += len(x.plan.Indexes)
	}
	return keys
}

// spread names the relation a key of which the rows of an occurrence refer to by
// its join, so that each belongs to one of its rows; "" where there is none.
func (x explainer) spread(o *Occurrence) string {
	var columns []int
	for _, eq := range o.Join {
		if eq.Outer != o.Join[0].Outer {
			return ""
		}
		columns = append(columns, eq.OuterColumn)
	}
	if outer := x.view.Occurrences[o.Join[0].Outer].Schema; outer.IsUnique(columns) {
		return outer.Name
	}
	return ""
}

// countRows fills in how many rows the relations of a tree have, and of a list
// how many there are for each row that it is joined to.
func (x explainer) countRows(r *ExplainedRows) {
	if n, ok := x.counts.Rows[r.Relation]; ok {
		r.Count = &n
		if among, ok := x.counts.Rows[r.spread]; ok {
			each := float64(n) / float64(max(among, 1))
			r.Each = &each
		}
	}
	for _, below := range r.Rows {
		x.countRows(below)
	}
}

// String says what a change costs.
func (c ExplainedCost) String() string {
	var parts []string
	each := "each of them"
	switch {
	case c.AtMost != nil && *c.AtMost <= 1:
		each = "it"
		parts = append(parts, "touches one row")
	case c.Touches != nil && c.AtMost != nil:
		parts = append(parts, fmt.Sprintf("touches about %s rows, %s at most", average(*c.Touches), roundRows(*c.AtMost)))
	case c.AtMost != nil:
		parts = append(parts, fmt.Sprintf("touches %s rows at most", roundRows(*c.AtMost)))
	default:
		parts = append(parts, "touches an unknown number of rows")
	}
	return strings.Join(append(parts, fmt.Sprintf("writes %s for itself and about %d for %s", keysText(c.OwnKeys), c.RowKeys, each)), ", ")
}

func keysText(n int) string {
	if n == 1 {
		return "1 key"
	}
	return fmt.Sprintf("%d keys", n)
}

// average words an average as people do.
func average(f float64) string {
	switch {
	case f >= 1_000_000:
		return roundRows(int64(f))
	case f >= 10:
		return fmt.Sprint(int64(math.Round(f)))
	}
	return fmt.Sprintf("%.2g", f)
}

// Fan names the relations of which one change may touch any number of documents.
func (e *Explanation) Fan() []string {
	var list []string
	for _, c := range e.Changes {
		if c.Many && !slices.Contains(list, c.Relation) {
			list = append(list, c.Relation)
		}
	}
	return list
}

// Relations names all that a view reads.
func (v *View) Relations() []string {
	var names []string
	for _, o := range v.Occurrences {
		if !slices.Contains(names, o.Schema.Name) {
			names = append(names, o.Schema.Name)
		}
	}
	return names
}
