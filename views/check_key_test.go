package views

import (
	"strings"
	"testing"

	"odsd/storage/relation"
)

// A key that may be null, which that of groups may, is no index's: it stays in
// its order.
func TestKeyOfGroupsKeepsItsOrder(t *testing.T) {
	schemas := map[string]*relation.Schema{"a.t": {
		Name: "a.t", Key: []int{0},
		Columns: []relation.Column{
			{Name: "id", Type: relation.TypeOf(relation.Int4), NotNull: true},
			{Name: "x", Type: relation.TypeOf(relation.Int4)},
			{Name: "y", Type: relation.TypeOf(relation.Int4)},
		},
	}}
	groups := "version: 1\nview: sums\nfrom: a.t\ngroup_by: {x: , y: }\nmeasures: {n: {count: \"*\"}}\n"
	for key, refused := range map[string]bool{"": false, "key: [x, y]\n": false, "key: [y, x]\n": true} {
		below, found := Parse("sums.yaml", []byte(groups))
		above, more := Parse("above.yaml", []byte("version: 1\nview: above\nfrom: sums\n"+key+"fields: [x, y, n]\n"))
		_, checked := CheckAll([]*Definition{below, above}, schemas)
		var messages []string
		for _, d := range append(append(found, more...), checked...) {
			if d.Severity == "error" {
				messages = append(messages, d.Message)
			}
		}
		if got := strings.Join(messages, "; "); strings.Contains(got, "keeps its order") != refused || refused != (got != "") {
			t.Errorf("%q: %q", key, got)
		}
	}
}
