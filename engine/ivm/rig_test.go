package ivm_test

import (
	"testing"

	"odsd/engine/ivm"
	"odsd/storage"
	"odsd/storage/relation"
	"odsd/views"
)

// rig maintains views over a store in memory without an engine: what a benchmark
// times is the writing of base rows, the maintenance and the commit.
type rig struct {
	tb      testing.TB
	store   *storage.Store
	catalog ivm.Catalog
	views   []*ivm.View
	rows    map[string]map[int64][]relation.Value // by the key, one integer
}

func newRig(tb testing.TB, schemas []*relation.Schema, texts []string, fill func(*rig)) *rig {
	tb.Helper()
	store, err := storage.Open("store", storage.Options{FS: storage.MemoryFS()})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := store.Close(); err != nil {
			tb.Error(err)
		}
	})
	r := &rig{tb: tb, store: store, catalog: ivm.Catalog{Relations: map[string]*ivm.Relation{}}, rows: map[string]map[int64][]relation.Value{}}
	next := uint32(1)
	for _, s := range schemas {
		r.catalog.Relations[s.Name] = ivm.NewRelation(storage.RelationID(next), s)
		r.rows[s.Name] = map[int64][]relation.Value{}
		next++
	}
	plans := compile(tb, schemas, texts)
	for _, p := range plans {
		for _, a := range p.Arrangements {
			if base := r.catalog.Relations[a.Relation]; base != nil {
				base.Indexes = append(base.Indexes, ivm.NewIndex(storage.IndexID(next), a))
				next++
			}
		}
	}
	fill(r)
	for i, p := range plans {
		v, err := ivm.NewView(p, storage.GenerationID(next), &r.catalog)
		if err != nil {
			tb.Fatal(err)
		}
		next++
		r.views = append(r.views, v)
		if i+1 < len(plans) { // the next stands on it
			v.Feeds = true
			name := p.View.Name
			below := v.Relation(schemaOf(plans[i+1], name))
			for _, a := range plans[i+1].Arrangements {
				if a.Relation == name {
					below.Indexes = append(below.Indexes, ivm.NewIndex(storage.IndexID(next), a))
					next++
				}
			}
			r.catalog.Relations[name] = below
		}
		r.build(v)
	}
	return r
}

func compile(tb testing.TB, schemas []*relation.Schema, texts []string) []*views.Plan {
	tb.Helper()
	byName := map[string]*relation.Schema{}
	for _, s := range schemas {
		byName[s.Name] = s
	}
	var definitions []*views.Definition
	for _, text := range texts {
		d, found := views.Parse("view.yaml", []byte(text))
		if len(found) > 0 {
			tb.Fatal(found)
		}
		definitions = append(definitions, d)
	}
	checked, found := views.CheckAll(definitions, byName)
	for _, d := range found {
		if d.Severity == "error" {
			tb.Fatal(d)
		}
	}
	var plans []*views.Plan
	for _, v := range checked {
		p, err := views.Compile(v)
		if err != nil {
			tb.Fatal(err)
		}
		plans = append(plans, p)
	}
	return plans
}

func schemaOf(p *views.Plan, name string) *relation.Schema {
	for _, o := range p.View.Occurrences {
		if o.Schema.Name == name {
			return o.Schema
		}
	}
	return nil
}

func (r *rig) build(v *ivm.View) {
	r.tb.Helper()
	for cursor, begun := []byte(nil), false; cursor != nil || !begun; begun = true {
		c := r.store.Begin()
		result, next, err := v.Build(c, cursor, 1_000, ivm.Bounds{})
		if err != nil {
			r.tb.Fatal(err)
		}
		if below := r.catalog.Relations[v.Plan.View.Name]; below != nil {
			ivm.WriteIndexes(c, below, result.Roots)
		}
		if err := c.Apply(); err != nil {
			r.tb.Fatal(err)
		}
		cursor = next
	}
}

// change makes the row with its key what it is given; the row of that key alone
// where nothing is: it goes.
func (r *rig) change(name string, key int64, now []relation.Value) ivm.Change {
	c := ivm.Change{Relation: name, Old: r.rows[name][key], New: now}
	if now == nil {
		delete(r.rows[name], key)
	} else {
		r.rows[name][key] = now
	}
	return c
}

// put stores a row before there are views.
func (r *rig) put(name string, row ...relation.Value) {
	c := r.store.Begin()
	ivm.WriteBase(c, &r.catalog, []ivm.Change{r.change(name, row[0].Int(), row)})
	if err := c.Apply(); err != nil {
		r.tb.Fatal(err)
	}
}

// apply makes one commit of changes, as the engine does.
func (r *rig) apply(changes ...ivm.Change) {
	c := r.store.Begin()
	ivm.WriteBase(c, &r.catalog, changes)
	reads := ivm.NewReads(c, &r.catalog, changes)
	defer func() {
		if err := reads.Close(); err != nil {
			r.tb.Fatal(err)
		}
	}()
	for _, v := range r.views {
		result, err := v.Apply(c, reads, ivm.Input{Changes: changes}, nil, ivm.Bounds{})
		if err != nil {
			r.tb.Fatal(err)
		}
		if below := r.catalog.Relations[v.Plan.View.Name]; below != nil && len(result.Roots) > 0 {
			ivm.WriteIndexes(c, below, result.Roots)
			changes = append(changes, result.Roots...)
		}
	}
	if err := c.Apply(); err != nil {
		r.tb.Fatal(err)
	}
}
