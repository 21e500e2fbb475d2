package enginetest

import (
	"slices"

	"go.yaml.in/yaml/v3"
)

// Shrink makes a failing case as small as it can while it goes on failing:
// steps, transactions, changes, cells, and entries of the views' YAML are taken
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

// shrinkViews drops views, then entries of their YAML at any depth.
func shrinkViews(c **Case, try func(*Case) bool) {
	withViews := func(v []string) *Case {
		return &Case{Schemas: (*c).Schemas, Views: v, Steps: (*c).Steps}
	}
	drop(func() int { return len((*c).Views) }, func(at, n int) bool {
		return try(withViews(without((*c).Views, at, n)))
	})
	for i := range (*c).Views {
		for at := 0; ; {
			text, more := withoutEntry((*c).Views[i], at)
			if !more {
				break
			}
			views := slices.Clone((*c).Views)
			views[i] = text
			if !try(withViews(views)) {
				at++
			}
		}
	}
}

// withoutEntry prints a YAML text without its at-th entry of a mapping or list,
// counted from the outside in; more is false where there are not so many.
func withoutEntry(text string, at int) (shorter string, more bool) {
	var document yaml.Node
	if err := yaml.Unmarshal([]byte(text), &document); err != nil {
		return "", false
	}
	level := []*yaml.Node{&document}
	for len(level) > 0 {
		var next []*yaml.Node
		for _, n := range level {
			width := 1
			if n.Kind == yaml.MappingNode {
				width = 2
			}
			entries := len(n.Content) / width
			if n.Kind == yaml.DocumentNode {
				entries = 0
			}
			if at < entries {
				n.Content = without(n.Content, at*width, width)
				out, err := yaml.Marshal(&document)
				return string(out), err == nil
			}
			at -= entries
			next = append(next, n.Content...)
		}
		level = next
	}
	return "", false
}
