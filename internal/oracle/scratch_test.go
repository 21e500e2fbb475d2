package oracle

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"odsd/engine/enginetest"
	"odsd/internal/demo"
	"odsd/views"
)

// scratchDatabase holds a copy of all databases, a schema each, so that one
// statement can join across them.
const scratchDatabase = "scratch"

var tables = map[string][]string{
	demo.CRM:      {"customers", "addresses"},
	demo.Shop:     {"orders", "order_items"},
	demo.Catalog:  {"products", "categories"},
	demo.Shipping: {"shipments"},
}

type scratch struct{ dsn string }

func newScratch(t *testing.T, w *world) *scratch {
	t.Helper()
	if err := w.cluster.CreateDatabase(t.Context(), scratchDatabase); err != nil {
		t.Fatal(err)
	}
	s := &scratch{dsn: w.cluster.DSN(scratchDatabase)}
	conn, err := s.connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	for _, source := range demo.Names() {
		text, err := demo.Tables(source)
		if err != nil {
			t.Fatal(err)
		}
		text = fmt.Sprintf("create schema %[1]s; set search_path = %[1]s; %[2]s", source, text)
		if _, err := conn.PgConn().Exec(t.Context(), text).ReadAll(); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// connect opens a session that prints values as the comparison reads them, and
// that lets rows refer to nothing.
func (s *scratch) connect(ctx context.Context) (*pgx.Conn, error) {
	conn, err := pgx.Connect(ctx, s.dsn)
	if err != nil {
		return nil, err
	}
	_, err = conn.PgConn().Exec(ctx, `
		set timezone = 'UTC'; set intervalstyle = 'iso_8601'; set jit = off; set join_collapse_limit = 1;
		set session_replication_role = replica`).ReadAll()
	return conn, err
}

// fill replaces the copy by what the databases hold now.
func (s *scratch) fill(ctx context.Context, w *world) error {
	to, err := s.connect(ctx)
	if err != nil {
		return err
	}
	defer to.Close(context.WithoutCancel(ctx))
	if _, err := to.Exec(ctx, "begin"); err != nil {
		return err
	}
	err = w.each(ctx, func(ctx context.Context, source string, from *pgx.Conn) error {
		for _, table := range tables[source] {
			if _, err := to.Exec(ctx, fmt.Sprintf("delete from %s.%s", source, table)); err != nil {
				return err
			}
			var rows bytes.Buffer
			if _, err := from.PgConn().CopyTo(ctx, &rows, "copy "+table+" to stdout"); err != nil {
				return err
			}
			if _, err := to.PgConn().CopyFrom(ctx, &rows, fmt.Sprintf("copy %s.%s from stdin", source, table)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("copy the databases: %w", err)
	}
	if _, err := to.PgConn().Exec(ctx, "commit; analyze").ReadAll(); err != nil {
		return fmt.Errorf("copy the databases: %w", err)
	}
	return nil
}

// documents are what PostgreSQL makes of the definition of one of all views.
func (s *scratch) documents(ctx context.Context, v *views.View, all []*views.View) ([][]byte, error) {
	text, err := enginetest.SQL(v, all, func(relation string) string {
		source, table, _ := strings.Cut(relation, ".")
		return pgx.Identifier{source, table}.Sanitize()
	})
	if err != nil {
		return nil, err
	}
	conn, err := s.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	results, err := conn.PgConn().Exec(ctx, text).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("%w in\n%s", err, text)
	}
	var documents [][]byte
	for _, row := range results[0].Rows {
		documents = append(documents, row[0])
	}
	return documents, nil
}
