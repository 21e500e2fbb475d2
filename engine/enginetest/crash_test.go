package enginetest

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"odsd/engine"
	"odsd/storage"
	"odsd/storage/relation"
	"odsd/views"
)

// crashed is one run of a case in which the power fails at the k-th write.
type crashed struct {
	c     *Case
	views []*views.View
	fs    *vfs.MemFS
	k     int
	load  int // bytes of copied rows that are held in memory

	mu     sync.Mutex
	writes int
	world  *World
	disk   *vfs.MemFS // what it held then
	// acknowledged is what the sources had been told of before.
	acknowledged map[string]relation.Position
}

// MaybeError implements errorfs.Injector. It never fails: it takes a copy of what the disk would hold.
func (r *crashed) MaybeError(op errorfs.Op) error {
	if op.Kind.ReadOrWrite() == errorfs.OpIsRead {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.writes++
	if r.writes == r.k {
		r.acknowledged = map[string]relation.Position{}
		for name, s := range r.world.sources {
			r.acknowledged[name] = s.Acknowledged()
		}
		percent := []int{0, 50, 100}[r.k%3] // what was not synced is lost, torn, or kept
		r.disk = r.fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: rand.New(rand.NewPCG(3, uint64(r.k)))})
	}
	return nil
}

func (r *crashed) String() string { return fmt.Sprintf("crash at write %d", r.k) }

// initialSteps of a case are in the databases before they are copied.
const initialSteps = 2

// initial gives the databases as they are when the run begins.
func (r *crashed) initial() (*Database, error) {
	d := NewDatabase(r.c.Schemas)
	for _, step := range r.c.Steps[:initialSteps] {
		for _, t := range step {
			if _, err := d.Apply(t); err != nil {
				return nil, err
			}
		}
	}
	return d, nil
}

// run plays the case: copies, builds, and commits of which not each is waited for.
func (r *crashed) run() error {
	database, err := r.initial()
	if err != nil {
		return err
	}
	r.world = &World{fs: errorfs.Wrap(r.fs, r), chunk: 2, load: r.load}
	if err := r.world.begin(r.c.Schemas, r.views, database); err != nil {
		return err
	}
	for i, step := range r.c.Steps[initialSteps:] {
		for _, t := range step {
			if err := r.world.tell(t); err != nil {
				return err
			}
		}
		if i%3 == 0 {
			if err := r.world.settle(context.Background()); err != nil {
				return err
			}
		}
	}
	if err := r.world.settle(context.Background()); err != nil {
		return err
	}
	return r.world.Close()
}

// model gives the databases as they were at the frontiers of a store.
func (r *crashed) model(frontiers map[string]relation.Position) (*Database, error) {
	d, err := r.initial()
	if err != nil {
		return nil, err
	}
	ends := map[string]relation.Position{}
	for _, step := range r.c.Steps[initialSteps:] {
		for _, t := range step {
			end := max(ends[t.Source], firstEnd)
			if end >= frontiers[t.Source] {
				continue
			}
			told, err := d.Apply(t)
			if err != nil {
				return nil, err
			}
			if len(told) > 0 {
				ends[t.Source] = end + apart
			}
		}
	}
	for name, f := range frontiers {
		if f > firstEnd && ends[name] != f {
			return nil, fmt.Errorf("%s is at %v, where no transaction ends", name, f)
		}
	}
	return d, nil
}

// The positions of memory.Source: of a copy of a database without transactions, and from one
// end to the next.
const (
	firstEnd = relation.Position(1)
	apart    = 10
)

// recovered opens what the crash left, and finds the model at its frontiers: with sources that
// have nothing to send, so that it is what was stored that is looked at. Then the
// sources go on, and it ends where the run did.
func (r *crashed) recovered() (frontiers map[string]relation.Position, err error) {
	if frontiers, err = storedFrontiers(r.disk); err != nil {
		return nil, err
	}
	for name, told := range r.acknowledged {
		if frontiers[name] < told {
			return nil, fmt.Errorf("%s was told that %v is durable, and the store is at %v", name, told, frontiers[name])
		}
	}
	database, err := r.model(frontiers)
	if err != nil {
		return nil, err
	}
	still := &World{fs: r.disk, load: r.load}
	if err := still.begin(r.c.Schemas, r.views, database); err != nil {
		return nil, err
	}
	if err := still.Check(); err != nil {
		return nil, fmt.Errorf("at %v: %w", frontiers, err)
	}
	if err := still.Close(); err != nil {
		return nil, err
	}
	on := &World{fs: r.disk, Database: r.world.Database, Views: r.views, schemas: r.c.Schemas, sources: r.world.sources, load: r.load}
	if err := on.start(); err != nil {
		return nil, err
	}
	if err := on.Check(); err != nil {
		return nil, fmt.Errorf("gone on from %v: %w", frontiers, err)
	}
	return frontiers, on.Close()
}

// storedFrontiers reads how far a store is; of a source whose copy is not complete, there is nothing.
func storedFrontiers(disk *vfs.MemFS) (map[string]relation.Position, error) {
	store, err := storage.Open("store", storage.Options{FS: disk})
	if err != nil {
		return nil, err
	}
	snapshot := store.Snapshot()
	all, err := engine.StoredSources(snapshot)
	_ = snapshot.Close()
	if closeErr := store.Close(); err == nil {
		err = closeErr
	}
	frontiers := map[string]relation.Position{}
	for _, s := range all {
		if s.Resumes {
			frontiers[s.Name] = s.Frontier.Position
		}
	}
	return frontiers, err
}

// crashSeeds make cases with views of several kinds, over two sources and more.
var crashSeeds = []uint64{3, 8}

// After a crash at any write of a run, of its copies, its builds and its commits, the store opens;
// it holds, rows and views, what the databases were at its frontiers; and it goes on.
func TestEngineCrashAtEveryWrite(t *testing.T) {
	for _, seed := range crashSeeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			crashAtEveryWrite(t, seed, 0)
		})
	}
	t.Run("copies are sorted outside the store", func(t *testing.T) {
		t.Parallel()
		crashAtEveryWrite(t, crashSeeds[0], 1)
	})
}

func crashAtEveryWrite(t *testing.T, seed uint64, load int) {
	c := Generate(seed, Options{Views: 4})
	checked, err := CheckViews(c.Schemas, c.Views)
	if err != nil {
		t.Fatal(err)
	}
	play := func(k int) *crashed {
		r := &crashed{c: c, views: checked, fs: vfs.NewCrashableMem(), k: k, load: load}
		if err := r.run(); err != nil {
			t.Fatalf("%v: %v", r, err)
		}
		return r
	}
	writes := play(0).writes
	step := 1
	if testing.Short() {
		step = 5
	}
	places := map[string]bool{}
	for k := 1; k <= writes; k += step {
		r := play(k)
		if r.disk == nil {
			continue // commits fall together otherwise: a write more or less may happen
		}
		frontiers, err := r.recovered()
		if err != nil {
			t.Fatalf("%v: %v\n%s", r, err, c)
		}
		places[fmt.Sprint(frontiers)] = true
	}
	t.Logf("%d writes, %d transactions' ends found; views %d", writes, len(places), len(checked))
	if len(places) < 2 || step == 1 && len(places) < 4 {
		t.Errorf("the stores were found at %v only: that shows little", slices.Sorted(maps.Keys(places)))
	}
}
