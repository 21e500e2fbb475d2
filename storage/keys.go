package storage

import "encoding/binary"

// RelationID numbers a relation within one store, IndexID an index on a
// relation, GenerationID one build of a view. Numbers are never used again.
type (
	RelationID   uint32
	IndexID      uint32
	GenerationID uint32
)

// The keyspaces, by a key's first byte; doc.go draws what follows.
const (
	spaceMeta        = 'm'
	spaceFrontier    = 'f'
	spaceRow         = 'r'
	spaceIndex       = 'i'
	spaceNode        = 'n'
	spaceHidden      = 'h'
	spaceOrder       = 'o'
	spaceAccumulator = 'a'
	spaceMultiset    = 'd'
	spaceViewIndex   = 'x'
	spaceError       = 'e'
	spaceCheck       = 'k'
)

// generationSpaces are the keyspaces whose keys begin with a generation.
var generationSpaces = [...]byte{spaceNode, spaceHidden, spaceOrder, spaceAccumulator, spaceMultiset, spaceViewIndex, spaceError, spaceCheck}

func appendPrefix(dst []byte, space byte, id uint32) []byte {
	return binary.BigEndian.AppendUint32(append(dst, space), id)
}

// AppendRowPrefix begins the key of a relation's row; the relation's key parts follow.
func AppendRowPrefix(dst []byte, r RelationID) []byte {
	return appendPrefix(dst, spaceRow, uint32(r))
}

// AppendIndexPrefix begins an index entry; the indexed parts and the
// relation's key parts follow.
func AppendIndexPrefix(dst []byte, i IndexID) []byte {
	return appendPrefix(dst, spaceIndex, uint32(i))
}

// AppendNodePrefix begins the key of a view's stored row; its path follows.
func AppendNodePrefix(dst []byte, g GenerationID) []byte {
	return appendPrefix(dst, spaceNode, uint32(g))
}

// AppendHiddenPrefix begins the key of a row of a document that its view's
// `having` hides; its path follows.
func AppendHiddenPrefix(dst []byte, g GenerationID) []byte {
	return appendPrefix(dst, spaceHidden, uint32(g))
}

// AppendOrderPrefix begins an entry of a node's order lists; the parent's path,
// the slot, the order parts and the key parts follow. The node stands before the
// path because lists nest: what follows a slot is an order part in a list's own
// entries and a key part in the paths of the lists below it.
func AppendOrderPrefix(dst []byte, g GenerationID, node byte) []byte {
	return append(appendPrefix(dst, spaceOrder, uint32(g)), node)
}

// AppendAccumulatorPrefix begins an accumulator's key; the identity of its
// instance follows.
func AppendAccumulatorPrefix(dst []byte, g GenerationID, node, accumulator byte) []byte {
	return append(appendPrefix(dst, spaceAccumulator, uint32(g)), node, accumulator)
}

// AppendMultisetPrefix begins the key of one value, or of one row in its order, that
// an accumulator keeps; the identity of the instance and the parts of the value or
// of the row's place follow.
func AppendMultisetPrefix(dst []byte, g GenerationID, node, accumulator byte) []byte {
	return append(appendPrefix(dst, spaceMultiset, uint32(g)), node, accumulator)
}

// AppendViewIndexPrefix begins an entry of a view's index; the indexed parts
// and the root's key parts follow.
func AppendViewIndexPrefix(dst []byte, g GenerationID, index byte) []byte {
	return append(appendPrefix(dst, spaceViewIndex, uint32(g)), index)
}

// AppendErrorPrefix begins the key of an instance's row errors; its identity follows.
func AppendErrorPrefix(dst []byte, g GenerationID, node byte) []byte {
	return append(appendPrefix(dst, spaceError, uint32(g)), node)
}

// AppendCheckPrefix begins an entry of a document that fails one of its view's
// checks; the root's key parts follow.
func AppendCheckPrefix(dst []byte, g GenerationID, check byte) []byte {
	return append(appendPrefix(dst, spaceCheck, uint32(g)), check)
}

// GenerationRanges lists the ranges, lower bound and upper, that hold all of a
// generation and nothing else: what dropping it deletes.
func GenerationRanges(g GenerationID) [][2][]byte {
	ranges := make([][2][]byte, 0, len(generationSpaces))
	for _, space := range generationSpaces {
		prefix := appendPrefix(nil, space, uint32(g))
		ranges = append(ranges, [2][]byte{prefix, PrefixEnd(prefix)})
	}
	return ranges
}

// PrefixEnd is the smallest key greater than every key that begins with
// prefix; nil where there is none.
func PrefixEnd(prefix []byte) []byte {
	for i := len(prefix) - 1; i >= 0; i-- {
		if prefix[i] != 0xFF {
			end := append([]byte(nil), prefix[:i+1]...)
			end[i]++
			return end
		}
	}
	return nil
}
