package enginetest

import (
	"context"
	"testing"

	"odsd/storage/relation"
)

// A source that lost a change is mended by copying it anew, and its views with
// it; what the other sources stored stays.
func TestResyncMendsALostChange(t *testing.T) {
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
	lost := []relation.Value{int4(3), int4(1), relation.OfText("rare"), int4(99)}
	if err := w.Database.Set("shop.items", lost); err != nil { // the stream never tells
		t.Fatal(err)
	}
	if err := w.CheckReference(); err == nil {
		t.Fatal("a lost change is not noticed")
	}
	if err := w.Engine.Resync("shop"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		reading, err := w.Engine.Read()
		if err != nil {
			t.Fatal(err)
		}
		whole := len(reading.Views) == len(w.Views)
		if err := reading.Close(); err != nil {
			t.Fatal(err)
		}
		if whole && w.CheckReference() == nil {
			break
		}
		release, err := w.Engine.Hold(ctx) // a turn of the writer
		if err != nil {
			t.Fatalf("waiting for the copy: %v; %v", err, w.CheckReference())
		}
		release()
	}
	change := hotChanges[1].change(10)
	if err := w.Commit(Step{change}); err != nil {
		t.Fatal(err)
	}
	if err := w.Check(); err != nil {
		t.Fatal(err)
	}
	if err := w.Engine.Resync("nobody"); err == nil {
		t.Error("an unknown source can be copied anew")
	}
}
