package views

import (
	"fmt"
	"slices"
	"sort"

	"odsd/storage/relation"
)

// MaxChildren is how many lists one node may have: slots are one byte, and the
// largest is kept free to end a range.
const MaxChildren = 254

// MaxNodes is how many nodes a view may have, and MaxAccumulators how many
// aggregates one node may hold: both are one byte in stored keys.
const (
	MaxNodes        = 255
	MaxAccumulators = 255
)

// Compile lowers a checked view to its plan. It is a pure function of the
// view. An error means that the checker let something through that it should
// not have.
func Compile(v *View) (*Plan, error) {
	c := &compiler{view: v, plan: &Plan{View: v}}
	if len(v.Nodes) > MaxNodes {
		return nil, fmt.Errorf("view %s has %d lists: at most %d", v.Name, len(v.Nodes), MaxNodes)
	}
	for _, node := range v.Nodes {
		if err := c.addNode(node); err != nil {
			return nil, fmt.Errorf("view %s: %w", v.Name, err)
		}
	}
	switch v.Kind {
	case GroupView:
		c.addGroups()
	case UnionView:
		c.addBranches()
	default:
		if err := c.addLevels(); err != nil {
			return nil, fmt.Errorf("view %s: %w", v.Name, err)
		}
	}
	c.addIndexes()
	c.addUses()
	return c.plan, nil
}

// addLevels lowers what only documents have: lists, `one`s and what stands on them.
func (c *compiler) addLevels() error {
	v := c.view
	for _, node := range v.Nodes {
		c.addJoinInputs(node)
	}
	for _, node := range v.Nodes {
		if err := c.addAggregates(node); err != nil {
			return err
		}
	}
	for _, o := range v.Occurrences {
		if err := c.addOccurrence(o); err != nil {
			return err
		}
	}
	return nil
}

// compiler gathers the plan. Its methods only ever append, so that ordinals
// once given stay.
type compiler struct {
	view *View
	plan *Plan
}

func (c *compiler) addNode(node *Node) error {
	p := &PlanNode{Node: node.ID}
	c.plan.Nodes = append(c.plan.Nodes, p)
	if node.Parent >= 0 {
		parent := c.plan.Nodes[node.Parent]
		if len(parent.Children) >= MaxChildren {
			return fmt.Errorf("%q holds more than %d lists", c.view.Nodes[node.Parent].Name, MaxChildren)
		}
		parent.Children = append(parent.Children, node.ID)
		parent.Inputs = append(parent.Inputs, nil)
		p.Slot = byte(len(parent.Children))
	}
	for i, field := range node.Scalars {
		p.Columns = append(p.Columns, PlanColumn{Name: field.Name, Type: field.Type, From: FromField, Expr: field.Expr, Ordinal: i})
	}
	for _, o := range c.view.Occurrences {
		if o.Node == node.ID && o.Kind == OneOccurrence {
			p.Columns = append(p.Columns, PlanColumn{Name: o.Alias + "?", Type: relation.TypeOf(relation.Bool), From: FromPresent, Ordinal: o.ID})
		}
	}
	for _, field := range c.view.KeyFields {
		p.KeyParts = append(p.KeyParts, node.Scalars[field].Type)
		p.KeyColumns = append(p.KeyColumns, field)
	}
	own := c.view.Occurrences[node.Own].Schema
	for _, column := range node.Key {
		p.KeyParts = append(p.KeyParts, own.Columns[column].Type)
		p.KeyColumns = append(p.KeyColumns, c.hidden(p, c.columnExpr(node.Own, column)))
	}
	if node.Where != nil {
		p.Where = c.inline(node, node.Where)
		if readsFields(p.Where) {
			return fmt.Errorf("the condition of %q reads an aggregate", node.Name)
		}
	}
	return c.addOrder(node, p)
}

func readsFields(e *Expr) bool {
	reads := false
	e.Walk(func(e *Expr) { reads = reads || e.Op == OpField })
	return reads
}

func (c *compiler) addOrder(node *Node, p *PlanNode) error {
	p.OrderInPath = true
	for _, term := range node.Order {
		expr := c.inline(node, term.Expr)
		ownOnly := true
		expr.Walk(func(e *Expr) {
			if e.Op == OpField || e.Op == OpColumn && e.Occurrence != node.Own {
				ownOnly = false
			}
		})
		p.OrderInPath = p.OrderInPath && ownOnly
		p.Order = append(p.Order, OrderTerm{Expr: expr, Desc: term.Desc, NullsFirst: term.NullsFirst})
		p.OrderColumns = append(p.OrderColumns, c.hidden(p, expr))
	}
	return nil
}

// inline replaces fields by their expressions, so that what reads columns only
// can be seen to. Fields that stand on an aggregate stay fields.
func (c *compiler) inline(node *Node, e *Expr) *Expr {
	if e.Op == OpField {
		field := node.Scalars[e.Field]
		if field.Expr == nil {
			return e
		}
		return c.inline(node, field.Expr)
	}
	if len(e.Args) == 0 {
		return e
	}
	copied := *e
	copied.Args = make([]*Expr, len(e.Args))
	for i, a := range e.Args {
		copied.Args[i] = c.inline(node, a)
	}
	return &copied
}

func (c *compiler) columnExpr(occurrence, column int) *Expr {
	return &Expr{
		Op: OpColumn, Occurrence: occurrence, Column: column,
		Type: c.view.Occurrences[occurrence].Schema.Columns[column].Type,
	}
}

// hidden gives the stored column that holds an expression, adding it where
// there is none. Visible fields are never reused: a field shows an infinite time as an
// error, and belongs to an object that may be absent, while what is hidden is the raw value.
func (c *compiler) hidden(p *PlanNode, e *Expr) int {
	if e.Op == OpField {
		return e.Field
	}
	text := e.String()
	for i, column := range p.Columns {
		if column.From == FromExpr && column.Name == text {
			return i
		}
	}
	p.Columns = append(p.Columns, PlanColumn{Name: text, Type: e.Type, From: FromExpr, Expr: e})
	return len(p.Columns) - 1
}

// addJoinInputs keeps, in every node between the one that owns a column and the
// one whose joins use it, a hidden copy of the column: so each level notices in
// its own row that what stands below it must be joined anew.
func (c *compiler) addJoinInputs(node *Node) {
	for _, o := range c.view.Occurrences {
		if o.Node != node.ID {
			continue
		}
		for _, eq := range o.Join {
			c.inherit(node, c.view.Occurrences[eq.Outer].Node, c.columnExpr(eq.Outer, eq.OuterColumn))
		}
	}
	c.addPresenceInput(node)
}

// addPresenceInput makes a list inside a `one` come and go with the `one`,
// whatever the list itself joins to.
func (c *compiler) addPresenceInput(node *Node) {
	if node.Parent < 0 {
		return
	}
	holder := c.view.Occurrences[node.Own].Parent
	p := c.plan.Nodes[node.Parent]
	child := slices.Index(p.Children, node.ID)
	for i, column := range p.Columns {
		if column.From == FromPresent && column.Ordinal == holder {
			p.Inputs[child] = append(p.Inputs[child], i)
		}
	}
}

// inherit stores expr in every node from the owner down to just above node and
// names it among the inputs of the next level.
func (c *compiler) inherit(node *Node, owner int, expr *Expr) {
	for below := node; below.ID != owner; {
		above := c.view.Nodes[below.Parent]
		p := c.plan.Nodes[above.ID]
		column := c.hidden(p, expr)
		child := slices.Index(p.Children, below.ID)
		if !slices.Contains(p.Inputs[child], column) {
			p.Inputs[child] = append(p.Inputs[child], column)
		}
		below = above
	}
}

func (c *compiler) addIndexes() {
	for _, terms := range c.view.Indexes {
		var index PlanIndex
		for _, term := range terms {
			index.Columns = append(index.Columns, term.Field)
			index.Desc = append(index.Desc, term.Desc)
		}
		c.plan.Indexes = append(c.plan.Indexes, index)
	}
}

// addUses finds the columns of each occurrence that anything in the plan reads.
func (c *compiler) addUses() {
	uses := make([]map[int]bool, len(c.view.Occurrences))
	for i := range uses {
		uses[i] = map[int]bool{}
	}
	read := func(e *Expr) {
		if e != nil {
			e.Walk(func(e *Expr) {
				if e.Op == OpColumn {
					uses[e.Occurrence][e.Column] = true
				}
			})
		}
	}
	for i, node := range c.view.Nodes {
		read(c.plan.Nodes[i].Where)
		for _, column := range c.plan.Nodes[i].Columns {
			read(column.Expr)
		}
		for _, column := range node.Key {
			uses[node.Own][column] = true
		}
	}
	for _, column := range c.plan.Input {
		read(column.Expr)
	}
	for _, branch := range c.view.Branches {
		read(branch.Where)
		for _, column := range branch.Columns {
			read(column)
		}
	}
	for _, o := range c.view.Occurrences {
		read(o.Where)
		for _, term := range o.Order {
			read(term.Expr)
		}
		for _, eq := range o.Join {
			uses[o.ID][eq.Column] = true
			uses[eq.Outer][eq.OuterColumn] = true
		}
		for _, column := range o.Schema.Key {
			uses[o.ID][column] = true
		}
	}
	for i, used := range uses {
		for column := range used {
			c.plan.Occurrences[i].Uses = append(c.plan.Occurrences[i].Uses, column)
		}
		sort.Ints(c.plan.Occurrences[i].Uses)
	}
}
