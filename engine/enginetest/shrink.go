package enginetest

import "slices"

// Shrink makes a failing case as small as it can while it goes on failing:
// steps, transactions, changes, cells, and parts of the views' YAML are taken
// away, the largest parts first, until nothing more can be. fails must not
// change the case that it is given, and is false for one that cannot be played,
// such as a view that is no longer valid.
func Shrink(c *Case, fails func(*Case) bool) *Case {
	for {
		smaller := shrinkOnce(c, fails)
		if smaller == nil {
			return c
		}
		c = smaller
	}
}

// shrinkOnce goes over all parts once; nil when none could be taken away.
func shrinkOnce(c *Case, fails func(*Case) bool) *Case {
	var smaller *Case
	try := func(candidate *Case) bool {
		if !fails(candidate) {
			return false
		}
		c, smaller = candidate, candidate
		return true
	}
	shrinkViews(&c, try)
	shrinkSteps(&c, try)
	shrinkSchemas(&c, try)
	return smaller
}

// without gives list without the n elements from at.
func without[T any](list []T, at, n int) []T {
	return slices.Delete(slices.Clone(list), at, min(at+n, len(list)))
}

// drop takes elements away, first half of them at once, at last one by one.
// length tells how many there are now, take tries to remove n from at.
func drop(length func() int, take func(at, n int) bool) {
	for n := max(length()/2, 1); n > 0; n /= 2 {
		for at := 0; at < length(); {
			if !take(at, n) {
				at += n
			}
		}
	}
}

func shrinkSteps(c **Case, try func(*Case) bool) {
	withSteps := func(steps []Step) *Case {
		return &Case{Schemas: (*c).Schemas, Views: (*c).Views, Steps: steps}
	}
	drop(func() int { return len((*c).Steps) }, func(at, n int) bool {
		return try(withSteps(without((*c).Steps, at, n)))
	})
	for s := range (*c).Steps {
		withStep := func(step Step) *Case {
			steps := slices.Clone((*c).Steps)
			steps[s] = step
			return withSteps(steps)
		}
		drop(func() int { return len((*c).Steps[s]) }, func(at, n int) bool {
			return try(withStep(without((*c).Steps[s], at, n)))
		})
		for t := range (*c).Steps[s] {
			shrinkChanges(func() []Change { return (*c).Steps[s][t].Changes }, func(changes []Change) bool {
				step := slices.Clone((*c).Steps[s])
				step[t].Changes = changes
				return try(withStep(step))
			})
		}
	}
}

func shrinkChanges(changes func() []Change, try func([]Change) bool) {
	drop(func() int { return len(changes()) }, func(at, n int) bool {
		return try(without(changes(), at, n))
	})
	for i := range changes() {
		drop(func() int { return len(changes()[i].Set) }, func(at, n int) bool {
			next := slices.Clone(changes())
			next[i].Set = without(next[i].Set, at, n)
			return try(next)
		})
	}
}

// shrinkSchemas drops relations and, of those that stay, columns that nobody
// needs are left alone: they cost nothing.
func shrinkSchemas(c **Case, try func(*Case) bool) {
	drop(func() int { return len((*c).Schemas) }, func(at, n int) bool {
		schemas := without((*c).Schemas, at, n)
		known := make(map[string]bool)
		for _, s := range schemas {
			known[s.Name] = true
		}
		for _, step := range (*c).Steps {
			for _, t := range step {
				for _, change := range t.Changes {
					if !known[change.Relation] {
						return false
					}
				}
			}
		}
		return try(&Case{Schemas: schemas, Views: (*c).Views, Steps: (*c).Steps})
	})
}
