package postgres

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"odsd/storage/relation"
)

// valueReader reads the values of one relation, from the copy and the stream
// alike, so that both give the same value for the same row.
type valueReader struct {
	schema *relation.Schema
	local  []bool         // the column holds timestamps without time zone
	zone   *time.Location // that those are read in
	// delimiters of the columns that are arrays with another one than usual.
	delimiters map[int]byte
	// masker is nil where no column is masked.
	masker *masker
}

func (s *Source) newValueReader(t *table, schema *relation.Schema) *valueReader {
	zone := s.config.Timezone
	r := &valueReader{schema: schema, local: make([]bool, len(schema.Columns)), zone: zone}
	for i := range schema.Columns {
		c := t.attribute(schema.Columns[i].Attribute)
		if c == nil {
			continue // the comparison with the catalog says so
		}
		if c.mask != MaskNone {
			if r.masker == nil {
				r.masker = &masker{masks: make([]Mask, len(schema.Columns)), key: s.config.HashKey}
			}
			r.masker.masks[i] = c.mask
		}
		r.local[i] = c.resolved.local && zone != time.UTC
		if c.resolved.Kind == relation.Array && c.resolved.delimiter != relation.Delimiter {
			if r.delimiters == nil {
				r.delimiters = make(map[int]byte)
			}
			r.delimiters[i] = c.resolved.delimiter
		}
	}
	return r
}

// value reads a column's text. The value may alias it. What cannot be read gives
// an error in its place, which puts the row into quarantine; in a text of the
// key, by which the row is found, it gives the bytes as they are, which does the same.
func (r *valueReader) value(column int, text string) (relation.Value, error) {
	if r.masker != nil {
		masked, ok := r.masker.text(column, text)
		if !ok {
			return relation.Value{}, nil
		}
		text = masked
	}
	v, err := r.parse(column, text)
	if err != nil { // the error may quote the value, so it ends here
		return r.unreadable(column, text)
	}
	if r.local[column] {
		told := v
		if v = toInstant(v, r.zone); slices.Contains(r.schema.Key, column) && skipped(told, r.zone) {
			return relation.Value{}, r.skippedKey(column)
		}
	}
	return v, nil
}

// skippedKey is of a key whose time no clock of the zone has shown: it would be the key of another row.
func (r *valueReader) skippedKey(column int) error {
	return tableHalt(codeValue, r.schema.Name,
		fmt.Sprintf("column %s of its key holds a time that the clocks of %s skipped, so that two rows would be one", quote(r.schema.Columns[column].Name), r.zone),
		"set the source's `timezone:` to the one that its times are meant in, or leave the table out; then odsd resync "+r.schema.Name)
}

var errNUL = errors.New("text holds a NUL")

func (r *valueReader) parse(column int, text string) (relation.Value, error) {
	if strings.IndexByte(text, 0) >= 0 { // no server sends one
		return relation.Value{}, errNUL
	}
	t := r.schema.Columns[column].Type
	if delimiter, unusual := r.delimiters[column]; unusual {
		return relation.ParseArray(t, delimiter, text)
	}
	return relation.ParseText(t, text)
}

func (r *valueReader) unreadable(column int, text string) (relation.Value, error) {
	c := &r.schema.Columns[column]
	switch {
	case !slices.Contains(r.schema.Key, column):
		return relation.OfError(relation.ErrUnreadable), nil
	case c.Type.Kind.Family() == relation.TextFamily:
		return relation.OfString(c.Type.Kind, text), nil
	}
	return relation.Value{}, tableHalt(codeValue, r.schema.Name,
		fmt.Sprintf("column %s of its key holds a value that cannot be read as %s", quote(c.Name), c.Type),
		"correct the value at the source, or leave the table out; then odsd resync "+r.schema.Name)
}
