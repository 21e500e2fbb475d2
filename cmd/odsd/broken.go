package main

import (
	"context"

	"odsd/engine"
	"odsd/storage/relation"
)

// brokenSource stands in for a source whose file has errors, so that status shows
// it halted with the reason, what is stored of it is served on, and the others
// are not stopped.
type brokenSource struct {
	name string
	why  engine.Halt
}

// Name as in the project.
func (s *brokenSource) Name() string { return s.name }

// Run says why there is nothing to run.
func (s *brokenSource) Run(ctx context.Context, _ *engine.Resume, out chan<- engine.Event) error {
	select {
	case out <- engine.Condition{State: engine.Halted, Fault: &s.why, SlotWAL: -1}:
	case <-ctx.Done():
		return ctx.Err()
	}
	<-ctx.Done() // the file is read again when the daemon starts again
	return ctx.Err()
}

// Acknowledge has nobody to tell.
func (s *brokenSource) Acknowledge(relation.Position) {}

// RequestProgress has nobody to ask.
func (s *brokenSource) RequestProgress() {}
