package enginetest_test

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"odsd/engine/enginetest"
	"odsd/engine/postgres"
	"odsd/engine/reference"
	"odsd/examples"
	"odsd/internal/demo"
	"odsd/internal/pgcluster"
	"odsd/internal/pgcluster/pgtest"
	"odsd/storage/relation"
)

// TestReferenceEqualsPostgreSQLOnTheExamples: the same for the example views,
// over the demo's rows and over ever more damaged ones.
func TestReferenceEqualsPostgreSQLOnTheExamples(t *testing.T) {
	cluster := pgtest.Start(t, pgcluster.Options{Settings: map[string]string{"wal_level": "logical"}})
	dsns, err := demo.OneCluster(t.Context(), cluster)
	if err != nil {
		t.Fatal(err)
	}
	if err := demo.Seed(t.Context(), dsns, 40, 1); err != nil {
		t.Fatal(err)
	}
	schemas, rows := readDatabases(t, dsns)
	conn := connectTo(t, cluster.DSN("postgres"))
	createDemo(t, conn)
	checked, err := enginetest.CheckViews(schemas, exampleViews(t))
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 1))
	for round := range 5 {
		execute(t, conn, fillTables(t, schemas, rows))
		for _, v := range checked {
			var o outcome
			compareView(t, conn, v, checked, rows, &o)
			if o.difference != "" || o.failed != nil || o.unsupported != nil {
				t.Errorf("round %d, view %s: %+v", round, v.Name, o)
			}
			t.Logf("round %d: %d documents of %s", round, o.documents, v.Name)
		}
		damage(t, random, schemas, rows)
	}
}

func exampleViews(t *testing.T) []string {
	t.Helper()
	files, err := fs.Glob(examples.Files, "views/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, file := range files {
		text, err := fs.ReadFile(examples.Files, file)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, string(text))
	}
	return texts
}

// readDatabases gives the schemas of the demo's databases, and their rows in memory.
func readDatabases(t *testing.T, dsns demo.DSNs) ([]*relation.Schema, *reference.Memory) {
	t.Helper()
	var all []*relation.Schema
	conns := make(map[string]*pgconn.PgConn)
	for _, name := range demo.Names() {
		conns[name] = connectTo(t, dsns[name])
		publication := "odsd_" + name
		execute(t, conns[name], "CREATE PUBLICATION "+publication+" FOR ALL TABLES")
		found, _, err := postgres.Introspect(t.Context(), postgres.Config{Name: name, DSN: dsns[name], Tables: []string{"*"}})
		if err != nil {
			t.Fatal(err)
		}
		if len(found) == 0 {
			t.Fatalf("no tables in %s", name)
		}
		all = append(all, found...)
	}
	rows := reference.NewMemory(all...)
	for _, s := range all {
		readTable(t, conns[enginetest.SourceOf(s.Name)], s, rows)
	}
	return all, rows
}

func readTable(t *testing.T, conn *pgconn.PgConn, s *relation.Schema, into *reference.Memory) {
	t.Helper()
	var columns []string
	for _, c := range s.Columns {
		columns = append(columns, fmt.Sprintf("%q::text", c.Name))
	}
	_, table, _ := strings.Cut(s.Name, ".")
	results, err := conn.Exec(t.Context(), "SELECT "+strings.Join(columns, ", ")+" FROM "+table).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, texts := range results[0].Rows {
		row := make([]relation.Value, len(texts))
		for i, text := range texts {
			if text == nil {
				continue
			}
			if row[i], err = relation.ParseText(s.Columns[i].Type, string(text)); err != nil {
				t.Fatalf("%s.%s: %v", s.Name, s.Columns[i].Name, err)
			}
		}
		if err := into.Set(s.Name, row); err != nil {
			t.Fatal(err)
		}
	}
}

// createDemo makes all of the demo's tables in one database, a schema each, and
// lets rows point nowhere.
func createDemo(t *testing.T, conn *pgconn.PgConn) {
	t.Helper()
	for _, name := range demo.Names() {
		tables, err := demo.Tables(name)
		if err != nil {
			t.Fatal(err)
		}
		execute(t, conn, fmt.Sprintf("CREATE SCHEMA %s; SET search_path = %s, public; %s", name, name, tables))
	}
	execute(t, conn, "SET search_path = public; SET session_replication_role = replica")
}

// damage takes rows away, nulls cells where they may be null, and gives columns
// the values of other rows, so that joins lead elsewhere or nowhere.
func damage(t *testing.T, random *rand.Rand, schemas []*relation.Schema, rows *reference.Memory) {
	t.Helper()
	for _, s := range schemas {
		var all [][]relation.Value
		if err := rows.All(s.Name, func(row []relation.Value) error {
			all = append(all, row)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		for _, row := range all {
			if random.IntN(15) == 0 {
				if err := rows.Delete(s.Name, row); err != nil {
					t.Fatal(err)
				}
				continue
			}
			if err := rows.Set(s.Name, damaged(random, s, row, all)); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func damaged(random *rand.Rand, s *relation.Schema, row []relation.Value, all [][]relation.Value) []relation.Value {
	row = slices.Clone(row)
	unique := slices.Concat(append([][]int{s.Key}, s.Unique...)...)
	for i, c := range s.Columns {
		switch {
		case slices.Contains(unique, i) || c.Name == "tracking_code":
		case !c.NotNull && random.IntN(15) == 0:
			row[i] = relation.OfNull()
		case random.IntN(15) == 0:
			row[i] = all[random.IntN(len(all))][i]
		}
	}
	return row
}
