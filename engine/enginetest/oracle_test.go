package enginetest_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"odsd/engine/enginetest"
	"odsd/engine/reference"
	"odsd/views"
)

var (
	oracleCases = flag.Int("oracle.cases", 60, "how many generated cases to compare with PostgreSQL")
	oracleSeed  = flag.Uint64("oracle.seed", 1, "the first seed of the generated cases")
)

// outcome of one case.
type outcome struct {
	difference  string // between PostgreSQL and the evaluator, "" if there is none
	invalid     error  // the views have errors
	unsupported error  // no exact SQL
	failed      error  // PostgreSQL refused
	documents   int
}

// compare plays a case and compares every view with PostgreSQL after each step.
func compare(t testing.TB, conn *pgconn.PgConn, c *enginetest.Case) (o outcome) {
	t.Helper()
	all, err := enginetest.CheckViews(c.Schemas, c.Views)
	if err != nil {
		return outcome{invalid: err}
	}
	execute(t, conn, "BEGIN; "+createTables(c.Schemas))
	defer execute(t, conn, "ROLLBACK")
	state := enginetest.NewDatabase(c.Schemas)
	for i, step := range c.Steps {
		for _, transaction := range step {
			if _, err := state.Apply(transaction); err != nil {
				t.Fatal(err)
			}
		}
		execute(t, conn, fillTables(t, c.Schemas, state))
		for _, v := range all {
			if compareView(t, conn, v, all, state, &o); o != (outcome{documents: o.documents}) {
				if o.difference != "" {
					o.difference = fmt.Sprintf("after step %d, view %s: %s", i+1, v.Name, o.difference)
				}
				return o
			}
		}
	}
	return o
}

func compareView(t testing.TB, conn *pgconn.PgConn, v *views.View, all []*views.View, rows reference.Rows, o *outcome) {
	t.Helper()
	sql, err := enginetest.SQL(v, all, tableName)
	if err != nil {
		o.unsupported = err
		return
	}
	expected, err := query(t.Context(), conn, sql)
	if err != nil {
		o.failed = fmt.Errorf("%w in\n%s", err, sql)
		return
	}
	evaluated, err := reference.EvaluateAll(t.Context(), all, rows)
	if err != nil {
		t.Fatal(err)
	}
	actual := evaluated[v.Name]
	o.documents += len(actual)
	o.difference = differenceOf(t, actual, expected)
}

func differenceOf(t testing.TB, actual []*reference.Document, expected [][]byte) string {
	t.Helper()
	if len(actual) != len(expected) {
		return fmt.Sprintf("%d documents, PostgreSQL has %d", len(actual), len(expected))
	}
	for i, d := range actual {
		difference, err := enginetest.DiffJSON(d.AppendJSON(nil), expected[i])
		if err != nil {
			t.Fatal(err)
		}
		if difference != "" {
			return fmt.Sprintf("document %d%s", i, difference)
		}
	}
	return ""
}

// TestReferenceEqualsPostgreSQL: the evaluator and PostgreSQL, which share
// nothing but the definition, agree on generated views over generated rows.
func TestReferenceEqualsPostgreSQL(t *testing.T) {
	conn := connect(t)
	var unsupported, failed, documents int
	for n := range *oracleCases {
		seed := *oracleSeed + uint64(n)
		c := enginetest.Generate(seed, enginetest.Options{Views: 1 + int(seed%4)})
		o := compare(t, conn, c)
		documents += o.documents
		switch {
		case o.invalid != nil:
			t.Errorf("seed %d: the generator made a view with errors:\n%v\n%s", seed, o.invalid, strings.Join(c.Views, "---\n"))
		case o.difference != "":
			small := enginetest.Shrink(c, func(c *enginetest.Case) bool { return compare(t, conn, c).difference != "" })
			t.Errorf("seed %d: %s\n%s", seed, compare(t, conn, small).difference, small)
		case o.failed != nil:
			failed++
			t.Logf("seed %d: %v", seed, o.failed)
		case o.unsupported != nil:
			unsupported++
			t.Logf("seed %d: %v", seed, o.unsupported)
		}
	}
	t.Logf("%d cases, %d documents; %d without exact SQL, %d refused by PostgreSQL", *oracleCases, documents, unsupported, failed)
	if unsupported+failed > *oracleCases/10 {
		t.Errorf("of %d cases %d have no exact SQL and %d fail in PostgreSQL: too few are compared", *oracleCases, unsupported, failed)
	}
}

// TestMeaningInPostgreSQL: PostgreSQL agrees on the scripts that say what views mean. It
// has no notion of a value that could not be computed, and adds floats in the order in
// which it meets them, so these two chapters are not asked.
func TestMeaningInPostgreSQL(t *testing.T) {
	conn := connect(t)
	for name, cases := range enginetest.MeaningCases(t) {
		if name == "errors" || name == "floats" {
			continue
		}
		for i, c := range cases {
			if o := compare(t, conn, c); o.documents == 0 || o != (outcome{documents: o.documents}) {
				t.Errorf("%s, case %d: %+v", name, i+1, o)
			}
		}
	}
}

// TestCasesEqualPostgreSQL: so do those that were found, as far as there is SQL for them.
func TestCasesEqualPostgreSQL(t *testing.T) {
	conn := connect(t)
	files, err := filepath.Glob("testdata/cases/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	compared := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		c, err := enginetest.ParseCase(string(text))
		if err != nil {
			t.Fatal(err)
		}
		o := compare(t, conn, c)
		if o.invalid != nil || o.difference != "" {
			t.Errorf("%s: %v %s", filepath.Base(file), o.invalid, o.difference)
		}
		if o.unsupported != nil || o.failed != nil {
			t.Logf("%s: %v %v", filepath.Base(file), o.unsupported, o.failed)
			continue
		}
		compared++
	}
	if compared == 0 {
		t.Error("none of them has SQL")
	}
}
