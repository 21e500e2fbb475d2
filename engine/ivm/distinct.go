package ivm

import (
	"bytes"
	"fmt"

	"odsd/storage"
	"odsd/storage/relation"
	"odsd/views"
)

// count_distinct keeps a multiset like min and max do, and the number of its
// entries. Over several levels, the multiset of an outer level counts in how many
// instances of the level below a value occurs: it moves only when a value enters
// or leaves one of them. That of a collect counts how often it occurs.

// membersMatter says whether what an outer level takes from the one below is
// all of its values, not one.
func membersMatter(f views.AggregateFunc) bool { return f == views.CountDistinct || f == views.Collect }

// note remembers how a value's count moved, and whether it thereby entered
// a multiset (1) or left it (-1).
func (acc *accumulator) note(spec views.Accumulator, m member, by, entered int64) {
	switch {
	case spec.Func == views.CountDistinct:
		acc.now.distinct += entered
		by = entered
	case spec.Func != views.Collect:
		return
	}
	if spec.Field >= 0 || by == 0 {
		return // no level above asks for it
	}
	if acc.moved == nil {
		acc.moved = map[member]int64{}
	}
	acc.moved[m] += by
}

// contributeMembers moves an outer level by what the level below gained and
// lost; where the instance itself comes or goes, by all that it has or had.
func (p *pass) contributeMembers(i *instance, a int, spec views.Accumulator, acc *accumulator, before, now bool) error {
	inner, err := p.accumulator(i, spec.Via)
	if err != nil {
		return err
	}
	if before {
		acc.now.rows--
		acc.now.errors -= present(inner.old.errors > 0)
	}
	if now {
		acc.now.rows++
		acc.now.errors += present(inner.now.errors > 0)
	}
	if before && now {
		for m, by := range inner.moved {
			if by == 0 {
				continue
			}
			if err := p.countPart(i.parent, a, acc, []byte(m.part), m.element, by); err != nil {
				return err
			}
		}
		return nil
	}
	reader, sign := p.before.reader, int64(-1)
	if now {
		reader, sign = storage.Reader(p.commit), 1
	}
	return p.eachValue(reader, i, spec.Via, func(part []byte, counts []valueCount) (bool, error) {
		for _, c := range counts {
			by := sign
			if spec.Func == views.Collect {
				by = sign * c.count
			}
			if err := p.countPart(i.parent, a, acc, part, c.element, by); err != nil {
				return false, err
			}
		}
		return true, nil
	})
}

// eachValue visits a multiset's entries in their order: the key part, and the
// values that have it with their counts. It ends early when visit returns false.
func (p *pass) eachValue(reader storage.Reader, holder *instance, a int, visit func(part []byte, counts []valueCount) (bool, error)) error {
	prefix := p.multisetPrefix(holder, a)
	cursor := reader.Scan(prefix, storage.PrefixEnd(prefix))
	defer cursor.Close()
	for cursor.Next() {
		counts, err := decodeCounts(cursor.Value())
		if err != nil {
			return fmt.Errorf("aggregate of view %s: %w", p.view.Plan.View.Name, err)
		}
		if more, err := visit(bytes.Clone(cursor.Key()[len(prefix):]), counts); err != nil || !more {
			return err
		}
	}
	if err := cursor.Err(); err != nil {
		return fmt.Errorf("read an aggregate of view %s: %w", p.view.Plan.View.Name, err)
	}
	return nil
}

func (s *partial) distinctResult() relation.Value {
	if s.errors > 0 {
		return relation.OfError(relation.ErrFailedInput)
	}
	return relation.OfInt(relation.Int8, s.distinct)
}
