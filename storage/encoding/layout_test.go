package encoding

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"odsd/storage/relation"

	"pgregory.net/rapid"
)

func identicalRows(a, b []relation.Value) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !relation.Identical(a[i], b[i]) {
			return false
		}
	}
	return true
}

// cells draws what a column may hold, errors included.
func cells(t *rapid.T, typ relation.Type, name string) relation.Value {
	if rapid.IntRange(0, 19).Draw(t, name+" is an error") == 0 {
		return relation.OfError(relation.ErrorCode(rapid.IntRange(1, 7).Draw(t, "code")))
	}
	return values(typ).Draw(t, name)
}

func drawRow(t *rapid.T) ([]relation.Type, []relation.Value) {
	types := rapid.SliceOfN(rapid.SampledFrom(fuzzTypes()), 0, 12).Draw(t, "types")
	row := make([]relation.Value, len(types))
	for i := range row {
		row[i] = cells(t, types[i], "cell")
	}
	return types, row
}

func TestRowsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		types, row := drawRow(t)
		l := NewLayout(3, types)
		before := rapid.SliceOfN(rapid.Byte(), 0, 3).Draw(t, "before")
		encoded := l.Append(bytes.Clone(before), row)
		if !bytes.HasPrefix(encoded, before) {
			t.Fatal("what stood before is gone")
		}
		encoded = encoded[len(before):]
		if err := l.Check(encoded); err != nil {
			t.Fatal(err)
		}
		if got := l.Decode(nil, encoded); !identicalRows(got, row) {
			t.Fatalf("%v became %v", row, got)
		}
		for i := range row {
			if got := l.Value(encoded, i); !relation.Identical(got, row[i]) {
				t.Fatalf("column %d: %v became %v", i, row[i], got)
			}
		}
	})
}

func TestLongRowsRoundTrip(t *testing.T) {
	types := []relation.Type{relation.TypeOf(relation.Text), relation.TypeOf(relation.Int4), relation.TypeOf(relation.Text)}
	l := NewLayout(1, types)
	for _, size := range []int{0, 100, 65534, 65535, 65536, 1 << 20} {
		row := []relation.Value{relation.OfText(strings.Repeat("x", size)), relation.OfInt(relation.Int4, -7), relation.OfText("end")}
		encoded := l.Append(nil, row)
		if got := l.Decode(nil, encoded); !identicalRows(got, row) || l.Check(encoded) != nil {
			t.Errorf("a row with a text of %d bytes does not come back", size)
		}
	}
}

func TestRowsOfManyColumns(t *testing.T) {
	for _, n := range []int{127, 128, 1600} {
		types, row := make([]relation.Type, n), make([]relation.Value, n)
		for i := range types {
			types[i], row[i] = relation.TypeOf(relation.Int2), relation.OfInt(relation.Int2, int64(i))
		}
		l := NewLayout(1, types)
		if got := l.Decode(nil, l.Append(nil, row)); !identicalRows(got, row) {
			t.Errorf("a row of %d columns does not come back", n)
		}
	}
}

func TestColumnsAddedAtTheEndAreNull(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		types, row := drawRow(t)
		more := append(types[:len(types):len(types)], rapid.SliceOfN(rapid.SampledFrom(fuzzTypes()), 0, 5).Draw(t, "more")...)
		older, newer := NewLayout(1, types), NewLayout(1, more)
		encoded := older.Append(nil, row)
		if err := newer.Check(encoded); err != nil {
			t.Fatal(err)
		}
		got := newer.Decode(nil, encoded)
		if !identicalRows(got[:len(row)], row) {
			t.Fatalf("%v became %v", row, got)
		}
		for _, v := range got[len(row):] {
			if !v.IsNull() {
				t.Fatalf("an added column is %v", v)
			}
		}
		if again := newer.Append(nil, got); !bytes.Equal(again, encoded) {
			t.Fatalf("%x was written again as %x", encoded, again)
		}
	})
}

func TestValuesOutsideTheirColumn(t *testing.T) {
	for _, c := range []struct {
		column relation.Kind
		v      relation.Value
		want   relation.Value
	}{
		{relation.Int8, relation.OfInt(relation.Int2, 5), relation.OfInt(relation.Int8, 5)},
		{relation.Int2, relation.OfInt(relation.Int8, 5), relation.OfInt(relation.Int2, 5)},
		{relation.Int2, relation.OfInt(relation.Int8, 40000), relation.OfError(relation.ErrOverflow)},
		{relation.Text, relation.OfString(relation.Enum, "paid"), relation.OfText("paid")},
		{relation.Text, relation.OfInt(relation.Int8, 5), relation.OfError(relation.ErrBadCast)},
		{relation.Int8, relation.OfText("5"), relation.OfError(relation.ErrBadCast)},
		{relation.Text, relation.OfMark(relation.Unchanged), relation.OfNull()},
		{relation.Null, relation.OfInt(relation.Int8, 5), relation.OfError(relation.ErrBadCast)},
		{relation.Null, relation.OfError(relation.ErrOverflow), relation.OfError(relation.ErrOverflow)},
	} {
		l := NewLayout(1, []relation.Type{relation.TypeOf(c.column)})
		encoded := l.Append(nil, []relation.Value{c.v})
		if got := l.Value(encoded, 0); !relation.Identical(got, c.want) || l.Check(encoded) != nil {
			t.Errorf("%v %v in a column of %v is %v %v", c.v.Kind(), c.v, c.column, got.Kind(), got)
		}
	}
}

// The bytes are stored: a change of these is a new format.
func TestRowBytes(t *testing.T) {
	types := []relation.Type{
		relation.TypeOf(relation.Int4), relation.TypeOf(relation.Text), relation.TypeOf(relation.Decimal),
		relation.TypeOf(relation.Bool), relation.TypeOf(relation.Int2), relation.TypeOf(relation.Date),
	}
	row := []relation.Value{
		relation.OfInt(relation.Int4, 258), relation.OfText("hi"), relation.OfDecimal(1990, 2),
		relation.OfNull(), relation.OfError(relation.ErrOverflow), relation.OfNull(),
	}
	got := hex.EncodeToString(NewLayout(1, types).Append(nil, row))
	const want = "01" + "00" + "05" + // version, flags, columns
		"1502" + // value, value, value, null; error
		"02010000" + "0200" + "0500" + "00" + "0100" + // slots
		"6869" + "0207c6"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestCheckRefuses(t *testing.T) {
	types := []relation.Type{relation.TypeOf(relation.Text), relation.TypeOf(relation.Decimal)}
	l := NewLayout(1, types)
	good := l.Append(nil, []relation.Value{relation.OfText("hello"), relation.OfDecimal(5, 1)})
	for name, row := range map[string][]byte{
		"nothing":         nil,
		"another version": append([]byte{2}, good[1:]...),
		"a cut row":       good[:len(good)-1],
		"a cut header":    good[:4],
		"more columns":    NewLayout(1, append(types, relation.TypeOf(relation.Bool))).Append(nil, []relation.Value{relation.OfNull(), relation.OfNull(), relation.OfBool(true)}),
	} {
		if err := l.Check(row); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestReadingDoesNotAllocate(t *testing.T) {
	l, row := benchmarkRow()
	encoded := l.Append(nil, row)
	dst := make([]relation.Value, 0, len(row))
	if n := testing.AllocsPerRun(100, func() { dst = l.Decode(dst, encoded) }); n != 0 {
		t.Errorf("reading a row allocates %v times", n)
	}
	if n := testing.AllocsPerRun(100, func() { encoded = l.Append(encoded[:0], row) }); n != 0 {
		t.Errorf("writing a row allocates %v times", n)
	}
}

// exercise does with a value what a reader would, so that a value made of
// damaged bytes shows itself.
func exercise(v relation.Value) {
	relation.Compare(v, v)
	AppendPart(nil, Part{}, v)
	switch v.Kind() {
	case relation.Decimal:
		relation.AppendDecimal(nil, v)
	case relation.Interval:
		v.Interval()
	case relation.Array:
		for _, e := range v.List() {
			exercise(e)
		}
	}
}

func FuzzLayout(f *testing.F) {
	types := fuzzTypes()
	l := NewLayout(1, types)
	for i := range 5 {
		row := make([]relation.Value, len(types))
		for c := range row {
			row[c] = values(types[c]).Example(i*100 + c)
		}
		f.Add(l.Append(nil, row))
	}
	f.Fuzz(func(t *testing.T, row []byte) {
		checked := l.Check(row)
		decoded := l.Decode(nil, row)
		if len(decoded) != len(types) {
			t.Fatalf("%d columns decoded", len(decoded))
		}
		for i, v := range decoded {
			exercise(v)
			if !relation.Identical(v, l.Value(row, i)) {
				t.Fatalf("column %d differs between Decode and Value", i)
			}
		}
		if checked != nil {
			return
		}
		if again := l.Decode(nil, l.Append(nil, decoded)); !identicalRows(again, decoded) {
			t.Fatalf("%v was written and became %v", decoded, again)
		}
	})
}

func benchmarkRow() (*Layout, []relation.Value) {
	types := []relation.Type{
		relation.TypeOf(relation.Int8), relation.TypeOf(relation.Int8), relation.TypeOf(relation.Text),
		relation.TypeOf(relation.Timestamp), relation.TypeOf(relation.Decimal), relation.TypeOf(relation.Bool),
	}
	return NewLayout(1, types), []relation.Value{
		relation.OfInt(relation.Int8, 10), relation.OfInt(relation.Int8, 77), relation.OfText("shipped"),
		relation.OfTimestamp(1_700_000_000_000_000), relation.OfDecimal(1990, 2), relation.OfBool(true),
	}
}

func BenchmarkLayout(b *testing.B) {
	l, row := benchmarkRow()
	encoded := l.Append(nil, row)
	b.Run("append", func(b *testing.B) {
		b.ReportAllocs()
		var dst []byte
		for b.Loop() {
			dst = l.Append(dst[:0], row)
		}
	})
	b.Run("value", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			l.Value(encoded, 2)
		}
	})
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		var dst []relation.Value
		for b.Loop() {
			dst = l.Decode(dst, encoded)
		}
	})
}
