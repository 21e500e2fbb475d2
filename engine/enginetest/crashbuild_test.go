package enginetest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"odsd/engine"
	"odsd/storage/relation"
	"odsd/views"
)

const tallyView = `version: 1
view: tally
from: busy
group_by: {initial: "substr(title, 1, 1)"}
measures: {cards: {count: "*"}, orders: {sum: order_count}}
`

const busierView = `version: 1
view: busy
from: cards
key: id
fields:
  id:
  title: name + "?"
  order_count:
  orders: {many: shop.orders, join: orders.customer_id == cards.id, order_by: [placed desc], fields: [id, total]}
  worth: {sum: orders.total}
`

// stages are the definitions that the views have one after the other. The second comes
// while the first is being built.
func stages(t *testing.T, schemas []*relation.Schema) [][]*views.View {
	t.Helper()
	var all [][]*views.View
	for _, texts := range [][]string{
		{fmt.Sprintf(cardsView, "name"), busyView, hotView},
		{fmt.Sprintf(cardsView, "upper(name)"), busyView, hotView},
		{fmt.Sprintf(cardsView, "lower(name)"), busierView, tallyView},
	} {
		checked, err := CheckViews(schemas, texts)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, checked)
	}
	return all
}

// outage is a disk whose power fails at the k-th write after it is armed. It goes on
// working, but what it held then is in clone.
type outage struct {
	disk *vfs.MemFS
	k    int

	mu     sync.Mutex
	armed  bool
	writes int
	clone  *vfs.MemFS
}

// MaybeError implements errorfs.Injector. It never fails.
func (o *outage) MaybeError(op errorfs.Op) error {
	if op.Kind.ReadOrWrite() == errorfs.OpIsRead {
		return nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.armed {
		return nil
	}
	if o.writes++; o.writes == o.k {
		percent := []int{0, 50, 100}[o.k%3] // what was not synced is lost, torn, or kept
		o.clone = o.disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: rand.New(rand.NewPCG(7, uint64(o.k)))})
	}
	return nil
}

func (o *outage) String() string { return fmt.Sprintf("crash at write %d", o.k) }

// crashed gives what the disk held when the power failed, nil as long as it did not.
func (o *outage) crashed() *vfs.MemFS {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.clone
}

// The power fails at any write while views are defined anew, built, defined otherwise
// during that, switched, rebuilt, and their old generations deleted, with sources that commit
// all the while. The store opens, and from its first turn on each view is served by one
// definition that it had, whole, over what is served of the views below, and right for the
// rows that the store holds. It settles, on the last definition or on the one before.
// ODSD_ORACLE_SECONDS tries every write, else every fifth is tried.
func TestCrashAtAnyWriteOfABuildOrSwitch(t *testing.T) {
	schemas := hotSchemas()
	defined := stages(t, schemas)
	built := vfs.NewCrashableMem()
	w := &World{fs: built}
	if err := w.begin(schemas, defined[0], cardsDatabase(t, schemas)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	run := func(k int) (*outage, *World) {
		o := &outage{disk: built.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: rand.New(rand.NewPCG(1, 1))}), k: k}
		w := &World{fs: errorfs.Wrap(o.disk, o), unattended: true, building: true, chunk: 1}
		if err := w.begin(schemas, defined[0], cardsDatabase(t, schemas)); err != nil {
			t.Fatal(err)
		}
		if err := o.redefine(w, defined); err != nil {
			t.Fatalf("before the %v: %v", o, err)
		}
		return o, w
	}
	whole, _ := run(0)
	if whole.writes < 40 {
		t.Fatalf("only %d writes", whole.writes)
	}
	step := 5
	if seconds, _ := strconv.Atoi(os.Getenv("ODSD_ORACLE_SECONDS")); seconds > 0 {
		step = 1
	}
	found := map[string]int{} // by what was served after the crash
	for k := 1; k <= whole.writes; k += step {
		o, w := run(k)
		if o.clone == nil {
			continue // in the background a write more or less may happen
		}
		w.fs, w.Views = o.clone, defined[1+k%2]
		if err := w.recover(found); err != nil {
			t.Fatalf("%v of %d: %v", o, whole.writes, err)
		}
	}
	t.Logf("%d writes; first served after a crash: %v", whole.writes, found)
	if len(found) < 2 {
		t.Errorf("what is served after a crash is always one of %v", found)
	}
}

// cardsDatabase has a few customers, and orders of one of them.
func cardsDatabase(t *testing.T, schemas []*relation.Schema) *Database {
	d := hotDatabase(t, schemas, 6)
	for id := 2; id <= 5; id++ {
		if err := d.Set("crm.customers", []relation.Value{int4(id), relation.OfText(fmt.Sprint("Customer ", id))}); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

// redefine leads a world from the first definitions to the last, turn by turn, and ends it
// there or when the power has failed.
func (o *outage) redefine(w *World, defined [][]*views.View) (err error) {
	p := &pacer{world: w}
	defer func() {
		p.letGo()
		if closeErr := w.Close(); err == nil {
			err = closeErr
		}
	}()
	if err := p.turn(); err != nil {
		return err
	}
	o.mu.Lock()
	o.armed = true
	o.mu.Unlock()
	for turn := 0; o.crashed() == nil; turn++ {
		switch turn {
		case 0, 6:
			p.letGo()
			if _, err := w.Engine.Define(context.Background(), engine.Definitions{Views: defined[1+turn/6]}); err != nil {
				return err
			}
		case 60:
			p.letGo()
			if err := w.Engine.Rebuild(context.Background(), "cards"); err != nil {
				return err
			}
		case 100:
			return nil
		}
		if turn%3 == 1 {
			if err := p.commit(change(turn)); err != nil {
				return err
			}
		}
		if err := p.turn(); err != nil {
			return err
		}
		if err := w.running.Sync(); err != nil { // a turn is a write at least
			return err
		}
	}
	return nil
}

// change is a transaction that makes itself felt above and below where a build has come.
func change(turn int) Transaction {
	if turn%2 == 0 {
		return updated("shop", "shop.orders", []relation.Value{int4(1 + turn%6)}, Cell{1, int4(1 + turn%5)})
	}
	return updated("crm", "crm.customers", []relation.Value{int4(1 + turn%5)}, Cell{1, relation.OfText(fmt.Sprint("Renamed ", turn))})
}

// recover starts an engine on what a crash has left, looks at what is served after every
// turn of it, and in the end at everything.
func (w *World) recover(found map[string]int) error {
	if err := w.start(); err != nil {
		return err
	}
	defer w.Close()
	p := &pacer{world: w}
	defer p.letGo()
	for turn := range 30 {
		if err := p.turn(); err != nil {
			return err
		}
		served, err := w.verifyServed()
		if err != nil {
			return fmt.Errorf("after %d turns: %w", turn+1, err)
		}
		if turn == 0 {
			found[served]++
		}
	}
	p.letGo()
	w.building = false
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := w.settle(ctx); err != nil {
		return err
	}
	return w.Check()
}

// verifyServed compares what is served with what its definitions make of the rows in the
// same snapshot, and names the views with the definitions of cards and busy.
func (w *World) verifyServed() (served string, err error) {
	reading, err := w.Engine.Read()
	if err != nil {
		return "", err
	}
	defer reading.Close()
	for _, name := range []string{"cards", "busy"} { // which every definition has
		if _, ok := reading.Views[name]; !ok {
			return "", fmt.Errorf("view %s is not served", name)
		}
	}
	var names []string
	for name, s := range reading.Views {
		differences, documents, err := engine.VerifyView(context.Background(), reading.Snapshot, reading.Views, s)
		if err != nil {
			return "", fmt.Errorf("view %s: %w", name, err)
		}
		if len(differences) > 0 {
			return "", fmt.Errorf("view %s of %d documents: %+v\nserved by\n%s", name, documents, differences, s.Plan.View.Text)
		}
		if count, err := s.Count(reading.Snapshot); err != nil || count != documents {
			return "", fmt.Errorf("view %s has %d documents and counts %d: %w", name, documents, count, err)
		}
		for _, f := range s.Plan.View.Nodes[0].Scalars {
			if f.Name == "name" || f.Name == "title" {
				name += "(" + f.Expr.String() + ")"
			}
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return fmt.Sprint(names), nil
}
