package encoding

import (
	"encoding/binary"
	"math"
	"strconv"
	"unsafe"

	"odsd/storage/relation"
)

// maxExponent bounds what a damaged exponent can make us write out; numeric's
// own limit is 131,072 digits before the point.
const maxExponent = 1 << 20

// DecodePart reads the part that b begins with. The value owns its bytes.
// Decimals come back without trailing zeros and intervals as days and
// microseconds, the one form that all equal values share.
func DecodePart(t relation.Type, p Part, b []byte) (v relation.Value, rest []byte, err error) {
	n := partLength(t, p, b)
	if n < 0 {
		return relation.Value{}, nil, damagedPart(t)
	}
	if n == 1 && isNullPart(b) {
		return relation.OfNull(), b[1:], nil
	}
	part := b[:n]
	var scratch [64]byte
	if p.Desc {
		part = append(scratch[:0], part...)
		invert(part)
	}
	v, ok := decodeValue(t, part)
	if !ok {
		return relation.Value{}, nil, damagedPart(t)
	}
	return v, b[n:], nil
}

// decodeValue reads one whole value of the length that valueLength found.
func decodeValue(t relation.Type, b []byte) (v relation.Value, ok bool) {
	switch t.Kind.Family() {
	case relation.IntegerFamily, relation.DateFamily, relation.TimeFamily, relation.TimestampFamily:
		n, ok := decodeInt(b)
		return relation.OfInt(t.Kind, n), ok && fits(t.Kind, n)
	case relation.TextFamily, relation.BytesFamily, relation.JSONFamily:
		return relation.OfString(t.Kind, unescape(b)), true
	case relation.UUIDFamily:
		return relation.OfString(t.Kind, string(b[1:])), true
	case relation.BoolFamily:
		return relation.OfBool(b[0] == trueByte), true
	case relation.FloatFamily:
		return decodeFloat(t.Kind, binary.BigEndian.Uint64(b[1:]))
	case relation.DecimalFamily:
		return decodeDecimal(b)
	case relation.IntervalFamily:
		return decodeInterval(b)
	case relation.ArrayFamily:
		return decodeArray(t, b)
	}
	return relation.Value{}, false
}

// fits says whether an integer is in the range of its kind.
func fits(k relation.Kind, n int64) bool {
	switch k {
	case relation.Int2:
		return n == int64(int16(n))
	case relation.Int4:
		return n == int64(int32(n))
	}
	return true
}

// decodeInt refuses numbers written longer than they need to be.
func decodeInt(b []byte) (n int64, ok bool) {
	first := int(b[0])
	if first >= intSmall && first < intSmall+intSmallEnd {
		return int64(first - intSmall), true
	}
	var wide [8]byte
	copy(wide[9-len(b):], b[1:])
	if first < intNegative {
		for i := 0; i < 9-len(b); i++ {
			wide[i] = 0xFF
		}
		n = int64(binary.BigEndian.Uint64(wide[:]))
		return n, n < 0 && (len(b) == 2 || b[1] != 0xFF)
	}
	n = int64(binary.BigEndian.Uint64(wide[:]))
	return n, n >= intSmallEnd && b[1] != 0
}

func unescape(b []byte) string {
	b = b[1 : len(b)-2]
	text := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		text = append(text, b[i])
		if b[i] == escapeByte {
			i++
		}
	}
	return unsafe.String(unsafe.SliceData(text), len(text))
}

func decodeFloat(k relation.Kind, n uint64) (relation.Value, bool) {
	bits := ^n
	if n>>63 != 0 {
		bits = n &^ (1 << 63)
	}
	f := math.Float64frombits(bits)
	v := relation.OfFloat(k, f)
	return v, sortableFloat(v.Float()) == n
}

func decodeDecimal(b []byte) (relation.Value, bool) {
	switch b[0] {
	case decimalZero:
		return relation.OfDecimal(0, 0), true
	case decimalNaN:
		return relation.OfDecimalNaN(), true
	case decimalInfinite:
		return relation.OfDecimalInfinity(1), true
	case decimalNegInfinite:
		return relation.OfDecimalInfinity(-1), true
	}
	negative := b[0] == decimalNegative
	b = b[1:]
	var scratch [64]byte
	if negative {
		b = append(scratch[:0], b...)
		invert(b)
	}
	size := intLength(b, 0)
	if size < 0 || size >= len(b) {
		return relation.Value{}, false
	}
	exponent, ok := decodeInt(b[:size])
	if !ok || exponent > maxExponent || exponent < -maxExponent {
		return relation.Value{}, false
	}
	return decodeDigits(negative, b[size:], int(exponent))
}

func decodeDigits(negative bool, pairs []byte, exponent int) (relation.Value, bool) {
	var scratch [32]byte
	digits := scratch[:0]
	if negative {
		digits = append(digits, '-')
	}
	sign := len(digits)
	for _, pair := range pairs {
		if pair >= 200 {
			return relation.Value{}, false
		}
		digits = append(digits, '0'+pair/20, '0'+pair/2%10)
	}
	if digits[sign] == '0' || pairs[len(pairs)-1] == 0 {
		return relation.Value{}, false
	}
	if digits[len(digits)-1] == '0' {
		digits = digits[:len(digits)-1]
	}
	scale := len(digits) - sign - exponent
	for ; scale < 0; scale++ {
		digits = append(digits, '0')
	}
	if len(digits) <= 18 {
		n, err := strconv.ParseInt(unsafe.String(unsafe.SliceData(digits), len(digits)), 10, 64)
		return relation.OfDecimal(n, int32(scale)), err == nil
	}
	return relation.OfDigits(string(digits), int32(scale))
}

// decodeInterval gives days and the rest of a day, with months only where
// the days alone exceed what an interval holds.
func decodeInterval(b []byte) (relation.Value, bool) {
	size := intLength(b, 0)
	days, okDays := decodeInt(b[:size])
	us, okRest := decodeInt(b[size:])
	const limit = int64(math.MaxInt32)*31 + math.MaxInt64/microsecsADay
	if !okDays || !okRest || us < 0 || us >= microsecsADay || days > limit || days < -limit-64 {
		return relation.Value{}, false
	}
	var months int64
	if days != int64(int32(days)) {
		months = clamp32(days / 30)
	}
	whole := clamp32(days - months*30)
	over := days - months*30 - whole
	v := relation.OfInterval(int32(months), int32(whole), over*microsecsADay+us)
	checkDays, checkRest := intervalSpan(v)
	return v, checkDays == days && checkRest == us
}

func clamp32(n int64) int64 { return max(math.MinInt32, min(math.MaxInt32, n)) }

func decodeArray(t relation.Type, b []byte) (relation.Value, bool) {
	var list []relation.Value
	bounds := ""
	for at := 1; b[at] != arrayEnd; {
		element, n := relation.TypeOf(t.Elem), 1
		switch b[at] {
		case nullLast:
			list = append(list, relation.OfNull())
			at++
			continue
		case arrayBounds:
			n = boundsLength(b[at:], 0)
			bounds = string(b[at+1 : at+n-1])
			if !relation.ValidBounds(bounds) {
				return relation.Value{}, false
			}
			at += n
			continue
		case arrayByte:
			element = t
			n = arrayLength(t, b[at:], 0, 0)
		default:
			n = valueLength(element, b[at:], 0, 0)
		}
		v, ok := decodeValue(element, b[at:at+n])
		if !ok {
			return relation.Value{}, false
		}
		list = append(list, v)
		at += n
	}
	return relation.OfArray(t.Elem, list).WithBounds(bounds), true
}
