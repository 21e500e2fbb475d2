package engine

import (
	"errors"
	"fmt"
	"slices"

	"odsd/storage"
	"odsd/storage/relation"
)

// tableError is a change that does not fit what is stored of its relation.
type tableError struct {
	source   *sourceState
	relation string
	cause    error
}

func (e *tableError) Error() string { return e.cause.Error() }

// applyFault words why a relation cannot be kept up with its stream.
func applyFault(name string, cause error) *Halt {
	halt := &Halt{
		Code: "APPLY", Table: name, Message: cause.Error(),
		Hint: "what is stored of this table differs from the database: odsd resync " + name,
	}
	var missing *missingRowError
	if errors.As(cause, &missing) {
		halt.Code = "MISSING_ROW"
	}
	var taken *takenKeyError
	if errors.As(cause, &taken) {
		halt.Code = "TAKEN_KEY"
	}
	return halt
}

// applyChange takes one change of the stream to where it belongs: the served
// rows, the log of a copy under way, both, or, for a halted relation, nowhere.
func (w *writer) applyChange(c *storage.Commit, f *fold, b *batch, t sourced, change Change) error {
	name := change.Relation
	st, record := w.catalog.stages[name], w.catalog.relations[name]
	if st != nil && !st.Whole {
		st.appendLog(c, st.next+b.logged[st], t.End, change)
		b.logged[st]++
	}
	if record == nil && st == nil && w.catalog.halted[name] == nil {
		return &sourceError{t.from, fmt.Errorf("%s is not captured", name)}
	}
	if record == nil || record.Halted != nil {
		return nil
	}
	if st != nil {
		change.Old, change.New = st.project(change.Old), st.project(change.New)
	}
	if err := f.apply(change); err != nil {
		return &tableError{t.from, name, err}
	}
	return nil
}

// project gives the columns of a row that the served relation has.
func (st *stage) project(row []relation.Value) []relation.Value {
	if st.projection == nil || row == nil {
		return row
	}
	projected := make([]relation.Value, len(st.projection))
	for i, ordinal := range st.projection {
		projected[i] = row[ordinal]
	}
	return projected
}

// projection finds each column of a schema in another by its attribute; ok is
// false where one is not there as it was, or the key is another one.
func projection(from, to *relation.Schema) (ordinals []int, ok bool) {
	for _, was := range from.Columns {
		at := slices.IndexFunc(to.Columns, func(is relation.Column) bool {
			return is.Attribute == was.Attribute && is.Name == was.Name && is.Type.Kind == was.Type.Kind && is.Type.Elem == was.Type.Elem
		})
		if at < 0 {
			return nil, false
		}
		ordinals = append(ordinals, at)
	}
	if len(from.Key) != len(to.Key) {
		return nil, false
	}
	for i, column := range from.Key {
		if ordinals[column] != to.Key[i] {
			return nil, false
		}
	}
	return ordinals, true
}

// copyingTable takes up the copy of one relation.
func (w *writer) copyingTable(s *sourceState, event TableCopying) error {
	name := event.Schema.Name
	record := w.catalog.relations[name]
	var ordinals []int
	if record != nil && record.Halted == nil {
		var ok bool
		if ordinals, ok = projection(record.Schema, event.Schema); !ok {
			fault := &Halt{Code: "SCHEMA_CHANGED", Table: name, Message: "its columns changed since it was copied", Hint: "odsd resync " + name}
			if err := w.haltTable(s, fault); err != nil {
				return err
			}
			ordinals = nil
		}
	}
	if err := w.beginStage(s, event.Schema, event.RowsExpected, false); err != nil {
		return err
	}
	w.catalog.stages[name].projection = ordinals
	w.forgive(s, name)
	w.engine.log.Info("copying a table beside the stream", "source", s.source.Name(), "table", name)
	return w.reconsider()
}

// forgive takes a fault away from the status of a relation that is mended now.
func (w *writer) forgive(s *sourceState, name string) {
	delete(w.catalog.halted, name)
	w.engine.mu.Lock()
	defer w.engine.mu.Unlock()
	if t := s.tables[name]; t != nil {
		t.fault = nil
	}
}

// copiedTable notes that a copy is complete: its log is replayed once its rows are in the store.
func (w *writer) copiedTable(event TableCopied) {
	if st := w.catalog.stages[event.Relation]; st != nil {
		st.complete, st.position, st.identity = true, event.Position, event.Identity
		w.endLoad(event.Relation)
	}
}

// giveUpTable halts a relation and ends a copy of it that was under way.
func (w *writer) giveUpTable(s *sourceState, fault *Halt) error {
	c := w.engine.store.Begin()
	defer c.Abandon()
	w.removeStage(c, fault.Table)
	w.dropLoad(fault.Table)
	if err := c.Apply(); err != nil {
		return fmt.Errorf("end the copy of %s: %w", fault.Table, err)
	}
	return w.haltTable(s, fault)
}

// haltTable sets one relation aside, and the views on it: they would show it
// as of another moment than the rest of its source. Everything else goes on; so
// does a copy under way, which mends it.
func (w *writer) haltTable(s *sourceState, fault *Halt) error {
	name := fault.Table
	c := w.engine.store.Begin()
	defer c.Abandon()
	known := w.catalog.halted[name] != nil && w.catalog.halted[name].Message == fault.Message
	if record := w.catalog.relations[name]; record != nil {
		halted := *record
		halted.Halted = fault
		if err := storage.SetMeta(c, relationPrefix+name, halted); err != nil {
			return err
		}
		*record = halted
		w.dropReaders(c, reads(name))
	}
	if err := c.Apply(); err != nil {
		return fmt.Errorf("halt %s: %w", name, err)
	}
	w.catalog.halted[name] = fault
	w.engine.mu.Lock()
	if s.tables[name] == nil {
		s.tables[name] = &tableState{}
	}
	s.tables[name].fault = fault
	w.engine.mu.Unlock()
	if !known {
		w.engine.log.Error("table halted", "source", s.source.Name(), "table", name, "code", fault.Code, "error", fault.Message, "hint", fault.Hint)
	}
	return w.reconsider()
}

// reconsider tries the views again that failed: what they read is another now.
func (w *writer) reconsider() error {
	w.engine.mu.Lock()
	for _, v := range w.engine.views {
		if v.next != nil && v.next.fault != nil {
			v.next = nil
		}
	}
	w.engine.mu.Unlock()
	return w.settleViews()
}

// dropTable removes a relation that the project does not want any more.
func (w *writer) dropTable(s *sourceState, name string) error {
	c := w.engine.store.Begin()
	defer c.Abandon()
	w.removeStage(c, name)
	w.dropReaders(c, reads(name))
	w.dropRelation(c, name)
	if err := c.Apply(); err != nil {
		return fmt.Errorf("drop %s: %w", name, err)
	}
	delete(w.catalog.halted, name)
	w.engine.mu.Lock()
	delete(s.tables, name)
	w.engine.mu.Unlock()
	w.engine.log.Info("table dropped, as it is no longer wanted", "source", s.source.Name(), "table", name)
	return w.reconsider()
}

// dropRelation removes all that is stored of a relation.
func (w *writer) dropRelation(c *storage.Commit, name string) {
	record := w.catalog.relations[name]
	if record == nil {
		return
	}
	prefix := storage.AppendRowPrefix(nil, record.ID)
	c.DeleteRange(prefix, storage.PrefixEnd(prefix))
	w.catalog.stored.Relations[name].ClearQuarantine(c)
	w.dropIndexes(c, name)
	w.dropLoad(name)
	storage.DeleteMeta(c, relationPrefix+name)
	delete(w.catalog.relations, name)
	delete(w.catalog.stored.Relations, name)
}

// ErrUnknownTable is returned for a table that its source does not capture.
var ErrUnknownTable = errors.New("no such table")

// ResyncTable has one table copied anew beside the stream. What is stored of it
// is served until the copy is there.
func (e *Engine) ResyncTable(source, table string) error {
	s := e.byName[source]
	if s == nil {
		return fmt.Errorf("%w: %q", ErrUnknownSource, source)
	}
	if _, ok := s.source.(TableCopier); !ok {
		return fmt.Errorf("source %s copies whole sources only: odsd resync %s", source, source)
	}
	name := source + "." + table
	e.mu.RLock()
	known, state, live := s.tables[name] != nil, s.condition.State, s.live
	e.mu.RUnlock()
	switch {
	case !known:
		return fmt.Errorf("%w: %q is not captured", ErrUnknownTable, name)
	case !live || state == Halted:
		return fmt.Errorf("source %s does not stream, so one table cannot be copied beside it: odsd resync %s", source, source)
	}
	s.copyTable(name)
	return nil
}
