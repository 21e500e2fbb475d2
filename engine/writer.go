package engine

import (
	"context"
	"fmt"
	"reflect"
)

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
	frontier := w.catalog.frontierOf(name)
	r := &Resume{
		Position: frontier.Position, Last: frontier.Last, Identity: record.Identity, Tables: map[string][]byte{}, Restored: record.Restored,
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
