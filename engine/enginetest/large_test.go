package enginetest

import (
	"runtime"
	"testing"

	"odsd/engine"
	"odsd/storage/relation"
)

const fannedView = `version: 1
view: order_name
from: shop.orders
fields:
  id:
  customer:
    one: crm.customers
    join: customers.id == orders.customer_id
    fields: [name]
`

// An engine that ends while a view is worked off in parts, or a commit in slices, leaves
// everything as it was before: the view too, which is not built anew.
func TestEndedInTheMiddleOfALargeCommit(t *testing.T) {
	renamed := Change{Operation: engine.Update, Relation: "crm.customers", Key: []relation.Value{int4(1)},
		Set: []Cell{{Column: 1, Value: relation.OfText("Renamed")}}}
	for name, world := range map[string]*World{"in parts": {part: 1}, "in slices": {slice: 1}} {
		t.Run(name, func(t *testing.T) {
			schemas := hotSchemas()
			checked, err := CheckViews(schemas, []string{fannedView})
			if err != nil {
				t.Fatal(err)
			}
			const orders = 500
			if err := world.begin(schemas, checked, hotDatabase(t, schemas, orders)); err != nil {
				t.Fatal(err)
			}
			generation := world.Engine.Status().Views[0].Generation
			changes := []Change{renamed}
			if world.slice > 0 {
				for id := range orders {
					changes = append(changes, Change{Operation: engine.Update, Relation: "shop.orders", Key: []relation.Value{int4(id + 1)},
						Set: []Cell{{Column: 2, Value: relation.OfInt(relation.Int8, -1)}}})
				}
			}
			world.unattended = true
			if err := world.tell(Transaction{Source: "crm", Changes: changes[:1]}); err != nil {
				t.Fatal(err)
			}
			if len(changes) > 1 {
				if err := world.tell(Transaction{Source: "shop", Changes: changes[1:]}); err != nil {
					t.Fatal(err)
				}
			}
			for world.Engine.Status().LargeCommit == nil {
				runtime.Gosched()
			}
			if err := world.Close(); err != nil {
				t.Fatal(err)
			}
			world.unattended, world.part, world.slice = false, 0, 0
			if err := world.start(); err != nil {
				t.Fatal(err)
			}
			defer world.Close()
			if err := world.CheckReference(); err != nil {
				t.Error(err)
			}
			if now := world.Engine.Status().Views[0].Generation; now != generation {
				t.Errorf("the view was built anew: generation %d, was %d", now, generation)
			}
		})
	}
}
