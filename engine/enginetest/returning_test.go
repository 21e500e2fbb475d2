package enginetest

import (
	"testing"

	"odsd/storage"
)

const returningCase = `
relation a.t1
  id integer not null
  i1 integer
  key id
view
  version: 1
  view: below
  from: a.t1
  fields: [id, i1]
view
  version: 1
  view: above
  from: a.t1
  fields:
    id:
    l1:
      many: below
      join: below.i1 == t1.id
      fields: [id]
step
  begin a
    insert a.t1 id=1 i1=1
    insert a.t1 id=2 i1=1
step
  begin a
    update a.t1 id=2 set i1=3
    insert a.t1 id=3 i1=1
`

// A view is taken out of the project and put back. What changed meanwhile in the
// view that it stands on is found, although nobody needed that view's index.
func TestViewThatReturnsFindsWhatChangedBelowIt(t *testing.T) {
	c, w := newReturning(t)
	checked := w.Views
	defer func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	}()
	for i, step := range c.Steps {
		if err := w.Commit(step); err != nil {
			t.Fatal(err)
		}
		w.Views = checked[:1]
		if i == 1 {
			w.Views = checked
		}
		if err := w.Restart(); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Check(); err != nil {
		t.Error(err)
	}
}

// newReturning makes the world of returningCase, before its first step.
func newReturning(t *testing.T) (*Case, *World) {
	t.Helper()
	c, err := ParseCase(returningCase)
	if err != nil {
		t.Fatal(err)
	}
	checked, err := CheckViews(c.Schemas, c.Views)
	if err != nil {
		t.Fatal(err)
	}
	w, err := NewWorld(c.Schemas, checked, NewDatabase(c.Schemas))
	if err != nil {
		t.Fatal(err)
	}
	return c, w
}

// playedReturning plays returningCase to its end, and opens the store that its engine left.
func playedReturning(t *testing.T) (*World, *storage.Store) {
	t.Helper()
	c, w := newReturning(t)
	for _, step := range c.Steps {
		if err := w.Commit(step); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	store, err := storage.Open("store", storage.Options{FS: w.fs})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return w, store
}
