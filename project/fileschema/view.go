package fileschema

func viewSchema() *Schema {
	fields := fieldsOf("field", "The fields: a list of column names, or a mapping of names to expressions, to-ones, lists and aggregates.")
	s := file("A view", "Documents that join and reshape rows of any source, kept up to date with every commit.", map[string]*Schema{
		"view":        text("Its name; GraphQL's is made of it."),
		"description": text("What one document is; shown in the GraphQL schema."),
		"owner":       owner(),
		"graphql": mapping("Names in GraphQL where those made of the view's do not suit.", map[string]*Schema{
			"type":  text("The type of its documents.", "Customer360"),
			"field": text("The field of Query.", "customer360"),
		}),
		"from":     text("The relation that has a row for each document: source.table, source.schema.table or a view.", "shop.orders"),
		"as":       text("The alias of `from` in expressions; the last part of its name by default."),
		"key":      texts("What tells documents apart, a unique key of `from`; the primary key by default.", "id", []any{"shop", "id"}),
		"where":    expression("Which rows of `from` have a document.", "deleted_at == nil"),
		"fields":   fields,
		"group_by": fieldsOf("dimension", "Dimensions: one document for each combination of their values."),
		"measures": fieldsOf("measure", "What is computed over the rows of a group."),
		"having":   expression("Which documents are shown, by their measures or aggregates.", "orders >= 10"),
		"union":    unionSchema(),
		"conflict": oneOf("Keys may be in several branches of the union: the first branch that has one decides.", "first"),
		"indexes": list("What lists are filtered and ordered by: each a list of fields, with desc where wanted.",
			&Schema{Description: "An index.", Type: []string{"array"}, Items: text("", "country", "paid_total desc"), MinItems: 1}),
		"checks":     list("What should hold of every document; counted in status and metrics, never blocking.", checkSchema()),
		"access":     notBuilt("who may read what."),
		"deprecated": notBuilt("why the view should not be used."),
	}, "view")
	s.Dependencies = viewDependencies()
	// What is neither a union nor a group is a view of documents.
	s.If = &Schema{Not: anyKey("union", "group_by", "measures")}
	s.Then = &Schema{Required: []string{"from", "fields"}}
	s.Definitions = map[string]*Schema{"field": fieldSchema(), "dimension": dimensionSchema(), "measure": measureSchema()}
	return s
}

// viewDependencies tell the kinds of views apart.
func viewDependencies() map[string]*Schema {
	group := &Schema{Required: []string{"from", "group_by"}, Not: anyKey("fields", "key")}
	// A union decides what the others mean: they are not asked for its sake.
	group = &Schema{AnyOf: []*Schema{{Required: []string{"union"}}, group}}
	return map[string]*Schema{
		"union":    {Required: []string{"key"}, Not: anyKey("from", "where", "fields", "as", "group_by", "measures", "having")},
		"group_by": group,
		"measures": group,
		"conflict": belongs("union"),
	}
}

func unionSchema() *Schema {
	constants := named("Columns that are the same in all rows of the branch.", &Schema{Description: "The value.", Type: textTypes})
	renamed := named("Columns under new names: {new: old}.", &Schema{Description: "The column's own name.", Type: textTypes})
	branch := mapping("One relation of the union.", map[string]*Schema{
		"from":   text("The relation: source.table or a view."),
		"where":  expression("Which of its rows count.", "not is_test"),
		"const":  constants,
		"rename": renamed,
	}, "from")
	s := list("Relations whose rows are put together.", branch)
	s.MinItems = 1
	return s
}

func checkSchema() *Schema {
	values := named("The values that fields may have: {field: [values]}.",
		&Schema{Description: "The field's values.", Type: []string{"array"}, Items: text(""), MinItems: 1})
	s := mapping("One expectation.", map[string]*Schema{
		"not_null":        texts("The field, or fields, that are never null."),
		"accepted_values": values,
		"expression":      expression("What is true of every document.", "total >= 0"),
		"name":            text("The check's name in status and metrics; made of what it expects by default."),
		"unique":          refused("a view's key is unique by itself; what is there twice is found by a view with `group_by` and `having`."),
		"relationships":   refused("join the other relation by a `one`, and check a field of it with `not_null`."),
		"severity":        oneOf("How bad it is; error by default.", "warn", "error"),
	})
	kinds := []string{"not_null", "accepted_values", "expression"}
	s.AnyOf = anyKey(kinds...).AnyOf
	s.Dependencies = exclusive(kinds)
	return s
}

// fieldsOf are fields as a list of names or as a mapping.
func fieldsOf(definition, description string) *Schema {
	return &Schema{
		Description: description, Type: []string{"object", "array"},
		Items: text("A field's name."), MinItems: 1,
		MinProperties: 1, Others: &Schema{Ref: "#/definitions/" + definition},
	}
}
