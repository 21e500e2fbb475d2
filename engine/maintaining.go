package engine

import (
	"errors"
	"fmt"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"

	"odsd/engine/ivm"
	"odsd/storage"
)

// forkChanges is from how many changes on views are maintained side by side: what a fork
// costs, iterators of its own above all, is less than what they take by then.
const forkChanges = 64

// maintenance passes the changes of a commit, or of a slice of it, through the views.
//
// Views that do not stand on one another have nothing in common but what they read. Where the
// changes are many, each of them works in a fork of the commit and in a goroutine of its own; what
// they wrote is joined in the order of the generations, so that all is as if one had been
// maintained after the other.
type maintenance struct {
	writer  *writer
	commit  *storage.Commit
	reads   *ivm.Reads
	changes []ivm.Change
	bounds  ivm.Bounds
	// Of the generations that are through: the changes of their root rows, in memory or
	// beside it, and what was done to them.
	roots   map[storage.GenerationID][]ivm.Change
	many    map[storage.GenerationID]*ivm.Roots
	results map[*generation]ivm.Result
	forked  int // generations that were maintained beside others
}

// maintain applies the changes to every generation of a view, each with those of
// the generations that it stands on.
func (w *writer) maintain(c *storage.Commit, changes []ivm.Change, bounds ivm.Bounds) (through *maintenance, err error) {
	m := &maintenance{
		writer: w, commit: c, changes: changes, bounds: bounds,
		roots: map[storage.GenerationID][]ivm.Change{}, many: map[storage.GenerationID]*ivm.Roots{},
		results: map[*generation]ivm.Result{},
	}
	if len(changes) == 0 {
		return m, nil
	}
	m.reads = ivm.NewReads(c, &w.catalog.stored, changes)
	// Deferred, so that a fault that is recovered from leaves no cursor open.
	defer func() {
		err = errors.Join(err, m.reads.Close())
		for _, many := range m.many {
			err = errors.Join(err, many.Close())
		}
	}()
	for _, wave := range waves(w.maintained) {
		if err := m.maintainWave(wave); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// waves puts the generations that have begun into groups: none stands on another of its group, and
// each stands on such of the groups before.
func waves(all []*generation) (waves [][]*generation) {
	depth := map[storage.GenerationID]int{}
	for _, g := range all { // inputs first
		if !g.begun() {
			continue
		}
		at := 0
		for _, input := range g.record.Inputs {
			if below, ok := depth[input]; ok {
				at = max(at, below+1)
			}
		}
		depth[g.record.Generation] = at
		if at == len(waves) {
			waves = append(waves, nil)
		}
		waves[at] = append(waves[at], g)
	}
	return waves
}

func (m *maintenance) maintainWave(wave []*generation) (err error) {
	rest := wave
	if len(wave) > 1 && len(m.many) == 0 && len(m.changes) >= m.writer.engine.forkChanges && m.commit.CanFork() && runtime.GOMAXPROCS(0) > 1 {
		if rest, err = m.maintainForked(wave); err != nil {
			return err
		}
	}
	for _, g := range rest {
		result, err := m.apply(g, m.commit, m.reads, m.bounds)
		if err == nil {
			err = m.through(g, result)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// fork is one generation that is maintained beside others.
type fork struct {
	generation *generation
	commit     *storage.Commit
	reads      *ivm.Reads
	result     ivm.Result
	err        error
}

// maintainForked maintains generations side by side. It gives back those that are too many
// instances for that: they are to be worked off alone.
func (m *maintenance) maintainForked(wave []*generation) (rest []*generation, err error) {
	bounds := m.bounds
	bounds.Whole, bounds.Part = true, nil
	if bounds.Instances > 0 {
		bounds.Instances = max(1, bounds.Instances/len(wave))
	}
	forks := make([]*fork, len(wave))
	for i, g := range wave {
		c := m.commit.Fork()
		forks[i] = &fork{generation: g, commit: c, reads: m.reads.Fork(c)}
		defer c.Abandon() // does nothing once joined
	}
	var running errgroup.Group
	running.SetLimit(runtime.GOMAXPROCS(0))
	for _, f := range forks {
		running.Go(func() error {
			f.result, f.err = m.apply(f.generation, f.commit, f.reads, bounds)
			return nil
		})
	}
	_ = running.Wait() // each fork has its own error
	for _, f := range forks {
		closeErr := f.reads.Close()
		if errors.Is(f.err, ivm.ErrCrowded) && closeErr == nil {
			rest = append(rest, f.generation)
			continue
		}
		if err := errors.Join(f.err, closeErr); err != nil {
			return nil, err
		}
		m.commit.Join(f.commit)
		m.forked++
		if err := m.through(f.generation, f.result); err != nil {
			return nil, err
		}
	}
	return rest, nil
}

// apply maintains one generation.
func (m *maintenance) apply(g *generation, c *storage.Commit, reads *ivm.Reads, bounds ivm.Bounds) (ivm.Result, error) {
	in := ivm.Input{Changes: m.changes}
	for _, input := range g.record.Inputs {
		in.Changes = append(in.Changes[:len(in.Changes):len(in.Changes)], m.roots[input]...)
		if many := m.many[input]; many != nil {
			in.Many = append(in.Many, many)
		}
	}
	var upTo []byte
	if !g.record.Ready {
		upTo = append([]byte{}, g.record.Cursor...)
	}
	result, err := applyGuarded(g.view, c, reads, in, upTo, bounds)
	if err != nil && !errors.Is(err, ivm.ErrCrowded) && m.writer.faultOfView(err) {
		return result, &viewError{g, err}
	}
	return result, err
}

// faultOfView says whether an error of a view's maintenance is its own: not one of the scratch
// space, nor that the loop ends.
func (w *writer) faultOfView(err error) bool {
	var scratch *storage.ScratchError
	return !errors.As(err, &scratch) && (w.ctx.Err() == nil || !errors.Is(err, w.ctx.Err()))
}

// through takes down what was done to a generation, for those that stand on it.
func (m *maintenance) through(g *generation, result ivm.Result) error {
	if g.relation != nil && len(result.Roots) > 0 {
		ivm.WriteIndexes(m.commit, g.relation, result.Roots)
		m.roots[g.record.Generation] = result.Roots
	}
	if many := result.Many; many != nil {
		m.many[g.record.Generation] = many
		if err := many.WriteIndexes(m.commit, g.relation); err != nil {
			return err
		}
		result.Many = nil
	}
	m.results[g] = result
	return nil
}

// applyGuarded turns a panic in one view's maintenance into an error of that
// view: the commit is then made without it.
func applyGuarded(v *ivm.View, c *storage.Commit, reads *ivm.Reads, in ivm.Input, upTo []byte, bounds ivm.Bounds) (result ivm.Result, err error) {
	began := time.Now()
	defer func() {
		result.Took = time.Since(began)
		if cause := recover(); cause != nil {
			err = fmt.Errorf("internal fault while maintaining the view: %v", cause)
		}
	}()
	return v.Apply(c, reads, in, upTo, bounds)
}
