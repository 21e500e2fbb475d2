package enginetest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"odsd/storage/relation"
	"odsd/views"
)

// The way does not matter: the same transactions of each source lead to the same
// pairs in the store, whatever came together in a commit, in which order the sources
// were heard, when the engine was started anew and when views were built. A way is
// one such history, played to its end.
var ways = []struct {
	name string
	play func(*journey) error
}{
	{"each transaction a commit, one source after the other", func(j *journey) error {
		return j.commitAll(singly(bySource(j.steps, true)))
	}},
	{"each transaction a commit, the last source first", func(j *journey) error {
		return j.commitAll(singly(bySource(j.steps, false)))
	}},
	{"everything in one commit", func(j *journey) error {
		return j.commitAll([]Step{slices.Concat(j.steps...)})
	}},
	{"sources in any order, commits of any size", func(j *journey) error {
		return j.commitAll(j.shuffled())
	}},
	{"started anew after every commit", func(j *journey) error {
		for _, step := range j.steps {
			if err := j.commitAll([]Step{step}); err != nil {
				return err
			}
			if err := j.world.Restart(); err != nil {
				return err
			}
		}
		return nil
	}},
	{"views taken away and added later", (*journey).withoutViews},
	{"copied and built in the middle", func(j *journey) error { return j.builtInTheMiddle(&World{chunk: 1 + j.IntN(3)}) }},
	{"built in the middle, in parts", func(j *journey) error { return j.builtInTheMiddle(&World{part: 1 + j.IntN(4)}) }},
	{"copied in the middle, sorted outside the store", (*journey).sortedInTheMiddle},
	{"built while the sources commit", (*journey).builtMeanwhile},
	{"crashed at any point", (*journey).crashing},
	{"everything in one commit of very many slices", func(j *journey) error {
		return j.inLittleMemory([]Step{slices.Concat(j.steps...)}, &World{slice: 1 + j.IntN(3)})
	}},
	{"each commit in slices", func(j *journey) error { return j.inLittleMemory(j.steps, &World{slice: 1 + j.IntN(3)}) }},
	{"each view in parts", func(j *journey) error { return j.inLittleMemory(j.steps, &World{part: 1 + j.IntN(4)}) }},
	{"each commit in slices, each view in parts", func(j *journey) error {
		return j.inLittleMemory(j.steps, &World{slice: 2 + j.IntN(10), part: 1 + j.IntN(4)})
	}},
	{"views side by side", func(j *journey) error { return j.inLittleMemory(j.steps, &World{fork: 1}) }},
	{"views side by side, but those in parts", func(j *journey) error {
		return j.inLittleMemory(j.steps, &World{fork: 1, part: 2 + j.IntN(10)})
	}},
}

// journey is one case on its way.
type journey struct {
	*rand.Rand
	schemas []*relation.Schema
	views   []*views.View
	steps   []Step
	how     manner
	world   *World
	seen    *seen
}

// seen counts what makes ways worth going: the commits that came while a view was
// being built, those that were made in slices, the parts that views were worked off in, and
// the views that were maintained side by side.
type seen struct{ meanwhile, sliced, parts, forked int }

// TestSameStoreWhateverTheWay plays generated cases in every way.
// ODSD_ORACLE_SECONDS plays for that long.
func TestSameStoreWhateverTheWay(t *testing.T) {
	p := newPlaytime(t, 8)
	var seen seen
	for p.goesOn() {
		seed := p.next()
		c := Generate(seed, Options{Views: 1 + int(seed%4), Failing: seed%3 == 0})
		if _, err := CheckViews(c.Schemas, c.Views); err != nil {
			continue
		}
		how := manner{fullIdentity: seed%5 == 1, toasted: seed%5 == 2}
		err := travel(c, how, seed, &seen)
		if err == nil {
			continue
		}
		if !p.shrinks() {
			t.Fatalf("case %d, seed %d: %v", p.played, seed, err)
		}
		small := Shrink(c, func(candidate *Case) bool {
			if _, err := CheckViews(candidate.Schemas, candidate.Views); err != nil {
				return false
			}
			return travel(candidate, how, seed, &seen) != nil
		})
		t.Fatalf("case %d, seed %d: %v\nmade small: %v\n%s", p.played, seed, err, travel(small, how, seed, &seen), small)
	}
	t.Logf("%d cases, each in %d ways, seeds %d to %d; %d commits came while views were being built, %d were made in slices, with %d parts, %d views were maintained beside others",
		p.played, len(ways)+1, p.first, p.first+uint64(p.played)-1, seen.meanwhile, seen.sliced, seen.parts, seen.forked)
	if seen.meanwhile < p.played || seen.sliced < p.played || seen.parts < p.played || seen.forked < p.played && runtime.GOMAXPROCS(0) > 1 {
		t.Error("few commits came while views were being built, were made in slices or side by side: such ways show little")
	}
}

// travel plays a case as it is and in every other way; the stores must be equal.
func travel(c *Case, how manner, seed uint64, seen *seen) error {
	checked, err := CheckViews(c.Schemas, c.Views)
	if err != nil {
		return err
	}
	arrive := func(way func(*journey) error) (contents, error) {
		j := &journey{Rand: rand.New(rand.NewPCG(seed, 7)), schemas: c.Schemas, views: checked, steps: c.Steps, how: how, seen: seen}
		return j.arrive(way)
	}
	want, err := arrive(func(j *journey) error { return j.commitAll(j.steps) })
	if err != nil {
		return err
	}
	for _, way := range ways {
		have, err := arrive(way.play)
		if err == nil {
			err = compareContents(have, want)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", way.name, err)
		}
	}
	return nil
}

func (j *journey) arrive(way func(*journey) error) (stored contents, err error) {
	database := NewDatabase(j.schemas)
	database.FullIdentity, database.Toasted = j.how.fullIdentity, j.how.toasted
	if j.world, err = NewWorld(j.schemas, j.views, database); err != nil {
		return nil, err
	}
	defer func() {
		if closeErr := j.world.Close(); err == nil {
			err = closeErr
		}
	}()
	if err := way(j); err != nil {
		return nil, err
	}
	return j.world.contents()
}

func (j *journey) commitAll(steps []Step) error {
	for i, step := range steps {
		if err := j.world.Commit(step); err != nil {
			return fmt.Errorf("commit %d: %w", i+1, err)
		}
	}
	return nil
}

// inLittleMemory commits as if a few rows, or a few instances, were all that fits.
func (j *journey) inLittleMemory(steps []Step, world *World) error {
	if err := j.anew(world); err != nil {
		return err
	}
	for _, step := range steps {
		if err := world.Commit(step); err != nil {
			return err
		}
		if world.Last.Slices > 1 {
			j.seen.sliced++
		}
		j.seen.parts += world.Last.Parts
		j.seen.forked += world.Last.Forked
	}
	return world.CheckReference() // what the views count, too
}

// bySource lists the transactions of each source, in their order.
func bySource(steps []Step, ascending bool) [][]Transaction {
	var names []string
	lists := map[string][]Transaction{}
	for _, step := range steps {
		for _, t := range step {
			if lists[t.Source] == nil {
				names = append(names, t.Source)
			}
			lists[t.Source] = append(lists[t.Source], t)
		}
	}
	slices.Sort(names)
	if !ascending {
		slices.Reverse(names)
	}
	all := make([][]Transaction, len(names))
	for i, name := range names {
		all[i] = lists[name]
	}
	return all
}

func singly(lists [][]Transaction) []Step {
	var steps []Step
	for _, t := range slices.Concat(lists...) {
		steps = append(steps, Step{t})
	}
	return steps
}

// shuffled mixes the sources' transactions, each source's in their order, into
// commits of one to five.
func (j *journey) shuffled() []Step {
	var steps []Step
	for lists := bySource(j.steps, true); ; {
		lists = slices.DeleteFunc(lists, func(l []Transaction) bool { return len(l) == 0 })
		if len(lists) == 0 {
			return steps
		}
		i := j.IntN(len(lists))
		if len(steps) == 0 || j.IntN(3) == 0 || len(steps[len(steps)-1]) == 5 {
			steps = append(steps, nil)
		}
		steps[len(steps)-1] = append(steps[len(steps)-1], lists[i][0])
		lists[i] = lists[i][1:]
	}
}

// withoutViews takes views away at some point, goes on, and adds them again: they
// and their indexes are filled from the stored rows.
func (j *journey) withoutViews() error {
	if len(j.steps) == 0 {
		return nil
	}
	away := j.IntN(len(j.steps))
	back := away + j.IntN(len(j.steps)-away)
	all := j.views
	for i, step := range j.steps {
		switch {
		case i == away: // those above come after those that they stand on
			j.world.Views = all[:j.IntN(len(all))]
			if err := j.world.Restart(); err != nil {
				return err
			}
		case i == back:
			j.world.Views = all
			if err := j.world.Restart(); err != nil {
				return err
			}
		}
		if err := j.world.Commit(step); err != nil {
			return err
		}
	}
	j.world.Views = all
	return j.world.Restart()
}

// builtInTheMiddle copies the databases as they are at some point.
func (j *journey) builtInTheMiddle(world *World) error {
	at := j.IntN(len(j.steps) + 1)
	if err := j.commitAll(j.steps[:at]); err != nil {
		return err
	}
	if err := j.anew(world); err != nil {
		return err
	}
	return j.commitAll(j.steps[at:])
}

// sortedInTheMiddle copies the databases as they are at some point, as if next to nothing of their rows
// fitted into memory.
func (j *journey) sortedInTheMiddle() error {
	at := j.IntN(len(j.steps) + 1)
	if err := j.commitAll(j.steps[:at]); err != nil {
		return err
	}
	if err := j.anew(&World{load: 1 + j.IntN(1000)}); err != nil {
		return err
	}
	return j.commitAll(j.steps[at:])
}

// anew goes on with another world, which copies the databases as they are.
func (j *journey) anew(world *World) error {
	database := j.world.Database
	if err := j.world.Close(); err != nil {
		return err
	}
	j.world = world
	return world.begin(j.schemas, j.views, database)
}

// builtMeanwhile builds the views row by row, with commits and restarts between.
func (j *journey) builtMeanwhile() error {
	at := min(1, len(j.steps))
	if err := j.commitAll(j.steps[:at]); err != nil {
		return err
	}
	world := &World{unattended: true, building: true, chunk: 1}
	if err := j.anew(world); err != nil {
		return err
	}
	p := &pacer{world: world}
	if err := p.copied(); err != nil {
		return err
	}
	for _, step := range singly([][]Transaction{slices.Concat(j.steps[at:]...)}) {
		for range j.IntN(4) {
			if err := p.turn(); err != nil {
				return err
			}
		}
		if !world.Engine.Status().Ready {
			j.seen.meanwhile++
		}
		if err := p.commit(step[0]); err != nil {
			return err
		}
		if j.IntN(6) == 0 {
			if err := p.restart(); err != nil {
				return err
			}
		}
	}
	p.letGo()
	world.building = false
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return world.settle(ctx)
}

// crashing loses what was not synced, or any part of it, time and again; the sources
// send it again.
func (j *journey) crashing() error {
	disk := vfs.NewCrashableMem()
	if err := j.anew(&World{fs: disk}); err != nil {
		return err
	}
	world := j.world
	for _, step := range j.steps {
		for _, t := range step {
			if err := world.tell(t); err != nil {
				return err
			}
		}
		if j.IntN(3) > 0 {
			continue
		}
		for range j.IntN(20) {
			runtime.Gosched() // some of it is applied by now, and some of that synced
		}
		disk = disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: j.IntN(101), RNG: j.Rand})
		if err := world.Close(); err != nil {
			return err
		}
		world.fs = disk
		if err := world.start(); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return world.settle(ctx)
}
