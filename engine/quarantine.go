package engine

import (
	"fmt"
	"strings"

	"odsd/engine/ivm"
	"odsd/storage"
	"odsd/storage/relation"
)

// codeQuarantine is of rows that hold what cannot be read.
const codeQuarantine = "QUARANTINE"

// quarantineTally is what a commit has put into quarantine, by table: how many rows,
// and the first.
type quarantineTally map[string]quarantinedRows

type quarantinedRows struct {
	count int
	first []relation.Value
}

func (q quarantineTally) count(w *writer, changes []ivm.Change) {
	for _, change := range changes {
		if r := w.catalog.stored.Relations[change.Relation]; r != nil {
			q.add(r, change.New)
		}
	}
}

// add counts a row that a relation has now, if it is in quarantine.
func (q quarantineTally) add(r *ivm.Relation, row []relation.Value) {
	if row == nil || !r.Quarantined(row) {
		return
	}
	rows := q[r.Schema.Name]
	if rows.count++; rows.first == nil {
		rows.first = row
	}
	q[r.Schema.Name] = rows
}

// tell logs one row of each table, and how many there are.
func (q quarantineTally) tell(w *writer) {
	for name, rows := range q {
		rows.tell(w, w.catalog.stored.Relations[name])
	}
}

func (rows quarantinedRows) tell(w *writer, r *ivm.Relation) {
	described, name := r.Describe(rows.first), r.Schema.Name
	w.engine.log.Error("row in quarantine: it holds what cannot be read", "source", sourceOf(name), "table", name, "code", codeQuarantine,
		"key", described.Key, "column", described.Column, "rows", rows.count, "hint", quarantineHint)
}

// tellQuarantined tells which copied rows of a relation are in quarantine.
func (w *writer) tellQuarantined(r *ivm.Relation, copied [][]relation.Value) {
	q := quarantineTally{}
	for _, row := range copied {
		q.add(r, row)
	}
	for _, rows := range q {
		rows.tell(w, r)
	}
}

const quarantineHint = "correct the value at the source: the row is shown again with its next change"

// Bounds of what status says of rows in quarantine: of tables of which all rows
// are, it counts no further.
const (
	quarantineCounted = 1000
	quarantineNamed   = 3
)

// quarantineFault says which rows of a table are in quarantine; nil where none are.
func quarantineFault(reader storage.Reader, r *ivm.Relation) (*Fault, error) {
	count := 0
	var named []string
	err := r.InQuarantine(reader, func(row ivm.QuarantinedRow) bool {
		if count++; count <= quarantineNamed {
			named = append(named, fmt.Sprintf("key %s, column %q", row.Key, row.Column))
		}
		return count < quarantineCounted
	})
	if err != nil || count == 0 {
		return nil, err
	}
	rows := fmt.Sprintf("%d rows hold what cannot be read and are", count)
	switch count {
	case 1:
		rows = "1 row holds what cannot be read and is"
	case quarantineCounted:
		rows = fmt.Sprintf("%d rows or more hold what cannot be read and are", count)
	}
	return &Fault{
		Code: codeQuarantine, Message: fmt.Sprintf("%s: %s not shown: %s", r.Schema.Name, rows, strings.Join(named, "; ")), Hint: quarantineHint,
	}, nil
}

// quarantined finds the rows in quarantine of all tables, by table.
func (e *Engine) quarantined() (map[string]*Fault, error) {
	snapshot := e.store.Snapshot()
	defer snapshot.Close()
	if any, err := ivm.AnyInQuarantine(snapshot); err != nil || !any {
		return nil, err
	}
	c, err := loadCatalog(snapshot)
	if err != nil {
		return nil, fmt.Errorf("read the catalog: %w", err)
	}
	faults := map[string]*Fault{}
	for name, r := range c.stored.Relations {
		fault, err := quarantineFault(snapshot, r)
		if err != nil {
			return nil, err
		}
		if fault != nil {
			faults[name] = fault
		}
	}
	return faults, nil
}
