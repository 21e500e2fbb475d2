package engine

import (
	"odsd/views"
)

// refit gives a view that was checked against other columns than its tables have now a plan of
// the same definition for these, where what it reads of them is what it was: a column that it does not
// use was dropped or has another type, or columns have moved. A plan finds columns by their
// ordinals, so the old one must not be run. Where what is read has changed, nothing is done here: the view
// would show something else to its readers, and whoever reloads the folder is told so first.
func (w *writer) refit(v *viewState) {
	if w.catalog.checkSchemas(v.wanted.plan) == nil {
		return
	}
	again := w.checkAgain(v)
	if again == nil || !again.plan.ReadsAlike(v.wanted.plan) {
		return
	}
	w.engine.mu.Lock()
	v.wanted = again
	w.engine.mu.Unlock()
	w.engine.log.Info("view checked again, as columns changed that it does not use", "view", v.name)
}

// checkAgain checks the definition of a view against the tables as they are stored; nil
// where it does not fit them.
func (w *writer) checkAgain(v *viewState) *wantedView {
	checked, _ := views.CheckAll(w.definitionsFor(v, map[string]bool{}), w.catalog.schemas())
	for _, view := range checked {
		if view.Name != v.name {
			continue
		}
		if compiled, err := compile([]*views.View{view}); err == nil {
			return compiled[0]
		}
	}
	return nil
}

// definitionsFor reads the texts of a view and of all that it stands on, each once.
func (w *writer) definitionsFor(v *viewState, known map[string]bool) []*views.Definition {
	if v == nil || v.wanted == nil || known[v.name] {
		return nil
	}
	known[v.name] = true
	var all []*views.Definition
	for _, below := range viewsBelow(v.wanted.plan) {
		all = append(all, w.definitionsFor(w.engine.viewNamed(below), known)...)
	}
	view := v.wanted.plan.View
	if d, _ := views.Parse(view.File, []byte(view.Text)); d != nil {
		all = append(all, d)
	}
	return all
}
