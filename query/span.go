package query

import (
	"bytes"
	"slices"

	"odsd/storage"
	"odsd/storage/encoding"
	"odsd/storage/relation"
)

// span is a range of keys in the store, one for each choice of values of the held
// parts of an access.
//
// A sort key of a document is what it is ordered by and then its path: head, which
// is the same for the whole span, and a tail, which is what a key of the span has
// after its base, byte by byte the opposite for parts that are read backward.
type span struct {
	base         []byte // what its keys begin with: held parts included
	head         []byte // what its documents' sort keys begin with
	lower, upper []byte
}

// spans give where in a generation's keyspace the access looks, in the order in
// which their first documents come.
func (a *access) spans(g storage.GenerationID) []span {
	rows := storage.AppendNodePrefix(nil, g)
	first := slices.Clip(rows)
	if a.index >= 0 {
		first = storage.AppendViewIndexPrefix(nil, g, byte(a.index))
	}
	spans := []span{{base: first}}
	for i := range a.held {
		spans = a.hold(spans, i)
	}
	for i := range spans {
		s := &spans[i]
		s.lower, s.upper = s.base, storage.PrefixEnd(s.base)
		if a.index < 0 && !a.backward {
			s.head = s.base[len(rows):] // the sort key is the path
		}
		for _, c := range a.between {
			s.narrow(a.free()[0].part, c)
		}
	}
	slices.SortStableFunc(spans, func(x, y span) int { return bytes.Compare(x.head, y.head) })
	return spans
}

// hold makes of each span one for each value that a part is held at.
func (a *access) hold(spans []span, i int) []span {
	values := []relation.Value{relation.OfNull()}
	if c := a.held[i]; c.op != isNull {
		values = values[:0]
		for _, o := range c.values {
			values = append(values, o.value)
		}
	}
	var out []span
	for _, s := range spans {
		last := []byte(nil)
		for _, v := range values {
			held := span{base: encoding.AppendPart(slices.Clip(s.base), a.parts[i].part, v), head: s.head}
			if a.follows[i] {
				held.head = encoding.AppendPart(slices.Clip(s.head), a.parts[i].directed(a.backward), v)
			}
			if last == nil || !bytes.Equal(held.base, last) { // equal values follow each other
				out = append(out, held)
			}
			last = held.base
		}
	}
	return out
}

func (s *span) from(key []byte) {
	if bytes.Compare(key, s.lower) > 0 {
		s.lower = key
	}
}

func (s *span) to(key []byte) {
	if s.upper == nil || key != nil && bytes.Compare(key, s.upper) < 0 {
		s.upper = key
	}
}

// narrow cuts the span to a condition on the part after its base. Nulls meet no
// condition; they lie after everything else or before it.
func (s *span) narrow(p encoding.Part, c *condition) {
	nulls := encoding.AppendPart(slices.Clip(s.base), p, relation.OfNull())
	if p.NullsFirst {
		s.from(storage.PrefixEnd(nulls))
	} else {
		s.to(nulls)
	}
	at := encoding.AppendPart(slices.Clip(s.base), p, c.values[0].value)
	behind := storage.PrefixEnd(at)
	op := c.op
	if p.Desc { // values lie the other way round
		op = map[operator]operator{greater: less, greaterEqual: lessEqual, less: greater, lessEqual: greaterEqual}[op]
	}
	switch {
	case c.op == startsWith:
		// Without the two bytes that end a text, it is what all longer ones begin with.
		begin := at[:len(at)-2]
		s.from(begin)
		s.to(storage.PrefixEnd(begin))
	case op == greater:
		s.from(behind)
	case op == greaterEqual:
		s.from(at)
	case op == less:
		s.to(at)
	default:
		s.to(behind)
	}
}

// tailBehind is the tail of a sort key where a document of the span may have it,
// nil where all of the span's come after the sort key. over says that none does.
func (s *span) tailBehind(sortKey []byte) (tail []byte, over bool) {
	if bytes.HasPrefix(sortKey, s.head) {
		return sortKey[len(s.head):], false
	}
	return nil, bytes.Compare(s.head, sortKey) < 0
}
