package ivm

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"odsd/storage"
	"odsd/storage/relation"
)

// What could not be computed is kept per instance, apart from the rows, since
// a row that its own condition fails on has no row:
//
//	error prefix, identity → (column + 1, code)…   0 in place of a column: the condition

// writeErrors keeps the errors of an instance.
func (p *pass) writeErrors(i *instance) error {
	key := append(storage.AppendErrorPrefix(nil, p.view.Generation, byte(i.node.Node)), i.id...)
	var old []byte
	if i.existed() && !p.view.outlivesFailure() {
		old = i.node.errorsOf(i.oldRow, 0)
	} else {
		stored, found, err := p.before.reader.Get(key)
		if err != nil {
			return fmt.Errorf("read errors of view %s: %w", p.view.Plan.View.Name, err)
		}
		if found {
			old = stored
		}
	}
	now := i.node.errorsOf(i.existingRow(), i.failure)
	if bytes.Equal(old, now) {
		return nil
	}
	p.result.Errors += present(len(now) > 0) - present(len(old) > 0)
	if len(now) == 0 {
		p.writes.delete(key)
	} else {
		p.result.Failed++
		p.writes.set(key, now)
	}
	return nil
}

// outlivesFailure says whether a row may be there although a condition could not
// be computed: one that `having` hides, or one of a later branch of a union.
func (v *View) outlivesFailure() bool { return v.having != nil || v.branches != nil }

// errorsOf lists the errors among a row's shown fields, and that of the condition.
func (n *node) errorsOf(row []relation.Value, failure relation.ErrorCode) []byte {
	var list []byte
	if failure != 0 {
		list = append(binary.AppendUvarint(list, 0), byte(failure))
	}
	for column := range row {
		if row[column].IsError() {
			list = append(binary.AppendUvarint(list, uint64(column+1)), byte(row[column].Code()))
		}
	}
	return list
}
