package fileschema

import (
	"slices"

	"odsd/views"
)

// What a field is, by the one key that says so.
var (
	relations  = []string{"one", "many"}
	aggregates = []string{
		string(views.Count), string(views.CountDistinct), string(views.Sum), string(views.Min), string(views.Max), string(views.Avg),
		string(views.First), string(views.Last), string(views.Collect),
	}
	ranked = []string{string(views.First), string(views.Last)}
)

// short makes a mapping that may also be an expression, or nothing: the column of that name.
func short(description string, properties map[string]*Schema, dependencies map[string]*Schema) *Schema {
	s := mapping(description, merge(properties, everyField()))
	s.Type = append(s.Type, append([]string{"null"}, textTypes...)...)
	s.MinLength = 1
	s.Dependencies = dependencies
	return s
}

// everyField has these keys, whatever it is.
func everyField() map[string]*Schema {
	return map[string]*Schema{
		"expr":        expression("An expression over the row and other fields; see docs/language.md.", `country ?? "ZZ"`),
		"description": text("What it means; shown in the GraphQL schema."),
		"declassify":  boolean("It may be seen by everyone, though it is made of personal or masked values."),
		"deprecated":  text("Why it should not be used; shown in the GraphQL schema."),
		"graphql": mapping("Its form in GraphQL.", map[string]*Schema{
			"field": text("Its name, where the one made of the field's does not suit."),
			"as":    oneOf("Show a BigInt or Decimal as a number that clients may round.", "Int", "Float"),
			"type":  notBuilt("the name of the type below a one or many."),
		}),
	}
}

func aggregateKeys(what string) map[string]*Schema {
	of := func(does string) *Schema { return text(does + " " + what) }
	return map[string]*Schema{
		"count":          of("How many rows, or how many that are not null:"),
		"count_distinct": of("How many different values:"),
		"sum":            of("The sum:"),
		"min":            of("The least:"),
		"max":            of("The greatest:"),
		"avg":            of("The mean, with `round` for exact numbers:"),
		"default":        text("What it is where there is nothing; null by default.", "0.00"),
		"round":          number("Decimal places of a mean, half away from zero.", 0, maxRound),
		"where":          expression("Which rows count.", `orders.status == "paid"`),
		"first":          of("The value in the first row by `order_by`:"),
		"last":           of("The value in the last row by `order_by`:"),
		"collect":        of("A sorted list of the values that are not null:"),
		"order_by":       texts("The order of the rows, the key last.", []any{"placed_at desc"}),
		"limit":          number("How many values are collected at most.", 1, maxLimit),
		"distinct":       boolean("Collect equal values once."),
	}
}

// maxRound is what `round` may be at most.
const maxRound = 1000

// maxLimit is what `limit` may be at most.
const maxLimit = 1_000_000

// aggregateDependencies say to which aggregates, or to which kinds of relations as
// well, the keys of aggregates belong.
func aggregateDependencies(dependencies map[string]*Schema, relations ...string) {
	lists := slices.DeleteFunc(slices.Clone(relations), func(kind string) bool { return kind == "one" })
	dependencies["where"] = belongs(slices.Concat(relations, aggregates)...)
	dependencies["default"], dependencies["round"] = belongs(aggregates...), belongs(aggregates...)
	dependencies["order_by"] = belongs(slices.Concat(relations, ranked)...)
	dependencies["limit"] = belongs(append(lists, string(views.Collect))...)
	dependencies["distinct"] = belongs(string(views.Collect))
	for _, kind := range ranked {
		dependencies[kind].Required = []string{"order_by"}
	}
}

// fieldSchema is a field of a document.
func fieldSchema() *Schema {
	properties := merge(aggregateKeys("a path over lists, as orders or orders.total."), map[string]*Schema{
		"one":      text("To-one: the relation of which at most one row belongs here.", "crm.customers"),
		"many":     text("To-many: the relation whose rows make a list.", "shop.orders"),
		"as":       text("The relation's alias in expressions; the last part of its name by default."),
		"join":     expression("Which rows belong here: equalities of columns, with `and`.", "orders.customer_id == customers.id"),
		"where":    expression("Which rows count: of a one or many, or of an aggregate.", `status != "draft"`),
		"order_by": texts("The order of the list or of what is aggregated, the key last; for a one, which row is picked.", []any{"placed_at desc", "id"}),
		"fields":   fieldsOf("field", "The fields of each row."),
		"limit":    number("How long the list is at most; aggregates see all rows.", 1, maxLimit),
		"hidden":   boolean("Keep the list for its aggregates only, out of the document."),
		"required": boolean("Leave out the row that holds this where there is none."),
	})
	kinds := slices.Concat([]string{"expr"}, relations, aggregates)
	dependencies := exclusive(kinds)
	dependencies["one"].Required = []string{"join", "fields"}
	dependencies["many"].Required = []string{"join"}
	dependencies["many"].AnyOf = []*Schema{{Required: []string{"fields"}}, {Required: []string{"hidden"}}}
	for _, key := range []string{"as", "join", "fields"} {
		dependencies[key] = belongs(relations...)
	}
	dependencies["hidden"] = belongs("many")
	dependencies["required"] = belongs("one")
	aggregateDependencies(dependencies, relations...)
	return short("A field: nothing (the column of that name), an expression, or a mapping.", properties, dependencies)
}

func dimensionSchema() *Schema {
	dependencies := exclusive([]string{"expr", "bucket"})
	dependencies["bucket"].Required = []string{"every", "timezone"}
	dependencies["every"], dependencies["timezone"] = belongs("bucket"), belongs("bucket")
	return short("A dimension: nothing (the column of that name), an expression, or a mapping.", map[string]*Schema{
		"bucket":   expression("A time, cut into pieces.", "placed_at"),
		"every":    text("How long a piece is.", "1h", "1d"),
		"timezone": text("Whose days are meant.", "Europe/Berlin", "UTC"),
	}, dependencies)
}

func measureSchema() *Schema {
	dependencies := exclusive(append([]string{"expr"}, aggregates...))
	aggregateDependencies(dependencies)
	s := short("A measure: an aggregate, or an expression over others.",
		aggregateKeys(`an expression over a row; for count "*" is all rows.`), dependencies)
	// There is no column that a measure could be by its name alone.
	s.Type = append([]string{"object"}, textTypes...)
	s.If = &Schema{Type: []string{"object"}}
	s.Then = anyKey(append([]string{"expr"}, aggregates...)...)
	return s
}
