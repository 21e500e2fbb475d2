package main

import (
	"context"
	"sync"

	"odsd/engine"
	"odsd/query"
	"odsd/storage/relation"
)

// backend lets requests read what the engine maintains: query knows snapshots
// and never the engine.
type backend struct {
	engine *engine.Engine

	mu sync.Mutex
	// views is the list of views of one generation of the engine's: nothing of it changes
	// from one request to the next while that stands.
	views      []*query.ServedView
	generation uint64
}

// Read takes a snapshot with the views and frontiers of that moment.
func (b *backend) Read(context.Context) (*query.Reading, error) {
	r, err := b.engine.Read()
	if err != nil {
		return nil, err
	}
	reading := &query.Reading{
		Snapshot:         r.Snapshot,
		SchemaGeneration: r.Generation,
		Views:            b.defined(r),
		Freshness:        make([]query.Freshness, len(r.Sources)),
		Documents:        func(view int) (int64, error) { return r.Defined[view].Count(r.Snapshot) },
		Close:            func() { _ = r.Close() },
	}
	for i, s := range r.Sources {
		reading.Freshness[i] = query.Freshness{
			Source: s.Name, Position: s.Frontier.Position, CommittedAt: s.Frontier.CommittedAt,
			LagSeconds: s.Lag.Seconds(), State: string(s.State),
		}
	}
	return reading, nil
}

// defined lists all views, those that cannot be read yet included, so that a
// request for one is told that it is being built and not that it does not exist.
func (b *backend) defined(r *engine.Reading) []*query.ServedView {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.views != nil && b.generation == r.Generation {
		return b.views
	}
	list := make([]*query.ServedView, len(r.Defined))
	for i, v := range r.Defined {
		list[i] = &query.ServedView{Plan: v.Plan, Generation: v.Generation, State: query.ViewState(v.State)}
	}
	if r.Generation >= b.generation { // a slow request may come after a faster one of a later state
		b.views, b.generation = list, r.Generation
	}
	return list
}

// WaitFor returns once the position is applied and synced.
func (b *backend) WaitFor(ctx context.Context, source string, p relation.Position) error {
	return b.engine.WaitFor(ctx, source, p)
}
