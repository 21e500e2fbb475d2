package reference_test

import (
	"context"
	"errors"
	"testing"

	"odsd/engine/enginetest"
	"odsd/engine/reference"
	"odsd/storage/relation"
	"odsd/views"
)

// coded is a view whose key is a unique column that is not the relation's key.
func coded(t *testing.T) (*views.View, *reference.Memory) {
	t.Helper()
	c, err := enginetest.ParseCase(`relation a.t
  id integer not null
  code text not null
  key id
  unique code
view
  version: 1
  view: by_code
  from: a.t
  key: code
  where: id != 4
  fields: [code, id]
`)
	if err != nil {
		t.Fatal(err)
	}
	checked, err := enginetest.CheckViews(c.Schemas, c.Views)
	if err != nil {
		t.Fatal(err)
	}
	return checked[0], reference.NewMemory(c.Schemas...)
}

func insert(t *testing.T, m *reference.Memory, id int64, code string) {
	t.Helper()
	if err := m.Set("a.t", []relation.Value{relation.OfInt(relation.Int4, id), relation.OfText(code)}); err != nil {
		t.Fatal(err)
	}
}

// TestTwoRowsClaimOneKey: where a unique index is not kept, the row with the
// lowest relation key has the document, whether or not the condition lets it in.
func TestTwoRowsClaimOneKey(t *testing.T) {
	v, rows := coded(t)
	insert(t, rows, 3, "x")
	insert(t, rows, 2, "x")
	insert(t, rows, 4, "y")
	insert(t, rows, 5, "y")
	insert(t, rows, 6, "z")
	all, err := reference.Evaluate(t.Context(), v, rows)
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 2 || all[0].String() != `{code: "x", id: 2}` || all[1].String() != `{code: "z", id: 6}` {
		t.Errorf("documents are %v, want x of row 2 and z of row 6", all)
	}
	y, err := reference.New(v).Document(rows, []relation.Value{relation.OfText("y")})
	if y != nil || err != nil {
		t.Errorf("the document y is %v, %v; want none", y, err)
	}
}

func TestDocumentsStopWithTheContextAndTheVisitor(t *testing.T) {
	v, rows := coded(t)
	insert(t, rows, 1, "x")
	insert(t, rows, 2, "y")
	enough := errors.New("enough")
	seen := 0
	err := reference.New(v).Documents(t.Context(), rows, func(*reference.Document) error {
		seen++
		return enough
	})
	if !errors.Is(err, enough) || seen != 1 {
		t.Errorf("after %d documents: %v; want one and the visitor's error", seen, err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	err = reference.New(v).Documents(ended, rows, func(*reference.Document) error { return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("with an ended context: %v", err)
	}
}
