package viewtest

import (
	"context"
	"fmt"
	"slices"
	"time"

	"odsd/engine/reference"
	"odsd/project"
	"odsd/storage/relation"
	"odsd/views"
)

// Difference is one cell that is not as it should be.
type Difference struct {
	// Step is 0 for the given rows, then counts the steps.
	Step int
	// Path of the cell; it begins with the document's key: [1].orders[0].total.
	Path string
	// Actual and Expected as people read them.
	Actual, Expected string
	// Way is set where not the test's expectation is missed but the engine and the
	// naive evaluator disagree: which way the rows came.
	Way string
}

// patience is how long one test may take before the engine counts as stuck.
const patience = time.Minute

// Run plays a test. all are the project's views, in the order in which they can
// be computed. An error is a fault of the machinery; what the test finds are differences.
func Run(ctx context.Context, all []*views.View, test *project.ViewTest) ([]Difference, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	p := &play{test: test, views: below(all, test.View)}
	p.schemas = relations(p.views, test)
	if err := p.evaluate(ctx); err != nil {
		return nil, err
	}
	for _, w := range ways() {
		if err := p.run(ctx, w); err != nil {
			return nil, fmt.Errorf("%s: %w", w.name, err)
		}
	}
	return p.found, nil
}

// play is one test on its way.
type play struct {
	test    *project.ViewTest
	views   []*views.View
	schemas []*relation.Schema
	// evaluated documents after the given rows and after each step.
	evaluated [][]*reference.Document
	found     []Difference
}

// phase is the given rows or a step.
type phase struct {
	changes []project.RowChange
	expect  *project.Expectation
}

func (p *play) phases() []phase {
	list := []phase{{p.test.Given, p.test.Expect}}
	for _, s := range p.test.Steps {
		list = append(list, phase{s.Changes, s.Expect})
	}
	return list
}

// evaluate computes the documents of every phase the naive way.
func (p *play) evaluate(ctx context.Context) error {
	rows := reference.NewMemory(p.schemas...)
	for _, phase := range p.phases() {
		if err := applyTo(rows, phase.changes); err != nil {
			return err
		}
		documents, err := reference.EvaluateAll(ctx, p.views, rows)
		if err != nil {
			return err
		}
		p.evaluated = append(p.evaluated, documents[p.test.View.Name])
	}
	return nil
}

// run plays the phases one way and compares after each.
func (p *play) run(ctx context.Context, w way) (err error) {
	var copied []project.RowChange
	if w.copies {
		copied = p.test.Given
	}
	d, err := startDatabases(p.schemas, p.views, copied)
	if err != nil {
		return err
	}
	defer func() {
		if closed := d.close(); err == nil {
			err = closed
		}
	}()
	if err := d.engine.Settle(ctx); err != nil {
		return err
	}
	for i, phase := range p.phases() {
		if given := i == 0; !given || !w.copies {
			if err := w.commit(ctx, d, phase.changes, given); err != nil {
				return err
			}
		}
		documents, err := d.engine.Documents(ctx, p.test.View.Name)
		if err != nil {
			return err
		}
		p.compare(i, phase.expect, documents, w)
	}
	return nil
}

func (p *play) compare(step int, expect *project.Expectation, documents []*reference.Document, w way) {
	for _, d := range reference.CompareAll(documents, p.evaluated[step]) {
		p.add(Difference{Step: step, Path: d.Path, Actual: d.Actual, Expected: d.Expected, Way: w.name})
	}
	if expect == nil {
		return
	}
	for _, d := range compareExpected(documents, expect) {
		d.Step = step
		p.add(d)
	}
}

// add keeps a difference; what all ways find is said once.
func (p *play) add(d Difference) {
	if !slices.Contains(p.found, d) {
		p.found = append(p.found, d)
	}
}

// below gives a view and those that it stands on, in the order in which they
// can be computed.
func below(all []*views.View, v *views.View) []*views.View {
	needed := map[string]bool{v.Name: true}
	var list []*views.View
	for _, candidate := range slices.Backward(all) {
		if !needed[candidate.Name] {
			continue
		}
		list = append(list, candidate)
		for _, o := range candidate.Occurrences {
			needed[o.Schema.Name] = true
		}
	}
	slices.Reverse(list)
	return list
}

// relations are the tables that the views read or that the test has rows of.
func relations(vs []*views.View, test *project.ViewTest) []*relation.Schema {
	seen := map[string]bool{}
	for _, v := range vs {
		seen[v.Name] = true // not a table
	}
	var list []*relation.Schema
	add := func(s *relation.Schema) {
		if !seen[s.Name] {
			seen[s.Name] = true
			list = append(list, s)
		}
	}
	for _, v := range vs {
		for _, o := range v.Occurrences {
			add(o.Schema)
		}
	}
	for _, c := range test.Given {
		add(c.Schema)
	}
	for _, s := range test.Steps {
		for _, c := range s.Changes {
			add(c.Schema)
		}
	}
	return list
}
