package engine

import (
	"fmt"
	"slices"

	"odsd/internal/failpoint"
	"odsd/storage"
	"odsd/views"
)

// settleViews brings every view as close to what the project wants as it can be
// now: it begins generations whose relations are complete, gives up those that nobody
// wants, and switches to those that are whole. It may be called at any time between two
// commits, and changes nothing when there is nothing to do.
func (w *writer) settleViews() error {
	for _, v := range w.engine.views {
		if err := w.settleView(v); err != nil {
			return err
		}
	}
	if err := w.switchOver(); err != nil {
		return err
	}
	if err := w.dropUnusedIndexes(); err != nil {
		return err
	}
	w.forgetGone()
	w.maintained = nil
	for _, g := range w.generations() {
		if g.view != nil {
			w.maintained = append(w.maintained, g)
		}
	}
	w.engine.mu.Lock()
	defer w.engine.mu.Unlock()
	w.engine.publish()
	return nil
}

// forgetGone forgets the views that the project has no more and that nobody reads.
func (w *writer) forgetGone() {
	e := w.engine
	e.mu.Lock()
	defer e.mu.Unlock()
	e.views = slices.DeleteFunc(slices.Clone(e.views), func(v *viewState) bool { return v.wanted == nil && v.served == nil && v.next == nil })
}

// settleView decides whether a view needs another generation than the served one.
func (w *writer) settleView(v *viewState) error {
	if v.wanted == nil {
		return w.dropNext(v)
	}
	inputs, waiting, failed := w.targets(v.wanted.plan)
	w.engine.mu.Lock()
	v.waiting = waiting
	w.engine.mu.Unlock()
	current := v.served != nil && v.served.is(v.wanted, inputs)
	switch {
	case failed != "":
		return w.failNext(v, standsOnFailed(failed))
	case len(waiting) > 0:
		return w.dropNext(v)
	case v.next.stands(v.wanted, inputs) && (!current || v.next.record.Anew):
		return nil
	case current && !v.anew:
		return w.dropNext(v)
	}
	if err := w.dropNext(v); err != nil {
		return err
	}
	return w.begin(v, inputs)
}

// failNext says why a view cannot have another generation.
func (w *writer) failNext(v *viewState, cause error) error {
	if err := w.dropNext(v); err != nil {
		return err
	}
	w.setNext(v, &generation{plan: v.wanted.plan, fingerprint: v.wanted.fingerprint, record: &viewRecord{}, fault: cause})
	return nil
}

// outcome is what a view is after a switch.
type outcome struct {
	view *viewState
	kind outcomeKind
	g    *generation // nil: nothing is served
	// as is what the generation is served as.
	as *wantedView
}

type outcomeKind uint8

const (
	stays      outcomeKind = iota
	relabelled             // the same rows under other names
	replaced
	removed
)

// switchOver puts into one commit all whole generations that can take the place of
// what is served. A view and those that stand on it, before or after, are switched
// together or not at all, so that what is served at any time fits together.
func (w *writer) switchOver() error {
	var moved []*outcome
	for _, o := range w.outcomes() {
		if o.kind != stays {
			moved = append(moved, o)
		}
	}
	if len(moved) == 0 {
		return nil
	}
	c := w.engine.store.Begin()
	defer c.Abandon()
	for _, o := range moved {
		if err := w.writeOutcome(c, o); err != nil {
			return err
		}
	}
	e := w.engine
	e.mu.Lock() // a reader sees the rows of before with the views of before, or both of after
	defer e.mu.Unlock()
	failpoint.At(failpoint.ViewSwitch)
	if err := c.Apply(); err != nil {
		return fmt.Errorf("switch views: %w", err)
	}
	failpoint.At(failpoint.Switched)
	for _, o := range moved {
		w.takeOver(o)
	}
	e.publish()
	return nil
}

func (w *writer) writeOutcome(c *storage.Commit, o *outcome) error {
	v := o.view
	if o.kind != relabelled && v.served != nil {
		w.deleteGeneration(c, v.served)
	}
	if o.kind == removed {
		storage.DeleteMeta(c, viewPrefix+v.name)
		return nil
	}
	if o.kind == replaced {
		storage.DeleteMeta(c, nextPrefix+v.name)
	}
	record := *o.g.record
	record.Anew = false
	record.File, record.Definition = o.as.plan.View.File, o.as.plan.View.Text
	return storage.SetMeta(c, viewPrefix+v.name, record)
}

// takeOver brings what is in memory up to a switch. The caller holds mu.
func (w *writer) takeOver(o *outcome) {
	v, log := o.view, w.engine.log
	switch o.kind {
	case removed:
		v.served = nil
		log.Info("view dropped", "view", v.name)
		return
	case replaced:
		v.served, v.next = o.g, nil
		log.Info("view ready", "view", v.name, "documents", o.g.record.Documents, "generation", o.g.record.Generation)
	}
	o.g.plan = o.as.plan
	o.g.record.Anew = false
	o.g.record.File, o.g.record.Definition = o.as.plan.View.File, o.as.plan.View.Text
}

// outcomes decides what of all that could be switched can be: it begins with
// everything and takes back what does not fit, until all does.
func (w *writer) outcomes() map[string]*outcome {
	after := map[string]*outcome{}
	for _, v := range w.engine.views {
		after[v.name] = outcomeOf(v)
	}
	for {
		misfit := w.misfit(after)
		if misfit == nil {
			return after
		}
		*misfit = *unchanged(misfit.view)
	}
}

func outcomeOf(v *viewState) *outcome {
	switch {
	case v.next.whole():
		return &outcome{view: v, kind: replaced, g: v.next, as: v.wanted}
	case v.served != nil && v.wanted == nil:
		return &outcome{view: v, kind: removed}
	case v.wanted == nil:
	case v.served != nil && v.served.fingerprint == v.wanted.fingerprint && v.served.plan != v.wanted.plan:
		return &outcome{view: v, kind: relabelled, g: v.served, as: v.wanted}
	}
	return unchanged(v)
}

func unchanged(v *viewState) *outcome {
	o := &outcome{view: v, g: v.served}
	if v.served != nil {
		o.as = &wantedView{v.served.plan, v.served.fingerprint}
	}
	return o
}

// misfit finds a view that must not be switched with these others: one that
// would stand on what is not served, one that another still stands on, or one whose
// name in GraphQL another still has.
func (w *writer) misfit(after map[string]*outcome) *outcome {
	for _, v := range w.engine.views {
		o := after[v.name]
		if o.g == nil {
			continue
		}
		for name, id := range o.g.record.Inputs {
			below := after[name]
			if below != nil && below.g != nil && below.g.record.Generation == id {
				continue
			}
			if o.kind == replaced {
				return o
			}
			if below != nil && below.kind != stays {
				return below
			}
		}
	}
	return w.clash(after)
}

// clash finds a view that would take a name in GraphQL which another has.
func (w *writer) clash(after map[string]*outcome) *outcome {
	names := views.NewNames()
	for _, moved := range []bool{false, true} {
		for _, v := range w.engine.views {
			if o := after[v.name]; o.g != nil && (o.kind != stays) == moved && !names.Claim(o.as.plan.View) {
				return o
			}
		}
	}
	return nil
}
