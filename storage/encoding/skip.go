package encoding

import (
	"bytes"
	"errors"
	"fmt"

	"odsd/storage/relation"
)

// ErrDamaged is wrapped by every error about bytes that no value encodes to.
var ErrDamaged = errors.New("damaged bytes")

// maxArrayDepth bounds how deep damaged bytes can send a decoder; PostgreSQL's
// arrays have at most six dimensions.
const maxArrayDepth = 16

// SkipPart gives what follows the part that b begins with.
func SkipPart(t relation.Type, p Part, b []byte) (rest []byte, err error) {
	n := partLength(t, p, b)
	if n < 0 {
		return nil, damagedPart(t)
	}
	return b[n:], nil
}

func damagedPart(t relation.Type) error {
	return fmt.Errorf("key part of type %s: %w", t, ErrDamaged)
}

// partLength is the length of the part that b begins with, -1 where it is
// damaged. It looks at no more than it needs to find the end.
func partLength(t relation.Type, p Part, b []byte) int {
	if isNullPart(b) {
		return 1
	}
	if p.Desc {
		return valueLength(t, b, 0xFF, 0)
	}
	return valueLength(t, b, 0, 0)
}

// isNullPart holds for both null markers: neither begins a value under any Part.
func isNullPart(b []byte) bool {
	return len(b) > 0 && (b[0] == nullFirst || b[0] == nullLast)
}

// valueLength measures a value's bytes, each to be read through the mask.
func valueLength(t relation.Type, b []byte, mask byte, depth int) int {
	if len(b) == 0 {
		return -1
	}
	first := b[0] ^ mask
	switch t.Kind.Family() {
	case relation.BoolFamily:
		return within(b, 1, first == falseByte || first == trueByte)
	case relation.IntegerFamily, relation.DateFamily, relation.TimeFamily, relation.TimestampFamily:
		return intLength(b, mask)
	case relation.IntervalFamily:
		return intervalLength(b, mask)
	case relation.FloatFamily:
		return within(b, floatLength, first == valueByte)
	case relation.UUIDFamily:
		return within(b, uuidLength, first == valueByte)
	case relation.TextFamily, relation.BytesFamily, relation.JSONFamily:
		if first != valueByte {
			return -1
		}
		return escapedLength(b, mask)
	case relation.DecimalFamily:
		return decimalLength(b, mask)
	case relation.ArrayFamily:
		return arrayLength(t, b, mask, depth)
	}
	return -1
}

func within(b []byte, n int, valid bool) int {
	if !valid || len(b) < n {
		return -1
	}
	return n
}

func intLength(b []byte, mask byte) int {
	if len(b) == 0 {
		return -1
	}
	switch first := int(b[0] ^ mask); {
	case first >= intNegative-8 && first < intNegative:
		return within(b, 1+intNegative-first, true)
	case first >= intSmall && first < intSmall+intSmallEnd:
		return 1
	case first > intPositive && first <= intPositive+8:
		return within(b, 1+first-intPositive, true)
	}
	return -1
}

func intervalLength(b []byte, mask byte) int {
	days := intLength(b, mask)
	if days < 0 {
		return -1
	}
	rest := intLength(b[days:], mask)
	if rest < 0 {
		return -1
	}
	return days + rest
}

func escapedLength(b []byte, mask byte) int {
	for at := 1; ; {
		zero := bytes.IndexByte(b[at:], escapeByte^mask)
		if zero < 0 || at+zero+1 >= len(b) {
			return -1
		}
		at += zero + 2
		switch b[at-1] ^ mask {
		case escapedEnd:
			return at
		case escapedZero:
		default:
			return -1
		}
	}
}

func decimalLength(b []byte, mask byte) int {
	switch b[0] ^ mask {
	case decimalNegInfinite, decimalZero, decimalInfinite, decimalNaN:
		return 1
	case decimalNegative:
		mask = ^mask
	case decimalPositive:
	default:
		return -1
	}
	at := intLength(b[1:], mask)
	if at < 0 {
		return -1
	}
	for at++; at < len(b); at++ {
		if (b[at]^mask)&1 == 0 {
			return at + 1
		}
	}
	return -1
}

// boundsLength finds the end of an array's bounds, after which nothing but the
// array's end may come.
func boundsLength(b []byte, mask byte) int {
	end := bytes.IndexByte(b[1:], arrayBounds^mask)
	if end < 0 || end+2 >= len(b) || b[end+2]^mask != arrayEnd {
		return -1
	}
	return end + 2
}

func arrayLength(t relation.Type, b []byte, mask byte, depth int) int {
	if b[0]^mask != arrayByte || depth >= maxArrayDepth {
		return -1
	}
	element := relation.TypeOf(t.Elem)
	for at := 1; at < len(b); {
		n := 1
		switch b[at] ^ mask {
		case arrayEnd:
			return at + 1
		case nullLast:
		case arrayBounds:
			n = boundsLength(b[at:], mask)
		case arrayByte:
			n = arrayLength(t, b[at:], mask, depth+1)
		default:
			n = valueLength(element, b[at:], mask, depth+1)
		}
		if n < 0 {
			return -1
		}
		at += n
	}
	return -1
}
