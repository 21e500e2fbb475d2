package main

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"odsd/project"
	"odsd/query"
)

// TestLimitsOfTheProjectAreThoseOfRequests: what odsd.yaml says bounds the requests to a
// daemon, and a query that odsd explain reads.
func TestLimitsOfTheProjectAreThoseOfRequests(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "odsd.yaml"), []byte("version: 1\nlimits: {query_timeout: 3s, max_depth: 1, max_body: 1KiB}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	store, err := openStore(filepath.Join(dir, "data"), log)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	p, found := project.Load(dir, os.LookupEnv)
	d := &running{dir: dir, env: os.LookupEnv, store: store, scratch: t.TempDir(), log: log, project: p}
	if err := d.assemble(t.Context(), found); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		query  string
		status int
		want   string
	}{
		{"{ __typename }", http.StatusOK, `"data":{"__typename":"Query"}`},
		{"{ _freshness { source } }", http.StatusBadRequest, "fields are nested deeper than 1"},
		{"{ __typename " + strings.Repeat(" ", 1<<10) + "}", http.StatusRequestEntityTooLarge, "larger than 1024 bytes"},
	} {
		r := httptest.NewRequest(http.MethodPost, "http://localhost/graphql", strings.NewReader(`{"query":"`+c.query+`"}`))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Accept", "application/graphql-response+json")
		w := httptest.NewRecorder()
		d.server.Handler().ServeHTTP(w, r)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.want) {
			t.Errorf("%.40s: want %d %s, got %d %s", c.query, c.status, c.want, w.Code, w.Body)
		}
	}
	file := filepath.Join(dir, "deep.graphql")
	if err := os.WriteFile(file, []byte("{ _freshness { source } }"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := (&cli{dir: dir}).explainQuery(file); err == nil || !strings.Contains(err.Error(), "nested deeper than 1") {
		t.Errorf("odsd explain of a query beyond the limits: %v", err)
	}
}

func TestLimitsThatAreNotSaidAreTheDefaults(t *testing.T) {
	if got := requestLimits(project.Limits{QueryTimeout: time.Second, MaxBody: 1024}); got != query.DefaultLimits() {
		t.Errorf("got %+v", got)
	}
	want := query.DefaultLimits()
	want.Depth, want.Nesting, want.Nodes, want.Scan = 20, want.Nesting+8, 30, 40
	if got := requestLimits(project.Limits{MaxDepth: 20, MaxNodes: 30, MaxScan: 40}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
