package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// ForeignKey is a reference that the database keeps: the columns of Table name
// a row of References by its columns To. Tables are named as views name them.
type ForeignKey struct {
	Table      string
	Columns    []string
	References string
	To         []string
}

const foreignKeysQuery = `
select n.nspname::text, c.relname::text, rn.nspname::text, r.relname::text,
	(select array_agg(a.attname::text order by k.place) from unnest(f.conkey) with ordinality k(number, place)
		join pg_attribute a on a.attrelid = f.conrelid and a.attnum = k.number),
	(select array_agg(a.attname::text order by k.place) from unnest(f.confkey) with ordinality k(number, place)
		join pg_attribute a on a.attrelid = f.confrelid and a.attnum = k.number)
from pg_constraint f
	join pg_class c on c.oid = f.conrelid join pg_namespace n on n.oid = c.relnamespace
	join pg_class r on r.oid = f.confrelid join pg_namespace rn on rn.oid = r.relnamespace
where f.contype = 'f' and f.conparentid = 0
order by 1, 2, f.conname`

// ForeignKeys reads all references between a database's tables.
func ForeignKeys(ctx context.Context, config Config) ([]ForeignKey, error) {
	s := New(config)
	conn, err := s.connect(ctx)
	if err != nil {
		return nil, fmt.Errorf("source %s: %w", s.config.Name, faultOf(err))
	}
	defer closeSession(conn.PgConn())
	rows, err := conn.Query(ctx, foreignKeysQuery)
	if err != nil {
		return nil, fmt.Errorf("source %s: read pg_constraint: %w", s.config.Name, err)
	}
	keys, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (ForeignKey, error) {
		var from, to table
		var k ForeignKey
		err := row.Scan(&from.namespace, &from.name, &to.namespace, &to.name, &k.Columns, &k.To)
		k.Table, k.References = relationName(s.config.Name, &from), relationName(s.config.Name, &to)
		return k, err
	})
	if err != nil {
		return nil, fmt.Errorf("source %s: read pg_constraint: %w", s.config.Name, err)
	}
	return keys, nil
}
