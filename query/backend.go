package query

import (
	"context"
	"time"

	"odsd/storage"
	"odsd/storage/relation"
	"odsd/views"
)

// Backend is what requests are answered from.
type Backend interface {
	// Read takes a snapshot of the store at a boundary of whole transactions,
	// with the views and frontiers of that moment. The caller closes it.
	Read(ctx context.Context) (*Reading, error)
	// WaitFor returns once everything of the source that ends at or below the
	// position is applied and synced, or with ctx's error.
	WaitFor(ctx context.Context, source string, p relation.Position) error
}

// Reading is one unchanging state of everything a request may ask for.
type Reading struct {
	Snapshot storage.TwoWayReader
	// SchemaGeneration changes whenever the set of views or a view's plan does,
	// and then only. For one generation Views have the same order.
	SchemaGeneration uint64
	Views            []*ServedView
	Freshness        []Freshness
	// Documents is how many documents the view at a place in Views has, -1 when
	// that is not known without counting. Nil: it is not known of any.
	Documents func(view int) (int64, error)
	// Close releases the snapshot; nothing of the reading may be used after it.
	Close func()
}

// ServedView is a view as it can be read.
type ServedView struct {
	Plan *views.Plan
	// Generation holds the documents; read only when State is Ready.
	Generation storage.GenerationID
	State      ViewState
}

// ViewState is a view's state as status prints it.
type ViewState string

// The states of a view.
const (
	Waiting  ViewState = "waiting"
	Building ViewState = "building"
	Ready    ViewState = "ready"
	Failed   ViewState = "failed"
)

// Freshness says up to where a source is applied in a reading.
type Freshness struct {
	Source      string
	Position    relation.Position
	CommittedAt time.Time // of the last transaction; zero before the first
	LagSeconds  float64
	State       string
}
