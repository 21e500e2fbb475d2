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
		"access":     list("Who sees what. The rules are checked; odsd run does not serve the view until they are enforced.", accessSchema()),
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
		"not_null":        texts("The field, or the fields, that are never null."),
		"accepted_values": values,
		"expression":      expression("What is true of every document, over fields of its root.", "total >= 0"),
		"unique":          notBuilt("that a field is unique: a view's key is."),
		"relationships":   notBuilt("that another relation has the row: join it by a one, and check its key with not_null."),
		"name":            text("What it is called; made of what it expects by default."),
		"severity":        oneOf("How bad it is; error by default.", "warn", "error"),
	})
	s.AnyOf = []*Schema{{Required: []string{"not_null"}}, {Required: []string{"accepted_values"}}, {Required: []string{"expression"}}}
	s.Dependencies = exclusive([]string{"not_null", "accepted_values", "expression"})
	return s
}

func accessSchema() *Schema {
	masks := named("Fields that are shown altered: a list, shown as null, or how each is shown.", oneOf("How.", "null", "last4", "hash"))
	masks.Type = append(masks.Type, append([]string{"array"}, textTypes...)...)
	masks.MinLength = 1
	masks.Items = text("A field.", "email", "orders.total")
	return mapping("What readers with one of the roles see.", map[string]*Schema{
		"roles":  texts("Whom the rule is for.", []any{"support"}),
		"fields": texts(`What they see: "*" is every field, others are named by path.`, "*", []any{"id", "orders.total"}),
		"mask":   masks,
		"where":  expression("Which documents: over fields of the root and claims of who asks.", "country in session.countries"),
	}, "roles", "fields")
}

// fieldsOf are fields as a list of names or as a mapping.
func fieldsOf(definition, description string) *Schema {
	return &Schema{
		Description: description, Type: []string{"object", "array"},
		Items: text("A field's name."), MinItems: 1,
		MinProperties: 1, Others: &Schema{Ref: "#/definitions/" + definition},
	}
}
