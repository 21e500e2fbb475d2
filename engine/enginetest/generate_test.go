package enginetest_test

import (
	"fmt"
	"strings"
	"testing"

	"odsd/engine"
	"odsd/engine/enginetest"
	"odsd/views"
)

func TestGeneratedCasesAreReadBackFromTheirText(t *testing.T) {
	for seed := range uint64(200) {
		c := enginetest.Generate(seed, enginetest.Options{Views: 2, Failing: seed%2 == 0})
		text := c.String()
		back, err := enginetest.ParseCase(text)
		if err != nil {
			t.Fatalf("seed %d: %v in\n%s", seed, err, text)
		}
		if again := back.String(); again != text {
			t.Fatalf("seed %d: read back it is\n%s\nwas\n%s", seed, again, text)
		}
	}
}

func TestSameSeedSameCase(t *testing.T) {
	a := enginetest.Generate(7, enginetest.Options{})
	b := enginetest.Generate(7, enginetest.Options{})
	if a.String() != b.String() {
		t.Error("a seed gave two different cases")
	}
}

// TestGeneratedCasesReachEverything: each feature that a view or a transaction can
// have turns up among few cases.
func TestGeneratedCasesReachEverything(t *testing.T) {
	var all strings.Builder
	for seed := range uint64(60) {
		c := enginetest.Generate(seed, enginetest.Options{Views: 3})
		if _, err := enginetest.CheckViews(c.Schemas, c.Views); err != nil {
			t.Errorf("seed %d: %v\n%s", seed, err, strings.Join(c.Views, "---\n"))
		}
		all.WriteString(c.String())
	}
	for _, wanted := range []string{
		"one: ", "many: ", "required: true", "hidden: true", "limit: ", "order_by: ['o", " desc", "where: ",
		"{count: ", "{sum: ", "{min: ", "{max: ", "{avg: ", "{first: ", "{last: ", "{collect: ", ", distinct: true", "len(g", "len(m", "default: ", " and l", "key: u", "as: o",
		"group_by:", "bucket: ", "count_distinct: ", `count: "*"`, "{expr: ", "having: ", "indexes: ",
		"union:", "conflict: first", "const: ", "rename: ", "from: view_2", "many: view_1", "one: view_1",
		"insert ", "update ", "delete ", "truncate ", "set id=", "=null", "NaN", "Infinity", `k="spare"`, "id=99",
	} {
		if !strings.Contains(all.String(), wanted) {
			t.Errorf("no case has %q", wanted)
		}
	}
}

// TestGeneratedCasesAggregateEverywhere: every aggregate over lists at any depth
// and, as a measure, over the rows of groups; orders by rows of several levels.
func TestGeneratedCasesAggregateEverywhere(t *testing.T) {
	found := map[string]int{}
	for seed := range uint64(200) {
		c := enginetest.Generate(seed, enginetest.Options{Views: 2})
		checked, err := enginetest.CheckViews(c.Schemas, c.Views)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		for _, v := range checked {
			for _, n := range v.Nodes {
				for _, f := range n.Scalars {
					if f.Aggregate != nil {
						countAggregate(found, f.Aggregate)
					}
				}
			}
		}
	}
	for _, f := range []views.AggregateFunc{views.Count, views.CountDistinct, views.Sum, views.Avg, views.Min, views.Max, views.First, views.Last, views.Collect} {
		for depth := range 3 {
			if kind := fmt.Sprintf("%s at depth %d", f, depth); found[kind] < 3 {
				t.Errorf("%d cases of %s", found[kind], kind)
			}
		}
	}
	for _, wanted := range []string{"collect, limited", "collect, distinct", "order by 2 nodes"} {
		if found[wanted] < 10 {
			t.Errorf("%d cases of %s", found[wanted], wanted)
		}
	}
	t.Log(found)
}

func countAggregate(found map[string]int, a *views.Aggregate) {
	found[fmt.Sprintf("%s at depth %d", a.Func, len(a.Path))]++ // 0: of a group
	if a.Limit > 0 {
		found["collect, limited"]++
	}
	if a.Distinct {
		found["collect, distinct"]++
	}
	nodes := map[int]bool{}
	for _, term := range a.Order {
		nodes[term.Node] = true
	}
	if len(nodes) > 1 {
		found[fmt.Sprintf("order by %d nodes", len(nodes))]++
	}
}

// TestShrinkKeepsWhatMatters: a failure that needs one field of the view and
// one change is reduced to these.
func TestShrinkKeepsWhatMatters(t *testing.T) {
	fails := func(c *enginetest.Case) bool {
		if _, err := enginetest.CheckViews(c.Schemas, c.Views); err != nil || len(c.Views) == 0 {
			return false
		}
		return strings.Contains(c.Views[0], "\n    many:") && deletes(c) > 0 // a list of the root
	}
	c := enginetest.Generate(1, enginetest.Options{})
	for seed := uint64(2); !fails(c); seed++ {
		if seed > 100 {
			t.Fatal("no generated case has a list and a deletion")
		}
		c = enginetest.Generate(seed, enginetest.Options{})
	}
	before := c.String()
	small := enginetest.Shrink(c, fails)
	if c.String() != before {
		t.Error("Shrink changed the case that it was given")
	}
	if !fails(small) {
		t.Fatal("the shrunk case does not fail")
	}
	changes := 0
	for _, step := range small.Steps {
		for _, transaction := range step {
			changes += len(transaction.Changes)
		}
	}
	if lines := strings.Count(small.Views[0], "\n"); changes != 1 || lines > 10 {
		t.Errorf("shrunk to %d changes and %d lines of YAML:\n%s", changes, lines, small)
	}
}

func deletes(c *enginetest.Case) int {
	n := 0
	for _, step := range c.Steps {
		for _, transaction := range step {
			for _, change := range transaction.Changes {
				if change.Operation == engine.Delete {
					n++
				}
			}
		}
	}
	return n
}
