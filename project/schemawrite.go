package project

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"odsd/internal/yamlfile"
	"odsd/storage/relation"
)

// Format writes a schema file: tables and types by name, columns in the
// table's order, one a line, so that a change of the database is a small and
// readable difference.
func (s *SchemaFile) Format() []byte {
	var b bytes.Buffer
	b.WriteString("# Written by odsd from the database; commit it. `odsd check --live --write` brings it up to date.\n")
	fmt.Fprintf(&b, "version: 1\nschema: %s\ntables:\n", yamlfile.Scalar(s.Source))
	tables := slices.Clone(s.Tables)
	slices.SortFunc(tables, func(a, b *relation.Schema) int { return cmp.Compare(a.Name, b.Name) })
	for _, t := range tables {
		formatTable(&b, strings.TrimPrefix(t.Name, s.Source+"."), t)
	}
	s.formatTypes(&b)
	return b.Bytes()
}

func formatTable(b *bytes.Buffer, name string, t *relation.Schema) {
	fmt.Fprintf(b, "  %s:\n", yamlfile.Scalar(name))
	if t.Description != "" {
		fmt.Fprintf(b, "    description: %s\n", yamlfile.Scalar(shorten(t.Description)))
	}
	if rows := roughly(t.Rows); rows > 0 {
		fmt.Fprintf(b, "    rows: %d\n", rows)
	}
	if len(t.Columns) == 0 {
		b.WriteString("    columns: {}\n")
	} else {
		b.WriteString("    columns:\n")
	}
	for _, c := range t.Columns {
		fmt.Fprintf(b, "      %s: {type: %s", yamlfile.Scalar(c.Name), yamlfile.Scalar(c.Type.PrintedName()))
		if c.NotNull {
			b.WriteString(", not_null: true")
		}
		if c.Description != "" {
			fmt.Fprintf(b, ", description: %s", yamlfile.Scalar(shorten(c.Description)))
		}
		b.WriteString("}\n")
	}
	if len(t.Key) > 0 {
		fmt.Fprintf(b, "    key: %s\n", columnList(t, t.Key))
	}
	if len(t.Unique) > 0 {
		sets := make([]string, len(t.Unique))
		for i, set := range t.Unique {
			sets[i] = columnList(t, set)
		}
		slices.Sort(sets)
		fmt.Fprintf(b, "    unique: [%s]\n", strings.Join(sets, ", "))
	}
}

// roughly rounds a number of rows to its first digit, so that the file stands still
// while the table lives; small tables are not worth a line.
func roughly(rows int64) int64 {
	if rows < 10_000 {
		return 0
	}
	unit := int64(1)
	for rows/unit >= 10 {
		unit *= 10
	}
	return (rows + unit/2) / unit * unit
}

func columnList(t *relation.Schema, columns []int) string {
	list := make([]string, len(columns))
	for i, column := range columns {
		list[i] = yamlfile.Scalar(t.Columns[column].Name)
	}
	return "[" + strings.Join(list, ", ") + "]"
}

// formatTypes writes what stands behind the types that are not built in.
func (s *SchemaFile) formatTypes(b *bytes.Buffer) {
	types := map[string]string{}
	overArrays := map[string]bool{} // domains
	for _, t := range s.Tables {
		for _, c := range t.Columns {
			if _, builtin := relation.ParseType(c.Type.PrintedName(), nil); builtin {
				continue
			}
			name, isArray := strings.CutSuffix(c.Type.Name, "[]")
			if isArray && overArrays[name] {
				continue // a domain's own column says more of it
			}
			overArrays[name] = c.Type.Kind == relation.Array && !isArray
			types[name] = s.standsFor(name, c.Type, overArrays[name])
		}
	}
	if len(types) == 0 {
		return
	}
	b.WriteString("types:\n")
	for _, name := range slices.Sorted(maps.Keys(types)) {
		fmt.Fprintf(b, "  %s: %s\n", yamlfile.Scalar(name), types[name])
	}
}

func (s *SchemaFile) standsFor(name string, t relation.Type, overArrays bool) string {
	kind := t.Kind
	if kind == relation.Array {
		kind = t.Elem
	}
	if kind == relation.Enum {
		labels := make([]string, len(s.Labels[name]))
		for i, label := range s.Labels[name] {
			labels[i] = yamlfile.Scalar(label)
		}
		return "{enum: [" + strings.Join(labels, ", ") + "]}"
	}
	is := relation.TypeOf(kind)
	if overArrays {
		is = relation.ArrayOf(kind)
	}
	text := "{is: " + yamlfile.Scalar(is.PrintedName())
	if t.Kind == relation.Decimal && t.Scale >= 0 {
		text += fmt.Sprintf(", scale: %d", t.Scale)
	}
	return text + "}"
}

// shorten bounds a comment of the database: each stands on a line of its own.
func shorten(s string) string {
	const most = 500
	if runes := []rune(s); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return s
}
