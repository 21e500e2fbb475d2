package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"golang.org/x/sync/errgroup"

	"odsd/internal/demo"
	"odsd/internal/pgcluster"
)

// baseSlot stands, in every database, where the base rows end and the backlog
// begins. It is never read: each run of a contender reads a copy of it.
const baseSlot = "bench_base"

// world is what all contenders share: four databases, each a cluster, with the
// demo's rows and then a backlog.
type world struct {
	settings  settings
	databases *demo.Databases
	binaries  pgcluster.Binaries
	scratch   string // stores and projects
	backlog   *backlog
	pids      []int // of the clusters
}

func startWorld(ctx context.Context, s settings, scratch string, progress io.Writer) (*world, error) {
	binaries, err := pgcluster.Find(ctx, pgcluster.FindOptions{Progress: progress})
	if err != nil {
		return nil, err
	}
	databases, err := demo.StartDatabases(ctx, demo.Options{Customers: s.Customers, Seed: s.Seed, Progress: progress})
	if err != nil {
		return nil, err
	}
	w := &world{settings: s, databases: databases, binaries: binaries, scratch: scratch}
	if err := w.settle(ctx); err != nil {
		return nil, errors.Join(err, w.stop())
	}
	return w, nil
}

// settle keeps the servers from working beside the measurements.
func (w *world) settle(ctx context.Context) error {
	for _, database := range demo.Names() {
		w.pids = append(w.pids, w.databases.Cluster(database).PID())
		dsn := w.databases.DSNs[database]
		if err := execute(ctx, dsn, "alter system set autovacuum = off", "select pg_reload_conf()", "vacuum", "checkpoint"); err != nil {
			return fmt.Errorf("prepare %s: %w", database, err)
		}
	}
	return nil
}

func (w *world) stop() error { return w.databases.Stop(context.Background()) }

// eachDatabase does something in all databases at once.
func (w *world) eachDatabase(ctx context.Context, do func(ctx context.Context, database, dsn string) error) error {
	all, ctx := errgroup.WithContext(ctx)
	for database, dsn := range w.databases.DSNs {
		all.Go(func() error { return do(ctx, database, dsn) })
	}
	return all.Wait()
}

const (
	dropSlot = "select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = '%s'"
	copySlot = "select pg_copy_logical_replication_slot('%s', '%s')"
)

// keepSlots makes the base slots of the slots that the daemon has made.
func (w *world) keepSlots(ctx context.Context) error {
	return w.eachDatabase(ctx, func(ctx context.Context, database, dsn string) error {
		if err := execute(ctx, dsn, fmt.Sprintf(copySlot, daemonSlot(database), baseSlot)); err != nil {
			return fmt.Errorf("copy the slot of %s: %w", database, err)
		}
		return nil
	})
}

// resetSlots makes the slot of each database begin where the base rows end.
func (w *world) resetSlots(ctx context.Context, slot func(database string) string) error {
	return w.eachDatabase(ctx, func(ctx context.Context, database, dsn string) error {
		name := slot(database)
		err := execute(ctx, dsn, fmt.Sprintf(dropSlot, name), fmt.Sprintf(copySlot, baseSlot, name))
		if err != nil {
			return fmt.Errorf("reset the slot of %s: %w", database, err)
		}
		return nil
	})
}

// dropSlots removes the slots that a run has read from.
func (w *world) dropSlots(ctx context.Context, slot func(database string) string) error {
	return w.eachDatabase(ctx, func(ctx context.Context, database, dsn string) error {
		if err := execute(ctx, dsn, fmt.Sprintf(dropSlot, slot(database))); err != nil {
			return fmt.Errorf("drop the slot of %s: %w", database, err)
		}
		return nil
	})
}

// sourceCPU is the processor time that the databases have used so far.
func (w *world) sourceCPU() float64 {
	var seconds float64
	for _, pid := range w.pids {
		seconds += familyCPU(pid)
	}
	return seconds
}

func (w *world) path(elements ...string) string {
	return filepath.Join(append([]string{w.scratch}, elements...)...)
}

// publication and slot as the example project names them.
func publication(database string) string { return "odsd_" + database }
func daemonSlot(database string) string  { return "odsd_" + database }
