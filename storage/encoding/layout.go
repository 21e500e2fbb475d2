package encoding

import (
	"encoding/binary"
	"fmt"
	"math"
	"unsafe"

	"odsd/storage/relation"
)

// Layout reads and writes stored rows of one list of column types. It is
// immutable and serves any number of goroutines.
type Layout struct {
	version byte
	columns []column
	// slots gives for narrow and wide offsets the bytes that the slots of the
	// first n columns take, for n from 0 to all of them.
	slots [2][]uint32
}

type column struct {
	kind, elem relation.Kind
	width      uint8 // of the slot; variable kinds: 0
	before     int32 // variable kinds: the variable column before this one, -1 for the first
}

// What the two bits of a column say.
const (
	stateNull  = 0
	stateValue = 1
	stateError = 2
)

const (
	flagWide     = 1 // offsets take 4 bytes
	narrowLimit  = math.MaxUint16
	narrowOffset = 2
	wideOffset   = 4
)

// NewLayout makes the layout of rows with these columns. The version is
// written into each row, and rows of another version are not read.
func NewLayout(version byte, types []relation.Type) *Layout {
	l := &Layout{version: version, columns: make([]column, len(types))}
	l.slots[0] = make([]uint32, len(types)+1)
	l.slots[1] = make([]uint32, len(types)+1)
	before := int32(-1)
	for i, t := range types {
		c := column{kind: t.Kind, elem: t.Elem, width: fixedWidth(t.Kind), before: before}
		narrow, wide := uint32(c.width), uint32(c.width)
		if c.width == 0 {
			narrow, wide = narrowOffset, wideOffset
			before = int32(i)
		}
		l.columns[i] = c
		l.slots[0][i+1] = l.slots[0][i] + narrow
		l.slots[1][i+1] = l.slots[1][i] + wide
	}
	return l
}

// fixedWidth is the width of a kind's slot, 0 for kinds of variable length.
func fixedWidth(k relation.Kind) uint8 {
	switch k {
	case relation.Null, relation.Error, relation.Bool:
		return 1
	case relation.Int2:
		return 2
	case relation.Int4, relation.Float4:
		return 4
	case relation.Int8, relation.Float8, relation.Date, relation.Time, relation.Timestamp:
		return 8
	case relation.UUID, relation.Interval:
		return 16
	}
	return 0
}

// header is where things lie within one row.
type header struct {
	count  int // columns written
	states int // offset of the two bits a column
	slots  int // offset of the slots
	data   int // offset of the variable data
	wide   int // 0 or 1
}

// header reads a row's beginning; ok is false when the row is not of this
// layout or too short for its slots.
func (l *Layout) header(row []byte) (h header, ok bool) {
	if len(row) < 3 || row[0] != l.version || row[1]&^flagWide != 0 {
		return header{}, false
	}
	h.wide = int(row[1] & flagWide)
	count, size := uint64(row[2]), 1
	if count >= 0x80 {
		count, size = binary.Uvarint(row[2:])
	}
	if size <= 0 || count > uint64(len(l.columns)) {
		return header{}, false
	}
	h.count = int(count)
	h.states = 2 + size
	h.slots = h.states + (h.count+3)/4
	h.data = h.slots + int(l.slots[h.wide][h.count])
	return h, h.data <= len(row)
}

// Value reads one column. It does not allocate: text aliases row, which must
// not change while the value is in use. Columns that the row does not have, and
// whatever damaged bytes do not give, are null; Check tells the two apart.
func (l *Layout) Value(row []byte, column int) relation.Value {
	h, ok := l.header(row)
	if !ok {
		return relation.Value{}
	}
	v, _ := l.value(row, h, column)
	return v
}

// Decode reads all columns into dst, which is grown as needed and returned
// with one value a column. Text aliases row.
func (l *Layout) Decode(dst []relation.Value, row []byte) []relation.Value {
	dst = dst[:0]
	h, ok := l.header(row)
	for i := range l.columns {
		var v relation.Value
		if ok {
			v, _ = l.value(row, h, i)
		}
		dst = append(dst, v)
	}
	return dst
}

// Check says whether the row is of this layout's version and whole: that every
// column lies within it and holds what its kind can hold.
func (l *Layout) Check(row []byte) error {
	if len(row) > 0 && row[0] != l.version {
		return fmt.Errorf("row of layout version %d read as version %d: %w", row[0], l.version, ErrDamaged)
	}
	h, ok := l.header(row)
	if !ok {
		return fmt.Errorf("row of %d bytes has no valid header: %w", len(row), ErrDamaged)
	}
	for i := range h.count {
		if _, ok := l.value(row, h, i); !ok {
			return fmt.Errorf("column %d of a row: %w", i, ErrDamaged)
		}
	}
	return nil
}

// value reads a column of a row whose slots are known to lie within it.
func (l *Layout) value(row []byte, h header, column int) (v relation.Value, ok bool) {
	if uint(column) >= uint(h.count) {
		return relation.Value{}, uint(column) < uint(len(l.columns))
	}
	state := row[h.states+column/4] >> (2 * (column % 4)) & 3
	if state == stateNull {
		return relation.Value{}, true
	}
	c := &l.columns[column]
	data, ok := l.data(row, h, c, column)
	if !ok {
		return relation.Value{}, false
	}
	if state == stateError {
		if len(data) == 0 || data[0] == 0 {
			return relation.Value{}, false
		}
		return relation.OfError(relation.ErrorCode(data[0])), true
	}
	if state != stateValue {
		return relation.Value{}, false
	}
	if c.width != 0 {
		return fixedValue(c.kind, data)
	}
	return variableValue(c, data)
}

// data is the slot of a fixed column or what the slot of a variable one points at.
func (l *Layout) data(row []byte, h header, c *column, column int) ([]byte, bool) {
	slot := h.slots + int(l.slots[h.wide][column])
	if c.width != 0 {
		return row[slot : slot+int(c.width)], true
	}
	start, end := uint(0), offset(row, slot, h.wide)
	if c.before >= 0 {
		start = offset(row, h.slots+int(l.slots[h.wide][c.before]), h.wide)
	}
	data := row[h.data:]
	if start > end || end > uint(len(data)) {
		return nil, false
	}
	return data[start:end], true
}

func offset(row []byte, slot, wide int) uint {
	if wide != 0 {
		return uint(binary.LittleEndian.Uint32(row[slot:]))
	}
	return uint(binary.LittleEndian.Uint16(row[slot:]))
}

// alias is the bytes as a string without a copy.
func alias(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

func fixedValue(k relation.Kind, b []byte) (relation.Value, bool) {
	switch k {
	case relation.Bool:
		return relation.OfBool(b[0] != 0), b[0] <= 1
	case relation.Int2:
		return relation.OfInt(k, int64(int16(binary.LittleEndian.Uint16(b)))), true
	case relation.Int4:
		return relation.OfInt(k, int64(int32(binary.LittleEndian.Uint32(b)))), true
	case relation.Int8, relation.Date, relation.Time, relation.Timestamp:
		return relation.OfInt(k, int64(binary.LittleEndian.Uint64(b))), true
	case relation.Float4:
		return relation.OfFloat(k, float64(math.Float32frombits(binary.LittleEndian.Uint32(b)))), true
	case relation.Float8:
		return relation.OfFloat(k, math.Float64frombits(binary.LittleEndian.Uint64(b))), true
	case relation.UUID, relation.Interval:
		return relation.OfString(k, alias(b)), true
	}
	return relation.Value{}, false
}

func variableValue(c *column, b []byte) (relation.Value, bool) {
	switch c.kind {
	case relation.Decimal:
		return readDecimal(b)
	case relation.Array:
		return relation.OfEncodedArray(c.elem, alias(b)), true
	case relation.Text, relation.Bytes, relation.JSON, relation.Enum:
		return relation.OfString(c.kind, alias(b)), true
	}
	return relation.Value{}, false
}
