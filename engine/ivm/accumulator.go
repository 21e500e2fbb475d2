package ivm

import (
	"fmt"

	"odsd/storage"
	"odsd/storage/relation"
	"odsd/views"
)

// accumulator is the state of one aggregate of one instance during a commit:
// as it was before, and as it is with the differences so far. What min, max,
// count_distinct, collect, first and last keep of single values or rows lives in
// the store, one entry each; old and now count them.
type accumulator struct {
	key      []byte
	old, now partial
	changed  bool
	// oldValue is an ordered accumulator's result before the commit, taken
	// before its multiset is first written to.
	oldValue relation.Value
	// oldFirst is the first row of an inner level of a first or last before the commit.
	oldFirst rankedRow
	// moved are, net, the values that an inner level of a count_distinct or
	// collect gained and lost in this commit.
	moved map[member]int64
}

// member is a value of a multiset: its key part, and its exact form where that matters.
type member struct{ part, element string }

func (i *instance) touchedAccumulator(a int) *accumulator {
	if i.accumulators == nil {
		return nil
	}
	return i.accumulators[a]
}

// accumulator gives the state of one of an instance's aggregates, reading it
// from the store the first time.
func (p *pass) accumulator(i *instance, a int) (*accumulator, error) {
	if known := i.touchedAccumulator(a); known != nil {
		return known, nil
	}
	acc := &accumulator{}
	acc.key = storage.AppendAccumulatorPrefix(nil, p.view.Generation, byte(i.node.Node), byte(a))
	acc.key = append(acc.key, i.id...)
	if i.existed() || p.view.group != nil {
		stored, found, err := p.before.reader.Get(acc.key)
		if err != nil {
			return nil, fmt.Errorf("read an aggregate of view %s: %w", p.view.Plan.View.Name, err)
		}
		if found {
			if err := acc.old.decode(stored); err != nil {
				return nil, fmt.Errorf("aggregate of view %s: %w", p.view.Plan.View.Name, err)
			}
			acc.now.add(&acc.old)
		}
		if err := p.takeOldResult(i, a, acc); err != nil {
			return nil, err
		}
	}
	if i.accumulators == nil {
		i.accumulators = make([]*accumulator, len(i.node.Accumulators))
	}
	i.accumulators[a] = acc
	return acc, nil
}

// takeOldResult keeps what the level above has of an accumulator; there is none above one
// that feeds a field.
func (p *pass) takeOldResult(i *instance, a int, acc *accumulator) (err error) {
	switch spec := i.node.Accumulators[a]; {
	case spec.Field >= 0:
	case ordered(spec.Func):
		acc.oldValue, err = p.extreme(i, a, &acc.old)
	case ranked(spec.Func):
		acc.oldFirst, err = p.firstRow(i, a, &acc.old)
	}
	return err
}

func ordered(f views.AggregateFunc) bool { return f == views.Min || f == views.Max }

// contributeTo moves one accumulator of the parent by what an instance
// contributes now instead of before.
func (p *pass) contributeTo(i *instance, a int, spec views.Accumulator) (bool, error) {
	before, now := counts(i.oldRow, spec.Gates), i.exists && counts(i.newRow, spec.Gates)
	if !before && !now {
		return false, nil
	}
	if before && now && p.contributesSame(i, spec) {
		return false, nil
	}
	acc, err := p.accumulator(i.parent, a)
	if err != nil {
		return false, err
	}
	changed := true
	switch {
	case ranked(spec.Func):
		changed, err = p.contributeRanked(i, a, spec, acc, before, now)
	case membersMatter(spec.Func) && spec.Via >= 0:
		err = p.contributeMembers(i, a, spec, acc, before, now)
	case membersMatter(spec.Func) || ordered(spec.Func):
		changed, err = p.contributeValue(i, a, spec, acc, before, now)
	default:
		err = p.contributePartial(i, spec, acc, before, now)
	}
	acc.changed = acc.changed || changed
	return changed, err
}

// contributesSame is true when nothing that the accumulator takes from the
// instance has changed.
func (p *pass) contributesSame(i *instance, spec views.Accumulator) bool {
	for _, term := range spec.Order {
		if term.Column >= 0 && !relation.Identical(i.oldRow[term.Column], i.newRow[term.Column]) {
			return false
		}
	}
	for _, column := range spec.Key {
		if !relation.Identical(i.oldRow[column], i.newRow[column]) {
			return false
		}
	}
	switch {
	case spec.Via >= 0:
		inner := i.touchedAccumulator(spec.Via)
		return inner == nil || !inner.changed
	case spec.Arg >= 0:
		return relation.Identical(i.oldRow[spec.Arg], i.newRow[spec.Arg])
	}
	return true
}

// contributePartial is for aggregates whose states add up: count, sum, avg.
func (p *pass) contributePartial(i *instance, spec views.Accumulator, acc *accumulator, before, now bool) error {
	if spec.Via >= 0 {
		inner, err := p.accumulator(i, spec.Via)
		if err != nil {
			return err
		}
		if before {
			acc.now.subtract(&inner.old)
		}
		if now {
			acc.now.add(&inner.now)
		}
		return nil
	}
	var one partial
	if before {
		one.of(argument(i.oldRow, spec))
		acc.now.subtract(&one)
	}
	if now {
		one.of(argument(i.newRow, spec))
		acc.now.add(&one)
	}
	return nil
}

// argument of an aggregate in a row; a row that is merely counted gives true.
func argument(row []relation.Value, spec views.Accumulator) relation.Value {
	if spec.Arg < 0 {
		return relation.OfBool(true)
	}
	return row[spec.Arg]
}

// accumulatorResult is the value of an aggregate as it stands.
func (p *pass) accumulatorResult(i *instance, a int, acc *accumulator) (relation.Value, error) {
	spec := i.node.Accumulators[a]
	if acc == nil {
		acc = &accumulator{} // a new instance without contributions
	}
	switch {
	case ordered(spec.Func):
		return p.extreme(i, a, &acc.now)
	case ranked(spec.Func):
		return p.rankedResult(i, a, &acc.now)
	case spec.Func == views.Collect:
		return p.collected(i, a, &acc.now)
	case spec.Func == views.CountDistinct:
		return acc.now.distinctResult(), nil
	}
	field := i.node.def.Scalars[spec.Field]
	return acc.now.result(spec, field), nil
}

// writeAccumulators stores what changed; a state that covers no row is no state.
func (p *pass) writeAccumulators(i *instance) {
	for _, acc := range i.accumulators {
		if acc == nil || !acc.changed || acc.now.equal(&acc.old) {
			continue
		}
		if acc.now.empty() {
			p.commit.Delete(acc.key)
		} else {
			p.commit.Set(acc.key, acc.now.encode(nil))
		}
	}
}
