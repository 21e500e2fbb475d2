package ivm

import (
	"bytes"
	"fmt"

	"odsd/storage"
	"odsd/storage/encoding"
	"odsd/storage/relation"
	"odsd/views"
)

// first and last keep an entry for each row, in the order that the definition
// asks for, so that what is wanted stands in the first entry, and losing it costs
// a step to the next. The row's key follows the order and breaks ties; for last
// every part is turned round:
//
//	accumulator prefix, identity, order parts, key parts → value
//
// Over several levels, an entry of an outer level stands for an instance of the
// level below, in the place and with the value of that one's own first entry. A
// level adds the terms of the order that its instances have, each where order_by
// has it, and behind the key parts those of the instance.

// rankedRow is an entry: its place after the identity, nil where there is no
// row, and the value's exact form.
type rankedRow struct {
	place   []byte
	element string
}

func (r rankedRow) equal(o rankedRow) bool {
	return (r.place == nil) == (o.place == nil) && bytes.Equal(r.place, o.place) && r.element == o.element
}

func ranked(f views.AggregateFunc) bool { return f == views.First || f == views.Last }

// contributeRanked moves the entry of an instance in an accumulator of its parent.
func (p *pass) contributeRanked(i *instance, a int, spec views.Accumulator, acc *accumulator, before, now bool) (bool, error) {
	old, fresh, err := p.rankedRows(i, spec, before, now)
	if err != nil || old.equal(fresh) {
		return false, err
	}
	if old.place != nil {
		p.commit.Delete(append(p.multisetPrefix(i.parent, a), old.place...))
	}
	if fresh.place != nil {
		p.commit.Set(append(p.multisetPrefix(i.parent, a), fresh.place...), []byte(fresh.element))
	}
	acc.now.rows += present(fresh.place != nil) - present(old.place != nil)
	return true, nil
}

// rankedRows gives the entries of an instance before the commit and now.
func (p *pass) rankedRows(i *instance, spec views.Accumulator, before, now bool) (old, fresh rankedRow, err error) {
	if spec.Via < 0 {
		if before {
			old = rankedRow{element: elementOf(i.oldRow[spec.Arg])}
			old.place, err = p.place(spec, i.oldRow, nil)
		}
		if now && err == nil {
			fresh = rankedRow{element: elementOf(i.newRow[spec.Arg])}
			fresh.place, err = p.place(spec, i.newRow, nil)
		}
		return old, fresh, err
	}
	inner, err := p.accumulator(i, spec.Via)
	if err != nil {
		return old, fresh, err
	}
	if old = inner.oldFirst; before && old.place != nil {
		old.place, err = p.place(spec, i.oldRow, old.place)
	} else {
		old = rankedRow{}
	}
	if !now || err != nil {
		return old, fresh, err
	}
	if fresh, err = p.firstRow(i, spec.Via, &inner.now); err == nil && fresh.place != nil {
		fresh.place, err = p.place(spec, i.newRow, fresh.place)
	}
	return old, fresh, err
}

// place makes an instance's place out of its row and the place that the level
// below has for it.
func (p *pass) place(spec views.Accumulator, row []relation.Value, below []byte) ([]byte, error) {
	made := make([]byte, 0, len(below)+32)
	for _, term := range spec.Order {
		part := encoding.Part{Desc: term.Desc, NullsFirst: term.NullsFirst}
		if spec.Func == views.Last {
			part = encoding.Part{Desc: !term.Desc, NullsFirst: !term.NullsFirst}
		}
		if term.Column >= 0 {
			made = encoding.AppendPart(made, part, row[term.Column])
			continue
		}
		rest, err := encoding.SkipPart(term.Type, part, below)
		if err != nil {
			return nil, fmt.Errorf("aggregate of view %s: %w", p.view.Plan.View.Name, err)
		}
		made = append(made, below[:len(below)-len(rest)]...)
		below = rest
	}
	made = append(made, below...)
	backwards := spec.Func == views.Last
	for _, column := range spec.Key {
		made = encoding.AppendPart(made, encoding.Part{Desc: backwards, NullsFirst: backwards}, row[column])
	}
	return made, nil
}

// firstRow is the first entry of an accumulator whose counts are given.
func (p *pass) firstRow(holder *instance, a int, counts *partial) (rankedRow, error) {
	if counts.rows == 0 {
		return rankedRow{}, nil
	}
	first, value, err := p.firstEntry(holder, a)
	return rankedRow{place: first, element: string(value)}, err
}

// firstEntry reads what a multiset, which is not empty, begins with.
func (p *pass) firstEntry(holder *instance, a int) (part, value []byte, err error) {
	prefix := p.multisetPrefix(holder, a)
	cursor := p.commit.Scan(prefix, storage.PrefixEnd(prefix))
	defer cursor.Close()
	if !cursor.Next() {
		if err := cursor.Err(); err != nil {
			return nil, nil, fmt.Errorf("read an aggregate of view %s: %w", p.view.Plan.View.Name, err)
		}
		return nil, nil, fmt.Errorf("an aggregate of view %s has lost its values: rebuild the view", p.view.Plan.View.Name)
	}
	return bytes.Clone(cursor.Key()[len(prefix):]), bytes.Clone(cursor.Value()), nil
}

// rankedResult is the value of the first row: null where there is none.
func (p *pass) rankedResult(holder *instance, a int, counts *partial) (relation.Value, error) {
	row, err := p.firstRow(holder, a, counts)
	if err != nil || row.place == nil {
		return relation.OfNull(), err
	}
	if v := valueOfElement(row.element); !v.IsError() {
		return v, nil
	}
	return relation.OfError(relation.ErrFailedInput), nil
}
