package enginetest

import (
	"testing"

	"odsd/engine"
	"odsd/storage/relation"
)

// What a build writes is estimated in rows and in bytes, also from rows that the
// store has in memory only.
func TestABuildIsEstimated(t *testing.T) {
	schemas := hotSchemas()
	checked, err := CheckViews(schemas, []string{hotView})
	if err != nil {
		t.Fatal(err)
	}
	w := &World{}
	if err := w.begin(schemas, nil, hotDatabase(t, schemas, 3000)); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	}()
	changes, err := w.Engine.Compare(t.Context(), engine.Definitions{Views: checked})
	if err != nil || len(changes) != 1 {
		t.Fatal(changes, err)
	}
	change := changes[0]
	if change.Action != engine.Build || change.Rows < 3000 {
		t.Errorf("%+v: a view over 3000 orders is built", change)
	}
	if each := change.Bytes / change.Rows; each < 8 || each > 200 {
		t.Errorf("%d bytes for %d rows: %d each", change.Bytes, change.Rows, each)
	}
	if err := w.Commit(Step{Transaction{Source: "shop", Changes: []Change{{Operation: engine.Truncate, Relation: "shop.orders"}, {Operation: engine.Truncate, Relation: "shop.items"}}}}); err != nil {
		t.Fatal(err)
	}
	if err := w.Commit(Step{inserted("shop", "shop.orders", Cell{0, int4(1)}, Cell{1, relation.OfNull()})}); err != nil {
		t.Fatal(err)
	}
	if changes, err = w.Engine.Compare(t.Context(), engine.Definitions{Views: checked}); err != nil || changes[0].Rows >= change.Rows {
		t.Errorf("%v %v: after most rows are gone", changes, err)
	}
}
