package postgres

import (
	"fmt"
	"time"
	"unicode/utf8"

	"odsd/engine"
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
	// unsure says that the database does not vouch for its text's encoding.
	unsure bool
	// masker is nil where no column is masked.
	masker *masker
}

func (s *Source) newValueReader(t *table, schema *relation.Schema, encoding string) *valueReader {
	zone := s.config.Timezone
	r := &valueReader{schema: schema, local: make([]bool, len(schema.Columns)), zone: zone, unsure: encoding == encodingUnknown}
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

// value reads a column's text. The value may alias it.
func (r *valueReader) value(column int, text string) (relation.Value, error) {
	c := &r.schema.Columns[column]
	if r.unsure && !utf8.ValidString(text) {
		return relation.Value{}, r.unreadable(column, "text that is not UTF-8")
	}
	if r.masker != nil {
		masked, ok := r.masker.text(column, text)
		if !ok {
			return relation.Value{}, nil
		}
		text = masked
	}
	v, err := r.parse(column, text)
	if err != nil { // the error may quote the value, so it ends here
		return relation.Value{}, r.unreadable(column, "a value that cannot be read as "+c.Type.String())
	}
	if r.local[column] {
		v = toInstant(v, r.zone)
	}
	return v, nil
}

func (r *valueReader) parse(column int, text string) (relation.Value, error) {
	t := r.schema.Columns[column].Type
	if delimiter, unusual := r.delimiters[column]; unusual {
		return relation.ParseArray(t, delimiter, text)
	}
	return relation.ParseText(t, text)
}

func (r *valueReader) unreadable(column int, what string) *engine.Halt {
	return tableHalt(codeValue, r.schema.Name, fmt.Sprintf("column %s holds %s", quote(r.schema.Columns[column].Name), what),
		"correct the value at the source, or leave the column out of the publication; then odsd resync "+r.schema.Name)
}
