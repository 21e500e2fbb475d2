package enginetest

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"odsd/engine"
	"odsd/engine/reference"
	"odsd/storage/relation"
	"odsd/views"
)

// Views are defined anew, again and again, while sources commit and builds go on,
// and the engine is started anew with the same or with other definitions. At any time
// what is served is one whole generation of each view, by one definition and over what is
// served of the views below; in the end all is as if it had been defined so from the start.
//
// ODSD_ORACLE_SECONDS plays for that long, from a seed of the clock or of ODSD_ORACLE_SEED.
func TestRedefinitions(t *testing.T) {
	seconds, _ := strconv.Atoi(os.Getenv("ODSD_ORACLE_SECONDS"))
	seed, count := uint64(1), 25
	if seconds > 0 {
		seed = uint64(time.Now().UnixNano())
	}
	if given, err := strconv.ParseUint(os.Getenv("ODSD_ORACLE_SEED"), 10, 64); err == nil {
		seed = given
	}
	end := time.Now().Add(time.Duration(seconds) * time.Second)
	var done redefinitions
	played := 0
	for ; played < count || time.Now().Before(end); played++ {
		if err := playRedefinitions(seed+uint64(played), &done); err != nil {
			t.Fatalf("seed %d: %v", seed+uint64(played), err)
		}
	}
	t.Logf("%d cases, seeds from %d: %+v", played, seed, done)
	if done.older == 0 || done.rebuilds == 0 || done.restarts == 0 {
		t.Errorf("too little happened: %+v", done)
	}
}

// redefinitions counts what happened.
type redefinitions struct {
	defined, rebuilds, restarts int
	compared                    int // views, each with all of its documents
	older                       int // of them served by another definition than the project's
	mixed                       int // times at which some views were of older definitions and some were not
}

// definition is a set of views that a project may hold.
func definitionsOf(c *Case, random *rand.Rand) ([]*views.View, error) {
	for {
		texts := Redefined(c, random.Uint64(), Options{Views: 1 + random.IntN(4)})
		if random.IntN(3) == 0 {
			texts = c.Views // what was may be again
		}
		if checked, err := CheckViews(c.Schemas, texts); err == nil {
			return checked, nil
		}
	}
}

func playRedefinitions(seed uint64, done *redefinitions) error {
	random := rand.New(rand.NewPCG(seed, 7))
	c := Generate(seed, Options{Views: 1 + int(seed%4), Steps: 16})
	first, err := CheckViews(c.Schemas, c.Views)
	if err != nil {
		return nil // the generator's own test counts these
	}
	w := &World{building: true, chunk: 1}
	if err := w.begin(c.Schemas, first, NewDatabase(c.Schemas)); err != nil {
		return err
	}
	defer w.Close()
	for i, step := range c.Steps {
		if err := w.Commit(step); err != nil {
			return fmt.Errorf("step %d: %w", i+1, err)
		}
		if err := w.change(c, random, done); err != nil {
			return fmt.Errorf("step %d: %w", i+1, err)
		}
		if err := w.checkServed(done); err != nil {
			return fmt.Errorf("step %d: %w", i+1, err)
		}
	}
	w.building = false
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := w.settle(ctx); err != nil {
		return fmt.Errorf("in the end: %w", err)
	}
	return w.Check()
}

// change redefines, rebuilds or restarts, or nothing of that.
func (w *World) change(c *Case, random *rand.Rand, done *redefinitions) error {
	kind := random.IntN(6)
	if kind == 0 || kind == 1 {
		checked, err := definitionsOf(c, random)
		if err != nil {
			return err
		}
		w.Views = checked
	}
	switch kind {
	case 0:
		done.defined++
		_, err := w.Engine.Define(context.Background(), engine.Definitions{Views: w.Views})
		return err
	case 1, 2:
		done.restarts++
		return w.Restart()
	case 3:
		done.rebuilds++
		return w.Engine.Rebuild(context.Background(), w.Views[random.IntN(len(w.Views))].Name)
	}
	return nil
}

// checkServed compares every document of every served view with what the
// reference makes of the definitions by which they are served.
func (w *World) checkServed(done *redefinitions) error {
	reading, err := w.Engine.Read()
	if err != nil {
		return err
	}
	defer reading.Close()
	var served []engine.Served
	for _, s := range reading.Views {
		served = append(served, s)
	}
	slices.SortFunc(served, func(a, b engine.Served) int { return cmp.Compare(a.Generation, b.Generation) }) // inputs first
	var definitions []*views.View
	older := 0
	for _, s := range served {
		definitions = append(definitions, s.Plan.View)
		if !slices.ContainsFunc(w.Views, func(v *views.View) bool { return v.Text == s.Plan.View.Text }) {
			older++
		}
	}
	expected, err := reference.EvaluateAll(context.Background(), definitions, w.Database)
	if err != nil {
		return err
	}
	for _, s := range served {
		name := s.Plan.View.Name
		stored, err := engine.Documents(context.Background(), reading.Snapshot, s)
		if err != nil {
			return err
		}
		if differences := reference.CompareAll(stored, expected[name]); len(differences) > 0 {
			return fmt.Errorf("%w\nserved by\n%s", differenceError(name, differences), s.Plan.View.Text)
		}
		if count, err := s.Count(reading.Snapshot); err != nil || count != int64(len(stored)) {
			return fmt.Errorf("view %s has %d documents and counts %d: %w", name, len(stored), count, err)
		}
	}
	done.compared += len(served)
	done.older += older
	if older > 0 && older < len(served) {
		done.mixed++
	}
	return nil
}

const cardsView = `version: 1
view: cards
from: crm.customers
fields:
  id:
  name: %s
  order_count: {count: orders}
  orders:
    many: shop.orders
    join: orders.customer_id == customers.id
    fields: [id]
`

const busyView = `version: 1
view: busy
from: cards
key: id
fields:
  id:
  title: name + "!"
`

// A redefined view is served as it was until its successor and all that stands on
// it are whole; then all of them change at once. Another view is not touched.
func TestSwitchOfAViewAndWhatStandsOnIt(t *testing.T) {
	schemas := hotSchemas()
	define := func(name string, others ...string) []*views.View {
		checked, err := CheckViews(schemas, append([]string{fmt.Sprintf(cardsView, name), busyView, hotView}, others...))
		if err != nil {
			t.Fatal(err)
		}
		return checked
	}
	database := hotDatabase(t, schemas, 40)
	for id := 2; id <= 300; id++ { // documents that take a while to build
		if err := database.Set("crm.customers", []relation.Value{int4(id), relation.OfText(fmt.Sprint("Customer ", id))}); err != nil {
			t.Fatal(err)
		}
	}
	w := &World{chunk: 1}
	if err := w.begin(schemas, define("name"), database); err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	untouched := w.generationOf(t, "customer")
	old := map[string]uint32{"cards": w.generationOf(t, "cards"), "busy": w.generationOf(t, "busy")}
	w.Views = define("upper(name)")
	changes, err := w.Engine.Define(t.Context(), engine.Definitions{Views: w.Views})
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	for _, c := range changes {
		said = append(said, strings.TrimSpace(fmt.Sprint(c.View, " ", c.Action, " ", c.Reason)))
	}
	if got, want := strings.Join(said, "; "), "busy build it stands on cards; cards build its definition has changed; customer unchanged"; got != want {
		t.Errorf("the change is told as %q, want %q", got, want)
	}
	w.followSwitch(t, old)
	if got := w.generationOf(t, "customer"); got != untouched {
		t.Errorf("generation %d of an unchanged view became %d", untouched, got)
	}
	if err := w.Check(); err != nil {
		t.Fatal(err)
	}
}

func (w *World) generationOf(t *testing.T, view string) uint32 {
	t.Helper()
	for _, v := range w.Engine.Status().Views {
		if v.Name == view {
			return v.Generation
		}
	}
	t.Fatalf("no view %s", view)
	return 0
}

// followSwitch reads until the views are served by new generations: always all of
// them or none.
func (w *World) followSwitch(t *testing.T, old map[string]uint32) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var done redefinitions
	for turns := 0; ; turns++ {
		reading, err := w.Engine.Read()
		if err != nil {
			t.Fatal(err)
		}
		switched := 0
		for name, generation := range old {
			if uint32(reading.Views[name].Generation) != generation {
				switched++
			}
		}
		_ = reading.Close()
		if switched != 0 && switched != len(old) {
			t.Fatalf("%d of %v are switched", switched, old)
		}
		if err := w.checkServed(&done); err != nil {
			t.Fatal(err)
		}
		if switched > 0 {
			if turns == 0 {
				t.Error("the switch was over before it was looked at: the test shows nothing")
			}
			return
		}
		release, err := w.Engine.Hold(ctx) // a turn of the writer
		if err != nil {
			t.Fatalf("waiting for the switch: %v", err)
		}
		release()
	}
}
