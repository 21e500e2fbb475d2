package demo

import (
	"context"
	"errors"
	"sync"
)

// Run starts the databases, works on them at the rate, and calls serve, which
// has the rest of the demo in it and ends when ctx does. When serve returns all is
// stopped, and what was not to be kept removed, before Run does.
func Run(ctx context.Context, o Options, rate int, serve func(context.Context, *Databases, *Workload) error) error {
	d, err := StartDatabases(ctx, o)
	if err != nil {
		return err
	}
	workload := NewWorkload(d.DSNs, rate, o.Seed)
	working, stop := context.WithCancel(ctx)
	var worker sync.WaitGroup
	worker.Go(func() { workload.Run(working) })
	err = serve(ctx, d, workload)
	stop()
	worker.Wait()
	// Also after Ctrl-C, which has ended ctx.
	return errors.Join(err, d.Stop(context.WithoutCancel(ctx)))
}
