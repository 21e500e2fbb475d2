package ivm

import (
	"fmt"

	"odsd/storage"
	"odsd/storage/relation"
	"odsd/views"
)

// count_distinct keeps a multiset like min and max do, and the number of its
// entries. Over several levels, the multiset of an outer level counts in how many
// instances of the level below a value occurs: it moves only when a value enters
// or leaves one of them.

// note remembers that a value entered or left a multiset.
func (acc *accumulator) note(part []byte, by int64) {
	acc.now.distinct += by
	if acc.moved == nil {
		acc.moved = map[string]int64{}
	}
	acc.moved[string(part)] += by
}

// contributeDistinct moves an outer level by what the level below gained and
// lost; where the instance itself comes or goes, by all that it has or had.
func (p *pass) contributeDistinct(i *instance, a int, spec views.Accumulator, acc *accumulator, before, now bool) error {
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
		for part, by := range inner.moved {
			if by == 0 {
				continue
			}
			if err := p.countPart(i.parent, a, acc, []byte(part), onlyCounted, by); err != nil {
				return err
			}
		}
		return nil
	}
	reader, by := p.before.reader, int64(-1)
	if now {
		reader, by = storage.Reader(p.commit), 1
	}
	return p.eachValue(reader, i, spec.Via, func(part []byte) error {
		return p.countPart(i.parent, a, acc, part, onlyCounted, by)
	})
}

// eachValue visits the key parts of a multiset's values.
func (p *pass) eachValue(reader storage.Reader, holder *instance, a int, visit func(part []byte) error) error {
	prefix := p.multisetPrefix(holder, a)
	cursor := reader.Scan(prefix, storage.PrefixEnd(prefix))
	defer cursor.Close()
	for cursor.Next() {
		if err := visit(append([]byte(nil), cursor.Key()[len(prefix):]...)); err != nil {
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
