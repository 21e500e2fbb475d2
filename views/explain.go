package views

import (
	"fmt"
	"strings"

	"odsd/storage/relation"
)

// Explanation is a plan in words, as data: `odsd explain` prints it.
type Explanation struct {
	View string `json:"view"`
	// Documents says what one document is made of and how it is told.
	Documents string `json:"documents"`
	// Having hides documents.
	Having string `json:"having,omitempty"`
	// Rows is the tree of relations; a union has one for each branch.
	Rows []*ExplainedRows `json:"rows"`
	// Changes say, for each occurrence of a relation, what a change of its rows touches.
	Changes []ExplainedChange `json:"changes"`
	// Indexes on the relations that the plan looks things up in, beside their keys.
	Indexes []string `json:"indexes"`
	// ViewIndexes are those that the view declares on its documents.
	ViewIndexes []string `json:"viewIndexes"`
	// Checks are what the view expects of its documents.
	Checks []ExplainedCheck `json:"checks"`
	// Warnings are of changes that can touch very many rows.
	Warnings []string `json:"warnings,omitempty"`
	// Counted says who counted the rows that estimates are made of, "" for nobody.
	Counted string `json:"counted,omitempty"`
}

// ExplainedRows is one occurrence of a relation in the tree.
type ExplainedRows struct {
	// Field that shows it, "" for the root.
	Field    string         `json:"field,omitempty"`
	Kind     OccurrenceKind `json:"kind"`
	Relation string         `json:"relation"`
	Alias    string         `json:"alias"`
	// Count is how many rows the relation has, Each of a list how many there are on
	// average for each row that it is joined to; nil where that is not known.
	Count *int64   `json:"count,omitempty"`
	Each  *float64 `json:"each,omitempty"`
	// spread is the relation among whose rows those of a list are divided, "" where
	// several may have the same ones.
	spread string
	// Join as equalities, Index what answers it: "the key" or an index's columns.
	Join  string `json:"join,omitempty"`
	Index string `json:"index,omitempty"`
	// Unique: at most one row is found, whatever the data.
	Unique bool   `json:"unique,omitempty"`
	Where  string `json:"where,omitempty"`
	// Pick is the order by which a `one` chooses among several rows.
	Pick     []string `json:"pick,omitempty"`
	Required bool     `json:"required,omitempty"`
	Order    []string `json:"order,omitempty"`
	Limit    int      `json:"limit,omitempty"`
	Hidden   bool     `json:"hidden,omitempty"`
	// Paths say where the rows of a list lie, and what moves them.
	Paths string `json:"paths,omitempty"`
	// Aggregates kept for each row.
	Aggregates []string         `json:"aggregates,omitempty"`
	Rows       []*ExplainedRows `json:"rows,omitempty"`
}

// ExplainedChange says how the documents that a changed row touches are found.
type ExplainedChange struct {
	Relation string `json:"relation"`
	Alias    string `json:"alias"`
	// Columns that matter: a change of others is none of the view's business.
	Columns []string `json:"columns"`
	// Steps from the row to the root; Root says what a row of the root relation is.
	Root  string   `json:"root,omitempty"`
	Steps []string `json:"steps"`
	// Many: one change may touch any number of documents.
	Many bool `json:"many"`
	// Cost of one changed row.
	Cost ExplainedCost `json:"cost"`
}

// ExplainedCheck is one check of a view. Failing is how many documents fail it
// in the running daemon, nil where that is not known.
type ExplainedCheck struct {
	Name     string `json:"name"`
	Severity string `json:"severity"`
	Expects  string `json:"expects"`
	Failing  *int64 `json:"failing,omitempty"`
}

// Explain puts a plan in words, without knowing of any rows: see ExplainWith.
func (p *Plan) Explain() *Explanation { return p.ExplainWith(Counts{}) }

// explain is what a plan says by itself.
func (p *Plan) explain() *Explanation {
	x := explainer{plan: p, view: p.View}
	e := &Explanation{
		View: p.View.Name, Documents: x.documents(), Having: x.text(p.View.Having, p.View.Nodes[0]),
		Changes: []ExplainedChange{}, Indexes: []string{}, ViewIndexes: []string{},
		Checks: []ExplainedCheck{},
	}
	if p.View.Kind == UnionView {
		for _, b := range p.View.Branches {
			rows := x.rows("", b.Occurrence)
			rows.Where = x.text(b.Where, p.View.Nodes[0])
			e.Rows = append(e.Rows, rows)
		}
	} else {
		e.Rows = []*ExplainedRows{x.node(p.View.Nodes[0], "")}
	}
	for _, o := range p.View.Occurrences {
		e.Changes = append(e.Changes, x.change(o))
	}
	for _, a := range p.Arrangements {
		e.Indexes = append(e.Indexes, x.arrangement(a))
	}
	for _, index := range p.Indexes {
		e.ViewIndexes = append(e.ViewIndexes, x.viewIndex(index))
	}
	for _, c := range p.View.Checks {
		e.Checks = append(e.Checks, ExplainedCheck{Name: c.Name, Severity: c.Severity, Expects: x.expects(c)})
	}
	return e
}

type explainer struct {
	plan   *Plan
	view   *View
	counts Counts
}

func (x explainer) documents() string {
	key := strings.Join(x.view.IdentifiedBy(), ", ")
	switch x.view.Kind {
	case GroupView:
		return "one row per " + key + " of " + x.view.Occurrences[0].Schema.Name
	case UnionView:
		return "the rows of all branches, by " + key
	}
	return "one document per row of " + x.view.Occurrences[0].Schema.Name + ", by " + key
}

// node explains the rows of a node and all below it.
func (x explainer) node(n *Node, field string) *ExplainedRows {
	rows := x.rows(field, n.Own)
	rows.Where = x.text(n.Where, n)
	rows.Limit, rows.Hidden = n.Limit, n.Hidden
	rows.Order = x.order(n.Order, n)
	rows.Aggregates = x.aggregates(n)
	if n.Parent >= 0 {
		rows.Paths, rows.spread = x.paths(n), x.spread(x.view.Occurrences[n.Own])
	}
	rows.Rows = x.below(n, n.Fields)
	return rows
}

// below explains the `one`s and lists among some fields, in their order.
func (x explainer) below(n *Node, fields []*Field) []*ExplainedRows {
	var list []*ExplainedRows
	for _, f := range fields {
		switch f.Kind {
		case ManyField:
			list = append(list, x.node(x.view.Nodes[f.Node], f.Name))
		case OneField:
			o := x.view.Occurrences[f.Occurrence]
			rows := x.rows(f.Name, o.ID)
			rows.Where, rows.Required, rows.Pick = x.text(o.Where, n), o.Required, x.order(o.Order, n)
			rows.Rows = x.below(n, f.Fields)
			list = append(list, rows)
		}
	}
	return list
}

// rows explains what all occurrences have.
func (x explainer) rows(field string, occurrence int) *ExplainedRows {
	o := x.view.Occurrences[occurrence]
	rows := &ExplainedRows{Field: field, Kind: o.Kind, Relation: o.Schema.Name, Alias: o.Alias}
	var join []string
	for _, e := range o.Join {
		join = append(join, x.column(o.ID, e.Column)+" == "+x.column(e.Outer, e.OuterColumn))
	}
	rows.Join = strings.Join(join, " and ")
	if len(o.Join) > 0 && occurrence < len(x.plan.Occurrences) {
		down := x.plan.Occurrences[occurrence].Down
		rows.Index, rows.Unique = x.index(o, down), down.Unique
	}
	return rows
}

// index names what answers a lookup.
func (x explainer) index(o *Occurrence, l Lookup) string {
	if l.Arrangement < 0 {
		return "key " + x.columns(o.Schema, l.Columns)
	}
	return "index " + x.arrangement(x.plan.Arrangements[l.Arrangement])
}

// paths says where a list's rows lie, and what makes them move.
func (x explainer) paths(n *Node) string {
	below := x.listsBelow(n)
	carries := ""
	if len(below) > 0 {
		carries = " and carries " + strings.Join(below, ", ")
	}
	switch p := x.plan.Nodes[n.ID]; {
	case len(p.Order) == 0:
		return "lie in the document by key; a change of join moves the row" + carries + " along"
	case p.OrderInPath:
		return "lie in the document in order; a change of order or join moves the row" + carries + " along"
	}
	return "lie in the document by key, their order beside it; a change of order moves nothing, one of join the row" + carries
}

func (x explainer) listsBelow(n *Node) []string {
	var names []string
	for _, other := range x.view.Nodes {
		if strings.HasPrefix(other.Name, n.Name+".") {
			names = append(names, other.Name)
		}
	}
	return names
}

// aggregates explains the node's aggregate fields.
func (x explainer) aggregates(n *Node) []string {
	var list []string
	for _, f := range n.Scalars {
		if f.Kind == AggregateField {
			list = append(list, f.Name+": "+x.aggregate(n, f.Aggregate))
		}
	}
	return list
}

func (x explainer) aggregate(n *Node, a *Aggregate) string {
	at := n
	text := string(a.Func) + " of "
	if len(a.Path) > 0 {
		at = x.view.Nodes[a.Path[len(a.Path)-1]]
	}
	rows := at.Name
	if rows == "" {
		rows = x.view.Occurrences[0].Schema.Name
	}
	if a.Arg == nil {
		text += rows
	} else {
		text += x.text(a.Arg, at) + " over " + rows
	}
	var where []string
	for _, c := range a.Where {
		where = append(where, x.text(c.Expr, x.view.Nodes[c.Node]))
	}
	if len(where) > 0 {
		text += " where " + strings.Join(where, " and ")
	}
	return text + x.keptBy(a)
}

// keptBy says in which order an aggregate takes its rows, and how it is kept.
func (x explainer) keptBy(a *Aggregate) string {
	text := ""
	for i, t := range a.Order {
		text += []string{", ", " in the order of "}[max(0, 1-i)] + x.text(t.Expr, x.view.Nodes[t.Node]) + sortWords(t.Desc, t.NullsFirst)
	}
	if a.Distinct {
		text += ", equal ones once"
	}
	if a.Limit > 0 {
		text += fmt.Sprintf(", at most %d", a.Limit)
	}
	if len(a.Path) > 1 {
		text += ", summed up level by level"
	}
	switch a.Func {
	case Min, Max, CountDistinct, Collect:
		text += ", by an ordered list of the values"
	case First, Last:
		text += ", by an ordered list of the rows"
	}
	return text
}

// change explains what a change of an occurrence's rows touches.
func (x explainer) change(o *Occurrence) ExplainedChange {
	c := ExplainedChange{Relation: o.Schema.Name, Alias: o.Alias, Columns: []string{}, Steps: []string{}}
	if o.Kind == RootOccurrence {
		c.Root = map[ViewKind]string{GroupView: "counts in its group", UnionView: "is a row of the union"}[x.view.Kind]
		if c.Root == "" {
			c.Root = "is a document's own"
		}
	}
	if o.ID >= len(x.plan.Occurrences) {
		return c
	}
	p := x.plan.Occurrences[o.ID]
	for _, column := range p.Uses {
		c.Columns = append(c.Columns, o.Schema.Columns[column].Name)
	}
	for _, step := range p.Up {
		to := x.view.Occurrences[step.Occurrence]
		text := to.Alias + " by " + x.index(to, step.Lookup)
		if !step.Lookup.Unique {
			text += ", any number"
			c.Many = true
		}
		c.Steps = append(c.Steps, text)
	}
	return c
}

// expects says what a check asks of a document.
func (x explainer) expects(c Check) string {
	root := x.view.Nodes[0]
	switch c.Kind {
	case NotNullCheck:
		return root.Scalars[c.Field].Name + " is not null"
	case AcceptedCheck:
		var values []string
		for _, v := range c.Accepted {
			values = append(values, string(relation.AppendText(nil, v)))
		}
		return root.Scalars[c.Field].Name + " is null or one of " + strings.Join(values, ", ")
	}
	return x.text(c.Expr, root)
}

func (x explainer) viewIndex(index PlanIndex) string {
	var names []string
	for i, column := range index.Columns {
		name := x.plan.Nodes[0].Columns[column].Name
		if index.Desc[i] {
			name += " desc"
		}
		names = append(names, name)
	}
	return strings.Join(names, ", ")
}

// arrangement names an index: shop.orders (customer_id, placed_at desc).
func (x explainer) arrangement(a Arrangement) string {
	var schema *relation.Schema
	for _, o := range x.view.Occurrences {
		if o.Schema.Name == a.Relation {
			schema = o.Schema
		}
	}
	names := make([]string, 0, len(a.Columns)+len(a.Order))
	for _, column := range a.Columns {
		names = append(names, schema.Columns[column].Name)
	}
	for _, order := range a.Order {
		names = append(names, schema.Columns[order.Column].Name+sortWords(order.Desc, order.NullsFirst))
	}
	return a.Relation + " (" + strings.Join(names, ", ") + ")"
}

func (x explainer) columns(schema *relation.Schema, columns []int) string {
	names := make([]string, len(columns))
	for i, column := range columns {
		names[i] = schema.Columns[column].Name
	}
	return schema.Name + " (" + strings.Join(names, ", ") + ")"
}

func (x explainer) order(terms []OrderTerm, n *Node) []string {
	var list []string
	for _, t := range terms {
		list = append(list, x.text(t.Expr, n)+sortWords(t.Desc, t.NullsFirst))
	}
	return list
}

func sortWords(desc, nullsFirst bool) string {
	text := ""
	if desc {
		text = " desc"
	}
	switch {
	case nullsFirst && !desc:
		text += " nulls first"
	case desc && !nullsFirst:
		text += " nulls last"
	}
	return text
}

func (x explainer) column(occurrence, column int) string {
	o := x.view.Occurrences[occurrence]
	return o.Alias + "." + o.Schema.Columns[column].Name
}
