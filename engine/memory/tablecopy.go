package memory

import (
	"context"
	"slices"

	"odsd/engine"
	"odsd/storage/relation"
)

// tableCopy is a table that is copied beside the stream.
type tableCopy struct {
	schema    *relation.Schema
	announced bool // the engine was told
	taken     bool // rows and position are there
	freed     bool // they may be delivered
	rows      [][]relation.Value
	position  relation.Position
}

// CopyTable implements engine.TableCopier.
func (s *Source) CopyTable(name string) {
	s.mu.Lock()
	known := slices.ContainsFunc(s.copies, func(c *tableCopy) bool { return c.schema.Name == name })
	at := slices.IndexFunc(s.schemas, func(schema *relation.Schema) bool { return schema.Name == name })
	if !known && at >= 0 {
		s.copies = append(s.copies, &tableCopy{schema: s.schemas[at]})
	}
	s.mu.Unlock()
	s.awake()
}

// HoldCopies has the copies of tables wait: for TakeRows after they were
// announced, and for ReleaseCopies after that.
func (s *Source) HoldCopies() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.holding = true
}

// Announced says whether the engine was told of every copy that was asked for.
func (s *Source) Announced() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.copies) > 0 && !slices.ContainsFunc(s.copies, func(c *tableCopy) bool { return !c.announced })
}

// TakeRows has the announced copies find the rows of this moment.
func (s *Source) TakeRows() {
	s.mu.Lock()
	for _, c := range s.copies {
		if c.announced && !c.taken {
			s.takeRows(c)
		}
	}
	s.mu.Unlock()
}

// ReleaseCopies has what the copies found delivered.
func (s *Source) ReleaseCopies() {
	s.mu.Lock()
	for _, c := range s.copies {
		c.freed = c.taken
	}
	s.mu.Unlock()
	s.awake()
}

// SetSchema changes the columns that the source says a table has, from the next
// copy on.
func (s *Source) SetSchema(schema *relation.Schema) {
	s.mu.Lock()
	defer s.mu.Unlock()
	schemas := slices.Clone(s.schemas)
	for i := range schemas {
		if schemas[i].Name == schema.Name {
			schemas[i] = schema
		}
	}
	s.schemas = schemas
}

func (s *Source) takeRows(c *tableCopy) {
	c.taken, c.position, c.rows = true, s.end, s.rows(c.schema.Name)
}

func (s *Source) forgetCopies() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.copies = nil
}

// copyTables goes one step on with every copy. The stream stands at position.
func (s *Source) copyTables(ctx context.Context, position relation.Position, out chan<- engine.Event) error {
	for {
		events := s.copyStep(position)
		if len(events) == 0 {
			return nil
		}
		for _, event := range events {
			if err := send(ctx, out, event); err != nil {
				return err
			}
		}
	}
}

func (s *Source) copyStep(position relation.Position) []engine.Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, c := range s.copies {
		switch {
		case !c.announced:
			c.announced = true
			return []engine.Event{engine.TableCopying{Schema: c.schema}}
		case !c.taken && !s.holding:
			s.takeRows(c)
			c.freed = true
		}
		if c.freed && c.position <= position {
			s.copies = slices.Delete(s.copies, i, i+1)
			return append(s.batches(c.schema.Name, c.rows), engine.TableCopied{Relation: c.schema.Name, Position: c.position})
		}
	}
	return nil
}
