package encoding

import (
	"bytes"
	"encoding/hex"
	"math"
	"testing"

	"odsd/storage/relation"

	"pgregory.net/rapid"
)

// want is how two values sort under a part, by relation.Compare.
func want(p Part, a, b relation.Value) int {
	c := relation.Compare(a, b)
	switch {
	case a.Missing() != b.Missing() && p.NullsFirst:
		return -c
	case !a.Missing() && !b.Missing() && p.Desc:
		return -c
	}
	return c
}

func TestPartsSortAsTheirValues(t *testing.T) {
	for name, types := range families {
		t.Run(name, rapid.MakeCheck(func(t *rapid.T) {
			p := parts().Draw(t, "part")
			a := values(rapid.SampledFrom(types).Draw(t, "type of a")).Draw(t, "a")
			b := values(rapid.SampledFrom(types).Draw(t, "type of b")).Draw(t, "b")
			x, y := AppendPart(nil, p, a), AppendPart(nil, p, b)
			if got, want := bytes.Compare(x, y), want(p, a, b); got != want {
				t.Fatalf("%x and %x sort %d, their values %d", x, y, got, want)
			}
			if len(x) != len(y) && (bytes.HasPrefix(x, y) || bytes.HasPrefix(y, x)) {
				t.Fatalf("one of %x and %x is a prefix of the other", x, y)
			}
		}))
	}
}

func TestKeysSortByTheirFirstPartThenTheSecond(t *testing.T) {
	text, number := relation.TypeOf(relation.Text), relation.TypeOf(relation.Int8)
	rapid.Check(t, func(t *rapid.T) {
		p, q := parts().Draw(t, "first"), parts().Draw(t, "second")
		key := func(name string) (relation.Value, relation.Value, []byte) {
			a, b := values(text).Draw(t, name+" text"), values(number).Draw(t, name+" number")
			return a, b, AppendPart(AppendPart(nil, p, a), q, b)
		}
		a1, a2, a := key("a")
		b1, b2, b := key("b")
		expected := want(p, a1, b1)
		if expected == 0 {
			expected = want(q, a2, b2)
		}
		if got := bytes.Compare(a, b); got != expected {
			t.Fatalf("%x and %x sort %d, want %d", a, b, got, expected)
		}
	})
}

func TestPartsRoundTrip(t *testing.T) {
	for name, types := range families {
		t.Run(name, rapid.MakeCheck(func(t *rapid.T) {
			p, typ := parts().Draw(t, "part"), rapid.SampledFrom(types).Draw(t, "type")
			v := values(typ).Draw(t, "v")
			after := rapid.SliceOfN(rapid.Byte(), 0, 3).Draw(t, "after")
			encoded := AppendPart(nil, p, v)
			whole := append(bytes.Clone(encoded), after...)
			got, rest, err := DecodePart(typ, p, whole)
			if err != nil {
				t.Fatal(err)
			}
			if !relation.Equal(got, v) || got.Kind() != v.Kind() || !bytes.Equal(rest, after) {
				t.Fatalf("%v became %v, rest %x", v, got, rest)
			}
			if again := AppendPart(nil, p, got); !bytes.Equal(again, encoded) {
				t.Fatalf("%x was written again as %x", encoded, again)
			}
			if rest, err := SkipPart(typ, p, whole); err != nil || !bytes.Equal(rest, after) {
				t.Fatalf("skipped to %x, %v", rest, err)
			}
			for n := range encoded {
				if _, _, err := DecodePart(typ, p, encoded[:n]); err == nil {
					t.Fatalf("the first %d bytes of %x decode", n, encoded)
				}
			}
		}))
	}
}

func TestPartsOfEveryKindComeBackIdentical(t *testing.T) {
	for _, v := range []relation.Value{
		relation.OfBool(true), relation.OfInt(relation.Int2, -5), relation.OfInt(relation.Int4, math.MinInt32),
		relation.OfInt(relation.Int8, math.MaxInt64), relation.OfFloat(relation.Float4, 1.5), relation.OfFloat(relation.Float8, math.NaN()),
		relation.OfDecimal(1990, 2).StripZeros(), relation.OfText("Zoë\x00"), relation.OfString(relation.Enum, "paid"),
		relation.OfString(relation.Bytes, "\x00\xff"), relation.OfString(relation.UUID, "0123456789abcdef"),
		relation.OfDate(relation.InfinitePast), relation.OfTime(0), relation.OfTimestamp(relation.InfiniteFuture),
		relation.OfInterval(0, 3, 4), relation.OfString(relation.JSON, `{"a": 1}`),
		relation.OfArray(relation.Int4, []relation.Value{relation.OfInt(relation.Int4, 1), relation.OfNull()}),
	} {
		for _, p := range []Part{{}, {Desc: true}} {
			typ := relation.Type{Kind: v.Kind(), Elem: v.Elem()}
			got, _, err := DecodePart(typ, p, AppendPart(nil, p, v))
			if err != nil || !relation.Identical(got, v) {
				t.Errorf("%v %v became %v, %v", v.Kind(), v, got, err)
			}
		}
	}
}

// The bytes are stored: a change of any of these is a new format.
func TestPartBytes(t *testing.T) {
	big, _ := relation.OfDigits("-123456789012345678901", 1)
	for _, c := range []struct {
		v    relation.Value
		p    Part
		want string
	}{
		{relation.OfNull(), Part{}, "fe"},
		{relation.OfNull(), Part{NullsFirst: true}, "01"},
		{relation.OfNull(), Part{Desc: true, NullsFirst: true}, "01"},
		{relation.OfError(relation.ErrOverflow), Part{}, "fe"},
		{relation.OfBool(false), Part{}, "02"},
		{relation.OfBool(true), Part{Desc: true}, "fc"},
		{relation.OfInt(relation.Int4, 0), Part{}, "18"},
		{relation.OfInt(relation.Int4, 199), Part{}, "df"},
		{relation.OfInt(relation.Int4, 200), Part{}, "e0c8"},
		{relation.OfInt(relation.Int8, 65536), Part{}, "e2010000"},
		{relation.OfInt(relation.Int8, math.MaxInt64), Part{}, "e77fffffffffffffff"},
		{relation.OfInt(relation.Int2, -1), Part{}, "17ff"},
		{relation.OfInt(relation.Int2, -257), Part{}, "16feff"},
		{relation.OfInt(relation.Int8, math.MinInt64), Part{}, "108000000000000000"},
		{relation.OfInt(relation.Int4, 200), Part{Desc: true}, "1f37"},
		{relation.OfText(""), Part{}, "020001"},
		{relation.OfText("a\x00b"), Part{}, "026100ff620001"},
		{relation.OfText("a"), Part{Desc: true}, "fd9efffe"},
		{relation.OfFloat(relation.Float8, 1.5), Part{}, "02bff8000000000000"},
		{relation.OfFloat(relation.Float4, -1.5), Part{}, "024007ffffffffffff"},
		{relation.OfDecimal(0, 2), Part{}, "05"},
		{relation.OfDecimal(1990, 2), Part{}, "061a27b4"},
		{relation.OfDecimal(-1990, 2), Part{}, "04e5d84b"},
		{relation.OfDecimal(5, 3), Part{}, "0617fe64"}, // 0.5 × 10^-2
		{big, Part{}, "04d3" + "e6ba8e624ae6ba8e624a" + "eb"},
		{relation.OfDecimalNaN(), Part{}, "08"},
		{relation.OfDate(0), Part{}, "18"},
		{relation.OfInterval(1, 0, 1), Part{}, "3619"},
		{relation.OfArray(relation.Int4, []relation.Value{relation.OfInt(relation.Int4, 1), relation.OfNull()}), Part{}, "f819fe00"},
	} {
		got := hex.EncodeToString(AppendPart(nil, c.p, c.v))
		if got != c.want {
			t.Errorf("%v %+v is %s, want %s", c.v, c.p, got, c.want)
		}
	}
}

func FuzzDecodePart(f *testing.F) {
	types := fuzzTypes()
	for i, t := range types {
		rapidSeed := AppendPart(nil, Part{}, present(t).Example(i))
		f.Add(uint8(i), false, false, rapidSeed)
	}
	f.Add(uint8(0), true, true, []byte{0xF8})
	f.Fuzz(func(t *testing.T, which uint8, desc, nullsFirst bool, b []byte) {
		typ, p := types[int(which)%len(types)], Part{Desc: desc, NullsFirst: nullsFirst}
		skipped, skipErr := SkipPart(typ, p, b)
		v, rest, err := DecodePart(typ, p, b)
		if err != nil {
			return
		}
		if skipErr != nil || len(skipped) != len(rest) {
			t.Fatalf("decoding leaves %d bytes, skipping %d, %v", len(rest), len(skipped), skipErr)
		}
		if v.IsNull() {
			return // either marker is read as null
		}
		used := b[:len(b)-len(rest)]
		if again := AppendPart(nil, p, v); !bytes.Equal(again, used) {
			t.Fatalf("%x decodes as %v, which is written %x", used, v, again)
		}
	})
}

func fuzzTypes() []relation.Type {
	var types []relation.Type
	for k := relation.Bool; k <= relation.Enum; k++ {
		types = append(types, relation.TypeOf(k))
	}
	return append(types, relation.ArrayOf(relation.Int4), relation.ArrayOf(relation.Text), relation.ArrayOf(relation.Decimal))
}

func BenchmarkAppendPart(b *testing.B) {
	for _, c := range []struct {
		name string
		v    relation.Value
		p    Part
	}{
		{"int8", relation.OfInt(relation.Int8, 1_234_567), Part{}},
		{"text", relation.OfText("ada@example.com"), Part{}},
		{"text desc", relation.OfText("ada@example.com"), Part{Desc: true}},
		{"timestamp desc", relation.OfTimestamp(1_700_000_000_000_000), Part{Desc: true}},
		{"decimal", relation.OfDecimal(1990, 2), Part{}},
		{"uuid", relation.OfString(relation.UUID, "0123456789abcdef"), Part{}},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			var dst []byte
			for b.Loop() {
				dst = AppendPart(dst[:0], c.p, c.v)
			}
		})
	}
}

func BenchmarkDecodePart(b *testing.B) {
	b.ReportAllocs()
	encoded := AppendPart(nil, Part{}, relation.OfInt(relation.Int8, 1_234_567))
	for b.Loop() {
		if _, _, err := DecodePart(relation.TypeOf(relation.Int8), Part{}, encoded); err != nil {
			b.Fatal(err)
		}
	}
}
