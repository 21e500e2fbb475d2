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
