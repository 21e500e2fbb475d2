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
