package postgres

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// tableLocks keep tables from being altered from before a slot is made until a transaction that has the
// slot's snapshot ends.
//
// LOCK TABLE needs the right to read the whole table, even where the columns that are captured are granted.
// Any query of granted columns takes the same lock, but no snapshot can be taken by a transaction after a query. So
// another session holds those locks until the transaction has its snapshot and takes them itself:
//
//	holder: SELECT ──────────────────────────────────────────▶ end
//	conn:   BEGIN ─▶ the slot is made ─▶ snapshot ─▶ SELECT ─▶ copy
type tableLocks struct {
	tables []*table // of which columns alone are granted
	holder *pgx.Conn
}

// beginLocked begins the transaction of a copy or a fence and keeps the tables from
// being altered until it ends. It takes no snapshot yet: the slot's comes later.
func (s *Source) beginLocked(ctx context.Context, conn *pgx.Conn, tables []*table) (*tableLocks, error) {
	locks := new(tableLocks)
	var names []string
	for _, t := range tables {
		if t.granted {
			names = append(names, t.from())
		} else {
			locks.tables = append(locks.tables, t)
		}
	}
	sql := s.beginSQL()
	if len(names) > 0 {
		sql += "; LOCK TABLE " + strings.Join(names, ", ") + " IN ACCESS SHARE MODE"
	}
	if err := lockBy(ctx, conn, sql); err != nil {
		return nil, err
	}
	return locks, locks.hold(ctx, s)
}

func (s *Source) beginSQL() string {
	return "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL " + s.lockTimeout()
}

// hold takes the locks that the transaction itself cannot take yet.
func (l *tableLocks) hold(ctx context.Context, s *Source) error {
	if len(l.tables) == 0 {
		return nil
	}
	var err error
	if l.holder, err = s.connect(ctx); err != nil {
		return err
	}
	if err := lockBy(ctx, l.holder, s.beginSQL()+"; "+l.sql()); err != nil {
		l.close()
		return err
	}
	return nil
}

// sql names no column, for which the right to read any is enough. It reads no row, but opens the
// partitions: a condition that is never met would spare them.
func (l *tableLocks) sql() string {
	queries := make([]string, len(l.tables))
	for i, t := range l.tables {
		queries[i] = "SELECT FROM " + t.from() + " LIMIT 0"
	}
	return strings.Join(queries, "; ")
}

// takeSnapshot gives the transaction the slot's snapshot, and all of its locks.
func (l *tableLocks) takeSnapshot(ctx context.Context, conn *pgx.Conn, snapshot string) error {
	if err := takeSnapshot(ctx, conn, snapshot); err != nil || len(l.tables) == 0 {
		return err
	}
	if err := lockBy(ctx, conn, l.sql()); err != nil {
		return err
	}
	l.close()
	return nil
}

// close ends the session that holds locks, where there is one.
func (l *tableLocks) close() {
	if l.holder != nil {
		closeSession(l.holder.PgConn())
		l.holder = nil
	}
}

func lockBy(ctx context.Context, conn *pgx.Conn, sql string) error {
	_, err := conn.PgConn().Exec(ctx, sql).ReadAll()
	if serverCode(err) == lockNotGranted {
		return pass(codeCatalogMoved, "a table is locked exclusively by another session, so that it cannot be read", "the source tries again by itself")
	}
	if err != nil {
		return fmt.Errorf("lock the tables to read them: %w", err)
	}
	return nil
}
