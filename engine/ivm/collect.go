package ivm

import (
	"strings"

	"odsd/storage/relation"
	"odsd/views"
)

// collect keeps a multiset like min and max do, and shows it as a list: no more
// of it is read than the list may have. Over several levels the multiset of an
// outer level is the sum of those below: it moves by what they gained and lost.

// collected is the list of a multiset's values whose counts are given.
func (p *pass) collected(holder *instance, a int, counts *partial) (relation.Value, error) {
	spec := holder.node.Accumulators[a]
	if counts.errors > 0 {
		return relation.OfError(relation.ErrFailedInput), nil
	}
	list := listOf{aggregate: holder.node.def.Scalars[spec.Field].Aggregate}
	if counts.values > 0 {
		err := p.eachValue(p.commit, holder, a, func(_ []byte, counts []valueCount) (bool, error) {
			return list.add(counts), nil
		})
		if err != nil {
			return relation.Value{}, err
		}
	}
	return relation.OfEncodedArray(spec.Type.Kind, list.elements.String()), nil
}

// listOf gathers a list: an array is held as its elements' exact forms, one
// after the other.
type listOf struct {
	aggregate *views.Aggregate
	elements  strings.Builder
	length    int
}

// add appends values that are equal and may differ in form; false when the list is full.
func (l *listOf) add(counts []valueCount) bool {
	for _, c := range counts {
		for range c.count {
			l.elements.WriteString(c.element)
			l.length++
			if l.length == l.aggregate.Limit {
				return false
			}
			if l.aggregate.Distinct {
				return true
			}
		}
	}
	return true
}
