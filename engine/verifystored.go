package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"

	"odsd/storage"
	"odsd/views"
)

// VerifyStored verifies a store that no engine runs over: every document against its
// recomputation from the base rows. Rows are not compared with their sources, which
// takes a stream that can be brought to a fence. The store is read and not written.
func VerifyStored(ctx context.Context, store *storage.Store, o VerifyOptions) (*VerifyReport, error) {
	if len(o.Sources) > 0 {
		return nil, errors.New("rows are compared with their source by a running daemon alone")
	}
	e, err := New(Options{Store: store, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, err
	}
	snapshot := store.Snapshot()
	defer snapshot.Close()
	w := &writer{engine: e}
	if w.catalog, err = loadCatalog(snapshot); err != nil {
		return nil, fmt.Errorf("read the catalog: %w", err)
	}
	stored := slices.Sorted(maps.Keys(w.catalog.views))
	compiled, err := w.storedViews()
	if err != nil {
		return nil, err
	}
	w.takeUp(compiled)
	for _, name := range stored {
		if e.viewNamed(name) == nil {
			e.views = append(e.views, &viewState{name: name}) // reported as one that cannot be read
		}
	}
	return e.Verify(ctx, o)
}

// storedViews are the views as they are stored: by the definitions that they were built by.
func (w *writer) storedViews() ([]*wantedView, error) {
	var definitions []*views.Definition
	for name, record := range w.catalog.views {
		d, _ := views.Parse(record.File, []byte(record.Definition))
		if d != nil && d.Name.Value == name {
			definitions = append(definitions, d)
		}
	}
	checked, _ := views.CheckAll(definitions, w.catalog.schemas())
	return compile(checked)
}
