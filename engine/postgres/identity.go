package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pglogrepl"
	"github.com/jackc/pgx/v5"

	"odsd/engine"
	"odsd/storage/relation"
)

// identityVersion is of the stored form: raised when its meaning changes.
const identityVersion = 1

// identity tells the database that was copied from any other that may answer
// at its address later, and its tables from others of the same name.
type identity struct {
	Version     int    `json:"version"`
	System      string `json:"system"`
	Timeline    int32  `json:"timeline"`
	Database    uint32 `json:"database"`
	Publication uint32 `json:"publication"`
	// Began is where the timeline left the one before it; 0: not known.
	Began relation.Position `json:"began,omitempty"`
	// Timezone is what timestamps without one were read in; empty: not noted.
	Timezone  string                      `json:"timezone,omitempty"`
	Relations map[string]relationIdentity `json:"relations"`
}

type relationIdentity struct {
	OID     uint32           `json:"oid"`
	Filter  string           `json:"rowFilter,omitempty"` // see publishedTable
	Columns []columnIdentity `json:"columns"`             // in the order of the schema's
}

type columnIdentity struct {
	Attribute int16  `json:"attribute"`
	Type      uint32 `json:"type"`
	Modifier  int32  `json:"modifier"`
}

func identityOf(i installation, publication uint32, tables []*table) *identity {
	id := &identity{
		Version: identityVersion, System: i.system, Timeline: i.timeline, Began: i.began(), Database: i.database, Publication: publication,
		Relations: make(map[string]relationIdentity, len(tables)),
	}
	for _, t := range tables {
		r := relationIdentity{OID: t.oid, Filter: t.filter}
		for _, c := range t.columns {
			r.Columns = append(r.Columns, columnIdentity{Attribute: c.attribute, Type: c.typeOID, Modifier: c.modifier})
		}
		id.Relations[t.schema.Name] = r
	}
	return id
}

func parseIdentity(stored []byte, schemas []*relation.Schema) (*identity, error) {
	var id identity
	if err := json.Unmarshal(stored, &id); err != nil {
		return nil, fmt.Errorf("read the stored identity: %w", err)
	}
	if id.Version != identityVersion {
		return nil, fmt.Errorf("read the stored identity: version %d is not %d", id.Version, identityVersion)
	}
	for _, s := range schemas {
		if len(id.Relations[s.Name].Columns) != len(s.Columns) {
			return nil, fmt.Errorf("read the stored identity: it does not describe %s", s.Name)
		}
	}
	return &id, nil
}

func (id *identity) oids(schemas []*relation.Schema) []uint32 {
	oids := make([]uint32, len(schemas))
	for i, s := range schemas {
		oids[i] = id.Relations[s.Name].OID
	}
	return oids
}

// installation is a database of a server.
type installation struct {
	system   string
	timeline int32
	history  []timelineSwitch
	database uint32
}

func readInstallation(ctx context.Context, replication *replicationConn, conn *pgx.Conn) (installation, error) {
	system, err := pglogrepl.IdentifySystem(ctx, replication.PgConn)
	if err != nil {
		return installation{}, fmt.Errorf("identify the server: %w", err)
	}
	i := installation{system: system.SystemID, timeline: system.Timeline}
	err = conn.QueryRow(ctx, `select oid from pg_database where datname = current_database()`).Scan(&i.database)
	if err != nil {
		return installation{}, fmt.Errorf("read pg_database: %w", err)
	}
	i.history, err = readHistory(ctx, replication, i.timeline)
	return i, err
}

// checkInstallation finds out whether this is the database that was copied, on
// whatever timeline: see checkTimeline.
func (s *Source) checkInstallation(id *identity, found installation) error {
	var difference string
	switch {
	case id.System != found.system:
		difference = fmt.Sprintf("system identifier %s, not %s", found.system, id.System)
	case id.Database != found.database:
		difference = fmt.Sprintf("database oid %d, not %d", found.database, id.Database)
	case id.Timezone != "" && id.Timezone != s.config.Timezone.String():
		return halt(codeConfig, fmt.Sprintf("its timezone was %s and is %s now, and what is stored was read in the first", id.Timezone, s.config.Timezone),
			"set timezone back, or, to read everything anew: "+s.resyncHint())
	default:
		return nil
	}
	return halt(codeIdentity, "another database answers than the one that was copied: "+difference,
		"correct the DSN, or, if the database is meant: "+s.resyncHint())
}

// checkCatalog finds out whether the publication and the tables are still the
// ones that were copied. It is asked at every connect, regularly after, and
// whenever the stream describes a table anew: the stream itself does not tell
// a column that was dropped and added again from the one before.
func (s *Source) checkCatalog(id *identity, schemas []*relation.Schema, v *survey) error {
	p := v.publication
	switch {
	case !p.exists:
		return halt(codePublication, fmt.Sprintf("publication %s does not exist any more", quote(p.name)), s.resyncHint())
	case p.oid != id.Publication:
		return halt(codeIdentity, fmt.Sprintf("publication %s was dropped and created again, so changes may be missing", quote(p.name)), s.resyncHint())
	case !p.complete:
		return halt(codePublication, fmt.Sprintf("publication %s no longer publishes every operation, so changes are missing", quote(p.name)),
			fmt.Sprintf("ALTER PUBLICATION %s SET (publish = 'insert, update, delete, truncate'); then %s", quote(p.name), s.resyncHint()))
	}
	byOID := indexTables(v.tables)
	for _, schema := range schemas {
		stored := id.Relations[schema.Name]
		t := byOID[stored.OID]
		if t == nil {
			return s.changed(schema, "was dropped, or dropped and created again")
		}
		if name := relationName(s.config.Name, t); name != schema.Name {
			return s.changed(schema, "was renamed to "+name)
		}
		if _, published := p.tables[t.oid]; !published {
			return tableHalt(codePublication, schema.Name, fmt.Sprintf("is no longer in publication %s, so changes are missing", quote(p.name)),
				fmt.Sprintf("ALTER PUBLICATION %s ADD TABLE %s; then %s", quote(p.name), t.sql(), s.resyncHint()))
		}
		if difference := compareTable(schema, stored, t); difference != "" {
			return s.changed(schema, difference)
		}
	}
	return nil
}

// compareFullKey is compareKey where the whole old row comes: the key is one of
// ours, and must still be unique.
func compareFullKey(schema *relation.Schema, t *table) string {
	for i := range t.indexes {
		x := &t.indexes[i]
		ordinals, captured := t.ordinals(x)
		if captured && t.canIdentify(x) && sameSet(ordinals, schema.Key) {
			return ""
		}
	}
	return "lost the unique index over its key"
}

func sameSet(a, b []int) bool {
	a, b = slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	return slices.Equal(a, b)
}

func (s *Source) changed(schema *relation.Schema, difference string) *engine.Halt {
	return tableHalt(codeSchemaChanged, schema.Name, difference+" since it was copied", s.resyncHint())
}

// compareTable says how a table differs from the copied one; "" where it does not.
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
	for i := range t.columns {
		is := &t.columns[i]
		if !slices.ContainsFunc(stored.Columns, func(was columnIdentity) bool { return was.Attribute == is.attribute }) {
			return fmt.Sprintf("column %s was added", quote(is.name))
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
