package viewtest

import (
	"context"
	"math/rand/v2"

	"odsd/project"
)

// way is how rows come to the engine.
type way struct {
	name string
	// copies says that the initial copy finds the given rows; else the tables are
	// empty and the rows come as changes.
	copies bool
	// commit brings changes; with free they may come in any order.
	commit func(ctx context.Context, d *databases, changes []project.RowChange, free bool) error
}

func ways() []way {
	return []way{
		{"all rows at once", true, atOnce},
		{"one change at a time", false, oneByOne},
		{"shuffled across sources", false, shuffled},
	}
}

// atOnce: a transaction of each source, in one commit of the store.
func atOnce(ctx context.Context, d *databases, changes []project.RowChange, _ bool) error {
	err := d.engine.Together(ctx, func() error {
		for _, of := range bySource(changes) {
			d.commit(of)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return d.engine.Settle(ctx)
}

func oneByOne(ctx context.Context, d *databases, changes []project.RowChange, _ bool) error {
	for i := range changes {
		d.commit(changes[i : i+1])
		if err := d.engine.Settle(ctx); err != nil {
			return err
		}
	}
	return nil
}

// shuffled: each change a transaction, the sources taking turns at random, and a
// random number of transactions a commit. The order within a source is kept unless free.
func shuffled(ctx context.Context, d *databases, changes []project.RowChange, free bool) error {
	// The same test is played the same way every time.
	random := rand.New(rand.NewPCG(1, uint64(len(changes))))
	changes = interleave(random, changes)
	if free {
		random.Shuffle(len(changes), func(i, j int) { changes[i], changes[j] = changes[j], changes[i] })
	}
	for len(changes) > 0 {
		n := 1 + random.IntN(len(changes))
		err := d.engine.Together(ctx, func() error {
			for i := range n {
				d.commit(changes[i : i+1])
			}
			return nil
		})
		if err == nil {
			err = d.engine.Settle(ctx)
		}
		if err != nil {
			return err
		}
		changes = changes[n:]
	}
	return nil
}

// interleave merges the sources' changes at random.
func interleave(random *rand.Rand, changes []project.RowChange) []project.RowChange {
	queues := bySource(changes)
	merged := make([]project.RowChange, 0, len(changes))
	for len(queues) > 0 {
		i := random.IntN(len(queues))
		merged = append(merged, queues[i][0])
		if queues[i] = queues[i][1:]; len(queues[i]) == 0 {
			queues = append(queues[:i], queues[i+1:]...)
		}
	}
	return merged
}

// bySource parts changes, the sources in the order of their first.
func bySource(changes []project.RowChange) [][]project.RowChange {
	var parts [][]project.RowChange
	at := map[string]int{}
	for _, c := range changes {
		i, ok := at[sourceOf(c.Schema)]
		if !ok {
			i = len(parts)
			at[sourceOf(c.Schema)] = i
			parts = append(parts, nil)
		}
		parts[i] = append(parts[i], c)
	}
	return parts
}
