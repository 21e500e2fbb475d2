package main

import (
	"context"
	"io"
	"strings"
	"testing"

	"odsd/internal/demo"
	"odsd/internal/pgcluster"
	"odsd/internal/pgcluster/pgtest"
)

func TestSharesAddUp(t *testing.T) {
	w, err := readWorkload("backlog")
	if err != nil {
		t.Fatal(err)
	}
	for _, database := range demo.Names() {
		if w.share(database) == 0 {
			t.Errorf("no transactions in %s", database)
		}
	}
}

func TestStatementsAreReadWithTheirHeadings(t *testing.T) {
	statements, err := parseStatements("-- a comment\n\n-- 3 first\nupdate a\nset b = 1;\n-- 4 second\ndelete from c;\n")
	if err != nil {
		t.Fatal(err)
	}
	want := []statement{{3, "first", "update a\nset b = 1;\n"}, {4, "second", "delete from c;\n"}}
	if len(statements) != 2 || statements[0] != want[0] || statements[1] != want[1] {
		t.Errorf("got %v, want %v", statements, want)
	}
	if _, err := parseStatements("update a;\n"); err == nil {
		t.Error("a statement without a heading was taken")
	}
}

// Every transaction of a backlog changes one row of a captured table: their
// number is what throughput is computed from.
func TestABacklogHasAsManyChangesAsTransactions(t *testing.T) {
	ctx := t.Context()
	dsns, err := demo.OneCluster(ctx, pgtest.Start(t, pgcluster.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	const customers = 200
	if err := demo.Seed(ctx, dsns, customers, 1); err != nil {
		t.Fatal(err)
	}
	for database, dsn := range dsns {
		slot := "select pg_create_logical_replication_slot('counted_" + database + "', 'test_decoding')"
		if err := execute(ctx, dsn, slot); err != nil {
			t.Fatal(err)
		}
	}
	w, err := readWorkload("backlog")
	if err != nil {
		t.Fatal(err)
	}
	b, err := writeBacklog(ctx, dsns, w, 1000, customers, 1)
	if err != nil {
		t.Fatal(err)
	}
	changes := 0
	for database, dsn := range dsns {
		changes += countChanges(ctx, t, dsn, "counted_"+database)
	}
	if b.transactions != 1000+len(dsns) || changes != b.transactions {
		t.Errorf("%d transactions were counted and %d changes written, want %d of each", b.transactions, changes, 1000+len(dsns))
	}
}

func countChanges(ctx context.Context, t *testing.T, dsn, slot string) int {
	t.Helper()
	var n int
	sql := "select count(*) from pg_logical_slot_peek_changes('" + slot + "', null, null) where data like 'table public.%'"
	if err := query(ctx, dsn, sql, &n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestMedianOfRuns(t *testing.T) {
	seconds := func(m measurement) float64 { return m.Seconds }
	if got := median([]measurement{{Seconds: 9}, {Seconds: 1}, {Seconds: 2}}, seconds); got != 2 {
		t.Errorf("median of three is %v, want 2", got)
	}
	if got := median([]measurement{{Seconds: 9}, {Seconds: 1}}, seconds); got != 5 {
		t.Errorf("median of two is %v, want 5", got)
	}
}

func TestThePlotHasABarForEachContender(t *testing.T) {
	r := &result{Transactions: 1000, Settings: settings{Workload: "backlog", Rounds: 1},
		Standings: []standing{{Name: "odsd"}, {Name: "rows <&>"}}}
	r.add(0, measurement{Seconds: 2})
	r.add(1, measurement{Seconds: 1})
	plot := r.plot()
	if strings.Count(plot, "<rect x=") != 2 || !strings.Contains(plot, "rows &lt;&amp;&gt;") {
		t.Errorf("plot:\n%s", plot)
	}
}

func TestFlagsThatMakeNoSenseAreRefused(t *testing.T) {
	for _, arguments := range [][]string{{"-rounds", "0"}, {"-transactions", "10"}, {"-odsd", "/tmp/odsd"}, {"backlog"}} {
		if _, err := parseOptions(arguments, io.Discard); err == nil {
			t.Errorf("%v was accepted", arguments)
		}
	}
}
