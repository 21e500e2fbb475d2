package postgres

import (
	"fmt"
	"slices"
	"strings"

	"odsd/engine"
	"odsd/storage/relation"
)

// verdict is what a look at the catalog says of a captured table.
type verdict struct {
	table *captured
	// fault is why it cannot go on; nil where it can.
	fault *engine.Halt
	// stale is why it goes on and has to be copied anew all the same; "" where not.
	stale string
	// missed says that it is stale since changes may be missing: it cannot go on where it cannot be copied.
	missed bool
	// ours says that the configuration changed, ours or the database's, or what the stored columns say: the table
	// is copied anew without being asked for.
	ours bool
}

// checkSource finds out whether the publication is still the one that was
// copied, and whole.
func (s *Source) checkSource(id *identity, p *publication) error {
	switch {
	case !p.exists:
		return halt(codePublication, fmt.Sprintf("publication %s does not exist any more", quote(p.name)), s.resyncHint())
	case p.oid != id.Publication:
		return halt(codeIdentity, fmt.Sprintf("publication %s was dropped and created again, so changes may be missing", quote(p.name)), s.resyncHint())
	case !p.complete:
		return halt(codePublication, fmt.Sprintf("publication %s no longer publishes every operation, so changes are missing", quote(p.name)),
			fmt.Sprintf("ALTER PUBLICATION %s SET (publish = 'insert, update, delete, truncate'); then %s", quote(p.name), s.resyncHint()))
	}
	return nil
}

// checkTables finds out whether tables are still what was copied. It is asked at
// every connect, regularly after, and whenever the stream describes a table anew: the
// stream itself does not tell a column that was dropped and added again from
// the one before, nor a partition that was attached.
func (s *Source) checkTables(tables []*captured, v *survey) []verdict {
	byOID := indexTables(v.tables)
	verdicts := make([]verdict, len(tables))
	for i, c := range tables {
		verdicts[i] = s.checkCaptured(c, byOID[c.identity.OID], v)
	}
	return verdicts
}

func (s *Source) checkCaptured(c *captured, t *table, v *survey) verdict {
	found := verdict{table: c}
	if t == nil {
		found.fault = s.changed(c.schema, "was dropped, or dropped and created again")
		return found
	}
	if name := relationName(s.config.Name, t); name != c.schema.Name {
		found.fault = s.changed(c.schema, "was renamed to "+name)
		return found
	}
	if silent := silence(t); silent != nil {
		found.fault = tableHalt(codeSchemaChanged, c.schema.Name, silent.Message, silent.Hint+" then "+s.tableHint(c.schema.Name))
		return found
	}
	p := v.publication
	if _, published := p.tables[t.oid]; !published {
		found.fault = tableHalt(codePublication, c.schema.Name, fmt.Sprintf("is no longer in publication %s, so changes are missing", quote(p.name)),
			fmt.Sprintf("ALTER PUBLICATION %s ADD TABLE %s; then %s", quote(p.name), t.listed(), s.tableHint(c.schema.Name)))
		return found
	}
	if t.leak != nil {
		found.fault = tableHalt(codePublication, c.schema.Name, t.leak.Message, t.leak.Hint+"; then "+s.tableHint(c.schema.Name))
		return found
	}
	if difference := s.compareOptions(c, t); difference != "" {
		found.fault, found.ours = s.changed(c.schema, difference), true
		return found
	}
	if difference := compareTable(c.schema, c.identity, t); difference != "" {
		found.fault = s.changed(c.schema, difference)
		return found
	}
	if difference := compareValues(c.schema, c.identity, v.labels, t); difference != "" {
		found.fault, found.ours = s.changed(c.schema, difference), true
		return found
	}
	if found.stale = absence(c.identity, t); found.stale != "" {
		found.missed = true
		return found
	}
	if found.stale = extension(c.identity, t); found.stale == "" {
		found.stale = s.unlisted(c, t, p)
	}
	return found
}

// tableHint is the command that copies one table anew.
func (s *Source) tableHint(relation string) string { return "odsd resync " + relation }

func (s *Source) changed(schema *relation.Schema, difference string) *engine.Halt {
	return tableHalt(codeSchemaChanged, schema.Name, difference+" since it was copied", s.tableHint(schema.Name))
}

// compareOptions says what the configuration now wants otherwise of a table's
// columns; "" where nothing.
func (s *Source) compareOptions(c *captured, t *table) string {
	for i, was := range c.identity.Columns {
		name := quote(c.schema.Columns[i].Name)
		if is := t.attribute(was.Attribute); is != nil && is.mask != was.Mask {
			return fmt.Sprintf("column %s is masked otherwise", name)
		}
		if s.config.Columns[t.short()][c.schema.Columns[i].Name].Exclude {
			return fmt.Sprintf("column %s is excluded", name)
		}
	}
	return ""
}

// absence says why changes of a table may be missing though nothing about it differs: it was altered and altered back, and
// has traces of that; "" where none.
func absence(stored relationIdentity, t *table) string {
	switch {
	case stored.Published != "" && t.publishedVersion != stored.Published:
		return "the publication was altered, so that changes may be missing"
	case !t.named && stored.File != 0 && t.file != stored.File: // one that a publication names cannot be made unlogged
		return "all rows were written anew, as by VACUUM FULL, or it was unlogged for a time, so that changes may be missing"
	case t.partitions != stored.Partitions:
		return "partitions were attached, detached, truncated or rewritten"
	case attachedForATime(stored, t):
		return "it may have been a partition for a time, so that changes may be missing"
	}
	return ""
}

// attachedForATime finds the trace of ATTACH PARTITION and DETACH, under its root or away from it: each column has another row in the catalog.
func attachedForATime(stored relationIdentity, t *table) bool {
	for _, was := range stored.Columns {
		if is := t.attribute(was.Attribute); was.Version == "" || is.version == was.Version {
			return false
		}
	}
	return true
}

// extension says what columns a table has got that its copy has not: the stream does not tell them for the rows that
// were there; "" where none.
func extension(stored relationIdentity, t *table) string {
	for i := range t.columns {
		is := &t.columns[i]
		if !slices.ContainsFunc(stored.Columns, func(was columnIdentity) bool { return was.Attribute == is.attribute }) {
			return fmt.Sprintf("column %s was added", quote(is.name))
		}
	}
	return ""
}

// compareTable says how a table differs from the copied one in what it still must
// have; "" where it does not.
func compareTable(schema *relation.Schema, stored relationIdentity, t *table) string {
	if t.filter != stored.Filter {
		return "has another row filter in the publication"
	}
	for i, was := range stored.Columns {
		column := &schema.Columns[i]
		is := t.attribute(was.Attribute)
		switch {
		case is == nil:
			return fmt.Sprintf("column %s was dropped or is no longer published", quote(column.Name))
		case is.name != column.Name:
			return fmt.Sprintf("column %s was renamed to %s", quote(column.Name), quote(is.name))
		case is.typeOID != was.Type || !sameModifier(column.Type, was, is.modifier):
			return fmt.Sprintf("column %s changed its type from %s to %s", quote(column.Name), column.Type, is.printed)
		case column.NotNull && !is.notNull:
			return fmt.Sprintf("column %s may now be null", quote(column.Name))
		}
	}
	return compareKey(schema, t)
}

// sameModifier says whether values of a column stay what they are under
// another type modifier. The longest text allowed and a numeric's precision
// never change a value; everything else may.
func sameModifier(t relation.Type, was columnIdentity, modifier int32) bool {
	switch {
	case was.Modifier == modifier:
		return true
	case was.Type == oidNumeric && was.Modifier >= 0 && modifier >= 0:
		return numericScale(was.Modifier) == numericScale(modifier)
	}
	return t.Kind == relation.Text && was.Type != oidBpchar
}

func compareKey(schema *relation.Schema, t *table) string {
	if t.replicaIdentity == "f" {
		return compareFullKey(schema, t)
	}
	key := t.key()
	if key == nil {
		return "lost its replica identity"
	}
	var names []string
	for _, number := range key.attributes {
		names = append(names, t.attribute(number).name)
	}
	var stored []string
	for _, ordinal := range schema.Key {
		stored = append(stored, schema.Columns[ordinal].Name)
	}
	slices.Sort(names)
	slices.Sort(stored)
	if !slices.Equal(names, stored) {
		return fmt.Sprintf("changed its key from (%s) to (%s)", strings.Join(stored, ", "), strings.Join(names, ", "))
	}
	return ""
}

// compareFullKey is compareKey where the whole old row comes: the key is one of
// ours, and must still be unique.
func compareFullKey(schema *relation.Schema, t *table) string {
	for i := range t.indexes {
		x := &t.indexes[i]
		if _, captured := t.ordinals(x); captured && t.canIdentify(x) && sameSet(attributesOf(schema), x.attributes) {
			return ""
		}
	}
	return "lost the unique index over its key"
}

// attributesOf are the attributes of a schema's key.
func attributesOf(schema *relation.Schema) []int16 {
	var attributes []int16
	for _, ordinal := range schema.Key {
		attributes = append(attributes, schema.Columns[ordinal].Attribute)
	}
	return attributes
}

func sameSet(a, b []int16) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}
