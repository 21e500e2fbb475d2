package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"odsd/internal/pgcluster"
	"odsd/internal/pgcluster/pgtest"
)

// operationsFile has the table of all metrics.
const operationsFile = "../../docs/operations.md"

// TestMetrics scrapes a daemon that copies, applies, fails to compute and verifies:
// its metrics are those that are documented, lint has nothing against them,
// and they have counted what happened.
func TestMetrics(t *testing.T) {
	cluster := pgtest.Start(t, pgcluster.Options{Databases: []string{"shop"}})
	db, err := pgx.Connect(t.Context(), cluster.DSN("shop"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close(context.WithoutCancel(t.Context())) })
	run := func(sql string) {
		if _, err := db.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	run(`create table items (id int8 primary key, n int4 not null, kind text)`)
	run(`insert into items select i, i, 'ROW-VALUE' from generate_series(1, 10) i`)
	dir := t.TempDir()
	writeFiles(t, dir, map[string]string{
		"odsd.yaml":         "version: 1\n",
		"sources/shop.yaml": "version: 1\nsource: shop\npostgres: {dsn: '${SHOP_DSN}'}\ntables: [items]\n",
		"views/item.yaml":   "version: 1\nview: item\nfrom: shop.items\nfields: {id: , share: 100 / n}\n",
		"views/kinds.yaml":  "version: 1\nview: kinds\nfrom: shop.items\ngroup_by: [kind]\nmeasures: {items: {count: '*'}}\n",
	})
	at, log := startDaemon(t, dir, map[string]string{"SHOP_DSN": cluster.DSN("shop")})
	// The copy is done and the views are built once the daemon is ready.
	waitUntil(t, "ready", func() (bool, string) {
		status, body := get(t, strings.TrimSuffix(at.GraphQL, "/graphql")+"/readyz?verbose")
		return status == http.StatusOK, body
	})
	for _, sql := range []string{
		`insert into items values (11, 0, 'b')`,                // 100 / 0
		`update items set n = 0, kind = 'b' where id in (1,2)`, // two more
		`update items set n = 5 where id = 11`,                 // healed
	} {
		run(sql)
		var lsn string
		if err := db.QueryRow(t.Context(), "select pg_current_wal_flush_lsn()::text").Scan(&lsn); err != nil {
			t.Fatal(err)
		}
		// Waiting between makes a commit of each.
		body := post(t, at.GraphQL, fmt.Sprintf(`query @consistency(waitFor: [{source: "shop", lsn: %q}], timeout: "30s") { itemList { nodes { share } } }`, lsn))
		if strings.Contains(body, "errors") {
			t.Fatal(body)
		}
	}
	post(t, at.GraphQL, `{ nothing }`)

	_, scraped := get(t, at.Admin+"/metrics")
	problems, err := promlint.New(strings.NewReader(scraped)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(scraped))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for name := range families {
		if strings.HasPrefix(name, "odsd_") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	if documented := documentedMetrics(t); !slices.Equal(names, documented) {
		t.Errorf("scraped\n%s\nand docs/operations.md has\n%s", strings.Join(names, "\n"), strings.Join(documented, "\n"))
	}
	if strings.Contains(log.String(), "ROW-VALUE") {
		t.Errorf("a value of a row is in the log:\n%s", log)
	}
	for _, test := range []struct {
		name, labels string
		want         float64
	}{
		{"odsd_source_up", `source=shop`, 1},
		{"odsd_source_transactions_total", `source=shop`, 3},
		{"odsd_source_changes_total", `source=shop`, 4},
		{"odsd_source_snapshot_rows_copied", `source=shop table=shop.items`, 11},
		{"odsd_view_state", `state=ready view=item`, 1},
		{"odsd_view_documents", `view=item`, 11},
		{"odsd_view_documents", `view=kinds`, 2},
		{"odsd_view_updates_total", `view=item`, 4},
		{"odsd_view_updates_total", `view=kinds`, 3}, // b appears; a and b change; nothing
		{"odsd_view_errors_total", `view=item`, 3},
		{"odsd_view_row_errors", `view=item`, 2},
		{"odsd_view_errors_total", `view=kinds`, 0},
		{"odsd_view_apply_duration_seconds", `view=item`, 3},
		{"odsd_view_fanout_documents", `view=item`, 3},
		{"odsd_store_commit_duration_seconds", ``, 3},
		{"odsd_graphql_requests_total", `code=ok`, 3},
		{"odsd_graphql_requests_total", `code=GRAPHQL_VALIDATION_FAILED`, 1},
		{"odsd_graphql_request_duration_seconds", ``, 4},
		{"odsd_verify_mismatches_total", `of=views`, 0},
	} {
		if got, ok := valueOf(families[test.name], test.labels); !ok || got != test.want {
			t.Errorf("%s{%s} is %v, want %v", test.name, test.labels, got, test.want)
		}
	}
	if sum := families["odsd_view_fanout_documents"]; sum != nil && sum.Metric[0].GetHistogram().GetSampleSum() != 4 {
		t.Errorf("the changes led to %v documents, want 4", sum.Metric[0].GetHistogram().GetSampleSum())
	}
}

// valueOf a metric: a histogram's is how many it has observed.
func valueOf(family *dto.MetricFamily, labels string) (float64, bool) {
	for _, m := range family.GetMetric() {
		var have []string
		for _, l := range m.GetLabel() {
			have = append(have, l.GetName()+"="+l.GetValue())
		}
		slices.Sort(have)
		if strings.Join(have, " ") != labels {
			continue
		}
		switch family.GetType() {
		case dto.MetricType_COUNTER:
			return m.GetCounter().GetValue(), true
		case dto.MetricType_GAUGE:
			return m.GetGauge().GetValue(), true
		case dto.MetricType_HISTOGRAM:
			return float64(m.GetHistogram().GetSampleCount()), true
		}
	}
	return 0, false
}

var metricRow = regexp.MustCompile("(?m)^\\| `(odsd_[a-z_]+)`")

// documentedMetrics are the names in the table of docs/operations.md, in order.
func documentedMetrics(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(operationsFile)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, row := range metricRow.FindAllSubmatch(text, -1) {
		names = append(names, string(row[1]))
	}
	slices.Sort(names)
	return names
}
