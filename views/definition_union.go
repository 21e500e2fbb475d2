package views

import "odsd/internal/yamlfile"

func (d *Definition) readBranches(e yamlfile.Entry) {
	for _, item := range e.Value.Items("`union`") {
		b := &BranchDefinition{}
		item.Decode("a branch of `union`", yamlfile.Keys{
			"from":   func(e yamlfile.Entry) { readText(e, &b.From) },
			"where":  func(e yamlfile.Entry) { readExpression(e, &b.Where) },
			"const":  func(e yamlfile.Entry) { b.Const = readNamed(e, "a constant") },
			"rename": func(e yamlfile.Entry) { b.Rename = readNamed(e, "a column") },
		}, "from")
		if !item.Bad() {
			d.Branches = append(d.Branches, b)
		}
	}
	if len(d.Branches) == 0 && !e.Value.Bad() {
		e.Value.Report(yamlfile.CodeMissingKey, "", "`union` has no branches")
	}
}

// readNamed reads {name: value}.
func readNamed(e yamlfile.Entry, what string) []NamedText {
	var list []NamedText
	for _, entry := range e.Value.Entries("`" + e.Key.Value() + "`") {
		named := NamedText{Name: Text{entry.Key.Value(), entry.Key}}
		if named.Name.Value == "" {
			entry.Key.Reject(yamlfile.CodeEmpty, "", "%s needs a name", what)
			continue
		}
		if entry.Value.IsEmpty() {
			entry.Value.Reject(yamlfile.CodeEmpty, "a column that a branch does not have is null there", "%q has no value", named.Name.Value)
			continue
		}
		if s, ok := constantText(entry.Value, what); ok {
			named.Text = Text{s, entry.Value}
			list = append(list, named)
		}
	}
	return list
}

// constantText is a scalar that may, in quotes, be empty.
func constantText(n yamlfile.Node, what string) (string, bool) {
	if n.IsScalar() && !n.Bad() && n.Value() == "" {
		return "", true
	}
	return n.Text(what)
}

func (d *Definition) readConflict(e yamlfile.Entry) {
	if s, ok := e.Value.OneOf("`conflict`", "first"); ok {
		d.Conflict = Text{s, e.Value}
	}
}
