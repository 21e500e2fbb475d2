package engine

import (
	"fmt"
	"slices"

	"odsd/storage"
	"odsd/storage/relation"
)

// An initial copy that is interrupted keeps the relations that were read whole, in
// this process or by one before it:
//
//	CopyStarted ─▶ CopiedRows … ─▶ TableRead a ─▶ ✂ ─▶ CopyFinished, missing b ─▶ a as the stream goes on from there
//	                                                                        └─▶ TableCopying b … TableCopied b
//
// All of them are the database's state at the one position at which the copy
// began, which the source has the log kept from.

// readTable has a relation of which all rows have come noted as whole.
func (w *writer) readTable(s *sourceState, event TableRead) error {
	return w.afterLoads(s, reads(event.Relation), func() error { return w.noteWhole(s, event) })
}

// noteWhole notes that all rows of a relation are stored. They are durable with the
// note: tables that were ingested are durable, and commits are durable in their order.
func (w *writer) noteWhole(s *sourceState, event TableRead) error {
	record := w.catalog.relations[event.Relation]
	if known := w.catalog.sources[s.source.Name()]; known == nil || known.Begun == nil || record == nil || record.Halted != nil {
		return nil // of a copy beside the served rows, which starts over
	}
	record.Whole = true
	c := w.engine.store.Begin()
	defer c.Abandon()
	if err := storage.SetMeta(c, relationPrefix+event.Relation, record); err != nil {
		return err
	}
	if err := c.Apply(); err != nil {
		return fmt.Errorf("note that %s was read: %w", event.Relation, err)
	}
	w.engine.mu.Lock()
	defer w.engine.mu.Unlock()
	s.tables[event.Relation].copying = false
	return nil
}

// resumeCopy is what a source is told of an initial copy that was interrupted;
// nil where nothing of it can be kept.
func (w *writer) resumeCopy(source string, begun *begunCopy) *Resume {
	r := &Resume{Position: begun.Position, Identity: begun.Identity, Unfinished: true}
	for _, relation := range w.catalog.relations {
		if relation.Source == source && relation.Whole {
			r.Schemas = append(r.Schemas, relation.Schema)
		}
	}
	if len(r.Schemas) == 0 {
		return nil
	}
	return r
}

// dropMissing removes what came of the relations that an interrupted copy lacks.
func (w *writer) dropMissing(c *storage.Commit, event CopyFinished) []*relation.Schema {
	var schemas []*relation.Schema
	for _, name := range slices.Sorted(slices.Values(event.Missing)) {
		if record := w.catalog.relations[name]; record != nil {
			schemas = append(schemas, record.Schema)
			w.dropRelation(c, name)
		}
	}
	return schemas
}

// await has the views on a relation wait for its copy, which is to come.
func (w *writer) await(s *sourceState, schema *relation.Schema) error {
	expected := int64(0)
	w.engine.mu.Lock()
	if t := s.tables[schema.Name]; t != nil {
		t.rows, expected = 0, t.expected
	}
	w.engine.mu.Unlock()
	w.forgive(s, schema.Name)
	return w.beginStage(s, schema, expected, false)
}
