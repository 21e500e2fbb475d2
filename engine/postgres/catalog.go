package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"odsd/engine"
	"odsd/storage/relation"
)

// table is a table as the catalog describes it, and the relation that it is
// captured as.
type table struct {
	oid              uint32
	namespace, name  string
	kind             string // of pg_class.relkind: r table, p partitioned, v view, …
	permanent        bool
	replicaIdentity  string // d default, n nothing, f full, i index
	estimate         int64  // of rows
	comment          string
	owned            bool // by the role or one it belongs to
	usable           bool // the role may use the schema
	granted          bool // the role may select all of it, and not only columns
	hidesRows        bool // row-level security applies to the role
	unreadable       bool // the role may not select a captured column
	columns          []column
	indexes          []uniqueIndex
	publishedColumns []int16  // attributes in the publication's list; nil: all
	unlisted         []column // that its list leaves out, and the configuration does not
	filter           string   // see publishedTable
	publishedVersion string   // see publishedTable
	schema           *relation.Schema
	excluded         []int16      // attributes that the configuration leaves out, published or not
	leak             *engine.Halt // an excluded column is published
	partitions       string       // tells one set of partitions, and of their files, from another
	below            []uint32     // the partitions, and theirs
	unlogged         string       // a partition that is, as SQL; "": none
	unlike           string       // a partition that has another replica identity, likewise
	version          string       // of its row in pg_class
	file             uint32       // another one after all rows were written anew; 0: partitioned
	named            bool         // see publishedTable
	printing         printing
}

// column is a captured column; columns lie in the order of the schema's.
type column struct {
	name      string
	attribute int16
	typeOID   uint32
	modifier  int32
	notNull   bool
	generated string // of pg_attribute.attgenerated: s stored, v virtual; "": not
	version   string // of its row in pg_attribute
	readable  bool
	mask      Mask
	printed   string // its type
	comment   string
	resolved  columnType
}

// uniqueIndex is a unique index over plain columns without a condition.
type uniqueIndex struct {
	name       string
	primary    bool
	identity   bool // chosen by REPLICA IDENTITY USING INDEX
	immediate  bool // not deferrable
	attributes []int16
}

// sql is the table's name for SQL, quoted where it must be.
func (t *table) sql() string { return quote(t.namespace) + "." + quote(t.name) }

// short is the table's name in the project: without schema where that is public.
func (t *table) short() string {
	if t.namespace == "public" {
		return t.name
	}
	return t.namespace + "." + t.name
}

// attribute finds a captured column by its number.
func (t *table) attribute(number int16) *column {
	for i := range t.columns {
		if t.columns[i].attribute == number {
			return &t.columns[i]
		}
	}
	return nil
}

// quote writes a name as SQL reads it, with quotes only where they are needed
// by every reader: words that might be reserved are quoted too.
func quote(name string) string {
	plain := name != ""
	for i := 0; i < len(name); i++ {
		c := name[i]
		plain = plain && (c >= 'a' && c <= 'z' || c == '_' || i > 0 && c >= '0' && c <= '9')
	}
	if plain && !reserved[name] {
		return name
	}
	return pgx.Identifier{name}.Sanitize()
}

// reserved are the words of PostgreSQL that cannot be a table's or column's name unquoted.
var reserved = func() map[string]bool {
	words := make(map[string]bool)
	for _, w := range strings.Fields(`all analyse analyze and any array as asc asymmetric authorization binary both case
		cast check collate collation column concurrently constraint create cross current_catalog current_date current_role
		current_schema current_time current_timestamp current_user default deferrable desc distinct do else end except
		false fetch for foreign freeze from full grant group having ilike in initially inner intersect into is isnull join
		lateral leading left like limit localtime localtimestamp natural not notnull null offset on only or order outer
		overlaps placing primary references returning right select session_user similar some symmetric system_user
		table tablesample then to trailing true union unique user using variadic verbose when where window with`) {
		words[w] = true
	}
	return words
}()

// wantedTables splits the names of the configuration; nil means all.
func wantedTables(names []string) (namespaces, tables []string, all bool) {
	for _, name := range names {
		if name == "*" {
			return nil, nil, true
		}
		namespace, table, qualified := strings.Cut(name, ".")
		if !qualified {
			namespace, table = "public", name
		}
		namespaces, tables = append(namespaces, namespace), append(tables, table)
	}
	return namespaces, tables, false
}

const tablesQuery = `
select c.oid, n.nspname::text, c.relname::text, c.relkind::text, c.relpersistence = 'p', c.relreplident::text,
	greatest(c.reltuples, 0)::bigint, coalesce(obj_description(c.oid, 'pg_class'), ''),
	pg_has_role(c.relowner, 'USAGE'), has_schema_privilege(n.oid, 'USAGE'), has_table_privilege(c.oid, 'SELECT'), row_security_active(c.oid), c.xmin::text, c.relfilenode
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where `

// allTables are the ones that "*" means while there is no publication yet:
// everything that is neither the system's nor an extension's.
const allTables = `c.relkind in ('r', 'p') and not c.relispartition and c.relpersistence = 'p' and n.nspname not like 'pg\_%' and n.nspname <> 'information_schema'
	and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')`

const namedTables = `c.relkind in ('r', 'p', 'v', 'm', 'f') and exists (select from unnest($1::text[], $2::text[]) w(namespace, name) where w.namespace = n.nspname and w.name = c.relname)`

const tablesOrder = ` order by 2, 3`

// selection says which tables to read, as a condition and its arguments.
type selection struct {
	condition string
	arguments []any
}

func selectOIDs(oids []uint32) selection { return selection{`c.oid = any($1)`, []any{oids}} }

// selectNames selects the tables of a configuration.
func selectNames(names []string, p *publication) selection {
	namespaces, wanted, all := wantedTables(names)
	switch {
	case all && p.exists:
		return selectOIDs(p.oids())
	case all:
		return selection{condition: allTables}
	}
	return selection{namedTables, []any{namespaces, wanted}}
}

// readTables reads the selected tables with everything that capturing needs.
// Tables that do not exist are absent from the result.
func readTables(ctx context.Context, conn *pgx.Conn, which selection, p *publication) ([]*table, error) {
	rows, err := conn.Query(ctx, tablesQuery+which.condition+tablesOrder, which.arguments...)
	if err != nil {
		return nil, fmt.Errorf("read pg_class: %w", err)
	}
	tables, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (*table, error) {
		var t table
		err := row.Scan(&t.oid, &t.namespace, &t.name, &t.kind, &t.permanent, &t.replicaIdentity, &t.estimate, &t.comment,
			&t.owned, &t.usable, &t.granted, &t.hidesRows, &t.version, &t.file)
		return &t, err
	})
	if err != nil {
		return nil, fmt.Errorf("read pg_class: %w", err)
	}
	for _, t := range tables {
		if published, ok := p.tables[t.oid]; ok {
			t.publishedColumns, t.filter, t.publishedVersion, t.named = published.attributes, published.filter, published.version, published.named
		}
	}
	if err := readColumns(ctx, conn, tables, p); err != nil {
		return nil, err
	}
	if err := readIndexes(ctx, conn, tables); err != nil {
		return nil, err
	}
	return tables, readPartitions(ctx, conn, tables)
}

// A partition's file tells of a TRUNCATE of it alone, which no message does, and the
// version of the row that makes it one that it was detached, written to and
// attached again between two looks.
const partitionsQuery = `
with recursive below as (
	select i.inhparent as root, c.oid, c.relkind, c.relreplident, c.relpersistence, c.relfilenode, i.xmin from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = any($1)
	union all
	select b.root, c.oid, c.relkind, c.relreplident, c.relpersistence, c.relfilenode, i.xmin from below b join pg_inherits i on i.inhparent = b.oid join pg_class c on c.oid = i.inhrelid
	where b.relkind = 'p'
)
select root, md5(string_agg(oid || '/' || relfilenode || '/' || xmin::text, ' ' order by oid)), array_agg(oid),
	coalesce(min(oid::regclass::text) filter (where relpersistence <> 'p'), ''),
	coalesce(min(oid::regclass::text) filter (where relkind <> 'p' and relreplident not in ('f', (select relreplident from pg_class r where r.oid = root))), '')
from below group by root`

func readPartitions(ctx context.Context, conn *pgx.Conn, tables []*table) error {
	var roots []uint32
	for _, t := range tables {
		if t.partitioned() {
			roots = append(roots, t.oid)
		}
	}
	if len(roots) == 0 {
		return nil
	}
	byOID := indexTables(tables)
	rows, err := conn.Query(ctx, partitionsQuery, roots)
	if err != nil {
		return fmt.Errorf("read pg_inherits: %w", err)
	}
	var root uint32
	var partitions, unlogged, unlike string
	var below []uint32
	_, err = pgx.ForEachRow(rows, []any{&root, &partitions, &below, &unlogged, &unlike}, func() error {
		t := byOID[root]
		t.partitions, t.below, t.unlogged, t.unlike = partitions, below, unlogged, unlike
		below = nil
		return nil
	})
	if err != nil {
		return fmt.Errorf("read pg_inherits: %w", err)
	}
	return nil
}

// partitioned tables come under their own name, from all of their partitions.
func (t *table) partitioned() bool { return t.kind == "p" }

// capturable says whether a table of this kind can have a stream of changes.
func (t *table) capturable() bool { return t.kind == "r" || t.partitioned() }

// Since PostgreSQL 18 a NOT NULL may be not valid: then the rows of before it may hold nulls.
const columnsQuery = `
select a.attrelid, a.attname::text, a.attnum, a.atttypid, a.atttypmod, a.attnotnull and not exists (
		select from pg_constraint n where n.conrelid = a.attrelid and n.contype = 'n' and not n.convalidated and a.attnum = any(n.conkey)
	), a.attgenerated::text,
	has_column_privilege(a.attrelid, a.attnum, 'SELECT'), format_type(a.atttypid, a.atttypmod),
	coalesce(col_description(a.attrelid, a.attnum), ''), a.xmin::text
from pg_attribute a where a.attrelid = any($1) and a.attnum > 0 and not a.attisdropped
order by a.attrelid, a.attnum`

func readColumns(ctx context.Context, conn *pgx.Conn, tables []*table, p *publication) error {
	byOID := indexTables(tables)
	rows, err := conn.Query(ctx, columnsQuery, oidsOf(tables))
	if err != nil {
		return fmt.Errorf("read pg_attribute: %w", err)
	}
	var oid uint32
	var c column
	targets := []any{&oid, &c.name, &c.attribute, &c.typeOID, &c.modifier, &c.notNull, &c.generated, &c.readable, &c.printed, &c.comment, &c.version}
	_, err = pgx.ForEachRow(rows, targets, func() error {
		switch t := byOID[oid]; {
		case p.carries(t, &c):
			t.columns = append(t.columns, c)
			t.unreadable = t.unreadable || !c.readable
		case p.carriesUnlisted(&c):
			t.unlisted = append(t.unlisted, c)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read pg_attribute: %w", err)
	}
	return resolveTypes(ctx, conn, tables)
}

func resolveTypes(ctx context.Context, conn *pgx.Conn, tables []*table) error {
	var oids []uint32
	for _, t := range tables {
		for _, c := range t.columns {
			oids = append(oids, c.typeOID)
		}
	}
	slices.Sort(oids)
	oids = slices.Compact(oids)
	types, err := readTypes(ctx, conn, oids)
	if err != nil {
		return err
	}
	for _, t := range tables {
		for i := range t.columns {
			c := &t.columns[i]
			c.resolved = types.resolve(c.typeOID, c.modifier, c.printed)
		}
	}
	return readPrinting(ctx, conn, tables, oids)
}

const indexesQuery = `
select i.indrelid, c.relname::text, i.indisprimary, i.indisreplident, i.indimmediate,
	(string_to_array(i.indkey::text, ' ')::int2[])[1:i.indnkeyatts]
from pg_index i join pg_class c on c.oid = i.indexrelid
where i.indrelid = any($1) and i.indisunique and i.indisvalid and i.indpred is null and i.indexprs is null
order by i.indrelid, i.indisprimary desc, i.indnkeyatts, c.relname`

func readIndexes(ctx context.Context, conn *pgx.Conn, tables []*table) error {
	byOID := indexTables(tables)
	rows, err := conn.Query(ctx, indexesQuery, oidsOf(tables))
	if err != nil {
		return fmt.Errorf("read pg_index: %w", err)
	}
	var oid uint32
	var x uniqueIndex
	_, err = pgx.ForEachRow(rows, []any{&oid, &x.name, &x.primary, &x.identity, &x.immediate, &x.attributes}, func() error {
		byOID[oid].indexes = append(byOID[oid].indexes, x)
		x.attributes = nil
		return nil
	})
	if err != nil {
		return fmt.Errorf("read pg_index: %w", err)
	}
	return nil
}

func indexTables(tables []*table) map[uint32]*table {
	byOID := make(map[uint32]*table, len(tables))
	for _, t := range tables {
		byOID[t.oid] = t
	}
	return byOID
}

func oidsOf(tables []*table) []uint32 {
	oids := make([]uint32, len(tables))
	for i, t := range tables {
		oids[i] = t.oid
	}
	return oids
}
