package viewtest

import (
	"slices"
	"testing"

	"odsd/engine/reference"
	"odsd/project"
	"odsd/views"
)

func exampleTests(t *testing.T) ([]*views.View, []*project.ViewTest) {
	t.Helper()
	p, found := project.Load("../../examples", nil)
	checked, more := p.Check()
	tests, findings := p.CheckTests(checked)
	if found = append(append(found, more...), findings...); len(found) > 0 {
		t.Fatal(found)
	}
	if len(tests) == 0 {
		t.Fatal("no tests")
	}
	return checked, tests
}

// refund is a test of one document with steps.
func refund(t *testing.T, tests []*project.ViewTest) *project.ViewTest {
	t.Helper()
	i := slices.IndexFunc(tests, func(test *project.ViewTest) bool { return test.Name == "a refund leaves paid_total" })
	if i < 0 {
		t.Fatal("the test is gone")
	}
	return tests[i]
}

// The tests of the example project also change rows: they would not be worth
// much as examples otherwise.
func TestExamples(t *testing.T) {
	checked, tests := exampleTests(t)
	tested := map[string]bool{}
	for _, test := range tests {
		found, err := Run(t.Context(), checked, test)
		if err != nil || len(found) > 0 {
			t.Errorf("%s: %v, %+v", test.Name, err, found)
		}
		tested[test.View.Name] = tested[test.View.Name] || len(test.Steps) > 0
	}
	for _, v := range checked {
		if !tested[v.Name] {
			t.Errorf("no test changes rows of %s", v.Name)
		}
	}
}

// A disagreement of engine and naive evaluator is a difference of its own, in
// each way in which it shows, also where the test expects nothing of the cell.
func TestDisagreement(t *testing.T) {
	checked, tests := exampleTests(t)
	p := &play{test: refund(t, tests)}
	p.views = below(checked, p.test.View)
	p.schemas = relations(p.views, p.test)
	if err := p.evaluate(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.evaluated[1] = []*reference.Document{} // as if the evaluator knew of none
	for _, w := range ways() {
		if err := p.run(t.Context(), w); err != nil {
			t.Fatal(err)
		}
	}
	if len(p.found) != len(ways()) {
		t.Fatalf("%+v", p.found)
	}
	for i, w := range ways() {
		if d := p.found[i]; d.Step != 1 || d.Way != w.name || d.Path != "[1]" || d.Expected != reference.Absent {
			t.Errorf("%+v", d)
		}
	}
}

// An empty expectation is one: that there are no documents.
func TestNothingIsExpected(t *testing.T) {
	checked, tests := exampleTests(t)
	test := *refund(t, tests)
	test.Expect = &project.Expectation{}
	found, err := Run(t.Context(), checked, &test)
	if err != nil || len(found) != 1 || found[0].Path != "[1]" || found[0].Expected != reference.Absent {
		t.Errorf("%v, %+v", err, found)
	}
}
