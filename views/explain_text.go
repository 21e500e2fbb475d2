package views

import (
	"fmt"
	"strings"
)

// String is the explanation as people read it.
func (e *Explanation) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n", e.View, e.Documents)
	if e.Having != "" {
		fmt.Fprintf(&b, "shown while %s\n", e.Having)
	}
	b.WriteByte('\n')
	for _, rows := range e.Rows {
		rows.print(&b, "", "")
	}
	b.WriteString("\nA changed row of\n")
	for _, c := range e.Changes {
		c.print(&b)
	}
	if many := e.Fan(); len(many) > 0 {
		fmt.Fprintf(&b, "\nOne change of %s may touch any number of documents.\n", strings.Join(many, ", "))
	}
	for _, w := range e.Warnings {
		b.WriteString("warning: " + w + "\n")
	}
	if e.Counted != "" {
		b.WriteString("Rows are those of " + e.Counted + ".\n")
	}
	printList(&b, "\nIndexes on rows\n", e.Indexes)
	printList(&b, "\nIndexes on documents\n", e.ViewIndexes)
	var checks []string
	for _, c := range e.Checks {
		checks = append(checks, c.String())
	}
	printList(&b, "\nChecks, counted and never blocking\n", checks)
	return b.String()
}

// String is a check as people read it.
func (c ExplainedCheck) String() string {
	text := c.Name + " (" + c.Severity + "): " + c.Expects
	if c.Failing != nil {
		text += fmt.Sprintf("; %d fail", *c.Failing)
	}
	return text
}

func printList(b *strings.Builder, head string, list []string) {
	if len(list) == 0 {
		return
	}
	b.WriteString(head)
	for _, item := range list {
		b.WriteString("  " + item + "\n")
	}
}

// print writes a row of the tree, what is said of it, and the rows below. first
// stands before its first line, rest before all others.
func (r *ExplainedRows) print(b *strings.Builder, first, rest string) {
	b.WriteString(first + r.head() + "\n")
	inner := rest + "   "
	if len(r.Rows) > 0 {
		inner = rest + "│  "
	}
	for _, line := range r.lines() {
		b.WriteString(inner + line + "\n")
	}
	for i, below := range r.Rows {
		if i < len(r.Rows)-1 {
			below.print(b, rest+"├─ ", rest+"│  ")
		} else {
			below.print(b, rest+"└─ ", rest+"   ")
		}
	}
}

func (r *ExplainedRows) head() string {
	name := r.Relation
	if !strings.HasSuffix(name, "."+r.Alias) && name != r.Alias {
		name += " as " + r.Alias
	}
	if r.Field == "" {
		return name
	}
	head := r.Field + ": " + string(r.Kind) + " " + name
	if r.Required {
		head += ", required"
	}
	if r.Hidden {
		head += ", hidden"
	}
	return head
}

func (r *ExplainedRows) lines() []string {
	var lines []string
	say := func(label, text string) {
		if text != "" {
			lines = append(lines, label+" "+text)
		}
	}
	if r.Count != nil {
		text := roundRows(*r.Count)
		if r.Each != nil {
			text += ", about " + average(*r.Each) + " each"
		}
		lines = append(lines, "rows: "+text)
	}
	say("join", r.Join)
	found := r.Index
	if found != "" && r.Unique {
		found += ", one row"
	}
	say("by", found)
	say("where", r.Where)
	say("pick the first by", strings.Join(r.Pick, ", "))
	order := strings.Join(r.Order, ", ")
	if order != "" && r.Limit > 0 {
		order += fmt.Sprintf(", the first %d", r.Limit)
	}
	say("order by", order)
	say("rows", r.Paths)
	for _, a := range r.Aggregates {
		say("keep", a)
	}
	return lines
}

func (c ExplainedChange) print(b *strings.Builder) {
	fmt.Fprintf(b, "  %s", c.Relation)
	if !strings.HasSuffix(c.Relation, "."+c.Alias) && c.Relation != c.Alias {
		b.WriteString(" as " + c.Alias)
	}
	fmt.Fprintf(b, " (%s)\n", strings.Join(c.Columns, ", "))
	if c.Root != "" {
		b.WriteString("    " + c.Root + "\n")
	}
	for _, step := range c.Steps {
		b.WriteString("    → " + step + "\n")
	}
	if c.Cost != (ExplainedCost{}) {
		b.WriteString("    " + c.Cost.String() + "\n")
	}
}
