package enginetest

import (
	"context"
	"testing"

	"odsd/engine"
	"odsd/storage/relation"
)

// A stream that cannot be what the store was filled from halts its source, by
// name and with a way out; the views stay as they were, and the others go on.
func TestStreamThatDoesNotFitHaltsItsSource(t *testing.T) {
	for code, change := range map[string]engine.Change{
		"TAKEN_KEY": {Operation: engine.Insert, Relation: "shop.items", New: []relation.Value{int4(3), int4(1), relation.OfText("rare"), int4(99)}},
		"MISSING_ROW": {
			Operation: engine.Update, Relation: "shop.items",
			New: []relation.Value{int4(1000), int4(1), relation.OfText("rare"), int4(99)},
		},
	} {
		t.Run(code, func(t *testing.T) {
			schemas := hotSchemas()
			checked, err := CheckViews(schemas, []string{hotView})
			if err != nil {
				t.Fatal(err)
			}
			w, err := NewWorld(schemas, checked, hotDatabase(t, schemas, 10))
			if err != nil {
				t.Fatal(err)
			}
			defer w.Close()
			w.sources["shop"].Commit([]engine.Change{change})
			waitForHalt(t, w, "shop", code)
			if err := w.CheckReference(); err != nil {
				t.Error(err)
			}
			renamed := updated("crm", "crm.customers", []relation.Value{int4(1)}, Cell{1, relation.OfText("Other")})
			changes, err := w.Database.Apply(renamed)
			if err != nil {
				t.Fatal(err)
			}
			end := w.sources["crm"].Commit(changes)
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			if err := w.Engine.WaitFor(ctx, "crm", end); err != nil {
				t.Fatal(err)
			}
			if err := w.CheckReference(); err != nil {
				t.Error(err)
			}
		})
	}
}

func waitForHalt(t *testing.T, w *World, source, code string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		for _, s := range w.Engine.Status().Sources {
			if s.Name == source && s.Error != nil && s.Error.Code == code && s.State == engine.Halted {
				return
			}
		}
		release, err := w.Engine.Hold(ctx) // a turn of the writer
		if err != nil {
			t.Fatalf("%s is not halted: %+v", source, w.Engine.Status().Sources)
		}
		release()
	}
}
