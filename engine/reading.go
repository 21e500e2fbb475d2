package engine

import (
	"slices"
	"strings"
	"time"

	"odsd/storage"
	"odsd/views"
)

// Served is a view that queries may read.
type Served struct {
	Plan       *views.Plan
	Generation storage.GenerationID
}

// published is what requests may read between two changes of it.
type published struct {
	served  map[string]Served
	defined []DefinedView
	// generation counts the changes.
	generation uint64
}

// publish shows readers what the views are now. The caller holds mu.
func (e *Engine) publish() {
	p := published{served: map[string]Served{}, generation: e.published.generation + 1}
	names := views.NewNames()
	for _, v := range e.views {
		if v.served != nil {
			names.Claim(v.served.plan.View)
			p.served[v.name] = Served{v.served.plan, v.served.record.Generation}
			p.defined = append(p.defined, DefinedView{p.served[v.name], ViewReady})
		}
	}
	for _, v := range e.views {
		// One that has a name of what is served still waits for that to go.
		if v.served == nil && v.wanted != nil && names.Claim(v.wanted.plan.View) {
			p.defined = append(p.defined, DefinedView{Served{Plan: v.wanted.plan}, e.viewReport(v).State})
		}
	}
	slices.SortFunc(p.defined, func(a, b DefinedView) int { return strings.Compare(a.Plan.View.Name, b.Plan.View.Name) })
	if same(p, e.published) {
		return
	}
	e.published = p
}

func same(a, b published) bool { return slices.Equal(a.defined, b.defined) && b.generation > 0 }

// Reading is one consistent state of the store, for one request.
type Reading struct {
	Snapshot *storage.Snapshot
	// Views that may be read in it, by name.
	Views map[string]Served
	// Defined are all views that requests may name, by name: those that are served, as
	// what they are served, and those that will be.
	Defined []DefinedView
	// Generation changes whenever these do.
	Generation uint64
	Sources    []SourceReading
}

// DefinedView is a view that requests may name.
type DefinedView struct {
	Served
	State ViewStatus
}

// SourceReading is a source as of a reading.
type SourceReading struct {
	Name     string
	Frontier storage.Frontier
	Lag      time.Duration
	State    SourceState
}

// Read takes a snapshot. The caller closes it.
func (e *Engine) Read() (*Reading, error) {
	e.mu.RLock()
	r := &Reading{
		Snapshot: e.store.Snapshot(), Views: e.published.served, Defined: e.published.defined, Generation: e.published.generation,
	}
	for _, s := range e.sources {
		r.Sources = append(r.Sources, SourceReading{Name: s.source.Name(), Lag: e.lag(s), State: s.condition.State})
	}
	e.mu.RUnlock()
	frontiers, err := storage.Frontiers(r.Snapshot)
	if err != nil {
		r.Close()
		return nil, err
	}
	for i := range r.Sources {
		r.Sources[i].Frontier = frontiers[r.Sources[i].Name]
	}
	return r, nil
}

// Close gives the snapshot back.
func (r *Reading) Close() error { return r.Snapshot.Close() }
