package relation

import (
	"testing"

	"pgregory.net/rapid"
)

func TestArraysRoundTrip(t *testing.T) {
	for k := Bool; k <= Enum; k++ {
		t.Run(k.String(), rapid.MakeCheck(func(t *rapid.T) {
			list := rapid.SliceOfN(rapid.OneOf(printable(k), rapid.Just(OfNull())), 0, 5).Draw(t, "list")
			array := OfArray(k, list)
			got := array.List()
			if len(got) != len(list) || array.Elem() != k {
				t.Fatalf("%d elements became %d", len(list), len(got))
			}
			for i := range list {
				if !Identical(got[i], list[i]) {
					t.Fatalf("%v became %v", list[i], got[i])
				}
			}
			if again := OfEncodedArray(k, array.Str()); !Identical(again, array) {
				t.Fatal("an array of its own bytes is another")
			}
		}))
	}
}

func TestBoundsOfArrays(t *testing.T) {
	list := []Value{OfInt(Int4, 1), OfNull()}
	plain := OfArray(Int4, list)
	shifted := plain.WithBounds("[0:1]")
	if shifted.Bounds() != "[0:1]" || plain.Bounds() != "" || len(shifted.List()) != 2 {
		t.Errorf("bounds %q, %d elements", shifted.Bounds(), len(shifted.List()))
	}
	if Equal(plain, shifted) || Compare(plain, shifted) >= 0 || !Identical(shifted.WithBounds(""), plain) {
		t.Error("an array with other bounds is another one, and the same without them")
	}
	nested := OfArray(Int4, []Value{shifted})
	if got := nested.List()[0]; !Identical(got, shifted) {
		t.Error("within an array it is another")
	}
	for _, damaged := range []string{"\xff", "\xff\x05[0", "\xff\x01x", "\xff\x00", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"} {
		if v := OfEncodedArray(Int4, damaged); v.Bounds() != "" || len(v.List()) != 0 {
			t.Errorf("%q has bounds %q and %d elements", damaged, v.Bounds(), len(v.List()))
		}
	}
	for _, ok := range []string{"[0:1]", "[-5:-2]", "[2:3][0:1]"} {
		if !ValidBounds(ok) {
			t.Errorf("%q are bounds", ok)
		}
	}
	for _, bad := range []string{"", "[]", "[1]", "[1:2", "1:2]", "[1:2]x", "[+1:2]", "[1:-0]", "[0:1][0:1][0:1][0:1][0:1][0:1][0:1]"} {
		if ValidBounds(bad) {
			t.Errorf("%q are no bounds", bad)
		}
	}
}

func TestArraysWithAnotherDelimiter(t *testing.T) {
	for text, want := range map[string]string{
		`{(1,1),(0,0);(2,2),(1,1)}`: `{"(1,1),(0,0)","(2,2),(1,1)"}`,
		`{{a;"b;"};{NULL;"NULL"}}`:  `{{a,b;},{NULL,"NULL"}}`,
		`[0:1]={a;b}`:               `[0:1]={a,b}`,
		`{}`:                        `{}`,
		`{"a\\"}`:                   `{"a\\"}`,
	} {
		v, err := ParseArray(ArrayOf(Text), ';', text)
		if got := string(AppendText(nil, v)); err != nil || got != want {
			t.Errorf("%s is read as %s, want %s: %v", text, got, want, err)
		}
	}
	for _, bad := range []string{`{a;b`, `{a;;b}`, `{;}`, `a;b`, `{a}b`} {
		if v, err := ParseArray(ArrayOf(Text), ';', bad); err == nil {
			t.Errorf("%s is read as %s", bad, AppendText(nil, v))
		}
	}
}

// Damaged bytes give fewer elements, and what they give can be worked with.
func FuzzDamagedArray(f *testing.F) {
	f.Add(OfArray(Decimal, []Value{OfDecimal(1990, 2), OfNull(), OfDecimalNaN()}).Str())
	f.Add(OfArray(Interval, []Value{OfInterval(1, 2, 3)}).Str())
	f.Add(OfArray(Text, []Value{OfText("abc"), OfArray(Text, []Value{OfText("d")})}).Str())
	f.Fuzz(func(t *testing.T, encoded string) {
		for _, k := range []Kind{Decimal, Interval, Text} {
			v := OfEncodedArray(k, encoded)
			AppendText(nil, v)
			if Compare(v, v) != 0 {
				t.Fatal("an array differs from itself")
			}
		}
	})
}

func TestCutArraysDoNotPanic(t *testing.T) {
	whole := OfArray(Decimal, []Value{OfDecimal(1990, 2), OfNull(), OfDecimalInfinity(1)}).Str()
	for n := range whole {
		if got := OfEncodedArray(Decimal, whole[:n]).List(); len(got) > 3 {
			t.Errorf("%d elements of %d bytes", len(got), n)
		}
	}
}
