package ivm

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"odsd/storage"
	"odsd/storage/relation"
)

// A base row that holds what cannot be read is in quarantine: it is stored, so
// that what the stream says of it later can be applied, and verified, but is no
// row to any view: whoever reads rows for a view does not get it. A column that
// cannot be read holds an error in the stored row; one of the key, by which the
// row is found, holds its bytes as they came. Each such row has a meta document that says
// which row and which column it is, written and removed with it. A readable row
// in its place ends the quarantine.

// QuarantinedRow says which row is in quarantine, and why.
type QuarantinedRow struct {
	// Key is the row's key as text, with the bytes that are no text escaped.
	Key    string `json:"key"`
	Column string `json:"column"`
}

// Quarantined says whether a row of a base relation holds what cannot be read.
func (r *Relation) Quarantined(row []relation.Value) bool { return r.unreadable(row) >= 0 }

// unreadable is the first column that cannot be read; -1 where there is none.
func (r *Relation) unreadable(row []relation.Value) int {
	if !r.base {
		return -1
	}
	for i := range row {
		if row[i].IsError() {
			return i
		}
	}
	for _, column := range r.textKey {
		if text := row[column].Str(); !utf8.ValidString(text) || strings.IndexByte(text, 0) >= 0 {
			return column
		}
	}
	return -1
}

// Shown is what folded changes are to the views: rows in quarantine are none.
func Shown(catalog *Catalog, changes []Change) []Change {
	var shown []Change // a copy once one differs
	for i, change := range changes {
		r := catalog.Relations[change.Relation]
		hidesOld := r != nil && change.Old != nil && r.Quarantined(change.Old)
		hidesNew := r != nil && change.New != nil && r.Quarantined(change.New)
		if shown == nil && (hidesOld || hidesNew) {
			shown = append(make([]Change, 0, len(changes)), changes[:i]...)
		}
		if shown == nil {
			continue
		}
		if hidesOld {
			change.Old = nil
		}
		if hidesNew {
			change.New = nil
		}
		if change.Old != nil || change.New != nil {
			shown = append(shown, change)
		}
	}
	if shown == nil {
		return changes
	}
	return shown
}

const quarantinePrefix = "quarantine/"

func (r *Relation) quarantineName(row []relation.Value) string {
	return fmt.Sprintf("%s%x/%x", quarantinePrefix, r.Prefix, r.appendKey(nil, row))
}

// writeQuarantine moves the meta documents of a change.
func (w *baseWriter) writeQuarantine(c *storage.Commit, r *Relation, change Change) error {
	if change.Old != nil && r.Quarantined(change.Old) {
		storage.DeleteMeta(c, r.quarantineName(change.Old))
	}
	if change.New == nil {
		return nil
	}
	column := r.unreadable(change.New)
	if column < 0 {
		return nil
	}
	return storage.SetMeta(c, r.quarantineName(change.New), r.Describe(change.New))
}

// Describe says which row it is and what of it cannot be read.
func (r *Relation) Describe(row []relation.Value) QuarantinedRow {
	var key []string
	for _, column := range r.Schema.Key {
		text := string(relation.AppendText(nil, row[column]))
		if quoted := strconv.QuoteToGraphic(text); quoted != `"`+text+`"` {
			text = quoted
		}
		key = append(key, text)
	}
	described := QuarantinedRow{Key: strings.Join(key, ",")}
	if column := r.unreadable(row); column >= 0 {
		described.Column = r.Schema.Columns[column].Name
	}
	return described
}

// AnyInQuarantine says whether a store has rows in quarantine.
func AnyInQuarantine(reader storage.Reader) (bool, error) {
	prefix := storage.MetaKey(quarantinePrefix)
	cursor := reader.Scan(prefix, storage.PrefixEnd(prefix))
	defer cursor.Close()
	any := cursor.Next()
	if err := cursor.Err(); err != nil {
		return false, fmt.Errorf("rows in quarantine: %w", err)
	}
	return any, nil
}

// ClearQuarantine removes the meta documents of all rows of a relation, whose rows go
// in the same commit.
func (r *Relation) ClearQuarantine(c *storage.Commit) {
	prefix := storage.MetaKey(fmt.Sprintf("%s%x/", quarantinePrefix, r.Prefix))
	c.DeleteRange(prefix, storage.PrefixEnd(prefix))
}

// InQuarantine visits the rows of a relation that are in quarantine until visit
// returns false.
func (r *Relation) InQuarantine(reader storage.Reader, visit func(QuarantinedRow) bool) error {
	prefix := storage.MetaKey(fmt.Sprintf("%s%x/", quarantinePrefix, r.Prefix))
	cursor := reader.Scan(prefix, storage.PrefixEnd(prefix))
	defer cursor.Close()
	for ok := cursor.Next(); ok; ok = cursor.Next() {
		var row QuarantinedRow
		if err := json.Unmarshal(cursor.Value(), &row); err != nil {
			return fmt.Errorf("rows of %s in quarantine: %w", r.Schema.Name, err)
		}
		if !visit(row) {
			break
		}
	}
	if err := cursor.Err(); err != nil {
		return fmt.Errorf("rows of %s in quarantine: %w", r.Schema.Name, err)
	}
	return nil
}
