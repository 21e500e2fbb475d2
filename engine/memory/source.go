package memory

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"odsd/engine"
	"odsd/storage/relation"
)

// Source is an engine.Source without a database: it copies the rows it is given
// and then delivers the transactions it is told.
type Source struct {
	name    string
	schemas []*relation.Schema
	rows    func(relation string) [][]relation.Value
	// Large has every transaction delivered as one that is too large for memory.
	Large bool
	// Batch is how many rows of a copy are delivered at a time, the last of a relation first; 0 for
	// all at once, as they come.
	Batch int

	mu           sync.Mutex
	log          []*engine.Transaction // all that were committed, ever
	end          relation.Position
	copiedAt     relation.Position // the state that the last copy found
	acknowledged relation.Position
	asked        bool
	wake         chan struct{}
	copies       []*tableCopy
	holding      bool // copies wait for a word at each step
}

// NewSource makes a source. rows gives the rows that the initial copy finds.
func NewSource(name string, schemas []*relation.Schema, rows func(relation string) [][]relation.Value) *Source {
	return &Source{name: name, schemas: schemas, rows: rows, end: 1, wake: make(chan struct{}, 1)}
}

// Name implements engine.Source.
func (s *Source) Name() string { return s.name }

// commitLength is how far before its end a transaction's commit lies.
const commitLength = 5

// Commit appends a transaction to the source's log and gives its end.
func (s *Source) Commit(changes []engine.Change) relation.Position {
	s.mu.Lock()
	s.end += 2 * commitLength
	end := s.end
	at := time.Unix(int64(end), 0).UTC()
	s.log = append(s.log, &engine.Transaction{
		End: end, CommittedAt: at, Changes: changes, Mark: relation.Mark{Commit: end - commitLength, At: at.UnixMicro()},
	})
	s.mu.Unlock()
	s.awake()
	return end
}

// End is where the last committed transaction ends.
func (s *Source) End() relation.Position {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.end
}

// Acknowledge implements engine.Source.
func (s *Source) Acknowledge(p relation.Position) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.acknowledged = max(s.acknowledged, p)
}

// Acknowledged is the largest position that the engine has called durable.
func (s *Source) Acknowledged() relation.Position {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.acknowledged
}

// RequestProgress implements engine.Source.
func (s *Source) RequestProgress() {
	s.mu.Lock()
	s.asked = true
	s.mu.Unlock()
	s.awake()
}

func (s *Source) awake() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Run implements engine.Source.
func (s *Source) Run(ctx context.Context, from *engine.Resume, out chan<- engine.Event) error {
	position := relation.Position(0)
	if from != nil {
		position = from.Position
		if err := s.attest(from); err != nil {
			return err
		}
	} else {
		var err error
		if position, err = s.copy(ctx, out); err != nil {
			return err
		}
	}
	if err := send(ctx, out, engine.Condition{State: engine.Streaming, SlotWAL: -1}); err != nil {
		return err
	}
	for {
		events, reached := s.after(position)
		for _, event := range events {
			if err := send(ctx, out, event); err != nil {
				return err
			}
		}
		position = reached
		if err := s.copyTables(ctx, position, out); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.wake:
		}
	}
}

// attest finds out whether a source is told to resume after a transaction that is its own, and the last one there.
func (s *Source) attest(from *engine.Resume) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var last relation.Mark
	for _, t := range s.log {
		if t.End <= from.Position && t.End > s.copiedAt {
			last = t.Mark
		}
	}
	if from.Last != last {
		return fmt.Errorf("source %s resumes at %s after %+v, where the last transaction is %+v", s.name, from.Position, from.Last, last)
	}
	return nil
}

func (s *Source) copy(ctx context.Context, out chan<- engine.Event) (relation.Position, error) {
	s.mu.Lock()
	end := s.end
	s.copiedAt = end
	s.mu.Unlock()
	s.forgetCopies()
	if err := send(ctx, out, engine.CopyStarted{Schemas: s.schemas}); err != nil {
		return 0, err
	}
	for _, schema := range s.schemas {
		for _, event := range s.batches(schema.Name, s.rows(schema.Name)) {
			if err := send(ctx, out, event); err != nil {
				return 0, err
			}
		}
	}
	return end, send(ctx, out, engine.CopyFinished{Position: end})
}

// batches are the rows of a copy as they are delivered.
func (s *Source) batches(relation string, rows [][]relation.Value) []engine.Event {
	if s.Batch == 0 {
		return []engine.Event{engine.CopiedRows{Relation: relation, Rows: rows}}
	}
	var events []engine.Event
	for batch := range slices.Chunk(rows, s.Batch) {
		events = append(events, engine.CopiedRows{Relation: relation, Rows: batch})
	}
	slices.Reverse(events)
	return events
}

// after gives the transactions that end after a position, and a progress where
// one was asked for.
func (s *Source) after(position relation.Position) (events []engine.Event, reached relation.Position) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.log {
		if t.End > position {
			events = append(events, s.copied(t))
			position = t.End
		}
	}
	if s.asked {
		s.asked = false
		events = append(events, engine.Progress{Position: position})
	}
	return events, position
}

// copied is a transaction of the receiver's own: the engine may write into rows.
func (s *Source) copied(t *engine.Transaction) *engine.Transaction {
	if s.Large {
		return &engine.Transaction{End: t.End, CommittedAt: t.CommittedAt, Mark: t.Mark, More: changes{t}}
	}
	own := *t
	own.Changes = copiedChanges(t)
	return &own
}

// changes are a transaction's, read as those that lie on disk.
type changes struct{ of *engine.Transaction }

// Each implements engine.Changes.
func (c changes) Each(visit func(engine.Change) error) error {
	for _, change := range copiedChanges(c.of) {
		if err := visit(change); err != nil {
			return err
		}
	}
	return nil
}

// Len implements engine.Changes.
func (c changes) Len() int { return len(c.of.Changes) }

// Close implements engine.Changes.
func (c changes) Close() error { return nil }

func copiedChanges(t *engine.Transaction) []engine.Change {
	own := make([]engine.Change, len(t.Changes))
	for i, c := range t.Changes {
		c.Old = append([]relation.Value(nil), c.Old...)
		c.New = append([]relation.Value(nil), c.New...)
		own[i] = c
	}
	return own
}

func send(ctx context.Context, out chan<- engine.Event, event engine.Event) error {
	select {
	case out <- event:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
