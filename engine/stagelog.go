package engine

import (
	"encoding/binary"
	"errors"
	"fmt"

	"odsd/engine/ivm"
	"odsd/storage"
	"odsd/storage/relation"
)

// A log entry is one change as the stream told it:
//
//	key    log relation │ number 8
//	value  operation 1 │ end of its transaction 8 │ old row │ new row
//	row    0  or  1 │ columns × mark 1 │ length uvarint │ stored row, null where marked
const (
	markNone = iota
	markUnchanged
	markNotSent
)

var errStageLog = errors.New("an entry in the log of a copy cannot be read")

func (st *stage) logKey(number uint64) []byte {
	return binary.BigEndian.AppendUint64(storage.AppendRowPrefix(nil, st.Log), number)
}

// appendLog writes a change down. number is its place in the log.
func (st *stage) appendLog(c *storage.Commit, number uint64, end relation.Position, change Change) {
	value := binary.BigEndian.AppendUint64([]byte{byte(change.Operation)}, uint64(end))
	value = st.appendRow(value, change.Old)
	c.Set(st.logKey(number), st.appendRow(value, change.New))
}

func (st *stage) appendRow(dst []byte, row []relation.Value) []byte {
	if row == nil {
		return append(dst, 0)
	}
	dst = append(dst, 1)
	plain := make([]relation.Value, len(row))
	for i, v := range row {
		switch v.Kind() {
		case relation.Unchanged:
			dst = append(dst, markUnchanged)
		case relation.NotSent:
			dst = append(dst, markNotSent)
		default:
			dst, plain[i] = append(dst, markNone), v
		}
	}
	stored := st.relation.Layout.Append(nil, plain)
	return append(binary.AppendUvarint(dst, uint64(len(stored))), stored...)
}

func (st *stage) readLog(value []byte) (end relation.Position, change Change, err error) {
	if len(value) < 9 {
		return 0, change, errStageLog
	}
	change.Operation, change.Relation = Operation(value[0]), st.Schema.Name
	end = relation.Position(binary.BigEndian.Uint64(value[1:]))
	rest := append([]byte(nil), value[9:]...) // rows alias it
	if change.Old, rest, err = st.readRow(rest); err != nil {
		return 0, change, err
	}
	change.New, _, err = st.readRow(rest)
	return end, change, err
}

func (st *stage) readRow(b []byte) (row []relation.Value, rest []byte, err error) {
	columns := len(st.Schema.Columns)
	if len(b) > 0 && b[0] == 0 {
		return nil, b[1:], nil
	}
	if len(b) < 1+columns {
		return nil, nil, errStageLog
	}
	marks, b := b[1:1+columns], b[1+columns:]
	length, n := binary.Uvarint(b)
	if n <= 0 || length > uint64(len(b)-n) {
		return nil, nil, errStageLog
	}
	row = st.relation.Layout.Decode(nil, b[n:n+int(length)])
	for i, mark := range marks {
		switch mark {
		case markUnchanged:
			row[i] = relation.OfMark(relation.Unchanged)
		case markNotSent:
			row[i] = relation.OfMark(relation.NotSent)
		}
	}
	return row, b[n+int(length):], nil
}

// replayChunk is how many logged changes are replayed between two commits: more
// than a commit adds, so that the log becomes empty however busy the table is.
const replayChunk = 3 * maxBatch

// replaying gives a stage whose copy is complete and stored, nil where there is none: its
// log is to be replayed, and then its rows are to be served.
func (w *writer) replaying() *stage {
	for _, st := range w.catalog.stages {
		if st.complete && !st.Whole && w.loads[st.Schema.Name] == nil {
			return st
		}
	}
	return nil
}

// replaySome brings a complete copy nearer to the frontier, and has it served
// once it is there.
func (w *writer) replaySome() error {
	st := w.replaying()
	if st == nil {
		return nil
	}
	if st.replayed < st.next {
		err := w.replay(st)
		var unfit *unfitError
		if errors.As(err, &unfit) {
			return w.giveUpTable(st.source, applyFault(st.Schema.Name, unfit.cause))
		}
		if err != nil {
			return err
		}
	}
	if st.replayed < st.next || w.catalog.frontierOf(st.source.source.Name()).Position < st.position {
		return nil
	}
	return w.serveStage(st)
}

// unfitError is a logged change that does not fit the copied rows.
type unfitError struct{ cause error }

func (e *unfitError) Error() string { return e.cause.Error() }

// errBefore says that a change of columns that the copy does not have is none
// of those that the copy's rows have in them.
var errBefore = errors.New("its columns changed while it was copied")

func (w *writer) replay(st *stage) error {
	c := w.engine.store.Begin()
	defer c.Abandon()
	f := newFold(c, st.catalog().Relations)
	gained := int64(0)
	write := func() error {
		changes := f.changes()
		gained += rowsGained(changes)[st.Schema.Name]
		return ivm.WriteBase(c, st.catalog(), changes)
	}
	f.bound(replayChunk+sliceChanges, func() error { // by a table that is truncated, or rows that are large
		if err := write(); err != nil {
			return err
		}
		f.reset()
		return c.NextSlice()
	})
	upper := st.logKey(min(st.next, st.replayed+replayChunk))
	cursor := c.Before().Scan(st.logKey(st.replayed), upper)
	defer cursor.Close()
	entries := uint64(0)
	for ; cursor.Next(); entries++ {
		end, change, err := st.readLog(cursor.Value())
		if err != nil {
			return fmt.Errorf("%s: %w", st.Schema.Name, err)
		}
		if end <= st.position {
			continue
		}
		if incomplete(change.New) {
			return &unfitError{errBefore}
		}
		if f.full() {
			if err := f.next(); err != nil {
				return err
			}
		}
		if err := f.apply(change); err != nil {
			return &unfitError{err}
		}
	}
	if err := errors.Join(cursor.Err(), cursor.Close()); err != nil {
		return fmt.Errorf("read the log of the copy of %s: %w", st.Schema.Name, err)
	}
	if err := write(); err != nil {
		return err
	}
	c.DeleteRange(st.logKey(st.replayed), upper)
	if err := c.Apply(); err != nil {
		return fmt.Errorf("replay the log of the copy of %s: %w", st.Schema.Name, err)
	}
	st.replayed += entries
	w.gainStaged(st, gained)
	return nil
}

func incomplete(row []relation.Value) bool {
	for _, v := range row {
		if v.Kind() == relation.NotSent {
			return true
		}
	}
	return false
}
