package encoding

import (
	"encoding/binary"
	"math/bits"

	"odsd/storage/relation"
)

// A stored decimal begins with its scale where that is small, and its
// coefficient follows, big-endian in as few bytes as hold it with its sign.
const (
	maxByteScale   = 0xEF
	decimalScaled  = 0xF0 // the scale follows in 4 bytes, then the coefficient
	decimalBig     = 0xF1 // the scale follows in 4 bytes, then the coefficient's digits
	storedNaN      = 0xF2
	storedInfinite = 0xF3
	storedNegative = 0xF4 // minus infinity
)

// maxScale bounds the zeros that a damaged scale can make a printer write.
const maxScale = 1 << 20

func writeDecimal(dst []byte, v relation.Value) ([]byte, byte) {
	coefficient, scale, small := v.SmallDecimal()
	switch {
	case v.IsNaN():
		return append(dst, storedNaN), stateValue
	case v.InfinitySign() > 0:
		return append(dst, storedInfinite), stateValue
	case v.InfinitySign() < 0:
		return append(dst, storedNegative), stateValue
	case v.Scale() > maxScale:
		return append(dst, byte(relation.ErrTooLarge)), stateError
	case !small:
		dst = binary.BigEndian.AppendUint32(append(dst, decimalBig), uint32(v.Scale()))
		return append(dst, v.Digits()...), stateValue
	case scale <= maxByteScale:
		dst = append(dst, byte(scale))
	default:
		dst = binary.BigEndian.AppendUint32(append(dst, decimalScaled), uint32(scale))
	}
	return appendSigned(dst, coefficient), stateValue
}

func readDecimal(b []byte) (relation.Value, bool) {
	if len(b) == 0 {
		return relation.Value{}, false
	}
	first, scale := b[0], uint32(b[0])
	b = b[1:]
	switch first {
	case storedNaN:
		return relation.OfDecimalNaN(), len(b) == 0
	case storedInfinite:
		return relation.OfDecimalInfinity(1), len(b) == 0
	case storedNegative:
		return relation.OfDecimalInfinity(-1), len(b) == 0
	}
	if first > maxByteScale {
		if len(b) < 4 || first > decimalBig {
			return relation.Value{}, false
		}
		scale, b = binary.BigEndian.Uint32(b), b[4:]
	}
	if len(b) == 0 || scale > maxScale {
		return relation.Value{}, false
	}
	if first == decimalBig {
		return relation.OfDigits(alias(b), int32(scale))
	}
	if len(b) > 8 {
		return relation.Value{}, false
	}
	return relation.OfDecimal(readSigned(b), int32(scale)), true
}

func appendSigned(dst []byte, n int64) []byte {
	magnitude := uint64(n)
	if n < 0 {
		magnitude = ^magnitude
	}
	size := bits.Len64(magnitude)/8 + 1
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(n))
	return append(dst, b[8-size:]...)
}

func readSigned(b []byte) int64 {
	n := int64(int8(b[0]))
	for _, c := range b[1:] {
		n = n<<8 | int64(c)
	}
	return n
}
