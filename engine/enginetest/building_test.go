package enginetest

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"odsd/engine"
	"odsd/storage/relation"
)

// While a view is built, chunk by chunk, the sources go on committing and the
// daemon is restarted: in the end the view is what it would have been without.
func TestChangesDuringABuild(t *testing.T) {
	schemas := hotSchemas()
	checked, err := CheckViews(schemas, []string{hotView})
	if err != nil {
		t.Fatal(err)
	}
	const customers, orders = 1500, 3000
	database := hotDatabase(t, schemas, orders)
	for id := 2; id <= customers; id++ {
		if err := database.Set("crm.customers", []relation.Value{int4(id), relation.OfText(fmt.Sprint("Customer ", id))}); err != nil {
			t.Fatal(err)
		}
	}
	w := &World{building: true, chunk: 1}
	if err := w.begin(schemas, checked, database); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	}()
	random := rand.New(rand.NewPCG(1, 2))
	unbuilt := 0
	for i := range 300 {
		if err := w.Commit(Step{anyChange(random, customers, orders)}); err != nil {
			t.Fatal(err)
		}
		if w.Engine.Status().Views[0].State == engine.ViewBuilding {
			unbuilt++
		}
		if i%50 == 20 {
			if err := w.Restart(); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Logf("%d of 300 commits came while the view was being built", unbuilt)
	if unbuilt == 0 {
		t.Error("no commit came during the build: the test shows nothing")
	}
	w.building = false
	if err := w.settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := w.Check(); err != nil {
		t.Fatal(err)
	}
}

// anyChange moves, renames, deletes or inserts something anywhere in the range of keys.
func anyChange(r *rand.Rand, customers, orders int) Transaction {
	customer, order := int4(1+r.IntN(customers)), int4(1+r.IntN(orders))
	switch r.IntN(6) {
	case 0:
		return updated("crm", "crm.customers", []relation.Value{customer}, Cell{1, relation.OfText("Renamed")})
	case 1:
		return Transaction{Source: "crm", Changes: []Change{{Operation: engine.Delete, Relation: "crm.customers", Key: []relation.Value{customer}}}}
	case 2:
		return inserted("crm", "crm.customers", Cell{0, int4(customers + r.IntN(customers))}, Cell{1, relation.OfText("New")})
	case 3:
		return updated("shop", "shop.items", []relation.Value{order, int4(1)}, Cell{3, int4(r.IntN(9))})
	case 4:
		return Transaction{Source: "shop", Changes: []Change{{Operation: engine.Delete, Relation: "shop.orders", Key: []relation.Value{order}}}}
	}
	return updated("shop", "shop.orders", []relation.Value{order}, Cell{1, customer})
}
