package ivm

import (
	"encoding/binary"
	"fmt"
	"sort"

	"odsd/storage"
	"odsd/storage/encoding"
	"odsd/storage/relation"
	"odsd/views"
)

// min and max keep an ordered multiset of their values, so that losing the
// smallest costs a step to the next. One entry holds all values that compare
// equal (1.0 and 1.00), each with its count; of those the result is the one
// with the smallest stored form, whatever order they came in:
//
//	accumulator prefix, identity, value part → (length, value, count)…

// contributeValue moves an ordered accumulator of an instance's parent. At the
// last level the value is a column of the row, above it the extreme of the
// level below.
func (p *pass) contributeValue(i *instance, a int, spec views.Accumulator, acc *accumulator, before, now bool) (bool, error) {
	var oldValue, newValue relation.Value
	if spec.Via >= 0 {
		inner, err := p.accumulator(i, spec.Via)
		if err != nil {
			return false, err
		}
		oldValue = inner.oldValue
		if newValue, err = p.accumulatorResult(i, spec.Via, inner); err != nil {
			return false, err
		}
	} else {
		if before {
			oldValue = i.oldRow[spec.Arg]
		}
		if now {
			newValue = i.newRow[spec.Arg]
		}
	}
	if before && now && relation.Identical(oldValue, newValue) {
		return false, nil
	}
	if before {
		if err := p.countValue(i.parent, a, spec, acc, oldValue, -1); err != nil {
			return false, err
		}
	}
	if now {
		if err := p.countValue(i.parent, a, spec, acc, newValue, 1); err != nil {
			return false, err
		}
	}
	return true, nil
}

// countValue puts a value into a multiset (by 1) or takes it out (by -1).
func (p *pass) countValue(holder *instance, a int, spec views.Accumulator, acc *accumulator, v relation.Value, by int64) error {
	acc.now.rows += by
	switch {
	case v.IsNull():
		return nil
	case v.IsError():
		acc.now.errors += by
		return nil
	}
	element := elementOf(v)
	if spec.Func == views.CountDistinct {
		element = onlyCounted
	}
	return p.countPart(holder, a, acc, encoding.AppendPart(nil, multisetPart(spec), v), element, by)
}

// onlyCounted stands in a count_distinct's multiset for the values themselves:
// equal values are one, whatever their form.
const onlyCounted = ""

// countPart counts one value, of which the key part and the exact form are given.
func (p *pass) countPart(holder *instance, a int, acc *accumulator, part []byte, element string, by int64) error {
	acc.now.values += by
	key := append(p.multisetPrefix(holder, a), part...)
	stored, _, err := p.commit.Get(key)
	if err != nil {
		return fmt.Errorf("read an aggregate of view %s: %w", p.view.Plan.View.Name, err)
	}
	counts, err := decodeCounts(stored)
	if err != nil {
		return fmt.Errorf("aggregate of view %s: %w", p.view.Plan.View.Name, err)
	}
	was := len(counts) > 0
	counts = count(counts, element, by)
	acc.note(holder.node.Accumulators[a], member{string(part), element}, by, present(len(counts) > 0)-present(was))
	if len(counts) == 0 {
		p.commit.Delete(key)
	} else {
		p.commit.Set(key, encodeCounts(counts))
	}
	return nil
}

// multisetPart sorts a multiset so that the wanted extreme comes first.
func multisetPart(spec views.Accumulator) encoding.Part {
	return encoding.Part{Desc: spec.Func == views.Max}
}

func (p *pass) multisetPrefix(holder *instance, a int) []byte {
	prefix := storage.AppendMultisetPrefix(nil, p.view.Generation, byte(holder.node.Node), byte(a))
	return append(prefix, holder.id...)
}

// extreme is the first value of a multiset whose counts are given.
func (p *pass) extreme(holder *instance, a int, counts *partial) (relation.Value, error) {
	switch {
	case counts.errors > 0:
		return relation.OfError(relation.ErrFailedInput), nil
	case counts.values == 0:
		return relation.OfNull(), nil
	}
	_, first, err := p.firstEntry(holder, a)
	if err != nil {
		return relation.Value{}, err
	}
	entries, err := decodeCounts(first)
	if err != nil || len(entries) == 0 {
		return relation.Value{}, fmt.Errorf("damaged aggregate of view %s: rebuild the view", p.view.Plan.View.Name)
	}
	return valueOfElement(entries[0].element), nil
}

type valueCount struct {
	element string
	count   int64
}

// elementOf is a value's exact form, scale included.
func elementOf(v relation.Value) string {
	return relation.OfArray(v.Kind(), []relation.Value{v}).Str()
}

func valueOfElement(element string) relation.Value {
	list := relation.OfEncodedArray(relation.Null, element).List()
	if len(list) != 1 {
		return relation.OfError(relation.ErrFailedInput)
	}
	return list[0]
}

func count(counts []valueCount, element string, by int64) []valueCount {
	at := sort.Search(len(counts), func(k int) bool { return counts[k].element >= element })
	if at == len(counts) || counts[at].element != element {
		counts = append(counts, valueCount{})
		copy(counts[at+1:], counts[at:])
		counts[at] = valueCount{element: element}
	}
	counts[at].count += by
	if counts[at].count == 0 {
		counts = append(counts[:at], counts[at+1:]...)
	}
	return counts
}

func encodeCounts(counts []valueCount) []byte {
	var b []byte
	for _, c := range counts {
		b = binary.AppendUvarint(b, uint64(len(c.element)))
		b = append(b, c.element...)
		b = binary.AppendVarint(b, c.count)
	}
	return b
}

func decodeCounts(b []byte) ([]valueCount, error) {
	var counts []valueCount
	for len(b) > 0 {
		size, n := binary.Uvarint(b)
		if n <= 0 || size > uint64(len(b)-n) {
			return nil, errDamaged
		}
		element := string(b[n : n+int(size)])
		b = b[n+int(size):]
		by, n := binary.Varint(b)
		if n <= 0 {
			return nil, errDamaged
		}
		b = b[n:]
		counts = append(counts, valueCount{element, by})
	}
	return counts, nil
}
