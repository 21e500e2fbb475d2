package postgres

import (
	"bytes"
	"errors"

	"odsd/engine"
	"odsd/storage/relation"
)

// Bounds of a batch of copied rows.
const (
	batchRows  = 1000
	batchBytes = 1 << 20
)

var errCopyForm = errors.New("COPY sent a row that is not in its text form")

// copyReader reads the text form of COPY TO STDOUT and gathers rows into
// batches. It is the io.Writer that the connection writes the copied bytes to.
type copyReader struct {
	values *valueReader
	emit   func([][]relation.Value) error // gets each batch for its own
	begun  []byte                         // of a row that the last write ended within
	arena  *arena
	rows   [][]relation.Value
	size   int
	failed error // of emit, which pgconn would wrap
	// refused is the first value that cannot be read. What follows it is not read:
	// the connection lives on, and so do the other tables.
	refused *engine.Halt
}

func newCopyReader(values *valueReader, emit func([][]relation.Value) error) *copyReader {
	return &copyReader{values: values, emit: emit, arena: new(arena)}
}

func (r *copyReader) Write(p []byte) (int, error) {
	n := len(p)
	for r.refused == nil {
		end := bytes.IndexByte(p, '\n') // within a value it is written \n
		if end < 0 {
			r.begun = append(r.begun, p...)
			return n, nil
		}
		line := p[:end]
		if len(r.begun) > 0 {
			r.begun = append(r.begun, line...)
			line = r.begun
		}
		if err := r.row(line); errors.As(err, &r.refused) {
			break
		} else if err != nil {
			r.failed = err
			return 0, err
		}
		r.begun = r.begun[:0]
		p = p[end+1:]
	}
	r.begun = r.begun[:0]
	return n, nil
}

func (r *copyReader) row(line []byte) error {
	columns := len(r.values.schema.Columns)
	row := r.arena.row(columns)
	for i := range columns {
		field, rest, more := bytes.Cut(line, []byte{'\t'})
		if more == (i == columns-1) {
			return errCopyForm
		}
		line = rest
		if len(field) == 2 && field[0] == '\\' && field[1] == 'N' {
			continue
		}
		text, ok := r.unescape(field)
		if !ok {
			return errCopyForm
		}
		v, err := r.values.value(i, text)
		if err != nil {
			return err
		}
		row[i] = v
	}
	r.rows = append(r.rows, row)
	if len(r.rows) == batchRows || r.size >= batchBytes {
		return r.flush()
	}
	return nil
}

// escapes are the letters that COPY writes after a backslash for what a row's
// text cannot hold as it is.
var escapes = [256]byte{'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t', 'v': '\v', '\\': '\\'}

// unescape copies a field into the arena without its escapes.
func (r *copyReader) unescape(field []byte) (string, bool) {
	r.size += len(field)
	b := r.arena.reserve(len(field))
	for {
		i := bytes.IndexByte(field, '\\')
		if i < 0 {
			return r.arena.keep(append(b, field...)), true
		}
		if i+1 == len(field) || escapes[field[i+1]] == 0 {
			return "", false
		}
		b = append(append(b, field[:i]...), escapes[field[i+1]])
		field = field[i+2:]
	}
}

func (r *copyReader) flush() error {
	if len(r.rows) == 0 {
		return nil
	}
	rows := r.rows
	r.rows, r.arena, r.size = nil, new(arena), 0
	return r.emit(rows)
}
