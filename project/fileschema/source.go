package fileschema

import "odsd/storage/relation"

func configSchema() *Schema {
	return file("odsd.yaml", "The daemon: where it keeps its store and where it listens.", map[string]*Schema{
		"data_dir":          text("The store's folder, relative to this file.", "./data"),
		"listen":            text("Address of GraphQL, GraphiQL and health, host:port. Loopback unless `insecure` is written.", "127.0.0.1:8420"),
		"admin_listen":      text("Address of metrics and profiles, host:port.", "127.0.0.1:8421"),
		"insecure":          boolean("Allow a listener that the network reaches, though everyone may read everything."),
		"auth":              notBuilt("who may read, by JWT or tokens."),
		"persisted":         notBuilt("answer known documents only."),
		"changes_retention": notBuilt("how far back subscriptions resume."),
		"limits":            limitsSchema(),
	})
}

func limitsSchema() *Schema {
	return mapping("What one GraphQL request may cost.", map[string]*Schema{
		"query_timeout": text("How long a request may compute; 10s by default, at most 1h.", "10s"),
		"max_depth":     number("How deep fields are nested; 12 by default.", 1, 100),
		"max_nodes":     number("Rows in a reply; 50,000 by default.", 1, 1_000_000_000),
		"max_scan":      number("Rows looked at for a reply; 1,000,000 by default.", 1, 1_000_000_000),
		"max_body":      text("Bytes of a request; 256KiB by default, at most 64MiB.", "256KiB", "1MiB"),
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
		"max_slot_wal": text("How much log the slot may retain; past it, what on_slot_loss says. No bound by default.", "10GiB", "512MiB"),
		"on_slot_loss": {Description: "What follows when the slot is lost: the source stands still until it is mended, or is copied anew. halt by default.", Enum: []any{"halt", "resync"}},
		"heartbeat":    duration("How often an idle database is written a message, so that its slot moves on. Never by default."),
	}, "dsn")
}

func duration(description string) *Schema { return text(description, "10s", "5m", "24h", "7d") }

func tableName() *Schema {
	return &Schema{Type: textTypes, Pattern: `^([^.*]|[^.]{2,})(\.[^.]+)?$`, Description: "table or schema.table"}
}

func tableOptions() *Schema {
	column := mapping("What is to be known of a column.", map[string]*Schema{
		"pii":     text("The column holds personal data, of this kind; views that show it are found by odsd check.", "email"),
		"mask":    {Description: "How the column's values are altered before anything is stored.", Enum: []any{"last4", "hash", "null", nil}},
		"exclude": boolean("The column never leaves the database: it is left out of the publication (PostgreSQL 15 or later)."),
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
		"rows":        number("About how many rows it has.", 0, 1_000_000_000_000),
		"columns":     named("The columns, in the table's order.", column),
		"key":         list("The columns of the primary key.", names.Items),
		"unique":      list("Unique keys without nulls.", names),
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
