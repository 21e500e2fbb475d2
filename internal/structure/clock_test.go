package structure

import (
	"go/ast"
	"slices"
	"testing"
)

// clockUses are the files that may ask what time it is, each with what for. Durations come
// of two readings of one process, which Go takes from the monotonic clock, so that a clock that is
// set changes none of them; no other use is one that what is stored depends on.
var clockUses = map[string]string{
	"engine/engine.go":            "lag, and how long a commit took: Options.Now",
	"engine/building.go":          "how long a chunk took, which the next one's size follows",
	"engine/maintaining.go":       "how long a view's upkeep took, for metrics",
	"engine/postgres/feedback.go": "when the server was asked for a sign; the client's time in standby statuses, which the server shows and does not use",
	"engine/postgres/connect.go":  "deadlines of reads",
	"engine/postgres/witness.go":  "how long the server was silent, and when it is told again that it is heard",
	"query/server/graphql.go":     "how long a request took",
	"cmd/odsd/metrics.go":         "for how long sources have waited for a large commit",
	"cmd/odsd/progress.go":        "when progress was told last",
	"cmd/odsd/backupstream.go":    "when progress was told last",
	"cmd/odsd/backupmaking.go":    "when a backup was made, in its manifest and in the names of held slots",
	"cmd/odsd/test.go":            "how long the tests took",
}

// TestWhoAsksTheClock: no clock reaches the store, and none that may jump decides anything.
func TestWhoAsksTheClock(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range sources(t) {
		if s.test || hasAnyPrefix(s.file, []string{"internal/", "bench/", "clients/"}) {
			continue // what is no part of the daemon
		}
		ast.Inspect(s.syntax, func(n ast.Node) bool {
			selector, ok := n.(*ast.SelectorExpr)
			if !ok || !slices.Contains([]string{"Now", "Since", "Until"}, selector.Sel.Name) {
				return true
			}
			if p, ok := selector.X.(*ast.Ident); ok && p.Name == "time" {
				seen[s.file] = true
			}
			return true
		})
	}
	for file := range seen {
		if clockUses[file] == "" {
			t.Errorf("%s asks the clock, and clockUses does not say what for", file)
		}
	}
	for file := range clockUses {
		if !seen[file] {
			t.Errorf("%s asks no clock any more: take it off the list", file)
		}
	}
}
