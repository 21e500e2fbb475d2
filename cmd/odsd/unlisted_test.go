package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"odsd/internal/pgcluster"
	"odsd/internal/pgcluster/pgtest"
)

// listsSince is the version that gave publications column lists.
const listsSince = 15

// A column that the publication's list leaves out, and nobody excludes, is a warning with the SQL that publishes
// it, until it is published or excluded.
func TestCheckWarnsOfColumnsOutsideThePublicationsList(t *testing.T) {
	cluster := pgtest.Start(t, pgcluster.Options{Databases: []string{"shop"}})
	if cluster.Major() < listsSince {
		t.Skipf("PostgreSQL %d has no column lists", cluster.Major())
	}
	t.Setenv("SHOP_DSN", cluster.DSN("shop"))
	db, err := pgx.Connect(t.Context(), cluster.DSN("shop"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(t.Context())
	run := func(sql string) {
		t.Helper()
		if _, err := db.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	run(`create table items (id int8 primary key, n int4, w text, secret text); create publication odsd_shop for table items (id, n)`)
	check := func(columns string) string {
		t.Helper()
		dir := t.TempDir()
		writeFiles(t, dir, map[string]string{
			"odsd.yaml":         "version: 1\n",
			"sources/shop.yaml": "version: 1\nsource: shop\npostgres: {dsn: '${SHOP_DSN}'}\ntables:\n  items:\n" + columns,
		})
		var out bytes.Buffer
		c := &cli{dir: dir, stdout: &out, stderr: &out}
		if err := c.check(t.Context(), checkFlags{format: "text", live: true}); err != nil {
			t.Fatalf("%v\n%s", err, &out)
		}
		return out.String()
	}
	const sql = `BEGIN; ALTER PUBLICATION odsd_shop DROP TABLE ONLY public.items; ALTER PUBLICATION odsd_shop ADD TABLE ONLY public.items; COMMIT;`
	if got := check(""); !strings.Contains(got, "out of its list: w, secret") || !strings.Contains(got, sql) || !strings.Contains(got, "0 errors, 1 warning") {
		t.Errorf("the check says\n%s", got)
	}
	if got := check("    columns: {secret: {exclude: true}, w: {exclude: true}}\n"); !strings.Contains(got, "0 errors, 0 warnings") {
		t.Errorf("with both excluded the check says\n%s", got)
	}
	run(sql)
	if got := check(""); !strings.Contains(got, "0 errors, 0 warnings") {
		t.Errorf("after %s the check says\n%s", sql, got)
	}
}
