package engine

import (
	"errors"
	"fmt"

	"odsd/engine/ivm"
	"odsd/internal/failpoint"
	"odsd/storage"
)

// commit makes one commit of a batch. When one source's stream or one view is at
// fault, that one is set aside and the commit made without it: the others go on.
func (w *writer) commit(b *batch) error {
	for {
		c := w.engine.store.Begin()
		err := w.fill(c, b)
		if err == nil {
			return nil
		}
		c.Abandon()
		var ofSource *sourceError
		var ofTable *tableError
		var ofView *viewError
		switch {
		case errors.As(err, &ofSource):
			w.stopSource(b, ofSource)
		case errors.As(err, &ofTable):
			if err := w.haltTable(ofTable.source, applyFault(ofTable.relation, ofTable.cause)); err != nil {
				return err
			}
		case errors.As(err, &ofView):
			if err := w.failGeneration(ofView.of, ofView.cause); err != nil {
				return err
			}
			if err := w.settleViews(); err != nil {
				return err
			}
		default:
			return err
		}
	}
}

// sourceError is a fault in what a source delivered.
type sourceError struct {
	source *sourceState
	cause  error
}

func (e *sourceError) Error() string { return e.cause.Error() }

// viewError is a fault in the maintenance of a view.
type viewError struct {
	of    *generation
	cause error
}

func (e *viewError) Error() string { return e.cause.Error() }

// fill writes all that a batch entails and applies it.
func (w *writer) fill(c *storage.Commit, b *batch) (err error) {
	began := w.engine.now()
	b.logged = map[*stage]uint64{}
	f := w.newFilling(c, b)
	defer func() { w.engine.endLarge(err) }()
	if err := f.take(w.ctx); err != nil {
		return err
	}
	for s, frontier := range b.frontiers {
		storage.SetFrontier(c, s.source.Name(), frontier)
	}
	if err := w.settleRestored(c, b); err != nil {
		return err
	}
	if err := w.recordResults(c, f.gained, f.results); err != nil {
		return err
	}
	if b.also != nil {
		if err := b.also(c); err != nil {
			return err
		}
	}
	stats := c.Stats()
	failpoint.At(failpoint.BeforeWrite)
	if err := c.Apply(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	failpoint.At(failpoint.BeforeSync)
	// Before anybody who waits for the commit is woken.
	if w.engine.observe != nil {
		report := CommitReport{
			Transactions: len(b.transactions), Changes: f.changes, Frontiers: len(b.frontiers), Stats: stats,
			Slices: f.slices + 1, Parts: f.parts, Forked: f.forked, Duration: w.engine.now().Sub(began), Views: map[string]ivm.Result{},
		}
		for g, result := range f.results {
			report.add(g.plan.View.Name, result)
		}
		w.engine.observe(report)
	}
	w.committed(b, f.gained, f.results)
	f.quarantined.tell(w)
	return nil
}

// recordResults writes the counters that a commit moves, with the commit.
func (w *writer) recordResults(c *storage.Commit, gained map[string]int64, results map[*generation]ivm.Result) error {
	for g, result := range results {
		if !result.Counts() {
			continue
		}
		record := *g.record
		record.add(result)
		if err := w.saveGeneration(c, g, &record); err != nil {
			return err
		}
	}
	for name, gained := range gained {
		if gained != 0 && w.catalog.relations[name] != nil {
			record := *w.catalog.relations[name]
			record.Rows += gained
			if err := storage.SetMeta(c, relationPrefix+name, record); err != nil {
				return err
			}
		}
	}
	return nil
}

func rowsGained(changes []ivm.Change) map[string]int64 {
	gained := map[string]int64{}
	for _, change := range changes {
		if change.Old == nil {
			gained[change.Relation]++
		}
		if change.New == nil {
			gained[change.Relation]--
		}
	}
	return gained
}

// committed brings what is in memory up to what was just committed.
func (w *writer) committed(b *batch, gained map[string]int64, results map[*generation]ivm.Result) {
	e := w.engine
	e.mu.Lock()
	for g, result := range results {
		g.record.add(result)
	}
	for name, gained := range gained {
		w.catalog.relations[name].Rows += gained
		if t := e.tableOf(name); t != nil {
			t.rows += gained
		}
	}
	for s, frontier := range b.frontiers {
		w.catalog.frontiers[s.source.Name()] = frontier
		if record := w.catalog.sources[s.source.Name()]; record != nil {
			record.Restored = nil
		}
		s.frontier = frontier
		if len(s.queue.events) == 0 {
			s.caughtUp = e.now()
		}
	}
	for st, n := range b.logged {
		st.next += n
	}
	for _, t := range b.transactions {
		t.from.transactions++
		t.from.changes += uint64(t.Len())
	}
	e.mu.Unlock()
	for _, t := range b.transactions {
		w.close(t.Transaction)
	}
	for s, frontier := range b.frontiers {
		e.durable.applied(s, frontier.Position)
	}
}

func (e *Engine) tableOf(name string) *tableState {
	if s := e.byName[sourceOf(name)]; s != nil {
		return s.tables[name]
	}
	return nil
}

// stopSource sets a source aside whose stream cannot be applied, and takes its
// transactions out of the batch. Nothing of them is acknowledged.
func (w *writer) stopSource(b *batch, fault *sourceError) {
	s := fault.source
	s.stopped = true
	var rest []sourced
	for _, t := range b.transactions {
		if t.from == s {
			w.close(t.Transaction)
			continue
		}
		rest = append(rest, t)
	}
	b.transactions = rest
	delete(b.frontiers, s)
	halt := &Halt{
		Code: "APPLY", Message: fault.cause.Error(),
		Hint: "the stored copy of this source differs from the database: odsd resync " + s.source.Name(),
	}
	w.engine.setCondition(s, Condition{State: Halted, Fault: halt, SlotWAL: -1})
	w.engine.log.Error("source halted", "source", s.source.Name(), "code", halt.Code, "error", halt.Error(), "hint", halt.Hint)
}
