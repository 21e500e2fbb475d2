package project

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"odsd/internal/yamlfile"
	"odsd/project/fileschema"
	"odsd/storage/relation"
)

// starterLevels is how deep lists are nested in a starter view.
const starterLevels = 2

// viewWriter writes one starter view.
type viewWriter struct {
	*starter
	b       bytes.Buffer
	aliases map[string]bool
}

func (s *starter) view(table string) []byte {
	w := &viewWriter{starter: s, aliases: map[string]bool{}}
	t := s.tables[table]
	w.b.WriteString(fileschema.Header("view"))
	fmt.Fprintf(&w.b, "version: 1\nview: %s\n", yamlfile.Scalar(s.viewName(table)))
	if t.Description != "" {
		fmt.Fprintf(&w.b, "description: %s\n", yamlfile.Scalar(shorten(t.Description)))
	}
	fmt.Fprintf(&w.b, "from: %s\nfields:\n", yamlfile.Scalar(table))
	w.fields(t, w.alias(lastPart(table)), "  ", starterLevels, Reference{})
	return w.b.Bytes()
}

// alias claims an alias that the view does not use yet.
func (w *viewWriter) alias(wanted string) string {
	alias := wanted
	for n := 2; w.aliases[alias] || !isWord(alias); n++ {
		alias = fmt.Sprintf("%s_%d", strings.Map(wordRune, wanted), n)
	}
	w.aliases[alias] = true
	return alias
}

func wordRune(r rune) rune {
	if isWord("a" + string(r)) {
		return r
	}
	return '_'
}

// fields writes what a row shows: its columns, the rows that it names, the rows
// that name it, and how many these are. came is the reference by which the row was
// reached.
func (w *viewWriter) fields(t *relation.Schema, alias, indent string, levels int, came Reference) {
	taken := map[string]bool{}
	name := func(wanted string) string {
		for taken[wanted] {
			wanted += "_"
		}
		taken[wanted] = true
		return wanted
	}
	for _, c := range t.Columns {
		if isWord(c.Name) && !(came.Table == t.Name && slices.Contains(came.Columns, c.Name)) {
			fmt.Fprintf(&w.b, "%s%s:\n", indent, yamlfile.Scalar(name(c.Name)))
		}
	}
	for _, r := range w.references {
		if r.Table == t.Name && !same(r, came) && w.tables[r.References].IsUnique(ordinalsOf(w.tables[r.References], r.To)) {
			w.one(r, alias, name(oneName(r)), indent)
		}
	}
	if levels == 0 {
		return
	}
	for _, r := range w.references {
		if r.References == t.Name && !same(r, came) {
			field := name(lastPart(r.Table))
			w.many(r, alias, field, indent, levels)
			fmt.Fprintf(&w.b, "%s%s: {count: %s}\n", indent, yamlfile.Scalar(name(field+"_count")), field)
		}
	}
}

// oneName is customer for customer_id, else the table's name.
func oneName(r Reference) string {
	if noun, isID := strings.CutSuffix(r.Columns[0], "_id"); isID && noun != "" && len(r.Columns) == 1 {
		return noun
	}
	return lastPart(r.References)
}

func (w *viewWriter) one(r Reference, alias, field, indent string) {
	t := w.tables[r.References]
	other := w.alias(lastPart(t.Name))
	w.open(r, "one", t.Name, other, field, indent, join(other, r.To, alias, r.Columns))
	var columns []string
	for _, c := range t.Columns {
		if isWord(c.Name) {
			columns = append(columns, yamlfile.Scalar(c.Name))
		}
	}
	fmt.Fprintf(&w.b, "%s  fields: [%s]\n", indent, strings.Join(columns, ", "))
}

func (w *viewWriter) many(r Reference, alias, field, indent string, levels int) {
	t := w.tables[r.Table]
	other := w.alias(lastPart(t.Name))
	w.open(r, "many", t.Name, other, field, indent, join(other, r.Columns, alias, r.To))
	fmt.Fprintf(&w.b, "%s  fields:\n", indent)
	levels--
	if r.Table == r.References {
		levels = 0 // of its own kind: what belongs to those is not shown again
	}
	w.fields(t, other, indent+"    ", levels, r)
}

func (w *viewWriter) open(r Reference, kind, table, alias, field, indent, join string) {
	fmt.Fprintf(&w.b, "%s%s:\n", indent, yamlfile.Scalar(field))
	fmt.Fprintf(&w.b, "%s  %s: %s\n", indent, kind, yamlfile.Scalar(table))
	if alias != lastPart(table) {
		fmt.Fprintf(&w.b, "%s  as: %s\n", indent, yamlfile.Scalar(alias))
	}
	guessed := ""
	if r.Guessed {
		guessed = "    # guessed from the names"
	}
	fmt.Fprintf(&w.b, "%s  join: %s%s\n", indent, join, guessed)
}

func join(a string, columns []string, b string, others []string) string {
	parts := make([]string, len(columns))
	for i := range columns {
		parts[i] = a + "." + columns[i] + " == " + b + "." + others[i]
	}
	return strings.Join(parts, " and ")
}

func same(a, b Reference) bool {
	return a.Table == b.Table && a.References == b.References && slices.Equal(a.Columns, b.Columns)
}

func ordinalsOf(t *relation.Schema, names []string) []int {
	ordinals := make([]int, len(names))
	for i, name := range names {
		ordinals[i] = t.Column(name)
	}
	return ordinals
}
