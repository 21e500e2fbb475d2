package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"odsd/storage"
)

// retryHalted is how long a source that needs a person is left alone before it
// is tried again: the person may have mended it.
const retryHalted = 10 * time.Second

// runSource keeps one source running. A source that needs a person is shown
// so and tried again, from where the store says, since nothing of it was lost.
func (e *Engine) runSource(ctx context.Context, s *sourceState, resume *Resume) error {
	for {
		anew, err := e.runOnce(ctx, s, resume)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if !anew {
			e.showHalt(s, err)
			if anew, err = e.anew(ctx, s, err); err != nil {
				return err
			}
		}
		var failure error
		if err := e.do(ctx, func(w *writer) { resume, failure = w.restart(s, anew) }); err != nil {
			return err
		}
		if failure != nil {
			return failure
		}
		if anew {
			e.log.Info("copying anew, as asked", "source", s.source.Name())
		}
	}
}

// anew says whether a halted source is to be copied anew: by itself, where its
// fault says so, or because somebody asks for it while it rests.
func (e *Engine) anew(ctx context.Context, s *sourceState, fault error) (bool, error) {
	var halt *Halt
	if !errors.As(fault, &halt) || !halt.Anew {
		return s.rest(ctx)
	}
	e.log.Warn("copying anew without being asked", "source", s.source.Name(), "code", halt.Code)
	return true, e.wantAnew(ctx, s)
}

// wantAnew makes the wish for a copy anew durable.
func (e *Engine) wantAnew(ctx context.Context, s *sourceState) error {
	var failed error
	if err := e.do(ctx, func(w *writer) { failed = w.wantCopy(s) }); err != nil {
		return err
	}
	if failed != nil {
		return failed
	}
	if err := e.store.Sync(); err != nil {
		return fmt.Errorf("sync the store: %w", err)
	}
	return nil
}

// runOnce runs a source until it ends or a copy anew is asked for.
func (e *Engine) runOnce(ctx context.Context, s *sourceState, resume *Resume) (anew bool, err error) {
	running, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- s.run(running, resume) }()
	select {
	case err := <-ended:
		return false, err
	case <-s.again:
		cancel()
		return true, <-ended
	}
}

// run runs the source and, beside it, what fills its queue.
func (s *sourceState) run(ctx context.Context, resume *Resume) error {
	delivered, pumped := make(chan Event, 1), make(chan struct{})
	go func() {
		defer close(pumped)
		s.queue.pump(ctx, delivered)
	}()
	err := s.source.Run(ctx, resume, delivered)
	close(delivered)
	<-pumped
	return err
}

func (e *Engine) showHalt(s *sourceState, err error) {
	halt := &Halt{}
	if !errors.As(err, &halt) {
		halt = &Halt{Code: "INTERNAL", Message: fmt.Sprint(err)}
	}
	e.setCondition(s, Condition{State: Halted, Fault: halt, SlotWAL: -1})
	e.log.Error("source halted", "source", s.source.Name(), "code", halt.Code, "error", halt.Error(), "hint", halt.Hint)
}

// rest waits until a halted source is to be tried again, or copied anew.
func (s *sourceState) rest(ctx context.Context) (anew bool, err error) {
	timer := time.NewTimer(retryHalted)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false, ctx.Err()
	case <-s.again:
		return true, nil
	case <-timer.C:
		return false, nil
	}
}

// Resync has a source copied anew: the cure for a gap, for another database at
// the same address, for a table whose columns changed. What is stored is served
// until the new copy begins; then the views on the source are built again. When
// it returns, the copy will be made even if the daemon is killed at once.
func (e *Engine) Resync(ctx context.Context, source string) error {
	s := e.byName[source]
	if s == nil {
		return fmt.Errorf("%w: %q", ErrUnknownSource, source)
	}
	if err := e.wantAnew(ctx, s); err != nil {
		return err
	}
	select {
	case s.again <- struct{}{}:
	default: // asked for already
	}
	return nil
}

// wantCopy writes down that a source is to be copied anew. One that was never
// copied will be anyway.
func (w *writer) wantCopy(s *sourceState) error {
	name := s.source.Name()
	record := w.catalog.sources[name]
	if record == nil || !record.Live || record.Anew {
		return nil
	}
	wanted := *record
	wanted.Anew = true
	c := w.engine.store.Begin()
	defer c.Abandon()
	if err := storage.SetMeta(c, sourcePrefix+name, wanted); err != nil {
		return err
	}
	if err := c.Apply(); err != nil {
		return fmt.Errorf("note that %s is to be copied anew: %w", name, err)
	}
	*record = wanted
	return nil
}
