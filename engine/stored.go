package engine

import (
	"fmt"
	"sort"

	"odsd/storage"
)

// StoredDefinition is the text by which a view is served.
type StoredDefinition struct{ View, File, Text string }

// StoredDefinitions reads from a store the definitions of the views that it serves.
func StoredDefinitions(s *storage.Store) ([]StoredDefinition, error) {
	snapshot := s.Snapshot()
	defer snapshot.Close()
	c, err := loadCatalog(snapshot)
	if err != nil {
		return nil, fmt.Errorf("read the catalog: %w", err)
	}
	var all []StoredDefinition
	for name, record := range c.views {
		all = append(all, StoredDefinition{View: name, File: record.File, Text: record.Definition})
	}
	sort.Slice(all, func(a, b int) bool { return all[a].View < all[b].View })
	return all, nil
}

// loadServed takes up the generations that the store serves, each by the
// definition that it was built by, whatever the project says by now. What cannot be
// read any more, as after a change of what plans mean, is dropped.
func (w *writer) loadServed() error {
	compiled, err := w.storedViews()
	if err != nil {
		return err
	}
	w.takeUp(compiled)
	for _, g := range w.generations() {
		if err := w.activate(g); err != nil {
			return err
		}
	}
	return w.dropUnread()
}

// takeUp finds the generations that the records speak of: what is served by what
// its text says, what is being built by what the project wants.
func (w *writer) takeUp(compiled []*wantedView) {
	known := map[storage.GenerationID]bool{}
	fits := func(record *viewRecord, by *wantedView) bool {
		fits := record != nil && record.Fingerprint == by.fingerprint
		for _, id := range inputsOf(record) {
			fits = fits && known[id]
		}
		if fits {
			known[record.Generation] = true
		}
		return fits
	}
	e := w.engine
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, c := range compiled { // inputs first
		name := c.plan.View.Name
		record := w.catalog.views[name]
		if !fits(record, c) {
			continue
		}
		v := e.viewNamed(name)
		if v == nil {
			v = &viewState{name: name}
			e.views = append(e.views, v)
		}
		v.served = &generation{plan: c.plan, fingerprint: c.fingerprint, record: record}
	}
	for _, v := range e.views {
		if record := w.catalog.nexts[v.name]; v.wanted != nil && fits(record, v.wanted) {
			v.next = &generation{plan: v.wanted.plan, fingerprint: v.wanted.fingerprint, record: record}
		}
	}
	e.publish()
}

func inputsOf(record *viewRecord) map[string]storage.GenerationID {
	if record == nil {
		return nil
	}
	return record.Inputs
}

// dropUnread removes the generations that were not taken up.
func (w *writer) dropUnread() error {
	c := w.engine.store.Begin()
	defer c.Abandon()
	for name, record := range w.catalog.views {
		if v := w.engine.viewNamed(name); v == nil || v.served == nil {
			w.deleteGeneration(c, &generation{record: record})
			storage.DeleteMeta(c, viewPrefix+name)
		}
	}
	for name, record := range w.catalog.nexts {
		if v := w.engine.viewNamed(name); v == nil || v.next == nil {
			w.deleteGeneration(c, &generation{record: record})
			storage.DeleteMeta(c, nextPrefix+name)
		}
	}
	w.catalog.views, w.catalog.nexts = nil, nil // from here on the generations hold their records
	if err := c.Apply(); err != nil {
		return fmt.Errorf("drop what no view is made of: %w", err)
	}
	return nil
}
