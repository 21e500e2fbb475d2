package main

import (
	"fmt"
	"slices"
	"strings"

	"odsd/project"
	"odsd/storage/relation"
)

// drift says what differs between the tables of a database and those in its
// schema file, one sentence each: table is "shop.orders".
func drift(file *project.SchemaFile, live []*relation.Schema) []difference {
	var found []difference
	for _, now := range live {
		if before := schemaNamed(file.Tables, now.Name); before != nil {
			found = append(found, tableDrift(before, now)...)
		} else {
			found = append(found, difference{now.Name, "the table is not in the schema file"})
		}
	}
	for _, before := range file.Tables {
		if schemaNamed(live, before.Name) == nil {
			found = append(found, difference{before.Name, "the table is in the schema file and is not captured from the database"})
		}
	}
	return found
}

// difference is one sentence about one table.
type difference struct{ table, what string }

func schemaNamed(list []*relation.Schema, name string) *relation.Schema {
	for _, s := range list {
		if s.Name == name {
			return s
		}
	}
	return nil
}

func tableDrift(before, now *relation.Schema) []difference {
	var found []difference
	say := func(format string, args ...any) {
		found = append(found, difference{now.Name, fmt.Sprintf(format, args...)})
	}
	for _, column := range now.Columns {
		at := before.Column(column.Name)
		if at < 0 {
			say("the column %q (%s) is not in the schema file", column.Name, column.Type)
			continue
		}
		if was := before.Columns[at]; was.Type.PrintedName() != column.Type.PrintedName() {
			say("the column %q is %s in the database, %s in the schema file", column.Name, column.Type, was.Type)
		} else if was.NotNull != column.NotNull {
			say("the column %q is %s in the database, %s in the schema file", column.Name, nullability(column), nullability(was))
		}
	}
	for _, column := range before.Columns {
		if now.Column(column.Name) < 0 {
			say("the column %q of the schema file is not in the database", column.Name)
		}
	}
	if was, is := keyNames(before), keyNames(now); was != is {
		say("the key is %s in the database, %s in the schema file", is, was)
	}
	return found
}

func nullability(c relation.Column) string {
	if c.NotNull {
		return "not null"
	}
	return "nullable"
}

func keyNames(s *relation.Schema) string {
	names := make([]string, len(s.Key))
	for i, column := range s.Key {
		names[i] = s.Columns[column].Name
	}
	if len(names) == 0 {
		return "absent"
	}
	return "(" + strings.Join(names, ", ") + ")"
}

// ofSource keeps the schemas of one source, by name.
func ofSource(schemas map[string]*relation.Schema, source string) []*relation.Schema {
	var list []*relation.Schema
	for name, s := range schemas {
		if strings.HasPrefix(name, source+".") {
			list = append(list, s)
		}
	}
	slices.SortFunc(list, func(a, b *relation.Schema) int { return strings.Compare(a.Name, b.Name) })
	return list
}
