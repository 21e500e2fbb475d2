package views

import "odsd/internal/yamlfile"

// CheckDefinition is one expectation as written.
type CheckDefinition struct {
	Kind     CheckKind
	Name     Text // as given; the check is named after what it expects otherwise
	Field    Text // of not_null and accepted_values
	Accepted []Text
	Expr     Text // of expression
	Severity string
}

func (d *Definition) readChecks(e yamlfile.Entry) {
	for _, item := range e.Value.Items("`checks`") {
		d.readCheck(item)
	}
}

func (d *Definition) readCheck(item yamlfile.Node) {
	c := CheckDefinition{Severity: "error"}
	var made []CheckDefinition
	kinds := 0
	of := func(kind CheckKind, read func(c CheckDefinition, e yamlfile.Entry) []CheckDefinition) func(yamlfile.Entry) {
		return func(e yamlfile.Entry) {
			kinds++
			made = read(CheckDefinition{Kind: kind}, e)
		}
	}
	item.Decode("a check", yamlfile.Keys{
		"not_null":        of(NotNullCheck, readNotNull),
		"accepted_values": of(AcceptedCheck, readAccepted),
		"expression": of(ExpressionCheck, func(c CheckDefinition, e yamlfile.Entry) []CheckDefinition {
			readExpression(e, &c.Expr)
			return []CheckDefinition{c}
		}),
		"unique": func(e yamlfile.Entry) {
			kinds++
			e.Key.Reject(yamlfile.CodeCheck, `a view's key is unique by itself; to find what is there twice, make a view over this one: group_by the field, measures n: {count: "*"}, having n > 1`,
				"there is no check `unique`")
		},
		"relationships": func(e yamlfile.Entry) {
			kinds++
			e.Key.Reject(yamlfile.CodeCheck, "join the other relation by a `one`, make a field of its key, and check that with not_null", "there is no check `relationships`")
		},
		"name": func(e yamlfile.Entry) { readText(e, &c.Name) },
		"severity": func(e yamlfile.Entry) {
			if s, ok := e.Value.OneOf("`severity`", "warn", "error"); ok {
				c.Severity = s
			}
		},
	})
	switch {
	case item.Bad():
		return
	case kinds != 1:
		item.Reject(yamlfile.CodeCheck, "", "a check is one of `not_null`, `accepted_values` and `expression`")
		return
	case c.Name.Given() && len(made) > 1:
		c.Name.Node.Reject(yamlfile.CodeCheck, "write one check for each field", "one name for %d checks", len(made))
		return
	}
	for _, check := range made {
		check.Name, check.Severity = c.Name, c.Severity
		if check.Field.Given() || check.Expr.Given() {
			d.Checks = append(d.Checks, check)
		}
	}
}

// readNotNull reads a field or a list of them: one check for each.
func readNotNull(c CheckDefinition, e yamlfile.Entry) []CheckDefinition {
	var made []CheckDefinition
	for _, field := range readTexts(e.Value.ItemsOrOne("`not_null`"), "a field") {
		c.Field = field
		made = append(made, c)
	}
	return made
}

// readAccepted reads {field: [values]}: one check for each field.
func readAccepted(c CheckDefinition, e yamlfile.Entry) []CheckDefinition {
	var made []CheckDefinition
	for _, field := range e.Value.Entries("`accepted_values`") {
		values := readTexts(field.Value.Items("the accepted values"), "an accepted value")
		if len(values) == 0 {
			field.Key.Reject(yamlfile.CodeCheck, "", "no accepted values for %q", field.Key.Value())
			continue
		}
		c.Field, c.Accepted = Text{field.Key.Value(), field.Key}, values
		made = append(made, c)
	}
	return made
}
