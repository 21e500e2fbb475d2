package enginetest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"odsd/engine"
	"odsd/storage/relation"
)

// turn waits for a condition on the engine, one turn of the writer after the other.
func turn(w *World, what string, met func() bool) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience/6)
	defer cancel()
	for !met() {
		release, err := w.Engine.Hold(ctx)
		if err != nil {
			return fmt.Errorf("waiting until %s: %w; %+v", what, err, w.Engine.Status())
		}
		release()
	}
	return nil
}

func (w *World) table(name string) engine.TableStatus {
	for _, s := range w.Engine.Status().Sources {
		for _, t := range s.Tables {
			if t.Name == name {
				return t
			}
		}
	}
	return engine.TableStatus{}
}

// TestRandomTableCopies plays generated cases while single tables are copied
// anew: before, while and after rows are lost that the stream never told of, with
// transactions before and after the copy's position, and restarts in between.
// In the end everything stored equals what building anew stores.
func TestRandomTableCopies(t *testing.T) {
	for seed := uint64(1); seed <= 40; seed++ {
		c := Generate(seed, Options{Views: 1 + int(seed%3)})
		if _, err := CheckViews(c.Schemas, c.Views); err != nil {
			continue
		}
		if err := playCopies(c, seed); err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, c)
		}
	}
}

func playCopies(c *Case, seed uint64) (err error) {
	checked, err := CheckViews(c.Schemas, c.Views)
	if err != nil {
		return err
	}
	random := rand.New(rand.NewPCG(seed, 1))
	database := NewDatabase(c.Schemas)
	database.Toasted = seed%2 == 0
	w := &World{slice: int(seed % 3), part: int(seed % 5), load: int(seed%4) * 100} // 0: as much as there is
	if err := w.begin(c.Schemas, checked, database); err != nil {
		return err
	}
	defer func() {
		if closeErr := w.Close(); err == nil {
			err = closeErr
		}
	}()
	w.building = true // while a table is halted the views on it are not ready
	for i := 0; i < len(c.Steps); {
		name := c.Schemas[random.IntN(len(c.Schemas))].Name
		if i, err = w.playCopy(c, i, name, random); err != nil {
			return fmt.Errorf("step %d, copying %s: %w", i, name, err)
		}
	}
	return w.mended(c)
}

// mended copies what is halted and checks everything.
func (w *World) mended(c *Case) error {
	for _, s := range c.Schemas {
		if w.table(s.Name).State != "halted" {
			continue
		}
		if _, err := w.copyTable(s.Name, func() error { return nil }, func() error { return nil }); err != nil {
			return err
		}
	}
	w.building = false
	ctx, cancel := context.WithTimeout(context.Background(), patience/6)
	defer cancel()
	if err := w.settle(ctx); err != nil {
		return err
	}
	return w.Check()
}

// playCopy copies one table anew and plays some steps of the case meanwhile. It
// gives the next step.
func (w *World) playCopy(c *Case, i int, name string, random *rand.Rand) (int, error) {
	some := func() error {
		for n := random.IntN(3); n > 0 && i < len(c.Steps); n-- {
			if err := w.Commit(c.Steps[i]); err != nil {
				return err
			}
			i++
		}
		return nil
	}
	if err := some(); err != nil {
		return i, err
	}
	live, err := w.copyTable(name, func() error { return firstError(some, func() error { return w.lose(name, random) }) }, some)
	if err == nil && !live {
		err = fmt.Errorf("copied, it is halted: %+v", w.table(name).Error)
	}
	if err != nil || random.IntN(4) > 0 {
		return i, err
	}
	return i, w.Restart()
}

func firstError(steps ...func() error) error {
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// lose removes or adds a row that the stream does not tell of.
func (w *World) lose(name string, random *rand.Rand) error {
	var rows [][]relation.Value
	err := w.Database.All(name, func(row []relation.Value) error {
		rows = append(rows, append([]relation.Value(nil), row...))
		return nil
	})
	if err != nil || len(rows) == 0 || random.IntN(2) == 0 {
		return err
	}
	return w.Database.Delete(name, rows[random.IntN(len(rows))])
}

// copyTable copies a table anew: before runs when the engine knows of it, after
// when its rows are taken, before they are delivered.
func (w *World) copyTable(name string, before, after func() error) (live bool, err error) {
	source := w.sources[SourceOf(name)]
	source.HoldCopies()
	if err := w.Engine.ResyncTable(SourceOf(name), name[len(SourceOf(name))+1:]); err != nil {
		return false, err
	}
	if err := turn(w, "the copy is announced", func() bool { return source.Announced() && w.table(name).State == "copying" }); err != nil {
		return false, err
	}
	if err := before(); err != nil {
		return false, err
	}
	source.TakeRows()
	if err := after(); err != nil {
		return false, err
	}
	source.ReleaseCopies()
	if err := turn(w, "the table is copied", func() bool { return w.table(name).State != "copying" }); err != nil {
		return false, err
	}
	return w.table(name).State == "live", nil
}
