package fileschema

func testsSchema() *Schema {
	step := mapping("Changes, then what the documents are.", map[string]*Schema{
		"insert": rows("Rows that come, by table."),
		"update": rows("Rows that change, by table: the key, and the columns that are new."),
		"delete": rows("Rows that go, by table: their keys."),
		"expect": documents(),
	})
	test := mapping("One test of a view.", map[string]*Schema{
		"name":   text("What it shows, in words."),
		"view":   text("The view under test."),
		"given":  rows("The rows there are at first, by table. Tables that are not listed are empty, columns null."),
		"expect": documents(),
		"exact":  boolean("A field that a document does not list is a difference too."),
		"steps":  list("Changes to the rows, one after another.", step),
	}, "name", "view")
	test.AnyOf = []*Schema{{Required: []string{"expect"}}, {Required: []string{"steps"}}}
	return file("View tests", "Given rows, expected documents; `odsd test` runs each three ways.", map[string]*Schema{
		"tests": list("The tests.", test),
	}, "tests")
}

func rows(description string) *Schema {
	row := &Schema{Description: "A row: values by column.", Type: []string{"object"}}
	return named(description, list("Rows of the table.", row))
}

func documents() *Schema {
	return list("All documents of the view, each with the fields that are to be compared.",
		&Schema{Description: "A document: values by field.", Type: []string{"object"}})
}
