package project

import (
	"slices"
	"strings"

	"odsd/internal/yamlfile"
)

// readTables reads what is captured: a map of tables, or "*".
func (s *Source) readTables(e yamlfile.Entry) {
	if e.Value.IsScalar() {
		if name, ok := e.Value.Text("`tables`"); ok {
			if name != "*" {
				e.Value.Reject(yamlfile.CodeShape, "write `"+name+":` on a line below, or \"*\" for every table", "`tables` must be a mapping of tables")
				return
			}
			s.addTable("*", e.Value)
		}
		return
	}
	if e.Value.IsSequence() {
		for _, item := range e.Value.Items("`tables`") {
			if name, ok := item.Text("a table"); ok {
				s.readTable(name, item)
			}
		}
	} else {
		for _, t := range e.Value.Entries("`tables`") {
			if s.readTable(t.Key.Value(), t.Key) && !t.Value.IsEmpty() {
				s.readTableOptions(s.Tables[len(s.Tables)-1], t)
			}
		}
	}
	if len(s.Tables) == 0 && !e.Value.Bad() {
		e.Value.Report(yamlfile.CodeMissingKey, "name the tables to capture, or \"*\"", "`tables` has no tables")
	}
}

func (s *Source) readTable(name string, at yamlfile.Node) bool {
	name = strings.TrimPrefix(name, "public.")
	switch parts := strings.Split(name, "."); {
	case name == "*":
		at.Reject(yamlfile.CodeShape, "write `tables: \"*\"`", "\"*\" stands for all tables, alone")
		return false
	case len(parts) > 2 || slices.Contains(parts, ""):
		at.Reject(yamlfile.CodeValue, "write table or schema.table", "%q is not a table's name", name)
		return false
	case slices.Contains(s.Tables, name):
		at.Reject(yamlfile.CodeDuplicate, "", "the table %q is given twice", name)
		return false
	}
	s.addTable(name, at)
	return true
}

func (s *Source) addTable(name string, at yamlfile.Node) {
	s.Tables = append(s.Tables, name)
	s.tables = append(s.tables, at)
}

// readTableOptions reads what is said of a table's columns.
func (s *Source) readTableOptions(table string, t yamlfile.Entry) {
	t.Value.Decode("a table", yamlfile.Keys{
		"columns": func(e yamlfile.Entry) {
			for _, column := range e.Value.Entries("`columns`") {
				if column.Value.IsEmpty() {
					continue
				}
				if s.Columns == nil {
					s.Columns = map[string]map[string]Column{}
				}
				if s.Columns[table] == nil {
					s.Columns[table] = map[string]Column{}
				}
				s.Columns[table][column.Key.Value()] = s.readColumn(table, column)
			}
		},
	})
}

// masks are the ways to mask a column.
var masks = []string{"last4", "hash", "null"}

func (s *Source) readColumn(table string, e yamlfile.Entry) Column {
	var c Column
	e.Value.Decode("a column", yamlfile.Keys{
		"pii":     func(p yamlfile.Entry) { s.readPersonal(table, e.Key, p) },
		"exclude": func(e yamlfile.Entry) { c.Exclude, _ = e.Value.Bool("`exclude`") },
		"mask": func(e yamlfile.Entry) {
			if e.Value.IsEmpty() { // `mask: null` is YAML's null
				c.Mask = "null"
				return
			}
			mask, ok := e.Value.Text("`mask`")
			if ok && !slices.Contains(masks, mask) {
				e.Value.Reject(yamlfile.CodeValue, "write last4, hash or null", "there is no mask %q", mask)
			}
			c.Mask = mask
		},
	})
	if c.Exclude && c.Mask != "" {
		e.Value.Report(yamlfile.CodeValue, "leave `mask` out", "a column that is excluded has nothing to mask")
	}
	return c
}
