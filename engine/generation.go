package engine

import (
	"fmt"
	"maps"
	"slices"

	"odsd/engine/ivm"
	"odsd/storage"
	"odsd/views"
)

// viewState is one view by its name: what the project wants it to be, the
// generation that queries read, and the one that is built to replace it.
//
// The writer alone sets its fields, holding Engine.mu; it may read them without.
type viewState struct {
	name string
	// wanted is nil when the project has the view no more.
	wanted       *wantedView
	served, next *generation
	// waiting names the sources and views without which there can be no next generation.
	waiting []string
	// anew asks for another generation though the served one is what is wanted.
	anew bool
}

// wantedView is a definition of the project, compiled.
type wantedView struct {
	plan        *views.Plan
	fingerprint string
}

// generation is one filling of a view, by one plan, over one generation of each view
// that it stands on. Its rows and indexes are its own.
type generation struct {
	plan        *views.Plan
	fingerprint string
	record      *viewRecord
	view        *ivm.View
	// relation is its root rows as the views above read them; nil while there are none.
	relation *ivm.Relation
	total    int64 // rows to build from
	// fault is why it is maintained no longer: nothing is stored of it any more.
	fault error
}

// is says whether a generation is one of this definition over these inputs.
func (g *generation) is(wanted *wantedView, inputs map[string]storage.GenerationID) bool {
	return g.fingerprint == wanted.fingerprint && maps.Equal(g.record.Inputs, inputs)
}

// stands says whether a view's next generation is still what is wanted. One that failed is so
// for the very plan that it failed by alone: of the same definition checked anew, against other
// columns, another may come.
func (g *generation) stands(wanted *wantedView, inputs map[string]storage.GenerationID) bool {
	return g != nil && g.is(wanted, inputs) && (g.fault == nil || g.plan == wanted.plan)
}

// whole says whether a generation holds all that its definition says.
func (g *generation) whole() bool { return g != nil && g.fault == nil && g.record.Ready }

// begun says whether anything is stored of a generation: before that no change
// concerns it.
func (g *generation) begun() bool { return g.record.Ready || g.record.Cursor != nil }

// generations lists all that are stored, in an order in which inputs come first:
// a generation is numbered after those that it stands on.
func (w *writer) generations() []*generation {
	var all []*generation
	for _, v := range w.engine.views {
		for _, g := range []*generation{v.served, v.next} {
			if g != nil && g.fault == nil {
				all = append(all, g)
			}
		}
	}
	slices.SortFunc(all, func(a, b *generation) int { return int(a.record.Generation) - int(b.record.Generation) })
	return all
}

func (w *writer) generation(id storage.GenerationID) *generation {
	for _, g := range w.generations() {
		if g.record.Generation == id {
			return g
		}
	}
	return nil
}

// newest is the generation of a view that others are to be built on, which is one of
// the definition that they were checked against; nil when there is none yet.
func newest(v *viewState) *generation {
	switch {
	case v.next != nil && v.next.fault == nil:
		if v.next.whole() {
			return v.next
		}
	case len(v.waiting) > 0 || v.served == nil || v.wanted == nil:
	case v.served.fingerprint == v.wanted.fingerprint:
		return v.served
	}
	return nil
}

// targets are the generations that a view is to stand on. waiting names what is
// not there yet; failed is a view below that will not come.
func (w *writer) targets(plan *views.Plan) (inputs map[string]storage.GenerationID, waiting []string, failed string) {
	waiting = w.catalog.waitingSources(plan)
	for _, name := range viewsBelow(plan) {
		below := w.engine.viewNamed(name)
		if below == nil {
			return nil, nil, name
		}
		g := newest(below)
		switch {
		case g != nil:
			if inputs == nil {
				inputs = map[string]storage.GenerationID{}
			}
			inputs[name] = g.record.Generation
		case below.next != nil && below.next.fault != nil:
			return nil, nil, name
		default:
			waiting = append(waiting, name)
		}
	}
	return inputs, waiting, ""
}

// viewsBelow names the views that a plan reads.
func viewsBelow(plan *views.Plan) []string {
	var names []string
	for _, o := range plan.View.Occurrences {
		if isView(o.Schema.Name) && !slices.Contains(names, o.Schema.Name) {
			names = append(names, o.Schema.Name)
		}
	}
	return names
}

// begin makes an empty generation of a view, to be filled beside what is served.
func (w *writer) begin(v *viewState, inputs map[string]storage.GenerationID) error {
	w.refit(v)
	c := w.engine.store.Begin()
	defer c.Abandon()
	id, err := w.catalog.next(c)
	if err != nil {
		return err
	}
	g := &generation{plan: v.wanted.plan, fingerprint: v.wanted.fingerprint, record: &viewRecord{
		Generation: storage.GenerationID(id), Fingerprint: v.wanted.fingerprint, Inputs: inputs,
		File: v.wanted.plan.View.File, Definition: v.wanted.plan.View.Text, Anew: v.anew,
	}}
	if err := storage.SetMeta(c, nextPrefix+v.name, g.record); err != nil {
		return err
	}
	if err := c.Apply(); err != nil {
		return fmt.Errorf("begin view %s: %w", v.name, err)
	}
	w.setNext(v, g)
	w.engine.log.Info("building view", "view", v.name, "generation", id)
	return w.activate(g)
}

// activate binds a generation to what is stored of its relations. What stands in
// its way is its fault.
func (w *writer) activate(g *generation) error {
	if err := w.catalog.checkSchemas(g.plan); err != nil {
		return w.failGeneration(g, err)
	}
	relations, err := w.relationsOf(g)
	if err != nil {
		return w.failGeneration(g, err)
	}
	if err := w.declareIndexesOf(g, relations); err != nil {
		return err
	}
	view, err := ivm.NewView(g.plan, g.record.Generation, relations)
	if err != nil {
		return w.failGeneration(g, err)
	}
	total := w.rowsOf(g.plan.View.Occurrences[0].Schema.Name)
	w.engine.mu.Lock()
	defer w.engine.mu.Unlock()
	g.view, g.total = view, total
	return nil
}

// relationsOf are the relations that a generation reads: tables, and the root
// rows of the generations that it stands on.
func (w *writer) relationsOf(g *generation) (*ivm.Catalog, error) {
	relations := map[string]*ivm.Relation{}
	for _, o := range g.plan.View.Occurrences {
		name := o.Schema.Name
		if !isView(name) {
			relations[name] = w.catalog.stored.Relations[name]
			continue
		}
		below := w.generation(g.record.Inputs[name])
		if below == nil || below.view == nil {
			return nil, fmt.Errorf("it stands on view %s, which is not stored", name)
		}
		if below.relation == nil {
			below.relation = below.view.Relation(o.Schema)
			below.view.Feeds = true
			w.catalog.attachIndexes(below.relation, below.record.Generation)
		}
		relations[name] = below.relation
	}
	return &ivm.Catalog{Relations: relations}, nil
}

// rowsOf is how many rows a relation has.
func (w *writer) rowsOf(name string) int64 {
	if r := w.catalog.relations[name]; r != nil {
		return r.Rows
	}
	if v := w.engine.viewNamed(name); v != nil {
		if g := newest(v); g != nil {
			return g.record.Documents
		}
		if v.served != nil {
			return v.served.record.Documents
		}
	}
	return 0
}

func (w *writer) setNext(v *viewState, g *generation) {
	w.engine.mu.Lock()
	defer w.engine.mu.Unlock()
	v.next, v.anew = g, false
}

// deleteGeneration removes all that is stored of a generation but its record.
func (w *writer) deleteGeneration(c *storage.Commit, g *generation) {
	for _, r := range storage.GenerationRanges(g.record.Generation) {
		c.DeleteRange(r[0], r[1])
	}
	for id, x := range w.catalog.indexes {
		if x.Generation == g.record.Generation {
			w.dropIndex(c, id)
		}
	}
}

// dropNext gives up the generation that a view was to have.
func (w *writer) dropNext(v *viewState) error {
	g := v.next
	if g == nil {
		return nil
	}
	if g.fault == nil {
		c := w.engine.store.Begin()
		defer c.Abandon()
		w.deleteGeneration(c, g)
		storage.DeleteMeta(c, nextPrefix+v.name)
		if err := c.Apply(); err != nil {
			return fmt.Errorf("give up a generation of view %s: %w", v.name, err)
		}
	}
	w.engine.mu.Lock()
	defer w.engine.mu.Unlock()
	v.next = nil
	return nil
}

// saveGeneration writes a generation's record, as it will be after the commit.
func (w *writer) saveGeneration(c *storage.Commit, g *generation, record *viewRecord) error {
	for _, v := range w.engine.views {
		switch g {
		case v.served:
			return storage.SetMeta(c, viewPrefix+v.name, record)
		case v.next:
			return storage.SetMeta(c, nextPrefix+v.name, record)
		}
	}
	return nil // given up meanwhile
}

// failGeneration sets a generation aside that cannot be maintained, and all that
// stand on it: from the next commit on they would no longer be what their
// definitions say. A served generation that does not depend on it stays.
func (w *writer) failGeneration(g *generation, cause error) error {
	faults := w.faultsAbove(g, cause)
	c := w.engine.store.Begin()
	defer c.Abandon()
	for _, v := range w.engine.views {
		if v.served != nil && faults[v.served] != nil {
			w.deleteGeneration(c, v.served)
			storage.DeleteMeta(c, viewPrefix+v.name)
		}
		if v.next != nil && faults[v.next] != nil {
			w.deleteGeneration(c, v.next)
			storage.DeleteMeta(c, nextPrefix+v.name)
		}
	}
	if err := c.Apply(); err != nil {
		return fmt.Errorf("withdraw view %s: %w", g.plan.View.Name, err)
	}
	w.engine.mu.Lock()
	defer w.engine.mu.Unlock()
	for _, v := range w.engine.views {
		w.setAside(v, faults)
	}
	w.engine.publish()
	return nil
}

// faultsAbove gives a generation and each that stands on it the reason for its end.
func (w *writer) faultsAbove(g *generation, cause error) map[*generation]error {
	faults := map[*generation]error{g: cause}
	failed := map[storage.GenerationID]bool{g.record.Generation: true}
	for _, above := range w.generations() {
		for name, id := range above.record.Inputs {
			if failed[id] {
				failed[above.record.Generation] = true
				faults[above] = standsOnFailed(name)
			}
		}
	}
	return faults
}

func standsOnFailed(view string) error {
	return fmt.Errorf("it stands on view %s, which failed", view)
}

// setAside keeps a failed generation as the view's next one, so that it is not
// tried again before something of it changes. The caller holds mu.
func (w *writer) setAside(v *viewState, faults map[*generation]error) {
	for _, g := range []*generation{v.served, v.next} {
		if g == nil || faults[g] == nil {
			continue
		}
		g.fault, g.view, g.relation = faults[g], nil, nil
		w.engine.log.Error("view failed", "view", v.name, "error", g.fault.Error())
		if g == v.served {
			v.served = nil
			if v.next == nil {
				v.next = g
			}
		}
	}
}
