package views

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"odsd/storage/relation"
)

// Describe prints a plan as text that a person can read. Two plans that keep
// the same things in the store have the same description, so it also tells
// whether a stored generation still is what its definition says.
func (p *Plan) Describe() string {
	var b strings.Builder
	fmt.Fprintf(&b, "form %d\n", planForm)
	fmt.Fprintf(&b, "%s %s key %v %v\n", p.View.Kind, p.View.Name, p.View.Key, p.View.KeyFields)
	for _, o := range p.Occurrences {
		p.describeOccurrence(&b, o)
	}
	for i, a := range p.Arrangements {
		fmt.Fprintf(&b, "index %d: %s\n", i, a)
	}
	for _, n := range p.Nodes {
		p.describeNode(&b, n)
	}
	describeExpr(&b, "having ", p.View.Having)
	for i, column := range p.Input {
		fmt.Fprintf(&b, "input %d %s = %s\n", i, column.Type, column.Expr)
	}
	for _, branch := range p.Branches {
		p.describeBranch(&b, branch)
	}
	for _, x := range p.Indexes {
		fmt.Fprintf(&b, "declared index: %v desc %v\n", x.Columns, x.Desc)
	}
	for i, check := range p.View.Checks {
		describeCheck(&b, i, check)
	}
	return b.String()
}

// describeCheck leaves out name and severity: they may change, and what is
// counted stays the same.
func describeCheck(b *strings.Builder, i int, c Check) {
	fmt.Fprintf(b, "check %d %s of %d", i, c.Kind, c.Field)
	for _, v := range c.Accepted {
		fmt.Fprintf(b, " %q", relation.AppendText(nil, v))
	}
	describeExpr(b, " ", c.Expr)
	b.WriteByte('\n')
}

// planForm is raised when plans of the same description come to mean something
// else: what is stored under them is then built anew.
const planForm = 1

func (p *Plan) describeBranch(b *strings.Builder, branch PlanBranch) {
	def := p.View.Branches[branch.Branch]
	o := p.View.Occurrences[def.Occurrence]
	fmt.Fprintf(b, "branch %d of %s, keys %v found by %s", branch.Branch, o.Schema.Name, branch.Keys, p.describeLookup(o.Schema, branch.Lookup))
	describeExpr(b, " where ", def.Where)
	b.WriteByte('\n')
	for i, column := range def.Columns {
		describeExpr(b, fmt.Sprintf("  %d = ", i), column)
		b.WriteByte('\n')
	}
}

// Fingerprint is a short name of Describe's text.
func (p *Plan) Fingerprint() string {
	sum := sha256.Sum256([]byte(p.Describe()))
	return hex.EncodeToString(sum[:16])
}

func (p *Plan) describeOccurrence(b *strings.Builder, o *PlanOccurrence) {
	def := p.View.Occurrences[o.Occurrence]
	fmt.Fprintf(b, "%s %d %s: %s, node %d", def.Kind, def.ID, def.Alias, def.Schema.Name, def.Node)
	if def.Parent >= 0 {
		fmt.Fprintf(b, ", below %d, found by %s", def.Parent, p.describeLookup(def.Schema, o.Down))
	}
	if def.Required {
		b.WriteString(", required")
	}
	describeExpr(b, ", where ", def.Where)
	describeOrder(b, def.Order)
	b.WriteByte('\n')
	for _, column := range o.Uses {
		c := def.Schema.Columns[column]
		fmt.Fprintf(b, "  uses %d %s %s\n", column, c.Name, c.Type)
	}
	for _, step := range o.Up {
		schema := p.View.Occurrences[step.Occurrence].Schema
		fmt.Fprintf(b, "  up to %d by %s\n", step.Occurrence, p.describeLookup(schema, step.Lookup))
	}
}

func (p *Plan) describeLookup(schema *relation.Schema, l Lookup) string {
	var b strings.Builder
	if l.Arrangement < 0 {
		b.WriteString("key")
	} else {
		fmt.Fprintf(&b, "index %d", l.Arrangement)
	}
	for i, column := range l.Columns {
		fmt.Fprintf(&b, " %s=%d.%d", schema.Columns[column].Name, l.From[i].Occurrence, l.From[i].Column)
	}
	for _, m := range l.Rest {
		fmt.Fprintf(&b, " and %d.%d=%d.%d", m.A.Occurrence, m.A.Column, m.B.Occurrence, m.B.Column)
	}
	if l.Unique {
		b.WriteString(" (unique)")
	}
	return b.String()
}

func (p *Plan) describeNode(b *strings.Builder, n *PlanNode) {
	def := p.View.Nodes[n.Node]
	fmt.Fprintf(b, "node %d %q slot %d key %v %v", n.Node, def.Name, n.Slot, n.KeyColumns, n.KeyParts)
	describeExpr(b, " where ", n.Where)
	describeOrder(b, n.Order)
	fmt.Fprintf(b, " order columns %v in path %t\n", n.OrderColumns, n.OrderInPath)
	for i, column := range n.Columns {
		fmt.Fprintf(b, "  column %d %s %s %s %d", i, column.Name, column.Type, column.From, column.Ordinal)
		if column.From == FromField {
			fmt.Fprintf(b, " within %d", def.Scalars[i].Within)
		}
		describeExpr(b, " = ", column.Expr)
		b.WriteByte('\n')
	}
	for _, a := range n.Accumulators {
		fmt.Fprintf(b, "  accumulator %d %s of node %d column %d gates %v via %d type %s feeds %d", a.ID, a.Func, a.Child, a.Arg, a.Gates, a.Via, a.Type, a.Field)
		for _, term := range a.Order {
			fmt.Fprintf(b, " order %d %s desc %t nulls first %t", term.Column, term.Type, term.Desc, term.NullsFirst)
		}
		if len(a.Key) > 0 {
			fmt.Fprintf(b, " key %v", a.Key)
		}
		if a.Field >= 0 {
			describeResult(b, def.Scalars[a.Field].Aggregate)
		}
		b.WriteByte('\n')
	}
	for i, inputs := range n.Inputs {
		fmt.Fprintf(b, "  list %d joins by %v\n", n.Children[i], inputs)
	}
}

func describeResult(b *strings.Builder, a *Aggregate) {
	if a.Default != nil {
		fmt.Fprintf(b, " default %q", relation.AppendText(nil, *a.Default))
	}
	if a.Round >= 0 {
		fmt.Fprintf(b, " round %d", a.Round)
	}
	if a.Limit > 0 {
		fmt.Fprintf(b, " limit %d", a.Limit)
	}
	if a.Distinct {
		b.WriteString(" distinct")
	}
}

func describeExpr(b *strings.Builder, before string, e *Expr) {
	if e != nil {
		b.WriteString(before)
		b.WriteString(e.String())
	}
}

func describeOrder(b *strings.Builder, order []OrderTerm) {
	for _, term := range order {
		fmt.Fprintf(b, ", order %s desc %t nulls first %t", term.Expr, term.Desc, term.NullsFirst)
	}
}

// String names what an arrangement indexes.
func (a Arrangement) String() string {
	s := fmt.Sprintf("%s%v", a.Relation, a.Columns)
	for _, order := range a.Order {
		s += fmt.Sprintf(" then %d desc %t nulls first %t", order.Column, order.Desc, order.NullsFirst)
	}
	return s
}
