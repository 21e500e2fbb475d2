package main

import (
	"context"
	"slices"
	"strings"
	"sync"

	"odsd/engine"
	"odsd/query"
	"odsd/storage/relation"
	"odsd/views"
)

// backend lets requests read what the engine maintains: query knows snapshots
// and never the engine.
type backend struct {
	engine *engine.Engine
	plans  []*views.Plan // of all views, by name

	mu sync.Mutex
	// ready is the list of served views for one generation of the engine's, kept
	// while all of them are: then nothing of it changes from one request to the next.
	ready      []*query.ServedView
	generation uint64
}

// newBackend serves these views' plans. A view without a plan is not served.
func newBackend(e *engine.Engine, plans []*views.Plan) *backend {
	plans = slices.Clone(plans)
	slices.SortFunc(plans, func(a, b *views.Plan) int { return strings.Compare(a.View.Name, b.View.Name) })
	return &backend{engine: e, plans: plans}
}

// Read takes a snapshot with the views and frontiers of that moment.
func (b *backend) Read(context.Context) (*query.Reading, error) {
	r, err := b.engine.Read()
	if err != nil {
		return nil, err
	}
	reading := &query.Reading{
		Snapshot: r.Snapshot,
		// The engine counts from 0.
		SchemaGeneration: r.Generation + 1,
		Views:            b.served(r),
		Freshness:        make([]query.Freshness, len(r.Sources)),
		Documents:        func(view int) (int64, error) { return r.Documents(b.plans[view].View.Name) },
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

// served lists all views, those that cannot be read yet included, so that a
// request for one is told that it is being built and not that it does not exist.
func (b *backend) served(r *engine.Reading) []*query.ServedView {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ready != nil && b.generation == r.Generation {
		return b.ready
	}
	var states map[string]query.ViewState
	if len(r.Views) < len(b.plans) {
		states = b.states()
	}
	list := make([]*query.ServedView, len(b.plans))
	for i, plan := range b.plans {
		list[i] = &query.ServedView{Plan: plan, State: query.Waiting}
		if view, ok := r.Views[plan.View.Name]; ok {
			list[i].Plan, list[i].Generation, list[i].State = view.Plan, view.Generation, query.Ready
		} else if state := states[plan.View.Name]; state != query.Ready {
			list[i].State = state
		}
	}
	if states == nil {
		b.ready, b.generation = list, r.Generation
	}
	return list
}

func (b *backend) states() map[string]query.ViewState {
	states := map[string]query.ViewState{}
	for _, v := range b.engine.Status().Views {
		states[v.Name] = query.ViewState(v.State)
	}
	return states
}

// WaitFor returns once the position is applied and synced.
func (b *backend) WaitFor(ctx context.Context, source string, p relation.Position) error {
	return b.engine.WaitFor(ctx, source, p)
}
