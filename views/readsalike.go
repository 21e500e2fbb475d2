package views

import (
	"fmt"
	"slices"
	"strings"

	"odsd/storage/relation"
)

// ReadsAlike says whether two plans of one definition, checked against other columns of its
// tables, read the same: columns of the same names and types, wherever these lie in the rows.
// Then both show the same to whoever reads the view, views above among them. Neither can be
// run on the rows of the other all the same, since plans find columns by their ordinals.
func (p *Plan) ReadsAlike(other *Plan) bool { return p.describeReads() == other.describeReads() }

func (p *Plan) describeReads() string {
	var b strings.Builder
	for _, o := range p.Occurrences {
		schema := p.View.Occurrences[o.Occurrence].Schema
		fmt.Fprintf(&b, "%s\n", schema.Name)
		for _, column := range schema.Key {
			fmt.Fprintf(&b, "  key %q\n", schema.Columns[column].Name)
		}
		uses := make([]string, len(o.Uses))
		for i, column := range o.Uses {
			uses[i] = describeRead(schema.Columns[column])
		}
		slices.Sort(uses)
		b.WriteString(strings.Join(uses, ""))
	}
	if in := asInput(p.View); in.schema != nil {
		fmt.Fprintf(&b, "shown, key %v, unique %v\n", in.schema.Key, in.schema.Unique)
		for _, column := range in.schema.Columns {
			b.WriteString(describeRead(column))
		}
	}
	return b.String()
}

func describeRead(c relation.Column) string {
	return fmt.Sprintf("  %q %+v not null %t labels %q\n", c.Name, c.Type, c.NotNull, c.Labels)
}
