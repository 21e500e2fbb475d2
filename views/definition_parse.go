package views

import (
	"odsd/internal/yamlfile"
)

// Parse reads a view's file. The definition is never nil; what the file got
// wrong is missing from it.
func Parse(file string, data []byte) (*Definition, []Diagnostic) {
	f := yamlfile.Parse(file, data)
	d := &Definition{File: file, file: f}
	if root, ok := f.Root(); ok {
		d.read(root)
	}
	found := f.Take()
	d.failed = yamlfile.HasErrors(found)
	return d, found
}

func (d *Definition) read(root yamlfile.Node) {
	keys := yamlfile.Keys{
		"version":     yamlfile.Version,
		"view":        func(e yamlfile.Entry) { readText(e, &d.Name) },
		"description": func(e yamlfile.Entry) { readString(e, &d.Description) },
		"owner":       func(e yamlfile.Entry) { d.Owner = ReadOwner(e) },
		"graphql":     func(e yamlfile.Entry) { d.readGraphQL(e) },
		"from":        func(e yamlfile.Entry) { readText(e, &d.From) },
		"as":          func(e yamlfile.Entry) { readText(e, &d.Alias) },
		"key":         func(e yamlfile.Entry) { d.Key = readTexts(e.Value.ItemsOrOne("`key`"), "a column of `key`") },
		"where":       func(e yamlfile.Entry) { readExpression(e, &d.Where) },
		"fields":      func(e yamlfile.Entry) { d.Fields = readFields(e.Value, "fields", readField) },
		"group_by":    func(e yamlfile.Entry) { d.Dimensions = readFields(e.Value, "group_by", readDimension) },
		"measures":    func(e yamlfile.Entry) { d.Measures = readFields(e.Value, "measures", readMeasure) },
		"having":      func(e yamlfile.Entry) { readExpression(e, &d.Having) },
		"union":       func(e yamlfile.Entry) { d.readBranches(e) },
		"conflict":    func(e yamlfile.Entry) { d.readConflict(e) },
		"indexes":     func(e yamlfile.Entry) { d.readIndexes(e) },
		"checks":      func(e yamlfile.Entry) { d.readChecks(e) },
		"access":      func(e yamlfile.Entry) { d.readAccess(e) },
		"deprecated":  yamlfile.NotBuilt,
	}
	root.Decode("a view", keys, "version", "view")
	if !root.Bad() {
		d.readKind(root)
	}
}

// readKind finds out what kind of view the keys make, and which of them belong
// to another kind.
func (d *Definition) readKind(root yamlfile.Node) {
	d.Kind = DocumentView
	needed := []string{"from", "fields"}
	switch {
	case hasKey(root, "union"):
		d.Kind, needed = UnionView, []string{"key"}
	case hasKey(root, "group_by") || hasKey(root, "measures"):
		d.Kind, needed = GroupView, []string{"from", "group_by"}
	}
	for _, e := range root.Entries("") {
		if hint, strange := d.strange(e.Key.Value()); strange {
			e.Key.Report(yamlfile.CodeUnknownKey, hint, "`%s` means nothing in a %s", e.Key.Value(), kindName(d.Kind))
		}
	}
	for _, key := range needed {
		if !hasKey(root, key) {
			root.Report(yamlfile.CodeMissingKey, "", "a %s has no `%s`", kindName(d.Kind), key)
		}
	}
}

// strange says whether a key belongs to views of other kinds only, and what to
// write in its place.
func (d *Definition) strange(key string) (hint string, strange bool) {
	switch {
	case d.Kind == UnionView && (key == "from" || key == "where"):
		return "each branch of `union` has its own", true
	case d.Kind == UnionView && (key == "fields" || key == "as" || key == "group_by" || key == "measures" || key == "having"):
		return "a union has the columns of its branches; make another view over it", true
	case d.Kind == GroupView && key == "fields":
		return "the columns of a group stand under `group_by` and `measures`", true
	case d.Kind == GroupView && key == "key":
		return "the key of a group is its dimensions, all of `group_by`", true
	case d.Kind != UnionView && key == "conflict":
		return "it belongs to `union`", true
	}
	return "", false
}

func kindName(k ViewKind) string {
	switch k {
	case GroupView:
		return "group-by view"
	case UnionView:
		return "union"
	}
	return "view"
}

func hasKey(n yamlfile.Node, key string) bool {
	for _, e := range n.Entries("") {
		if e.Key.Value() == key {
			return true
		}
	}
	return false
}

// ReadOwner reads whom to ask about something.
func ReadOwner(e yamlfile.Entry) Owner {
	var o Owner
	e.Value.Decode("`owner`", yamlfile.Keys{
		"team":    func(e yamlfile.Entry) { readString(e, &o.Team) },
		"contact": func(e yamlfile.Entry) { readString(e, &o.Contact) },
	})
	return o
}

func (d *Definition) readGraphQL(e yamlfile.Entry) {
	e.Value.Decode("`graphql` of a view", yamlfile.Keys{
		"type":  func(e yamlfile.Entry) { readText(e, &d.Type) },
		"field": func(e yamlfile.Entry) { readText(e, &d.Field) },
	})
}

func (d *Definition) readIndexes(e yamlfile.Entry) {
	for _, item := range e.Value.Items("`indexes`") {
		if item.IsScalar() {
			item.Reject(yamlfile.CodeIndex, "write [["+item.Value()+"]]", "an index is a list of fields")
			continue
		}
		index := readTexts(item.Items("an index"), "a field of an index")
		if len(index) == 0 {
			item.Reject(yamlfile.CodeIndex, "", "an index has no fields")
			continue
		}
		d.Indexes = append(d.Indexes, index)
	}
}

func readText(e yamlfile.Entry, into *Text) {
	if s, ok := e.Value.Text("`" + e.Key.Value() + "`"); ok {
		*into = Text{s, e.Value}
	}
}

func readString(e yamlfile.Entry, into *string) {
	if s, ok := e.Value.Text("`" + e.Key.Value() + "`"); ok {
		*into = s
	}
}

func readExpression(e yamlfile.Entry, into *Text) {
	if s, ok := e.Value.Expression("`" + e.Key.Value() + "`"); ok {
		*into = Text{s, e.Value}
	}
}

func readTexts(items []yamlfile.Node, what string) []Text {
	var texts []Text
	for _, item := range items {
		if s, ok := item.Text(what); ok {
			texts = append(texts, Text{s, item})
		}
	}
	return texts
}
