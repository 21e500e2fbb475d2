package views

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"odsd/internal/yamlfile"
	"odsd/storage/relation"
)

// checkKey finds the columns that identify a document.
func (c *checker) checkKey() {
	root := c.scopes[0]
	if root.dead() {
		return
	}
	schema := root.occurrence.Schema
	if len(c.def.Key) == 0 {
		c.view.Key = schema.Key
		if len(schema.Key) == 0 {
			root.at.Node.Report(yamlfile.CodeKey, "name a unique key with `key:`", "%s has no primary key", root.relation())
		}
	} else if c.view.Key = c.declaredKey(root); c.view.Key == nil {
		return
	}
	for _, column := range c.view.Key {
		if t := schema.Columns[column].Type; !hasOrder(t) {
			root.at.Node.Report(yamlfile.CodeKey, "", "the key column %q is of type %s, which cannot be in a key", schema.Columns[column].Name, t)
		}
	}
	c.view.Nodes[0].Key = c.view.Key
}

func (c *checker) declaredKey(root *scope) []int {
	schema := root.occurrence.Schema
	v := &visible{c: c, what: "`key`", row: root, sees: only(root)}
	var columns []int
	ok := true
	for _, name := range c.def.Key {
		column := root.column(name.Value)
		switch {
		case column < 0:
			p := v.unknownColumn(root, name.Value, root.byName[name.Value])
			name.Node.Report(yamlfile.CodeName, p.Hint, "%s", p.Message)
			ok = false
		case slices.Contains(columns, column):
			name.Node.Report(yamlfile.CodeKey, "", "the column %q is given twice", name.Value)
			ok = false
		default:
			columns = append(columns, column)
		}
	}
	if !ok {
		return nil
	}
	if !isKey(schema, columns) {
		c.def.Key[0].Node.Report(yamlfile.CodeKey, uniqueKeys(schema), "%s is not a unique key of %s", columnNames(schema, columns), root.relation())
		return nil
	}
	// Rows are found by their own key, nulls and all; in another order by an
	// index, which has no nulls.
	mayBeNull := func(column int) bool { return !schema.Columns[column].NotNull }
	if input := root.input; input != nil && !slices.Equal(columns, schema.Key) && slices.ContainsFunc(columns, mayBeNull) {
		c.def.Key[0].Node.Report(yamlfile.CodeKey, "leave `key` out, or write it as "+columnNames(schema, schema.Key),
			"the key of %s may be null, and keeps its order", root.relation())
		return nil
	}
	return columns
}

// isKey says whether the columns are a unique key, no more and no fewer.
func isKey(schema *relation.Schema, columns []int) bool {
	wanted := slices.Sorted(slices.Values(columns))
	for _, key := range append([][]int{schema.Key}, schema.Unique...) {
		if len(key) > 0 && slices.Equal(wanted, slices.Sorted(slices.Values(key))) {
			return true
		}
	}
	return false
}

func uniqueKeys(schema *relation.Schema) string {
	var list []string
	for _, key := range append([][]int{schema.Key}, schema.Unique...) {
		if len(key) > 0 {
			list = append(list, columnNames(schema, key))
		}
	}
	if len(list) == 0 {
		return "it has none"
	}
	return "unique keys: " + strings.Join(list, ", ")
}

func columnNames(schema *relation.Schema, columns []int) string {
	list := make([]string, len(columns))
	for i, column := range columns {
		list[i] = schema.Columns[column].Name
	}
	if len(list) == 1 {
		return list[0]
	}
	return "(" + strings.Join(list, ", ") + ")"
}

// rootField finds a scalar field of the root by name. Nil when there is none,
// reported here, or when it is broken, reported before.
func (c *checker) rootField(code string, t Text, name string) *fieldState {
	root := c.root
	f := root.byName[name]
	switch {
	case f == nil:
		var known []string
		for _, f := range root.fields {
			if f.child == nil {
				known = append(known, f.def.Name.Value)
			}
		}
		t.Node.ReportWithin(0, len(name), code, yamlfile.DidYouMean(name, known), "no field %q in the root of the view", name)
		return nil
	case f.def.Kind == OneField || f.def.Kind == ManyField:
		t.Node.ReportWithin(0, len(name), code, "", "%q is not a scalar field", name)
		return nil
	case f.state != resolved:
		return nil
	}
	return f
}

var indexTerm = regexp.MustCompile(`(?i)^(.*?)(?:\s+(asc|desc))?$`)

func (c *checker) checkIndexes() {
	if len(c.def.Indexes) > maxIndexes {
		c.def.Indexes[maxIndexes][0].Node.Report(yamlfile.CodeLimit, "", "more than %d indexes", maxIndexes)
		return
	}
	seen := map[string]bool{}
	for _, index := range c.def.Indexes {
		terms, ok := c.indexTerms(index)
		if !ok {
			continue
		}
		if text := fmt.Sprint(terms); seen[text] {
			index[0].Node.Report(yamlfile.CodeIndex, "remove one", "the same index is declared twice")
			continue
		} else {
			seen[text] = true
		}
		c.view.Indexes = append(c.view.Indexes, terms)
	}
}

func (c *checker) indexTerms(index []Text) (terms []IndexTerm, ok bool) {
	ok = true
	seen := map[int]bool{}
	for i, t := range index {
		if i == maxIndexFields {
			t.Node.Report(yamlfile.CodeLimit, "", "more than %d fields in one index", maxIndexFields)
			return nil, false
		}
		m := indexTerm.FindStringSubmatch(t.Value)
		f := c.rootField(yamlfile.CodeIndex, t, m[1])
		if f == nil {
			ok = false
			continue
		}
		switch ordinal := f.field.Ordinal; {
		case !hasOrder(f.field.Type):
			t.Node.Report(yamlfile.CodeIndex, "", "values of type %s have no order", f.field.Type)
			ok = false
		case seen[ordinal]:
			t.Node.Report(yamlfile.CodeIndex, "", "the field %q is given twice", m[1])
			ok = false
		default:
			seen[ordinal] = true
			terms = append(terms, IndexTerm{Field: ordinal, Desc: strings.EqualFold(m[2], "desc")})
		}
	}
	return terms, ok
}
