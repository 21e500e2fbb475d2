package reference_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"odsd/engine/enginetest"
	"odsd/engine/reference"
	"odsd/views"
)

// TestMeaning plays the scripts under testdata/meaning, one for each chapter of
// what views mean. A script defines relations and views and then changes rows:
//
//	case    relations, views and steps as in enginetest.Case; shows every document
//	step    one more step; shows every document
func TestMeaning(t *testing.T) {
	datadriven.Walk(t, "testdata/meaning", func(t *testing.T, path string) {
		var c *enginetest.Case
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			t.Helper()
			text := d.Input
			if d.Cmd == "step" {
				text = c.String() + "step\n" + indent(d.Input)
			}
			var err error
			if c, err = enginetest.ParseCase(text); err != nil {
				d.Fatalf(t, "%v", err)
			}
			return documents(t, d, c)
		})
	})
}

func indent(text string) string { return "  " + strings.ReplaceAll(text, "\n", "\n  ") + "\n" }

// documents plays the case and prints what its views show at the end.
func documents(t *testing.T, d *datadriven.TestData, c *enginetest.Case) string {
	t.Helper()
	checked, err := enginetest.CheckViews(c.Schemas, c.Views)
	if err != nil {
		d.Fatalf(t, "%v", err)
	}
	state := enginetest.NewDatabase(c.Schemas)
	for _, step := range c.Steps {
		for _, transaction := range step {
			if _, err := state.Apply(transaction); err != nil {
				d.Fatalf(t, "%v", err)
			}
		}
	}
	all, err := reference.EvaluateAll(t.Context(), checked, state)
	if err != nil {
		d.Fatalf(t, "%v", err)
	}
	var b strings.Builder
	for _, v := range checked {
		onView := slices.ContainsFunc(v.Occurrences, func(o *views.Occurrence) bool { return all[o.Schema.Name] != nil })
		for _, document := range all[v.Name] {
			b.WriteString(document.String() + "\n")
			if !onView {
				checkByKey(t, v.Name, reference.New(v), state, document)
			}
		}
	}
	return b.String()
}

// checkByKey: asked for by its key, a document is the same.
func checkByKey(t *testing.T, view string, e *reference.Evaluator, rows reference.Rows, document *reference.Document) {
	t.Helper()
	alone, err := e.Document(rows, document.Key)
	if err != nil {
		t.Fatal(err)
	}
	if found := reference.Compare(alone, document); len(found) > 0 {
		t.Errorf("view %s: by its key the document differs: %v", view, found)
	}
}
