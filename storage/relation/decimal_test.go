package relation

import (
	"math"
	"math/big"
	"strings"
	"testing"

	"github.com/cockroachdb/apd/v3"
	"pgregory.net/rapid"
)

func TestDecimalsAsText(t *testing.T) {
	for text, want := range map[string]string{
		"0": "0", "0.00": "0.00", "-0": "0", "00012": "12", ".5": "0.5", "-.5": "-0.5", "5.": "5",
		"1.10": "1.10", "-1.10": "-1.10", "0.001": "0.001", "-0.001": "-0.001",
		"123456789012345678": "123456789012345678", "9223372036854775807": "9223372036854775807", "-9223372036854775808": "-9223372036854775808",
		"9223372036854775808": "9223372036854775808", "12345678901234567890.12345": "12345678901234567890.12345",
		"0.0000000000000000000000000000001": "0.0000000000000000000000000000001",
		"1e3":                               "1000", "1.5e-3": "0.0015", "1E+2": "100", "12e20": "1200000000000000000000",
		"NaN": "NaN", "Infinity": "Infinity", "-Infinity": "-Infinity",
	} {
		v, err := ParseDecimal(text)
		if got := string(AppendDecimal(nil, v)); err != nil || got != want {
			t.Errorf("%q is %q, %v; want %q", text, got, err, want)
		}
	}
	for _, text := range []string{"", "-", ".", "1.2.3", "1,5", " 1", "1 ", "0x10", "1e", "--1", "1e200000", "1e-20000", "sNaN"} {
		if v, err := ParseDecimal(text); err == nil {
			t.Errorf("%q is read as %s", text, AppendDecimal(nil, v))
		}
	}
}

func TestDecimalsOfDigits(t *testing.T) {
	for _, c := range []struct {
		digits string
		scale  int32
		ok     bool
	}{
		{"0", 0, true}, {"-5", 2, true}, {"9223372036854775807", 0, true}, {"-9223372036854775808", 3, true},
		{"9223372036854775808", 0, true}, {"-9223372036854775809", 1, true}, {strings.Repeat("9", 200), 5, true},
		{"", 0, false}, {"-", 0, false}, {"+5", 0, false}, {"1x", 0, false}, {"5", -1, false},
		{"00000000000000000000000001", 0, false}, {"1234567890123456789012a", 0, false}, {"--1234567890123456789012", 0, false},
	} {
		v, ok := OfDigits(c.digits, c.scale)
		if ok != c.ok || ok && (v.Digits() != c.digits || v.Scale() != c.scale) {
			t.Errorf("%q: %v, %v", c.digits, v, ok)
		}
	}
}

// A decimal has one form, so that Identical can be ==: what fits 64 bits is
// held in place, whichever way it came about.
func TestDecimalsHaveOneForm(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := anyDecimal().Draw(t, "v")
		var d apd.Decimal
		v.Apd(&d)
		parsed, err := ParseDecimal(string(AppendDecimal(nil, v)))
		if err != nil || !Identical(parsed, v) || !Identical(FromApd(&d), v) {
			t.Fatalf("%v: parsed %v, %v, of apd %v", v, parsed, err, FromApd(&d))
		}
		n, _ := new(big.Int).SetString(v.Digits(), 10)
		if _, _, small := v.SmallDecimal(); small != n.IsInt64() {
			t.Fatalf("%v is small: %v", v, small)
		}
	})
}

func TestSpecialDecimals(t *testing.T) {
	for _, v := range []Value{OfDecimalNaN(), OfDecimalInfinity(1), OfDecimalInfinity(-1)} {
		var d apd.Decimal
		v.Apd(&d)
		if !Identical(FromApd(&d), v) {
			t.Errorf("%s became %s", AppendDecimal(nil, v), AppendDecimal(nil, FromApd(&d)))
		}
		if _, _, small := v.SmallDecimal(); small || !Identical(v.StripZeros(), v) {
			t.Errorf("%s is a number", AppendDecimal(nil, v))
		}
	}
	if !OfDecimalNaN().IsNaN() || OfDecimalInfinity(-1).InfinitySign() != -1 || OfDecimal(1, 0).InfinitySign() != 0 {
		t.Error("special decimals are not told apart")
	}
	if !OfFloat(Float8, math.NaN()).IsNaN() || OfFloat(Float4, math.Inf(1)).InfinitySign() != 1 {
		t.Error("special floats are not told apart")
	}
}

func TestStripZeros(t *testing.T) {
	for text, want := range map[string]string{
		"1.10": "1.1", "100": "100", "100.00": "100", "0.000": "0", "-0.50": "-0.5",
		"12345678901234567890.5000": "12345678901234567890.5", "123456789012345678900.0": "123456789012345678900",
	} {
		v, err := ParseDecimal(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(AppendDecimal(nil, v.StripZeros())); got != want {
			t.Errorf("%s is %s, want %s", text, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		a, zeros := anyDecimal().Draw(t, "a"), rapid.IntRange(0, 30).Draw(t, "zeros")
		b, ok := OfDigits(a.Digits()+strings.Repeat("0", zeros), a.Scale()+int32(zeros))
		if !ok || !Equal(a, b) || !Identical(a.StripZeros(), b.StripZeros()) {
			t.Fatalf("%v and %v, stripped %v and %v", a, b, a.StripZeros(), b.StripZeros())
		}
	})
}

func TestCompareDecimalsAsRationals(t *testing.T) {
	rational := func(v Value) *big.Rat {
		r, _ := new(big.Rat).SetString(string(AppendDecimal(nil, v)))
		return r
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := anyDecimal().Draw(t, "a"), anyDecimal().Draw(t, "b")
		if got, want := Compare(a, b), rational(a).Cmp(rational(b)); got != want {
			t.Fatalf("%v and %v compare %d, want %d", a, b, got, want)
		}
	})
}
