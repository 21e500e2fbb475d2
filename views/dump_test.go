package views

import (
	"fmt"
	"strings"

	"odsd/storage/relation"
)

// dump prints a checked view as text: occurrences, then nodes with their fields.
func dump(v *View) string {
	var b strings.Builder
	key := v.Key
	if v.Kind != DocumentView {
		key = v.KeyFields
	}
	fmt.Fprintf(&b, "view %s: %s, type %s, field %s, key %v as %v\n", v.Name, v.Kind, v.Type, v.Field, key, v.KeyNames())
	dumpInput(&b, asInput(v))
	if v.Owner != (Owner{}) {
		fmt.Fprintf(&b, "  owner %s %s\n", v.Owner.Team, v.Owner.Contact)
	}
	for _, o := range v.Occurrences {
		dumpOccurrence(&b, v, o)
	}
	for i, branch := range v.Branches {
		fmt.Fprintf(&b, "branch %d of occurrence %d:", i, branch.Occurrence)
		for _, e := range branch.Columns {
			if e == nil {
				b.WriteString(" nil")
			} else {
				b.WriteString(" " + e.String())
			}
		}
		dumpExpr(&b, ", where ", branch.Where)
		b.WriteByte('\n')
	}
	for _, n := range v.Nodes {
		dumpNode(&b, v, n)
	}
	dumpExpr(&b, "having ", v.Having)
	if v.Having != nil {
		b.WriteByte('\n')
	}
	for _, index := range v.Indexes {
		b.WriteString("index")
		for _, term := range index {
			fmt.Fprintf(&b, " %s", v.Nodes[0].Scalars[term.Field].Name)
			if term.Desc {
				b.WriteString(" desc")
			}
		}
		b.WriteByte('\n')
	}
	for _, c := range v.Checks {
		fmt.Fprintf(&b, "check %s on field %d, %s, %d values", c.Name, c.Field, c.Severity, len(c.Accepted))
		dumpExpr(&b, ": ", c.Expr)
		b.WriteByte('\n')
	}
	return b.String()
}

// dumpInput prints the relation that a view is to views above.
func dumpInput(b *strings.Builder, in *input) {
	if in.schema == nil {
		fmt.Fprintf(b, "  no input: does not show %s\n", in.hidden)
		return
	}
	fmt.Fprintf(b, "  as input: key %v, unique %v, columns", in.schema.Key, in.schema.Unique)
	for _, column := range in.schema.Columns {
		b.WriteString(" " + column.Name)
		if column.NotNull {
			b.WriteString("!")
		}
	}
	b.WriteByte('\n')
}

func dumpOccurrence(b *strings.Builder, v *View, o *Occurrence) {
	fmt.Fprintf(b, "%s %d %s = %s, below %d, in node %d", o.Kind, o.ID, o.Alias, o.Schema.Name, o.Parent, o.Node)
	for _, eq := range o.Join {
		outer := v.Occurrences[eq.Outer]
		fmt.Fprintf(b, ", %s = %s.%s", o.Schema.Columns[eq.Column].Name, outer.Alias, outer.Schema.Columns[eq.OuterColumn].Name)
	}
	if o.Required {
		b.WriteString(", required")
	}
	if len(o.Ones) > 0 {
		fmt.Fprintf(b, ", ones %v", o.Ones)
	}
	dumpExpr(b, ", where ", o.Where)
	dumpOrder(b, o.Order)
	b.WriteByte('\n')
}

func dumpNode(b *strings.Builder, v *View, n *Node) {
	fmt.Fprintf(b, "node %d %q below %d, key %v", n.ID, n.Name, n.Parent, n.Key)
	dumpExpr(b, ", where ", n.Where)
	dumpOrder(b, n.Order)
	if n.Limit > 0 {
		fmt.Fprintf(b, ", limit %d", n.Limit)
	}
	if n.Hidden {
		b.WriteString(", hidden")
	}
	fmt.Fprintf(b, ", evaluated %v\n", n.EvalOrder)
	dumpFields(b, v, n.Fields, "  ")
}

func dumpFields(b *strings.Builder, v *View, fields []*Field, indent string) {
	for _, f := range fields {
		fmt.Fprintf(b, "%s%s", indent, f.Name)
		if f.GraphQL != f.Name {
			fmt.Fprintf(b, " (%s)", f.GraphQL)
		}
		switch f.Kind {
		case OneField:
			fmt.Fprintf(b, ": one %d\n", f.Occurrence)
			dumpFields(b, v, f.Fields, indent+"  ")
			continue
		case ManyField:
			fmt.Fprintf(b, ": many, node %d\n", f.Node)
			continue
		}
		fmt.Fprintf(b, ": #%d %s", f.Ordinal, f.Type)
		if !f.Nullable {
			b.WriteString("!")
		}
		if f.As != "" {
			fmt.Fprintf(b, " as %s", f.As)
		}
		dumpExpr(b, " = ", f.Expr)
		if f.Aggregate != nil {
			dumpAggregate(b, f.Aggregate)
		}
		if f.Description != "" {
			fmt.Fprintf(b, " -- %s", f.Description)
		}
		if f.Deprecated != "" {
			fmt.Fprintf(b, " (deprecated: %s)", f.Deprecated)
		}
		b.WriteByte('\n')
	}
}

func dumpAggregate(b *strings.Builder, a *Aggregate) {
	fmt.Fprintf(b, " = %s over nodes %v", a.Func, a.Path)
	dumpExpr(b, " of ", a.Arg)
	for _, c := range a.Where {
		fmt.Fprintf(b, ", where node %d: %s", c.Node, c.Expr)
	}
	for _, t := range a.Order {
		fmt.Fprintf(b, ", node %d", t.Node)
		dumpOrder(b, []OrderTerm{t.OrderTerm})
	}
	if a.Limit > 0 {
		fmt.Fprintf(b, ", limit %d", a.Limit)
	}
	if a.Distinct {
		b.WriteString(", distinct")
	}
	if a.Default != nil {
		fmt.Fprintf(b, ", default %s", relation.AppendText(nil, *a.Default))
	}
	if a.Round >= 0 {
		fmt.Fprintf(b, ", round %d", a.Round)
	}
}

func dumpExpr(b *strings.Builder, before string, e *Expr) {
	if e != nil {
		b.WriteString(before + e.String())
	}
}

func dumpOrder(b *strings.Builder, order []OrderTerm) {
	for i, term := range order {
		b.WriteString([]string{", ", ", order by "}[max(0, 1-i)])
		b.WriteString(term.Expr.String())
		if term.Desc {
			b.WriteString(" desc")
		}
		if term.NullsFirst {
			b.WriteString(" nulls first")
		}
	}
}
