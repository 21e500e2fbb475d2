package engine

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"odsd/engine/ivm"
	"odsd/internal/failpoint"
	"odsd/storage"
)

// maxBatch is how many row changes one commit takes at most, unless a single
// transaction has more. Under backlog larger commits fold more and sort better; beyond this
// the gain is small and the latency of what waits behind it grows.
const maxBatch = 20_000

// writer is the apply loop: the one place that writes to the store.
type writer struct {
	engine  *Engine
	catalog *catalog
	chunk   int // documents of the next step of a build
	// maintained are the generations that changes are applied to, inputs first.
	maintained []*generation
	loads      map[string]*load // of copies under way, by relation
	// failed ends the loop: a command could not write to the store.
	failed error
	// ctx is that of the loop, which ends a commit of many slices too.
	ctx context.Context
}

func newWriter(e *Engine) (*writer, error) {
	snapshot := e.store.Snapshot()
	defer snapshot.Close()
	c, err := loadCatalog(snapshot)
	if err != nil {
		return nil, fmt.Errorf("read the catalog: %w", err)
	}
	w := &writer{engine: e, catalog: c, ctx: context.Background(), chunk: min(firstChunk, e.chunk), loads: map[string]*load{}}
	e.mu.Lock() // status may be asked for before Run
	for name, record := range c.relations {
		if s := e.byName[record.Source]; s != nil {
			live := c.sources[record.Source] != nil && c.sources[record.Source].Live
			s.tables[name] = &tableState{rows: record.Rows, fault: record.Halted, copying: !live && !record.Whole}
		}
	}
	for _, s := range e.sources {
		record := c.sources[s.source.Name()]
		s.live = record != nil && record.Live
		s.frontier = c.frontiers[s.source.Name()]
		if s.live {
			s.caughtUp = e.now() // or before: what is stored may be older, and is not told to be fresh
		}
	}
	e.mu.Unlock()
	if err := w.clearStages(snapshot); err != nil {
		return nil, err
	}
	if err := w.loadServed(); err != nil {
		return nil, err
	}
	if err := w.settleViews(); err != nil {
		return nil, err
	}
	// Last, so that whoever waited for a position finds the views that are stored.
	e.durable.start(c.frontiers)
	return w, nil
}

// resume is what a source is told of the store at its start.
func (w *writer) resume(s *sourceState) *Resume {
	name := s.source.Name()
	record := w.catalog.sources[name]
	if record != nil && record.Begun != nil {
		return w.resumeCopy(name, record.Begun)
	}
	if !record.resumes() {
		return nil
	}
	r := &Resume{
		Position: w.catalog.frontierOf(name).Position, Identity: record.Identity, Tables: map[string][]byte{}, Restored: record.Restored,
	}
	for _, relation := range w.catalog.relations {
		if relation.Source == name {
			r.Schemas = append(r.Schemas, relation.Schema)
			if relation.Identity != nil {
				r.Tables[relation.Schema.Name] = relation.Identity
			}
		}
	}
	return r
}

// restart clears the way for another run of a source: what it had delivered and
// was not applied will come again. A source that is copied anew resumes from nothing.
func (w *writer) restart(s *sourceState, anew bool) (*Resume, error) {
	var pending []Event
	for event := s.poll(); event != nil; event = s.poll() {
		pending = append(pending, event)
	}
	s.stopped = false
	for _, event := range pending {
		switch event := event.(type) {
		case TableCopied:
			s.copyTable(event.Relation)
		case *Transaction:
			w.close(event)
		}
	}
	w.dropLoads(s)
	if err := w.abandonStages(s); err != nil {
		return nil, err
	}
	if anew {
		w.engine.durable.forget(s)
		return nil, nil
	}
	return w.resume(s), nil
}

func (w *writer) run(ctx context.Context) error {
	w.ctx = ctx
	defer w.dropLoads(nil)
	for {
		if w.lacksSpace() {
			if err := w.waitForSpace(ctx); err != nil {
				return err
			}
			continue
		}
		event, from, err := w.wait(ctx)
		if err != nil {
			return err
		}
		if from != nil {
			if err := w.take(from, event); err != nil {
				return err
			}
		}
		if w.failed != nil {
			return w.failed
		}
		if err := w.loadSome(); err != nil {
			return err
		}
		if err := w.replaySome(); err != nil {
			return err
		}
		if err := w.buildSome(); err != nil {
			return err
		}
	}
}

// wait gives the next event of any source; nil when there is building to be
// done meanwhile or a command was carried out.
func (w *writer) wait(ctx context.Context) (Event, *sourceState, error) {
	cases := []reflect.SelectCase{
		{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(ctx.Done())},
		{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(w.engine.commands)},
	}
	var sources []*sourceState
	for _, s := range w.engine.sources {
		if s.holds() {
			continue
		}
		if len(s.held) > 0 {
			return s.next(), s, nil
		}
		cases = append(cases, reflect.SelectCase{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(s.queue.events)})
		sources = append(sources, s)
	}
	if w.unbuilt() != nil || w.replaying() != nil || w.loading() != "" {
		cases = append(cases, reflect.SelectCase{Dir: reflect.SelectDefault})
	}
	chosen, value, ok := reflect.Select(cases)
	switch {
	case chosen == 0:
		return nil, nil, ctx.Err()
	case chosen == 1 && ok:
		value.Interface().(func(*writer))(w)
		return nil, nil, nil
	case chosen-2 < len(sources) && ok:
		event, from := value.Interface().(Event), sources[chosen-2]
		from.queue.took(event)
		return event, from, nil
	}
	return nil, nil, nil
}

// holds says whether nothing of a source may be applied now.
func (s *sourceState) holds() bool { return s.paused || s.then != nil }

// next takes an event that was held back.
func (s *sourceState) next() Event {
	event := s.held[0]
	s.held = s.held[1:]
	return event
}

// poll takes a waiting event without waiting, nil if there is none.
func (s *sourceState) poll() Event {
	if len(s.held) > 0 {
		return s.next()
	}
	select {
	case event := <-s.queue.events:
		s.queue.took(event)
		return event
	default:
		return nil
	}
}

// take deals with one event and, where it is a transaction, with all that wait
// behind it.
func (w *writer) take(s *sourceState, event Event) error {
	if s.stopped {
		return nil
	}
	switch event := event.(type) {
	case Condition:
		w.engine.setCondition(s, event)
		return nil
	case CopyStarted:
		return w.startCopy(s, event)
	case CopiedRows:
		return w.storeCopied(s, event)
	case TableRead:
		return w.readTable(s, event)
	case CopyFinished:
		return w.endCopy(s, event)
	case Moved:
		return w.move(s, event)
	case TableCopying:
		return w.copyingTable(s, event)
	case TableCopied:
		w.copiedTable(event)
		return nil
	case TableHalted:
		return w.giveUpTable(s, event.Fault)
	case TableDropped:
		return w.dropTable(s, event.Relation)
	}
	b := w.newBatch()
	b.add(s, event)
	w.gather(b)
	return w.commit(b)
}

// batch is what one commit takes: whole transactions, in the order of their
// sources.
type batch struct {
	writer       *writer
	transactions []sourced
	frontiers    map[*sourceState]storage.Frontier
	changes      int
	// differences are changes that no transaction brought: from what was served to
	// what a copy has. also is written with them.
	differences *differences
	also        func(*storage.Commit) error
	// logged counts what the commit adds to the logs of copies under way.
	logged map[*stage]uint64
}

func (w *writer) newBatch() *batch {
	return &batch{writer: w, frontiers: map[*sourceState]storage.Frontier{}}
}

type sourced struct {
	from *sourceState
	*Transaction
}

// add takes a transaction or a progress in; false when the event must wait for
// the next commit.
func (b *batch) add(s *sourceState, event Event) bool {
	switch event := event.(type) {
	case *Transaction:
		if s.cut > 0 && event.End > s.cut {
			return b.hold(s, event)
		}
		if event.End <= b.frontier(s).Position {
			b.writer.close(event)
			return true // a duplicate after a reconnect
		}
		b.transactions = append(b.transactions, sourced{s, event})
		b.changes += event.Len()
		b.frontiers[s] = storage.Frontier{Position: event.End, CommittedAt: event.CommittedAt}
	case Progress:
		f := b.frontier(s)
		if event.Position > f.Position {
			f.Position = event.Position
			if s.cut > 0 && f.Position > s.cut {
				f.Position = s.cut // nothing ends between the cut and here
			}
			b.frontiers[s] = f
		}
	default:
		return b.hold(s, event)
	}
	return true
}

// hold puts an event back: the source stands still until the next commit, or
// until its fence is passed.
func (b *batch) hold(s *sourceState, event Event) bool {
	s.held = append([]Event{event}, s.held...)
	if t, ok := event.(*Transaction); ok && s.cut > 0 && t.End > s.cut {
		// All up to the cut is here: the frontier may say so.
		if f := b.frontier(s); f.Position < s.cut {
			f.Position = s.cut
			b.frontiers[s] = f
		}
		s.paused = true
	}
	return false
}

func (b *batch) frontier(s *sourceState) storage.Frontier {
	if f, ok := b.frontiers[s]; ok {
		return f
	}
	return b.writer.catalog.frontierOf(s.source.Name())
}

// gather adds whatever whole transactions wait, of all sources, without waiting.
func (w *writer) gather(b *batch) {
	for _, s := range w.engine.sources {
		for b.changes < maxBatch && !s.holds() && !s.stopped {
			event := s.poll()
			if event == nil {
				break
			}
			if c, ok := event.(Condition); ok {
				w.engine.setCondition(s, c)
				continue
			}
			if !b.add(s, event) {
				break
			}
		}
	}
}

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
