package encoding

import (
	"encoding/binary"
	"math"

	"odsd/storage/relation"
)

// Append appends a row. Columns missing at its end are null; errors are kept
// with their code. A value that its column's type cannot hold, which a checked
// plan never writes, is kept as an error of that column.
func (l *Layout) Append(dst []byte, row []relation.Value) []byte {
	count := min(len(row), len(l.columns))
	for count > 0 && row[count-1].Kind().Family() == relation.NoFamily && !row[count-1].IsError() {
		count--
	}
	start := len(dst)
	dst, narrow := l.appendRow(dst, row[:count], 0)
	if !narrow {
		dst, _ = l.appendRow(dst[:start], row[:count], 1)
	}
	return dst
}

// appendRow writes the row with narrow (0) or wide (1) offsets; fits is false
// when its data is too long for narrow ones.
func (l *Layout) appendRow(dst []byte, row []relation.Value, wide int) (_ []byte, fits bool) {
	start := len(dst)
	dst = append(dst, l.version, byte(wide))
	dst = binary.AppendUvarint(dst, uint64(len(row)))
	states := len(dst)
	slots := states + (len(row)+3)/4
	data := slots + int(l.slots[wide][len(row)])
	dst = appendZeros(dst, data-states)
	for i, v := range row {
		c := &l.columns[i]
		var state byte
		slot := slots + int(l.slots[wide][i])
		if c.width != 0 {
			state = putFixed(dst[slot:slot+int(c.width)], c.kind, v)
		} else {
			dst, state = appendVariable(dst, c, v)
			end := len(dst) - data
			if wide == 0 && end > narrowLimit {
				return dst[:start], false
			}
			putOffset(dst[slot:], end, wide)
		}
		dst[states+i/4] |= state << (2 * (i % 4))
	}
	return dst, true
}

func appendZeros(dst []byte, n int) []byte {
	var zeros [64]byte
	for ; n > len(zeros); n -= len(zeros) {
		dst = append(dst, zeros[:]...)
	}
	return append(dst, zeros[:n]...)
}

func putOffset(slot []byte, end, wide int) {
	if wide != 0 {
		binary.LittleEndian.PutUint32(slot, uint32(end))
		return
	}
	binary.LittleEndian.PutUint16(slot, uint16(end))
}

// stored is what becomes of a value in a column of a kind: the state, and the
// code where the state is an error.
func stored(k relation.Kind, v relation.Value) (state byte, code relation.ErrorCode) {
	switch {
	case v.IsError():
		return stateError, max(v.Code(), 1)
	case v.Kind().Family() == relation.NoFamily:
		return stateNull, 0
	case v.Kind() != k && v.Kind().Family() != k.Family():
		return stateError, relation.ErrBadCast
	case (k == relation.Int2 || k == relation.Int4) && !fits(k, v.Int()):
		return stateError, relation.ErrOverflow
	}
	return stateValue, 0
}

func putFixed(slot []byte, k relation.Kind, v relation.Value) byte {
	state, code := stored(k, v)
	if state != stateValue {
		slot[0] = byte(code)
		return state
	}
	switch k {
	case relation.Bool:
		if v.Bool() {
			slot[0] = 1
		}
	case relation.Int2:
		binary.LittleEndian.PutUint16(slot, uint16(v.Int()))
	case relation.Int4:
		binary.LittleEndian.PutUint32(slot, uint32(v.Int()))
	case relation.Float4:
		binary.LittleEndian.PutUint32(slot, math.Float32bits(float32(v.Float())))
	case relation.Float8:
		binary.LittleEndian.PutUint64(slot, math.Float64bits(v.Float()))
	case relation.UUID, relation.Interval:
		copy(slot, v.Str())
	default:
		binary.LittleEndian.PutUint64(slot, uint64(v.Int()))
	}
	return stateValue
}

func appendVariable(dst []byte, c *column, v relation.Value) ([]byte, byte) {
	state, code := stored(c.kind, v)
	switch {
	case state == stateNull:
		return dst, state
	case state == stateError:
		return append(dst, byte(code)), state
	case c.kind == relation.Decimal:
		return writeDecimal(dst, v)
	}
	return append(dst, v.Str()...), state
}
