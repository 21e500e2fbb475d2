package encoding

import (
	"math"
	"math/big"

	"odsd/storage/relation"

	"pgregory.net/rapid"
)

// families lists, by family, the types whose values compare with each other.
var families = map[string][]relation.Type{
	"bool":      {relation.TypeOf(relation.Bool)},
	"integer":   {relation.TypeOf(relation.Int2), relation.TypeOf(relation.Int4), relation.TypeOf(relation.Int8)},
	"float":     {relation.TypeOf(relation.Float4), relation.TypeOf(relation.Float8)},
	"decimal":   {relation.TypeOf(relation.Decimal)},
	"text":      {relation.TypeOf(relation.Text), relation.TypeOf(relation.Enum)},
	"bytes":     {relation.TypeOf(relation.Bytes)},
	"uuid":      {relation.TypeOf(relation.UUID)},
	"date":      {relation.TypeOf(relation.Date)},
	"time":      {relation.TypeOf(relation.Time)},
	"timestamp": {relation.TypeOf(relation.Timestamp)},
	"interval":  {relation.TypeOf(relation.Interval)},
	"json":      {relation.TypeOf(relation.JSON)},
	"integer[]": {relation.ArrayOf(relation.Int4), relation.ArrayOf(relation.Int8)},
	"text[]":    {relation.ArrayOf(relation.Text)},
	"numeric[]": {relation.ArrayOf(relation.Decimal)},
	"float[]":   {relation.ArrayOf(relation.Float8)},
}

// ints favours the numbers at which an encoding changes its length.
func ints(low, high int64) *rapid.Generator[int64] {
	return rapid.Custom(func(t *rapid.T) int64 {
		switch rapid.IntRange(0, 2).Draw(t, "how") {
		case 0:
			return rapid.Int64Range(max(low, -300), min(high, 300)).Draw(t, "small")
		case 1:
			shift := rapid.IntRange(0, 63).Draw(t, "bits")
			n := int64(1)<<shift + rapid.Int64Range(-1, 1).Draw(t, "near")
			if rapid.Bool().Draw(t, "negative") {
				n = -n
			}
			return max(low, min(high, n))
		}
		return rapid.Int64Range(low, high).Draw(t, "any")
	})
}

// texts favours the bytes that escaping treats specially.
func texts() *rapid.Generator[string] {
	special := rapid.SampledFrom([]byte{0x00, 0x01, 0x02, 0x7F, 0xFE, 0xFF, 'a', 'b'})
	return rapid.OneOf(
		rapid.String(),
		rapid.Map(rapid.SliceOfN(special, 0, 6), func(b []byte) string { return string(b) }),
	)
}

// values draws a value of the type; null one time in ten.
func values(typ relation.Type) *rapid.Generator[relation.Value] {
	return rapid.Custom(func(t *rapid.T) relation.Value {
		if rapid.IntRange(0, 9).Draw(t, "null") == 0 {
			return relation.OfNull()
		}
		return present(typ).Draw(t, "value")
	})
}

func present(typ relation.Type) *rapid.Generator[relation.Value] {
	return rapid.Custom(func(t *rapid.T) relation.Value {
		switch k := typ.Kind; k {
		case relation.Bool:
			return relation.OfBool(rapid.Bool().Draw(t, "bool"))
		case relation.Int2:
			return relation.OfInt(k, ints(math.MinInt16, math.MaxInt16).Draw(t, "int2"))
		case relation.Int4:
			return relation.OfInt(k, ints(math.MinInt32, math.MaxInt32).Draw(t, "int4"))
		case relation.Int8, relation.Date, relation.Time, relation.Timestamp:
			return relation.OfInt(k, ints(math.MinInt64, math.MaxInt64).Draw(t, "int8"))
		case relation.Float4, relation.Float8:
			return relation.OfFloat(k, floats().Draw(t, "float"))
		case relation.Decimal:
			return decimals().Draw(t, "decimal")
		case relation.UUID:
			return relation.OfString(k, string(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "uuid")))
		case relation.Interval:
			return intervals().Draw(t, "interval")
		case relation.Array:
			return arrays(typ.Elem, 2).Draw(t, "array")
		default:
			return relation.OfString(k, texts().Draw(t, "text"))
		}
	})
}

func floats() *rapid.Generator[float64] {
	return rapid.OneOf(
		rapid.Float64(),
		rapid.SampledFrom([]float64{0, math.Copysign(0, -1), 1, -1, math.NaN(), math.Inf(1), math.Inf(-1), math.MaxFloat64, math.SmallestNonzeroFloat64}),
	)
}

// decimals are small and large, and often equal to one another with other scales.
func decimals() *rapid.Generator[relation.Value] {
	return rapid.Custom(func(t *rapid.T) relation.Value {
		scale := rapid.Int32Range(0, 30).Draw(t, "scale")
		switch rapid.IntRange(0, 5).Draw(t, "how") {
		case 0:
			return rapid.SampledFrom([]relation.Value{
				relation.OfDecimalNaN(), relation.OfDecimalInfinity(1), relation.OfDecimalInfinity(-1), relation.OfDecimal(0, 3),
			}).Draw(t, "special")
		case 1:
			return relation.OfDecimal(rapid.Int64Range(-20, 20).Draw(t, "n")*pow10(rapid.IntRange(0, 4).Draw(t, "zeros")), min(scale, 5))
		case 2:
			n := new(big.Int).SetInt64(ints(math.MinInt64, math.MaxInt64).Draw(t, "high"))
			n.Mul(n, new(big.Int).Exp(big.NewInt(10), big.NewInt(rapid.Int64Range(0, 40).Draw(t, "digits")), nil))
			n.Add(n, big.NewInt(rapid.Int64Range(-1, 1).Draw(t, "near")))
			v, _ := relation.OfDigits(n.String(), scale)
			return v
		}
		return relation.OfDecimal(ints(math.MinInt64, math.MaxInt64).Draw(t, "n"), scale)
	})
}

func pow10(n int) int64 {
	p := int64(1)
	for range n {
		p *= 10
	}
	return p
}

func intervals() *rapid.Generator[relation.Value] {
	return rapid.Custom(func(t *rapid.T) relation.Value {
		months := ints(math.MinInt32, math.MaxInt32).Draw(t, "months")
		days := ints(math.MinInt32, math.MaxInt32).Draw(t, "days")
		us := ints(math.MinInt64, math.MaxInt64).Draw(t, "us")
		return relation.OfInterval(int32(months), int32(days), us)
	})
}

func arrays(elem relation.Kind, depth int) *rapid.Generator[relation.Value] {
	return rapid.Custom(func(t *rapid.T) relation.Value {
		element := values(relation.TypeOf(elem))
		if depth > 0 && rapid.IntRange(0, 3).Draw(t, "nested") == 0 {
			element = arrays(elem, depth-1)
		}
		array := relation.OfArray(elem, rapid.SliceOfN(element, 0, 4).Draw(t, "elements"))
		return array.WithBounds(rapid.SampledFrom([]string{"", "", "[0:2]", "[-1:5][2:3]"}).Draw(t, "bounds"))
	})
}

func parts() *rapid.Generator[Part] {
	return rapid.Custom(func(t *rapid.T) Part {
		return Part{Desc: rapid.Bool().Draw(t, "desc"), NullsFirst: rapid.Bool().Draw(t, "nulls first")}
	})
}
