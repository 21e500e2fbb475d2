package fileschema

import (
	"math"

	"odsd/storage/relation"
)

func configSchema() *Schema {
	return file("odsd.yaml", "The daemon: where it keeps its store and where it listens.", map[string]*Schema{
		"data_dir":          text("The store's folder, relative to this file.", "./data"),
		"listen":            text("Address of GraphQL, GraphiQL and health, host:port. Loopback unless `insecure` is written.", "127.0.0.1:8420"),
		"admin_listen":      text("Address of metrics and profiles, host:port.", "127.0.0.1:8421"),
		"insecure":          boolean("Allow a listener that the network reaches, though everyone may read everything."),
		"auth":              notBuilt("who may read, by JWT or tokens."),
		"persisted":         notBuilt("answer known documents only."),
		"changes_retention": notBuilt("how far back subscriptions resume."),
		"limits":            notBuilt("bounds on requests."),
	})
}

func sourceSchema() *Schema {
	return file("A source", "One team's database, and which of its tables are captured.", map[string]*Schema{
		"source": {Description: "Its name: views name its tables source.table, and slot and publication are odsd_<source>.",
			Type: []string{"string"}, Pattern: "^[a-z_][a-z0-9_]{0,57}$"},
		"description": text("What the database holds."),
		"owner":       owner(),
		"postgres":    postgresSchema(),
		"freshness": mapping("How far behind the source may be; `odsd status` exits with 4 past error_after.", map[string]*Schema{
			"warn_after":  duration("Past this lag, a warning."),
			"error_after": duration("Past this lag, an error."),
		}),
		"tables": {
			Description: "The tables to capture: a mapping or list of `table` or `schema.table`, or \"*\" for every table of the publication.",
			Type:        []string{"object", "array", "string"}, Pattern: `^\*$`,
			Items: tableName(), MinItems: 1, MinProperties: 1, PropertyNames: tableName(), Others: tableOptions(),
		},
	}, "source", "postgres", "tables")
}

func postgresSchema() *Schema {
	return mapping("How to reach it. ${VAR} and ${file:path} are put in; $${ is a literal ${.", map[string]*Schema{
		"dsn":          text("URL or keyword=value. Keep passwords out of the file: ${SHOP_DSN}.", "${SHOP_DSN}"),
		"slot":         text("Replication slot; odsd_<source> by default."),
		"publication":  text("Publication; odsd_<source> by default. Made where it is absent and the role may."),
		"timezone":     text("How `timestamp without time zone` is read; UTC by default.", "Europe/Berlin"),
		"max_slot_wal": notBuilt("how much log the slot may retain."),
		"on_slot_loss": notBuilt("halt or resync."),
		"heartbeat":    notBuilt("a message on an idle database."),
	}, "dsn")
}

func duration(description string) *Schema { return text(description, "10s", "5m", "24h", "7d") }

func tableName() *Schema {
	return &Schema{Type: textTypes, Pattern: `^([^.*]|[^.]{2,})(\.[^.]+)?$`, Description: "table or schema.table"}
}

func tableOptions() *Schema {
	column := mapping("What is to be known of a column.", map[string]*Schema{
		"pii":     text("That the column holds personal data, and of what kind; followed through all views.", "email", "phone"),
		"mask":    notBuilt("how the column is masked."),
		"exclude": notBuilt("that the column never leaves the source."),
	})
	column.Type = append(column.Type, "null")
	columns := named("The columns of which something is to be said.", column)
	options := mapping("A captured table; nothing need be said of it.", map[string]*Schema{"columns": columns})
	options.Type = append(options.Type, "null")
	return options
}

// tablesSchema is that of schema/*.yaml, which odsd writes.
func tablesSchema() *Schema {
	names := list("", text("A column."))
	column := mapping("A column.", map[string]*Schema{
		"type":        text("Its type, as PostgreSQL prints it.", "bigint", "numeric(12,2)", "text"),
		"not_null":    boolean("Whether it is never null."),
		"description": text("The column's comment."),
	}, "type")
	table := mapping("A table as the database has it.", map[string]*Schema{
		"description": text("The table's comment."),
		"columns":     named("The columns, in the table's order.", column),
		"key":         list("The columns of the primary key.", names.Items),
		"unique":      list("Unique keys without nulls.", names),
		"rows":        number("About how many rows it has.", 0, math.MaxInt),
	}, "columns")
	kind := mapping("An enum, or another type with the built-in type that it is.", map[string]*Schema{
		"enum":  list("The labels, in their order.", text("A label.")),
		"is":    text("The built-in type that it is."),
		"scale": number("Decimal places.", 0, relation.MaxDecimalScale),
	})
	return file("The tables of a source", "Written by `odsd init` and `odsd check --live --write`; commit it.", map[string]*Schema{
		"schema": text("The source's name."),
		"tables": nullable(named("The captured tables, by name.", table)),
		"types":  named("Types that are not built in, by name.", kind),
	}, "schema", "tables")
}

func nullable(s *Schema) *Schema {
	s.Type = append(s.Type, "null")
	return s
}
