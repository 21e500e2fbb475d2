package enginetest_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"odsd/engine/enginetest"
	"odsd/engine/reference"
	"odsd/internal/pgcluster"
	"odsd/internal/pgcluster/pgtest"
	"odsd/storage/relation"
)

// connect starts a PostgreSQL and opens a session.
func connect(t testing.TB) *pgconn.PgConn {
	t.Helper()
	return connectTo(t, pgtest.Start(t, pgcluster.Options{}).DSN("postgres"))
}

// connectTo opens a session that prints as odsd does.
func connectTo(t testing.TB, dsn string) *pgconn.PgConn {
	t.Helper()
	conn, err := pgconn.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
	execute(t, conn, "SET timezone = 'UTC'; SET jit = off; SET join_collapse_limit = 1; SET statement_timeout = '20s'")
	return conn
}

func execute(t testing.TB, conn *pgconn.PgConn, sql string) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), sql).ReadAll(); err != nil {
		t.Fatalf("%v in\n%.2000s", err, sql)
	}
}

// tableName puts a relation's table into a schema of the source's name.
func tableName(relationName string) string {
	source, table, _ := strings.Cut(relationName, ".")
	return fmt.Sprintf(`"%s"."%s"`, source, table)
}

func createTables(schemas []*relation.Schema) string {
	var b strings.Builder
	made := make(map[string]bool)
	fmt.Fprintf(&b, "CREATE TYPE enum AS ENUM ('%s');\n", strings.Join(enginetest.EnumLabels, "', '"))
	for _, s := range schemas {
		source := enginetest.SourceOf(s.Name)
		if !made[source] {
			made[source] = true
			fmt.Fprintf(&b, "CREATE SCHEMA \"%s\";\n", source)
		}
		var columns []string
		for _, c := range s.Columns {
			columns = append(columns, fmt.Sprintf(`"%s" %s`, c.Name, c.Type))
		}
		fmt.Fprintf(&b, "CREATE TABLE %s (%s);\n", tableName(s.Name), strings.Join(columns, ", "))
	}
	return b.String()
}

// fillTables replaces what is in the tables by what is in memory.
func fillTables(t testing.TB, schemas []*relation.Schema, rows reference.Rows) string {
	t.Helper()
	var b strings.Builder
	for _, s := range schemas {
		var lines []string
		err := rows.All(s.Name, func(row []relation.Value) error {
			lines = append(lines, rowLiteral(s, row))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "DELETE FROM %s;\n", tableName(s.Name))
		if len(lines) > 0 {
			fmt.Fprintf(&b, "INSERT INTO %s VALUES %s;\n", tableName(s.Name), strings.Join(lines, ", "))
		}
	}
	return b.String()
}

func rowLiteral(s *relation.Schema, row []relation.Value) string {
	cells := make([]string, len(row))
	for i, v := range row {
		cells[i] = "NULL"
		if !v.IsNull() {
			text := string(relation.AppendText(nil, v))
			cells[i] = "'" + strings.ReplaceAll(text, "'", "''") + "'"
		}
	}
	return "(" + strings.Join(cells, ", ") + ")"
}

// query gives the documents that a statement of enginetest.SQL computes.
func query(ctx context.Context, conn *pgconn.PgConn, sql string) ([][]byte, error) {
	results, err := conn.Exec(ctx, sql).ReadAll()
	if err != nil {
		return nil, err
	}
	var documents [][]byte
	for _, row := range results[len(results)-1].Rows {
		documents = append(documents, row[0])
	}
	return documents, nil
}
