package main

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// rowSet is the value of a root field as rows and columns: objects inside a row
// become columns "account.plan", lists inside it stay JSON in one cell.
type rowSet struct {
	columns []string
	rows    [][]any
	// single is true for a field that is one object, or none: it reads
	// better downward.
	single bool
}

// rowsOf lays out a root field's value. A connection stands for its nodes.
func rowsOf(value any) rowSet {
	s := layOut(value)
	s.dropEmptyParents()
	return s
}

func layOut(value any) rowSet {
	var s rowSet
	switch v := value.(type) {
	case object:
		if nodes, ok := v.get("nodes").([]any); ok {
			return layOut(nodes)
		}
		if edges, ok := v.get("edges").([]any); ok {
			return layOut(edges)
		}
		s.single = true
		s.add(v)
	case []any:
		for _, element := range v {
			if o, ok := element.(object); ok {
				s.add(o)
			} else if element != nil {
				s.add(object{{name: "value", value: element}})
			}
		}
	case nil:
		s.single = true
	default:
		s.single = true
		s.add(object{{name: "value", value: v}})
	}
	return s
}

// add appends a row; columns seen for the first time come last.
func (s *rowSet) add(o object) {
	var row []any
	s.flatten("", o, &row)
	s.rows = append(s.rows, row)
}

func (s *rowSet) flatten(prefix string, o object, row *[]any) {
	for _, m := range o {
		if inner, ok := m.value.(object); ok && len(inner) > 0 {
			s.flatten(prefix+m.name+".", inner, row)
			continue
		}
		at := s.column(prefix + m.name)
		for len(*row) <= at {
			*row = append(*row, nil)
		}
		(*row)[at] = m.value
	}
}

func (s *rowSet) column(name string) int {
	for i, c := range s.columns {
		if c == name {
			return i
		}
	}
	s.columns = append(s.columns, name)
	return len(s.columns) - 1
}

// dropEmptyParents leaves out the column of an object that is null in some rows:
// its fields, from the other rows, have columns of their own.
func (s *rowSet) dropEmptyParents() {
	for i := len(s.columns) - 1; i >= 0; i-- {
		if !s.hasFields(i) {
			continue
		}
		s.columns = slices.Delete(s.columns, i, i+1)
		for r, row := range s.rows {
			if i < len(row) {
				s.rows[r] = slices.Delete(row, i, i+1)
			}
		}
	}
}

func (s *rowSet) hasFields(column int) bool {
	return slices.ContainsFunc(s.columns, func(name string) bool {
		return strings.HasPrefix(name, s.columns[column]+".")
	})
}

// cell is the text of a row's column, empty for null.
func (s *rowSet) cell(row []any, column int) string {
	if column >= len(row) {
		return ""
	}
	switch v := row[column].(type) {
	case nil:
		return ""
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	default:
		var b bytes.Buffer
		if err := appendCompact(&b, v); err != nil {
			return ""
		}
		return b.String()
	}
}

// numeric columns are set to the right: every value is a number, or the string of one
// (BigInt and Decimal).
func (s *rowSet) numeric(column int) bool {
	seen := false
	for _, row := range s.rows {
		if column >= len(row) || row[column] == nil {
			continue
		}
		text, isText := row[column].(string)
		if number, ok := row[column].(json.Number); ok {
			text, isText = number.String(), true
		}
		if !isText {
			return false
		}
		if _, err := strconv.ParseFloat(text, 64); err != nil {
			return false
		}
		seen = true
	}
	return seen
}
