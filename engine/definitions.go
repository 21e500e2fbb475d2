package engine

import (
	"context"
	"fmt"
	"slices"
	"sort"

	"odsd/views"
)

// Definitions are the views of a project as they were read and checked.
type Definitions struct {
	// Views that are to be maintained, in the order in which they can be computed.
	Views []*views.View
	// Broken are those whose files have errors, with the reason, so that status can
	// show it. A view may be among both: then it goes on by its last good definition.
	Broken map[string]error
}

// Action is what a changed definition does to a view.
type Action string

// The actions.
const (
	Unchanged Action = "unchanged"
	Relabel   Action = "relabel" // the same rows under other names or descriptions
	Build     Action = "build"
	Drop      Action = "drop"
)

// ViewChange tells what a set of definitions does to one view.
type ViewChange struct {
	View   string `json:"view"`
	Action Action `json:"action"`
	// Reason of a build.
	Reason string `json:"reason,omitempty"`
	// Documents that the view has now.
	Documents int64 `json:"documents"`
	// Rows and Bytes that a build writes, estimated from what is stored of the view's
	// relations; 0 where nothing is to be written.
	Rows  int64 `json:"rows"`
	Bytes int64 `json:"bytes"`
}

// Define gives the engine another set of views and tells what that does. Changed
// views are built beside the served ones and take their place when they are whole,
// together with what stands on them.
func (e *Engine) Define(ctx context.Context, d Definitions) ([]ViewChange, error) {
	wanted, err := compile(d.Views)
	if err != nil {
		return nil, err
	}
	var changes []ViewChange
	var failed error
	err = e.do(ctx, func(w *writer) {
		if changes, failed = w.compare(wanted); failed == nil {
			e.want(wanted, d.Broken)
			failed = w.settleViews()
		}
		w.failed = failed
	})
	return changes, firstOf(err, failed)
}

// Compare tells what Define would do.
func (e *Engine) Compare(ctx context.Context, d Definitions) ([]ViewChange, error) {
	wanted, err := compile(d.Views)
	if err != nil {
		return nil, err
	}
	var changes []ViewChange
	var failed error
	err = e.do(ctx, func(w *writer) { changes, failed = w.compare(wanted) })
	return changes, firstOf(err, failed)
}

// Rebuild has a view built anew beside the served one, and with it what stands on it.
func (e *Engine) Rebuild(ctx context.Context, view string) error {
	var failed error
	err := e.do(ctx, func(w *writer) {
		v := e.viewNamed(view)
		if v == nil || v.wanted == nil {
			failed = fmt.Errorf("%w: %q", ErrUnknownView, view)
			return
		}
		if v.next != nil && v.next.fault == nil {
			return // it is being built
		}
		if failed = w.dropNext(v); failed == nil {
			e.mu.Lock()
			v.anew = true
			e.mu.Unlock()
			failed = w.settleViews()
		}
		w.failed = failed
	})
	return firstOf(err, failed)
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func compile(all []*views.View) ([]*wantedView, error) {
	var wanted []*wantedView
	for _, v := range all {
		plan, err := views.Compile(v)
		if err != nil {
			return nil, err
		}
		wanted = append(wanted, &wantedView{plan, plan.Fingerprint()})
	}
	return wanted, nil
}

// want notes what the project's views are: in their order, then those that are
// still served and no longer wanted.
func (e *Engine) want(wanted []*wantedView, broken map[string]error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.broken = broken
	var all []*viewState
	for _, want := range wanted {
		v := e.viewNamed(want.plan.View.Name)
		if v == nil {
			v = &viewState{name: want.plan.View.Name}
		}
		v.wanted = want
		all = append(all, v)
	}
	for _, v := range e.views {
		if !slices.Contains(all, v) {
			v.wanted, v.waiting, v.anew = nil, nil, false
			all = append(all, v)
		}
	}
	e.views = all
}

// viewNamed finds a view by its name; nil when there is none.
func (e *Engine) viewNamed(name string) *viewState {
	for _, v := range e.views {
		if v.name == name {
			return v
		}
	}
	return nil
}

// compare tells what a set of views does to what is served now.
func (w *writer) compare(wanted []*wantedView) ([]ViewChange, error) {
	var changes []ViewChange
	built := map[string]bool{}
	for _, want := range wanted {
		change, err := w.compareView(want, built)
		if err != nil {
			return nil, err
		}
		built[change.View] = change.Action == Build
		changes = append(changes, change)
	}
	for _, v := range w.engine.views {
		if !slices.ContainsFunc(wanted, func(want *wantedView) bool { return want.plan.View.Name == v.name }) {
			change := ViewChange{View: v.name, Action: Drop}
			if v.served != nil {
				change.Documents = v.served.record.Documents
			}
			changes = append(changes, change)
		}
	}
	sort.Slice(changes, func(a, b int) bool { return changes[a].View < changes[b].View })
	return changes, nil
}

func (w *writer) compareView(want *wantedView, built map[string]bool) (ViewChange, error) {
	change := ViewChange{View: want.plan.View.Name, Action: Build}
	v := w.engine.viewNamed(change.View)
	if v != nil && v.served != nil {
		change.Documents = v.served.record.Documents
	}
	switch {
	case v == nil:
		change.Reason = "it is new"
	case v.served == nil:
		change.Reason = "it is not served yet"
	case v.served.fingerprint != want.fingerprint:
		change.Reason = "its definition has changed"
	default:
		for _, below := range viewsBelow(want.plan) {
			if built[below] {
				change.Reason = "it stands on " + below
			}
		}
	}
	if change.Reason != "" {
		var err error
		change.Rows, change.Bytes, err = w.estimate(want.plan)
		return change, err
	}
	change.Action = Unchanged
	if v.served.record.Definition != want.plan.View.Text {
		change.Action = Relabel
	}
	return change, nil
}
