package relation

import (
	"errors"
	"math"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func typeNamed(t *testing.T, name string) Type {
	t.Helper()
	elem, array := strings.CutSuffix(name, "[]")
	for k := Bool; k <= Enum; k++ {
		kind := k.String()
		if kind == elem && array {
			return ArrayOf(k)
		}
		if kind == elem {
			return TypeOf(k)
		}
	}
	t.Fatalf("no type %q", name)
	return Type{}
}

// What PostgreSQL prints is read and printed again without a difference.
func TestPostgresText(t *testing.T) {
	golden, err := os.ReadFile("testdata/postgres.tsv")
	if err != nil {
		t.Fatal(err)
	}
	lines := 0
	for line := range strings.Lines(string(golden)) {
		name, text, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		if !ok {
			continue
		}
		lines++
		v, err := ParseText(typeNamed(t, name), text)
		if err != nil {
			t.Errorf("%s %q: %v", name, text, err)
			continue
		}
		if got := string(AppendText(nil, v)); got != text {
			t.Errorf("%s %q is printed %q", name, text, got)
		}
	}
	if lines < 100 {
		t.Errorf("only %d lines of examples", lines)
	}
}

func TestParsedValues(t *testing.T) {
	const us2024 = 1_704_164_645_678_000
	i4 := func(n int64) Value { return OfInt(Int4, n) }
	for _, c := range []struct {
		typ  string
		text string
		want Value
	}{
		{"boolean", "t", OfBool(true)},
		{"smallint", "-5", OfInt(Int2, -5)},
		{"real", "-0", OfFloat(Float4, 0)},
		{"real", "0.1", OfFloat(Float4, 0.1)},
		{"double precision", "NaN", OfFloat(Float8, math.NaN())},
		{"numeric", "1.10", OfDecimal(110, 2)},
		{"numeric", "-Infinity", OfDecimalInfinity(-1)},
		{"bytea", `\x00ff`, OfString(Bytes, "\x00\xff")},
		{"uuid", "A0EEBC99-9c0b-4ef8-bb6d-6bb9bd380a11", OfString(UUID, "\xa0\xee\xbc\x99\x9c\x0b\x4e\xf8\xbb\x6d\x6b\xb9\xbd\x38\x0a\x11")},
		{"date", "1970-01-02", OfDate(1)},
		{"date", "0001-12-31 BC", OfDate(-719163)},
		{"date", "-infinity", OfDate(InfinitePast)},
		{"time", "24:00:00", OfTime(86_400_000_000)},
		{"timestamptz", "2024-01-02 03:04:05.678+00", OfTimestamp(us2024)},
		{"timestamptz", "2024-01-02 03:04:05.678", OfTimestamp(us2024)},
		{"timestamptz", "2024-01-02 08:34:05.678+05:30", OfTimestamp(us2024)},
		{"timestamptz", "2024-01-01 23:33:13.678-03:30:52", OfTimestamp(us2024)},
		{"timestamptz", "2024-01-02 24:00:00+00", OfTimestamp(us2024 - 11_045_678_000 + 86_400_000_000)},
		{"timestamptz", "infinity", OfTimestamp(InfiniteFuture)},
		{"interval", "1 year 2 mons -3 days +04:05:06.789", OfInterval(14, -3, 14_706_789_000)},
		{"interval", "-00:00:01", OfInterval(0, 0, -1_000_000)},
		{"interval", "infinity", OfInterval(math.MaxInt32, math.MaxInt32, math.MaxInt64)},
		{"integer[]", "{}", OfArray(Int4, nil)},
		{"integer[]", "{1,null,NULL}", OfArray(Int4, []Value{i4(1), OfNull(), OfNull()})},
		{"integer[]", "{{1},{2}}", OfArray(Int4, []Value{OfArray(Int4, []Value{i4(1)}), OfArray(Int4, []Value{i4(2)})})},
		{"text[]", `{"NULL","a\"b","c\\d",e f}`, OfArray(Text, []Value{OfText("NULL"), OfText(`a"b`), OfText(`c\d`), OfText("e f")})},
		{"text[]", "{\"line\nbreak\"}", OfArray(Text, []Value{OfText("line\nbreak")})},
	} {
		got, err := ParseText(typeNamed(t, c.typ), c.text)
		if err != nil || !Identical(got, c.want) {
			t.Errorf("%s %q is %v, %v; want %v", c.typ, c.text, got, err, c.want)
		}
	}
}

func TestTextThatIsRefused(t *testing.T) {
	for _, c := range []struct{ typ, text string }{
		{"boolean", "yes"}, {"boolean", ""},
		{"smallint", "32768"}, {"integer", "2147483648"}, {"bigint", "9223372036854775808"}, {"integer", "1.5"}, {"integer", ""}, {"integer", " 1"},
		{"real", "1e39"}, {"double precision", "1e309"}, {"double precision", "0x1p3"}, {"double precision", "inf"}, {"double precision", ""},
		{"numeric", "abc"}, {"numeric", ""}, {"numeric", "1e999999"},
		{"bytea", "abc"}, {"bytea", `\x0`}, {"bytea", `\xzz`},
		{"uuid", "a0eebc999c0b4ef8bb6d6bb9bd380a11"}, {"uuid", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1g"}, {"uuid", ""},
		{"date", "2023-02-29"}, {"date", "2024-13-01"}, {"date", "2024-00-10"}, {"date", "01/02/2024"}, {"date", "0000-01-01"}, {"date", ""}, {"date", "2024-01-01 AD"},
		{"time", "24:00:01"}, {"time", "12:60:00"}, {"time", "12:00"}, {"time", "12:00:00.1234567"}, {"time", "12:00:00."},
		{"timestamptz", "2024-01-02"}, {"timestamptz", "2024-01-02T03:04:05Z"}, {"timestamptz", "2024-01-02 03:04:05+xx"},
		{"timestamptz", "2024-01-02 03:04:05+00:00:00:00"}, {"timestamptz", "294300-01-01 00:00:00+00"}, {"timestamptz", ""},
		{"interval", ""}, {"interval", "1 fortnight"}, {"interval", "1"}, {"interval", "P1D"}, {"interval", "01:00:00 1 day"},
		{"interval", "2147483648 days"}, {"interval", "178956971 years"}, {"interval", "2562047789:00:00"},
		{"integer[]", ""}, {"integer[]", "{"}, {"integer[]", "{1"}, {"integer[]", "{1,}"}, {"integer[]", "{,1}"}, {"integer[]", "{1}x"},
		{"integer[]", "{1 2}"}, {"integer[]", "{1,{2}}"}, {"integer[]", "[0:1]{1,2}"}, {"integer[]", "[01:1]={1,2}"}, {"integer[]", "[:1]={1}"}, {"integer[]", "[1:1={1}"}, {"integer[]", "[1:9999999999]={1}"},
		{"integer[]", "{{{{{{{1}}}}}}}"}, {"integer[]", `{"1}`},
		{"text[]", `{"a`}, {"text[]", `{"a\`}, {"text[]", `{a"b}`}, {"text[]", `{a\b}`},
	} {
		if v, err := ParseText(typeNamed(t, c.typ), c.text); err == nil {
			t.Errorf("%s %q is read as %v", c.typ, c.text, v)
		}
	}
}

func TestTextIsUTF8(t *testing.T) {
	for _, typ := range []Type{TypeOf(Text), TypeOf(Enum), TypeOf(JSON)} {
		if _, err := ParseText(typ, "caf\xe9"); !errors.Is(err, ErrNotUTF8) {
			t.Errorf("%v: %v", typ, err)
		}
	}
}

// Errors end up in logs: whatever is read must not be in them.
func TestErrorsDoNotTellValues(t *testing.T) {
	for k := Bool; k <= Array; k++ {
		typ := Type{Kind: k, Elem: Int4, Scale: -1}
		if _, err := ParseText(typ, "{geheim\xff"); err == nil && k != Bytes || err != nil && strings.Contains(err.Error(), "geheim") {
			t.Errorf("%v: %v", typ, err)
		}
	}
}

// printable draws a value that PostgreSQL could have.
func printable(k Kind) *rapid.Generator[Value] {
	return rapid.Custom(func(t *rapid.T) Value {
		n := rapid.Int64().Draw(t, "n")
		switch k {
		case Bool:
			return OfBool(n > 0)
		case Int2:
			return OfInt(k, int64(int16(n)))
		case Int4:
			return OfInt(k, int64(int32(n)))
		case Float4:
			return OfFloat(k, float64(rapid.Float32().Draw(t, "f")))
		case Float8:
			return OfFloat(k, rapid.Float64().Draw(t, "f"))
		case Decimal:
			return anyDecimal().Draw(t, "decimal")
		case UUID:
			return OfString(k, string(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id")))
		case Date:
			return OfDate(rapid.Int64Range(-2_451_545, 2_145_031_948).Draw(t, "days"))
		case Time:
			return OfTime(rapid.Int64Range(0, day).Draw(t, "us"))
		case Timestamp:
			return OfTimestamp(rapid.Int64Range(-211_813_488_000_000_000, 9_223_371_000_000_000_000).Draw(t, "us"))
		case Interval:
			return OfInterval(rapid.Int32().Draw(t, "months"), rapid.Int32().Draw(t, "days"), n)
		case Bytes:
			return OfString(k, string(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")))
		case Text, Enum, JSON:
			return OfString(k, rapid.String().Filter(utf8.ValidString).Draw(t, "text"))
		}
		return OfInt(k, n)
	})
}

func anyDecimal() *rapid.Generator[Value] {
	return rapid.Custom(func(t *rapid.T) Value {
		digits := rapid.StringMatching(`-?[1-9][0-9]{0,40}`).Draw(t, "digits")
		v, ok := OfDigits(digits, rapid.Int32Range(0, 50).Draw(t, "scale"))
		if !ok {
			t.Fatalf("%q is refused", digits)
		}
		return v
	})
}

func TestTextRoundTrips(t *testing.T) {
	for k := Bool; k <= Enum; k++ {
		t.Run(k.String(), rapid.MakeCheck(func(t *rapid.T) {
			v := printable(k).Draw(t, "v")
			roundTrip(t, TypeOf(k), v)
		}))
		t.Run(k.String()+"[]", rapid.MakeCheck(func(t *rapid.T) {
			list := rapid.SliceOfN(rapid.OneOf(printable(k), rapid.Just(OfNull())), 0, 4).Draw(t, "list")
			if rapid.Bool().Draw(t, "nested") {
				list = []Value{OfArray(k, list), OfArray(k, list)}
			}
			roundTrip(t, ArrayOf(k), OfArray(k, list))
		}))
	}
}

func roundTrip(t *rapid.T, typ Type, v Value) {
	text := string(AppendText([]byte("before"), v))
	got, err := ParseText(typ, strings.TrimPrefix(text, "before"))
	if err != nil || !Identical(got, v) {
		t.Fatalf("%v is printed %q and read as %v, %v", v, text, got, err)
	}
}

func FuzzParseText(f *testing.F) {
	golden, err := os.ReadFile("testdata/postgres.tsv")
	if err != nil {
		f.Fatal(err)
	}
	for line := range strings.Lines(string(golden)) {
		_, text, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		f.Add(uint8(len(line)), text)
	}
	f.Fuzz(func(t *testing.T, which uint8, text string) {
		typ := TypeOf(Bool + Kind(which)%(Enum-Bool+1))
		if which >= 128 {
			typ = ArrayOf(typ.Kind)
		}
		v, err := ParseText(typ, text)
		if err != nil {
			return
		}
		again, err := ParseText(typ, string(AppendText(nil, v)))
		if err != nil || !Identical(v, again) {
			t.Fatalf("%v %q is %v, printed %q, read again as %v, %v", typ, text, v, AppendText(nil, v), again, err)
		}
	})
}

func BenchmarkParseText(b *testing.B) {
	for _, c := range []struct {
		typ  Kind
		text string
	}{{Int8, "1234567"}, {Text, "ada@example.com"}, {Decimal, "19.90"}, {Timestamp, "2024-01-02 03:04:05.678+00"}, {UUID, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"}} {
		b.Run(c.typ.String(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := ParseText(TypeOf(c.typ), c.text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
