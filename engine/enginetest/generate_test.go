package enginetest_test

import (
	"strings"
	"testing"

	"odsd/engine"
	"odsd/engine/enginetest"
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
		"{count: ", "{sum: ", "{min: ", "{max: ", "{avg: ", "default: ", " and l", "key: u", "as: o",
		"group_by:", "bucket: ", "count_distinct: ", `count: "*"`, "{expr: ", "having: ", "indexes: ",
		"union:", "conflict: first", "const: ", "rename: ", "from: view_2", "many: view_1", "one: view_1",
		"insert ", "update ", "delete ", "truncate ", "set id=", "=null", "NaN", "Infinity", `k="spare"`, "id=99",
	} {
		if !strings.Contains(all.String(), wanted) {
			t.Errorf("no case has %q", wanted)
		}
	}
}

// TestShrinkKeepsWhatMatters: a failure that needs one field of the view and
// one change is reduced to these.
func TestShrinkKeepsWhatMatters(t *testing.T) {
	fails := func(c *enginetest.Case) bool {
		if _, err := enginetest.CheckViews(c.Schemas, c.Views); err != nil || len(c.Views) == 0 {
			return false
		}
		return strings.Contains(c.Views[0], "many:") && deletes(c) > 0
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
