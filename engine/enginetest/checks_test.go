package enginetest

import (
	"fmt"
	"reflect"
	"testing"

	"odsd/engine"
	"odsd/storage/relation"
)

const checkedView = `version: 1
view: person
from: crm.customers
fields:
  id:
  name:
  orders: {many: shop.orders, join: orders.customer_id == customers.id, fields: [id, total]}
  spent: {sum: orders.total}
checks:
  - {not_null: name}
  - {accepted_values: {name: [Ada, Bob]}, severity: warn}
  - {name: pays, expression: spent > 1}
`

// Checks are counted by the commit that changes what they say, after a restart
// as before it, and by a rebuild; and each names the documents that fail.
func TestChecksAreCountedWithTheCommit(t *testing.T) {
	schemas := hotSchemas()
	w := checkedWorld(t, schemas, checkedView, NewDatabase(schemas))
	defer w.Close()
	customer := func(id int, name string) Transaction {
		cells := []Cell{{0, int4(id)}}
		if name != "" {
			cells = append(cells, Cell{1, relation.OfText(name)})
		}
		return inserted("crm", "crm.customers", cells...)
	}
	order := func(id, of int, cents int64) Transaction {
		return inserted("shop", "shop.orders", Cell{0, int4(id)}, Cell{1, int4(of)}, Cell{3, relation.OfDecimal(cents, 2)})
	}
	for _, step := range []struct {
		step Step
		want string // failing not_null_name, accepted_values_name, pays
	}{
		{Step{customer(1, "Ada"), customer(2, ""), customer(3, "Eve")}, "[2] [3] [1 2 3]"},
		{Step{order(1, 1, 200), order(2, 2, 50)}, "[2] [3] [2 3]"},
		{Step{updated("crm", "crm.customers", []relation.Value{int4(2)}, Cell{1, relation.OfText("Mallory")})}, "[] [2 3] [2 3]"},
		{Step{updated("shop", "shop.orders", []relation.Value{int4(1)}, Cell{1, int4(3)})}, "[] [2 3] [1 2]"},
		{Step{updated("crm", "crm.customers", []relation.Value{int4(3)}, Cell{0, int4(4)})}, "[] [2 4] [1 2 4]"},
		{Step{{Source: "crm", Changes: []Change{{Operation: engine.Delete, Relation: "crm.customers", Key: []relation.Value{int4(2)}}}}}, "[] [4] [1 4]"},
		{Step{{Source: "crm", Changes: []Change{{Operation: engine.Truncate, Relation: "crm.customers"}}}}, "[] [] []"},
	} {
		if err := w.Commit(step.step); err != nil {
			t.Fatal(err)
		}
		if got := failing(t, w, 100); got != step.want {
			t.Errorf("failing %s, want %s", got, step.want)
		}
		if err := w.Restart(); err != nil {
			t.Fatal(err)
		}
		if got := failing(t, w, 100); got != step.want {
			t.Errorf("after a restart failing %s, want %s", got, step.want)
		}
		if err := w.Check(); err != nil {
			t.Error(err)
		}
	}
}

func checkedWorld(t *testing.T, schemas []*relation.Schema, view string, rows *Database) *World {
	t.Helper()
	checked, err := CheckViews(schemas, []string{view})
	if err != nil {
		t.Fatal(err)
	}
	w, err := NewWorld(schemas, checked, rows)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// failing shows which documents fail, and holds the counts of the status to it.
func failing(t *testing.T, w *World, limit int) string {
	t.Helper()
	reports, err := w.Engine.Failing("person", limit)
	if err != nil {
		t.Fatal(err)
	}
	text := ""
	for i, r := range reports {
		var ids []string
		for _, key := range r.Documents {
			ids = append(ids, *key["id"])
		}
		if i > 0 {
			text += " "
		}
		text += fmt.Sprint(ids)
		if status := w.Engine.Status().Views[0].Checks[i]; !reflect.DeepEqual(status, r.CheckReport) || status.Failing < int64(len(ids)) {
			t.Errorf("status says %+v, and the list is %+v", status, r)
		}
	}
	return text
}

// A document that begins or ceases to fail costs its own entry, among ten
// documents and among ten thousand.
func TestCostOfChecks(t *testing.T) {
	var costs []string
	for _, documents := range []int{10, 10_000} {
		schemas := hotSchemas()
		rows := NewDatabase(schemas)
		for id := 1; id <= documents; id++ {
			if err := rows.Set("crm.customers", []relation.Value{int4(id), relation.OfText("Eve")}); err != nil {
				t.Fatal(err)
			}
		}
		w := checkedWorld(t, schemas, checkedView, rows)
		if err := w.Commit(Step{updated("crm", "crm.customers", []relation.Value{int4(5)}, Cell{1, relation.OfNull()})}); err != nil {
			t.Fatal(err)
		}
		s := w.Last.Stats
		costs = append(costs, fmt.Sprintf("%d reads, %d seeks, %d writes", s.Gets+s.Nexts, s.Seeks, int(s.Sets+s.Deletes)-w.Last.Frontiers))
		// The row, the document, the counts, and an entry for each of two checks.
		if writes := int(s.Sets+s.Deletes) - w.Last.Frontiers; writes != 5 {
			t.Errorf("%d documents: %s; 5 writes are due", documents, costs[len(costs)-1])
		}
		if got := failing(t, w, 1); got != "[5] [1] [1]" {
			t.Errorf("%d documents: failing %s", documents, got)
		}
		w.Close()
	}
	if costs[0] != costs[1] {
		t.Errorf("a change costs %s among 10 documents and %s among 10,000", costs[0], costs[1])
	}
}
