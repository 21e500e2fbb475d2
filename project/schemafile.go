package project

import (
	"cmp"
	"slices"

	"odsd/internal/yamlfile"
	"odsd/storage/relation"
)

// SchemaFile is what schema/<source>.yaml holds: the captured tables of one
// source as its database has them. It is written by odsd and kept in git, so
// that a check needs no database.
type SchemaFile struct {
	Source string
	// Tables by name; their schemas are named as views name them, "shop.orders".
	Tables []*relation.Schema
	// Labels of the enums that the tables use, in their order, by the enum's
	// name as PostgreSQL prints it.
	Labels map[string][]string

	at yamlfile.Node
}

func (l *loader) readSchema(name string, data []byte) {
	root, _, ok := l.parse(name, data)
	if !ok {
		return
	}
	s := readSchemaFile(root)
	if s.Source == "" {
		return
	}
	if l.project.Files[s.Source] != nil {
		root.Report(yamlfile.CodeTwice, "remove one", "the schema of source %q is in two files", s.Source)
		return
	}
	l.project.Files[s.Source] = s
}

// ParseSchema reads a schema file.
func ParseSchema(name string, data []byte) (*SchemaFile, []yamlfile.Diagnostic) {
	f := yamlfile.Parse(name, data)
	s := &SchemaFile{}
	if root, ok := f.Root(); ok {
		s = readSchemaFile(root)
	}
	return s, f.Take()
}

func readSchemaFile(root yamlfile.Node) *SchemaFile {
	s := &SchemaFile{Labels: map[string][]string{}, at: root}
	r := schemaReader{file: s, named: map[string]relation.Type{}}
	// A table's columns need the types, which stand below the tables.
	var tables yamlfile.Entry
	root.Decode("a schema", yamlfile.Keys{
		"version": yamlfile.Version,
		"schema":  func(e yamlfile.Entry) { s.Source, _ = e.Value.Text("`schema`") },
		"tables":  func(e yamlfile.Entry) { tables = e },
		"types":   func(e yamlfile.Entry) { r.readTypes(e) },
	}, "version", "schema", "tables")
	if tables.Value.Absent() {
		return s
	}
	for _, t := range tables.Value.Entries("`tables`") {
		r.readTable(t)
	}
	slices.SortFunc(s.Tables, func(a, b *relation.Schema) int { return cmp.Compare(a.Name, b.Name) })
	return s
}

type schemaReader struct {
	file  *SchemaFile
	named map[string]relation.Type // the types that are not built in
}

// readTypes reads the types that PostgreSQL has no built-in name for: enums
// with their labels, and others with the built-in type that they are.
func (r *schemaReader) readTypes(e yamlfile.Entry) {
	for _, t := range e.Value.Entries("`types`") {
		name := t.Key.Value()
		var labels []yamlfile.Node
		var is yamlfile.Node
		scale := -1
		t.Value.Decode("a type", yamlfile.Keys{
			"enum": func(e yamlfile.Entry) { labels = e.Value.Items("`enum`") },
			"is":   func(e yamlfile.Entry) { is = e.Value },
			"scale": func(e yamlfile.Entry) {
				if n, ok := e.Value.Int("`scale`", 0, relation.MaxDecimalScale); ok {
					scale = n
				}
			},
		})
		if t.Value.Bad() {
			continue
		}
		if !is.Exists() {
			r.named[name] = relation.TypeOf(relation.Enum)
			r.file.Labels[name] = readNames(labels)
			continue
		}
		text, ok := is.Text("`is`")
		if !ok {
			continue
		}
		base, known := relation.ParseType(text, nil)
		if !known {
			is.Report(yamlfile.CodeType, "a type of the database's own is written under its name, with what it is made of", "%q is not a built-in type", text)
			continue
		}
		if scale >= 0 {
			base.Scale = int32(scale)
		}
		r.named[name] = base
	}
}

// maxRows bounds what a schema file says a table has.
const maxRows = 1_000_000_000_000

func (r *schemaReader) readTable(e yamlfile.Entry) {
	s := &relation.Schema{Name: r.file.Source + "." + e.Key.Value()}
	var key, unique yamlfile.Node
	e.Value.Decode("a table", yamlfile.Keys{
		"description": func(e yamlfile.Entry) { s.Description, _ = e.Value.Text("`description`") },
		"columns": func(e yamlfile.Entry) {
			for _, c := range e.Value.Entries("`columns`") {
				if column, ok := r.readColumn(c); ok {
					s.Columns = append(s.Columns, column)
				}
			}
		},
		"key":    func(e yamlfile.Entry) { key = e.Value },
		"unique": func(e yamlfile.Entry) { unique = e.Value },
		"rows": func(e yamlfile.Entry) {
			if n, ok := e.Value.Int("`rows`", 0, maxRows); ok {
				s.Rows = int64(n)
			}
		},
	}, "columns")
	if key.Exists() {
		s.Key = columnSet(s, key, "`key`")
	}
	if unique.Exists() {
		for _, set := range unique.Items("`unique`") {
			if columns := columnSet(s, set, "a unique key"); len(columns) > 0 {
				s.Unique = append(s.Unique, columns)
			}
		}
	}
	r.file.Tables = append(r.file.Tables, s)
}

func (r *schemaReader) readColumn(e yamlfile.Entry) (relation.Column, bool) {
	column := relation.Column{Name: e.Key.Value()}
	typed := false
	e.Value.Decode("a column", yamlfile.Keys{
		"type": func(e yamlfile.Entry) {
			name, ok := e.Value.Text("`type`")
			if !ok {
				return
			}
			column.Type, typed = relation.ParseType(name, func(name string) (relation.Type, bool) {
				t, ok := r.named[name]
				return t, ok
			})
			if !typed {
				e.Value.Report(yamlfile.CodeType, "name it under `types:` with what it is made of, or let `odsd check --live --write` write the file", "the column %q is of type %s, which is neither built in nor under `types`", column.Name, name)
			}
		},
		"not_null":    func(e yamlfile.Entry) { column.NotNull, _ = e.Value.Bool("`not_null`") },
		"description": func(e yamlfile.Entry) { column.Description, _ = e.Value.Text("`description`") },
	}, "type")
	return column, typed
}

// columnSet reads a list of column names as ordinals.
func columnSet(s *relation.Schema, n yamlfile.Node, what string) []int {
	var columns []int
	for _, item := range n.Items(what) {
		name, ok := item.Text("a column")
		if !ok {
			continue
		}
		column := s.Column(name)
		if column < 0 {
			item.Report(yamlfile.CodeSchema, "", "no column %q in %s", name, s.Name)
			return nil
		}
		columns = append(columns, column)
	}
	return columns
}

func readNames(items []yamlfile.Node) []string {
	var list []string
	for _, item := range items {
		if s, ok := item.Text("a label"); ok {
			list = append(list, s)
		}
	}
	return list
}
