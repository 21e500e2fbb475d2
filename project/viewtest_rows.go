package project

import (
	"slices"
	"strings"

	"odsd/internal/yamlfile"
	"odsd/storage/relation"
)

// testRows are the rows of a test's tables as its steps go on, by table and key.
type testRows struct {
	project *Project
	rows    map[string][]relation.Value
}

// readRows reads rows by table, in the order of the file.
func (r *testRows) readRows(n yamlfile.Node, what string, read func(*relation.Schema, yamlfile.Node) (RowChange, bool)) []RowChange {
	var changes []RowChange
	for _, e := range n.Entries(what) {
		schema := r.table(e.Key)
		if schema == nil {
			continue
		}
		for _, item := range e.Value.Items("the rows of " + schema.Name) {
			if change, ok := read(schema, item); ok {
				changes = append(changes, change)
			}
		}
	}
	return changes
}

func (r *testRows) table(name yamlfile.Node) *relation.Schema {
	if schema := r.project.Schemas[name.Value()]; schema != nil {
		if len(schema.Key) > 0 {
			return schema
		}
		name.Report(yamlfile.CodeTest, "give the table a primary key", "%s has no key to tell its rows by", schema.Name)
		return nil
	}
	var known []string
	for table := range r.project.Schemas {
		known = append(known, table)
	}
	name.Report(yamlfile.CodeRelation, yamlfile.DidYouMean(name.Value(), known), "no table %q", name.Value())
	return nil
}

func (r *testRows) insert(schema *relation.Schema, n yamlfile.Node) (RowChange, bool) {
	row := make([]relation.Value, len(schema.Columns))
	key, ok := r.readRow(schema, n, row)
	if !ok {
		return RowChange{}, false
	}
	if r.rows[key] != nil {
		n.Report(yamlfile.CodeTest, "", "%s has a row of this key already", schema.Name)
		return RowChange{}, false
	}
	r.rows[key] = row
	return RowChange{Schema: schema, New: row}, true
}

func (r *testRows) update(schema *relation.Schema, n yamlfile.Node) (RowChange, bool) {
	old, key, ok := r.find(schema, n)
	if !ok {
		return RowChange{}, false
	}
	row := slices.Clone(old)
	if _, ok := r.readRow(schema, n, row); !ok {
		return RowChange{}, false
	}
	r.rows[key] = row
	return RowChange{Schema: schema, Old: old, New: row}, true
}

func (r *testRows) delete(schema *relation.Schema, n yamlfile.Node) (RowChange, bool) {
	old, key, ok := r.find(schema, n)
	if !ok {
		return RowChange{}, false
	}
	delete(r.rows, key)
	return RowChange{Schema: schema, Old: old}, true
}

// find looks for the row that an update or delete names by its key.
func (r *testRows) find(schema *relation.Schema, n yamlfile.Node) (row []relation.Value, key string, ok bool) {
	key, ok = r.readRow(schema, n, make([]relation.Value, len(schema.Columns)))
	if !ok {
		return nil, "", false
	}
	if row = r.rows[key]; row == nil {
		n.Report(yamlfile.CodeTest, "insert it first, here or in `given`", "%s has no row of this key", schema.Name)
		return nil, "", false
	}
	return row, key, true
}

// readRow sets the columns that are named and gives the key as text.
func (r *testRows) readRow(schema *relation.Schema, n yamlfile.Node, row []relation.Value) (key string, ok bool) {
	ok = true
	set := make([]bool, len(row))
	for _, e := range n.Entries("a row of " + schema.Name) {
		column := schema.Column(e.Key.Value())
		if column < 0 {
			e.Key.Report(yamlfile.CodeName, yamlfile.DidYouMean(e.Key.Value(), columnNames(schema)), "no column %q in %s", e.Key.Value(), schema.Name)
			ok = false
			continue
		}
		c := schema.Columns[column]
		value, read := readValue(e.Value, c.Type, r.labels(schema, c), true)
		row[column], set[column] = value, true
		ok = ok && read
	}
	if n.Bad() || !ok {
		return "", false
	}
	return keyOfRow(schema, n, row, set)
}

func keyOfRow(schema *relation.Schema, n yamlfile.Node, row []relation.Value, set []bool) (string, bool) {
	key := []byte(schema.Name)
	for _, column := range schema.Key {
		if !set[column] || row[column].Missing() {
			n.Report(yamlfile.CodeTest, "its key tells which row it is", "the row of %s has no %q", schema.Name, schema.Columns[column].Name)
			return "", false
		}
		key = relation.AppendText(append(key, 0), row[column])
	}
	return string(key), true
}

// labels of an enum's column, none where they are not known.
func (r *testRows) labels(schema *relation.Schema, c relation.Column) []string {
	if len(c.Labels) > 0 {
		return c.Labels
	}
	source, _, _ := strings.Cut(schema.Name, ".")
	if file := r.project.Files[source]; file != nil {
		return file.Labels[strings.TrimSuffix(c.Type.Name, "[]")]
	}
	return nil
}

func columnNames(schema *relation.Schema) []string {
	names := make([]string, len(schema.Columns))
	for i, c := range schema.Columns {
		names[i] = c.Name
	}
	return names
}
