package views

import (
	"context"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

var (
	postgresDSN = flag.String("postgres", "", "a PostgreSQL database that answers testdata/postgres.txt anew")
)

const postgresFile = "testdata/postgres.txt"

// TestPostgreSQL compares expressions with what PostgreSQL answers to the SQL
// that means the same.
func TestPostgreSQL(t *testing.T) {
	text, err := os.ReadFile(postgresFile)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	answer := recorded
	if *postgresDSN != "" {
		answer = asked(t)
	}
	for i, line := range lines {
		source, rest, ok := strings.Cut(line, " -- ")
		sql, old, okAnswer := strings.Cut(rest, " =>")
		if !ok || !okAnswer || strings.HasPrefix(line, "#") {
			continue
		}
		want := answer(sql, strings.TrimSpace(old))
		lines[i] = source + " -- " + sql + " => " + want
		if got := plain(t, source); got != want {
			t.Errorf("%s\n gives      %s\n PostgreSQL %s", source, got, want)
		}
	}
	if *postgresDSN != "" {
		if err := os.WriteFile(postgresFile, []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func recorded(_, old string) string { return old }

// asked gives answers of a running database.
func asked(t *testing.T) func(sql, old string) string {
	ctx := context.Background()
	db, err := pgx.Connect(ctx, *postgresDSN)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close(ctx) })
	if _, err := db.Exec(ctx, "set time zone 'UTC'"); err != nil {
		t.Fatal(err)
	}
	return func(sql, _ string) string {
		var value *string
		if err := db.QueryRow(ctx, "select ("+sql+")::text").Scan(&value); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
		if value == nil {
			return "nil"
		}
		return *value
	}
}

// plain is an expression's value as PostgreSQL's cast to text prints it.
func plain(t *testing.T, source string) string {
	value, _ := evaluate(t, source, nil)
	if inner, ok := strings.CutPrefix(value, "'"); ok {
		return strings.TrimSuffix(inner, "'")
	}
	return value
}
