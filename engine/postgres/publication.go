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
	generated bool // stored generated columns come (PostgreSQL 18)
	owned     bool // by the role or one it belongs to
	tables    map[uint32]publishedTable
}

// publishedTable is how a table is published.
type publishedTable struct {
	attributes []int16 // of the column list; nil: none, so all columns
	filter     string  // tells one row filter from another; "": none
	version    string  // of the rows of the catalog by which it is published
	named      bool    // by itself, and not only with all tables, all of its schema or its root
}

const publicationQuery = `
select p.oid, p.pubinsert and p.pubupdate and p.pubdelete and p.pubtruncate, p.pubviaroot, pg_has_role(p.pubowner, 'USAGE'),
	coalesce(to_jsonb(p) ->> 'pubgencols', 'n') <> 'n'
from pg_publication p where p.pubname = $1`

// publishedQuery finds what pg_publication_tables shows, which however opens
// every table and so waits for whoever has locked one: its result, if late,
// would call a source stale that streams well. Here the catalog alone is read.
//
// A partitioned table stands for its partitions, or with
// publish_via_partition_root for itself, and then its partitions do not count.
//
// The versions of the rows tell that a table was taken out and put in again, or an
// operation not published for a time: what was written then is not in the stream. That a table was
// in another schema meanwhile is told by the row that says which one it depends on.
const publishedQuery = `
with recursive pub as (
	select oid, puballtables, pubviaroot, xmin::text as version from pg_publication where pubname = $1
), whole as (
	select c.oid, c.relkind from pub join pg_class c on %s
	where c.relkind in ('r', 'p') and c.relpersistence = 'p' and c.oid >= 16384
), member as (
	select oid, relkind from whole
	union
	select c.oid, c.relkind from pub join pg_publication_rel r on r.prpubid = pub.oid join pg_class c on c.oid = r.prrelid
), below as (
	select c.oid, c.relkind from member m join pg_inherits i on i.inhparent = m.oid join pg_class c on c.oid = i.inhrelid
	where m.relkind = 'p'
	union
	select c.oid, c.relkind from below b join pg_inherits i on i.inhparent = b.oid join pg_class c on c.oid = i.inhrelid
	where b.relkind = 'p'
)
select t.oid, %s, concat_ws(' ', pub.version, by_name.versions%s),
	exists (select from pg_publication_rel named where named.prpubid = pub.oid and named.prrelid = t.oid)
from pub
join (select oid, relkind from member union select oid, relkind from below) t on
	case when pub.pubviaroot then t.oid not in (select oid from below) else t.relkind <> 'p' end
cross join lateral (
	select array_agg(relid) as oids from (select t.oid as relid union select a.relid::oid from pg_partition_ancestors(t.oid) a) s
) self_and_above
cross join lateral (
	select string_agg(r.oid || '/' || r.xmin::text, ' ' order by r.oid) as versions from pg_publication_rel r
	where r.prpubid = pub.oid and r.prrelid = any(self_and_above.oids)
) by_name
left join pg_publication_rel r on r.prpubid = pub.oid and r.prrelid = t.oid and t.oid not in (select oid from whole)`

// Since PostgreSQL 15 a publication may name schemas, columns and rows. A row
// filter is told by its tree, without the places in the text that it was read from.
const (
	wholeBefore15     = `pub.puballtables`
	wholeSince15      = `(pub.puballtables or c.relnamespace in (select pnnspid from pg_publication_namespace where pnpubid = pub.oid))`
	publishedBefore15 = `null::int2[], ''`
	versionsBefore15  = ``
	publishedSince15  = `r.prattrs::int2[], coalesce(md5(regexp_replace(r.prqual::text, ':location -?\d+', '', 'g')), '')`
	versionsSince15   = `, (select string_agg(n.oid || '/' || n.xmin::text || '/' || d.xmin::text, ' ' order by n.oid, d.objid) from pg_publication_namespace n
	join pg_depend d on d.classid = 'pg_class'::regclass and d.objid = any(self_and_above.oids) and d.refclassid = 'pg_namespace'::regclass and d.refobjid = n.pnnspid
	where n.pnpubid = pub.oid)`
)

func readPublication(ctx context.Context, conn *pgx.Conn, name string, version int) (*publication, error) {
	p := &publication{name: name, tables: make(map[uint32]publishedTable)}
	err := conn.QueryRow(ctx, publicationQuery, name).Scan(&p.oid, &p.complete, &p.viaRoot, &p.owned, &p.generated)
	if errors.Is(err, pgx.ErrNoRows) {
		return p, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read pg_publication: %w", err)
	}
	p.exists = true
	whole, details, versions := wholeBefore15, publishedBefore15, versionsBefore15
	if version >= listsSince {
		whole, details, versions = wholeSince15, publishedSince15, versionsSince15
	}
	rows, err := conn.Query(ctx, fmt.Sprintf(publishedQuery, whole, details, versions), name)
	if err != nil {
		return nil, fmt.Errorf("read pg_publication_rel: %w", err)
	}
	var oid uint32
	var t publishedTable
	_, err = pgx.ForEachRow(rows, []any{&oid, &t.attributes, &t.filter, &t.version, &t.named}, func() error {
		p.tables[oid] = t
		t.attributes = nil
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read pg_publication_rel: %w", err)
	}
	return p, nil
}

// rowFilter is the publication's filter of a table as SQL, which must be locked:
// to write it down the server opens the table.
func (p *publication) rowFilter(ctx context.Context, conn *pgx.Conn, t *table) (string, error) {
	if t.filter == "" {
		return "", nil
	}
	var sql string
	err := conn.QueryRow(ctx, `select pg_get_expr(r.prqual, r.prrelid) from pg_publication_rel r
		where r.prpubid = $1 and r.prrelid = $2`, p.oid, t.oid).Scan(&sql)
	if err != nil {
		return "", fmt.Errorf("read the publication's row filter: %w", err)
	}
	return sql, nil
}

func (p *publication) oids() []uint32 {
	oids := make([]uint32, 0, len(p.tables))
	for oid := range p.tables {
		oids = append(oids, oid)
	}
	slices.Sort(oids)
	return oids
}

// carries says whether a column's values come with the stream. A column list
// may name generated columns (PostgreSQL 18), whatever the publication's setting.
func (p *publication) carries(t *table, c *column) bool {
	if t.publishedColumns != nil {
		return slices.Contains(t.publishedColumns, c.attribute)
	}
	return p.carriesUnlisted(c)
}

// carriesUnlisted says whether a column's values come where there is no column list.
func (p *publication) carriesUnlisted(c *column) bool {
	return c.generated == "" || p.generated && c.generated == "s"
}

// createSQL is the statement that makes the publication for the tables.
func (p *publication) createSQL(tables []*table) string {
	names := make([]string, len(tables))
	for i, t := range tables {
		names[i] = t.listed()
	}
	sql := fmt.Sprintf("CREATE PUBLICATION %s FOR TABLE %s", quote(p.name), strings.Join(names, ", "))
	if slices.ContainsFunc(tables, (*table).partitioned) {
		sql += " WITH (publish_via_partition_root = true)"
	}
	return sql
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
		if _, ok := p.tables[t.oid]; ok || !t.capturable() || t.partitioned() && !p.viaRoot {
			continue
		}
		sql := fmt.Sprintf("ALTER PUBLICATION %s ADD TABLE %s;", quote(p.name), t.listed())
		if p.viaRoot && !t.partitioned() {
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
