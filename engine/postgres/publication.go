package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"odsd/engine"
)

// publication is what the catalog says of ours.
type publication struct {
	name      string
	oid       uint32
	exists    bool
	complete  bool // publishes insert, update, delete and truncate
	viaRoot   bool // changes of partitions come under their root's name
	generated bool // generated columns come (PostgreSQL 18)
	tables    map[uint32]publishedTable
}

type publishedTable struct {
	columns []string // nil: the server is too old to say, and has no column lists
	filter  string
}

const publicationQuery = `
select p.oid, p.pubinsert and p.pubupdate and p.pubdelete and p.pubtruncate, p.pubviaroot,
	coalesce(to_jsonb(p) ->> 'pubgencols', 'n') <> 'n'
from pg_publication p where p.pubname = $1`

// Before PostgreSQL 15 there are neither column lists nor row filters. The
// list of columns is always whole there, also where the publication names none.
const publishedQuery = `
select c.oid, %s
from pg_publication_tables t
join pg_namespace n on n.nspname = t.schemaname
join pg_class c on c.relnamespace = n.oid and c.relname = t.tablename
where t.pubname = $1`

func readPublication(ctx context.Context, conn *pgx.Conn, name string, version int) (*publication, error) {
	p := &publication{name: name, tables: make(map[uint32]publishedTable)}
	err := conn.QueryRow(ctx, publicationQuery, name).Scan(&p.oid, &p.complete, &p.viaRoot, &p.generated)
	if errors.Is(err, pgx.ErrNoRows) {
		return p, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read pg_publication: %w", err)
	}
	p.exists = true
	details := "null::text[], ''"
	if version >= 150000 {
		details = "t.attnames::text[], coalesce(t.rowfilter, '')"
	}
	rows, err := conn.Query(ctx, fmt.Sprintf(publishedQuery, details), name)
	if err != nil {
		return nil, fmt.Errorf("read pg_publication_tables: %w", err)
	}
	var oid uint32
	var t publishedTable
	_, err = pgx.ForEachRow(rows, []any{&oid, &t.columns, &t.filter}, func() error {
		p.tables[oid] = t
		t.columns = nil
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read pg_publication_tables: %w", err)
	}
	return p, nil
}

func (p *publication) oids() []uint32 {
	oids := make([]uint32, 0, len(p.tables))
	for oid := range p.tables {
		oids = append(oids, oid)
	}
	slices.Sort(oids)
	return oids
}

// carries says whether a column's values come with the stream.
func (p *publication) carries(t *table, c *column) bool {
	if c.generated && !p.generated {
		return false
	}
	return t.publishedColumns == nil || slices.Contains(t.publishedColumns, c.name)
}

// createSQL is the statement that makes the publication for the tables.
func (p *publication) createSQL(tables []*table) string {
	names := make([]string, len(tables))
	for i, t := range tables {
		names[i] = t.sql()
	}
	return fmt.Sprintf("CREATE PUBLICATION %s FOR TABLE %s", quote(p.name), strings.Join(names, ", "))
}

// checkPublication finds what our publication lacks.
func checkPublication(p *publication, tables []*table, mayCreate bool) []engine.Halt {
	if !p.exists {
		return checkCreatable(p, tables, mayCreate)
	}
	var lacks []engine.Halt
	if !p.complete {
		lacks = append(lacks, lack("", fmt.Sprintf("publication %s does not publish every operation, so changes would be missed", quote(p.name)),
			"ALTER PUBLICATION %s SET (publish = 'insert, update, delete, truncate');", quote(p.name)))
	}
	for _, t := range tables {
		if _, ok := p.tables[t.oid]; ok || t.kind != "r" {
			continue
		}
		sql := fmt.Sprintf("ALTER PUBLICATION %s ADD TABLE %s;", quote(p.name), t.sql())
		if p.viaRoot {
			sql = fmt.Sprintf("ALTER PUBLICATION %s SET (publish_via_partition_root = false); -- then, where it is still missing: %s", quote(p.name), sql)
		}
		lacks = append(lacks, lack(t.short(), "is not in publication "+quote(p.name), "%s", sql))
	}
	return lacks
}

func checkCreatable(p *publication, tables []*table, mayCreate bool) []engine.Halt {
	if len(tables) == 0 {
		return nil
	}
	var foreign []string
	for _, t := range tables {
		if !t.owned {
			foreign = append(foreign, t.short())
		}
	}
	why := ""
	switch {
	case !mayCreate:
		why = "the role may not CREATE in this database"
	case len(foreign) > 0:
		why = "the role does not own " + strings.Join(foreign, ", ")
	default:
		return nil
	}
	return []engine.Halt{lack("", fmt.Sprintf("publication %s does not exist and cannot be created: %s", quote(p.name), why),
		"%s; -- as the tables' owner", p.createSQL(tables))}
}

// createPublication makes the publication, which preflight has found absent
// and permitted.
func createPublication(ctx context.Context, conn *pgx.Conn, p *publication, tables []*table) error {
	if _, err := conn.Exec(ctx, p.createSQL(tables)); err != nil {
		return fmt.Errorf("create publication %s: %w", quote(p.name), err)
	}
	return nil
}
