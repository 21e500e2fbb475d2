package postgres

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Amounts of money are whole numbers at the source, and lc_monetary says where their decimal
// point is and what stands around them: what is captured is theirs under one lc_monetary alone. So all
// sessions of an attempt have that of the first of them, the tables that hold money note how it
// prints, and where it prints otherwise they are copied anew.

// settleMoney gives a session the lc_monetary of the attempt. The first one keeps what the
// database and the role have, and clings to it, whatever is configured meanwhile.
func (s *Source) settleMoney(ctx context.Context, c *pgconn.PgConn) error {
	value := "pg_catalog.current_setting('lc_monetary')"
	if known := s.monetary.Load(); known != nil {
		value = "'" + strings.ReplaceAll(*known, "'", "''") + "'"
	}
	if _, err := c.Exec(ctx, "SELECT pg_catalog.set_config('lc_monetary', "+value+", false)").ReadAll(); err != nil {
		return fmt.Errorf("set lc_monetary: %w", err)
	}
	return nil
}

// connectFirst opens an attempt's first session.
func (s *Source) connectFirst(ctx context.Context) (*pgx.Conn, error) {
	s.monetary.Store(nil)
	conn, err := s.connect(ctx)
	if err != nil {
		return nil, err
	}
	var monetary string
	if err := conn.QueryRow(ctx, "select current_setting('lc_monetary')").Scan(&monetary); err != nil {
		closeSession(conn.PgConn())
		return nil, fmt.Errorf("read lc_monetary: %w", err)
	}
	s.monetary.Store(&monetary)
	return conn, nil
}

// moneyQuery finds the types among these that are money, or have it in them: domains, arrays,
// ranges, multiranges and composites, of each other, too. With them it gives how amounts are
// printed: the same locale may print them otherwise on another system, and two may print alike.
const moneyQuery = `
with recursive part as (
	select oid as whole, oid from unnest($1::oid[]) t(oid)
	union
	select p.whole, below.oid from part p join pg_type t on t.oid = p.oid, lateral (
		select t.typbasetype as oid union all select t.typelem
		union all select rngsubtype from pg_range where t.oid in (rngtypid, rngmultitypid)
		union all select atttypid from pg_attribute where attrelid = t.typrelid and attnum > 0 and not attisdropped) below
	where below.oid <> 0
)
select whole, 1234567::bigint::money || ' ' || (-1234567)::bigint::money from part where oid = 'money'::regtype`

// readMoney notes at the tables that hold money how the session prints it.
func readMoney(ctx context.Context, conn *pgx.Conn, tables []*table, types []uint32) error {
	rows, err := conn.Query(ctx, moneyQuery, types)
	if err != nil {
		return fmt.Errorf("read pg_type: %w", err)
	}
	holds := make(map[uint32]bool)
	var oid uint32
	var printed string
	_, err = pgx.ForEachRow(rows, []any{&oid, &printed}, func() error {
		holds[oid] = true
		return nil
	})
	if err != nil {
		return fmt.Errorf("read pg_type: %w", err)
	}
	for _, t := range tables {
		for _, c := range t.columns {
			if holds[c.typeOID] {
				t.money = strings.ToValidUTF8(printed, "?") // a database without an encoding may print any bytes
			}
		}
	}
	return nil
}

// compareMoney says that a table's amounts are printed otherwise than when it was copied; "" where
// they are not, or that was not noted.
func compareMoney(stored relationIdentity, t *table) string {
	if stored.Money == "" || t.money == "" || t.money == stored.Money {
		return ""
	}
	return fmt.Sprintf("its money is printed as in %q, not as in %q: lc_monetary changed", t.money, stored.Money)
}
