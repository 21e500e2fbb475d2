package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"odsd/internal/demo"
	"odsd/internal/pgcluster"
	"odsd/storage/relation"
)

// subscriber is PostgreSQL itself: a cluster that subscribes to the four
// databases, each into one of its own with the same tables and indexes.
type subscriber struct {
	world   *world
	cluster *pgcluster.Cluster
}

func (s *subscriber) name() string { return "subscription" }

func subscriberSlot(string) string { return "bench_subscriber" }

// subscriberSettings are those of a server that keeps what it was told, as
// odsd does, and has some memory.
func subscriberSettings() map[string]string {
	return map[string]string{
		"fsync": "on", "full_page_writes": "on", "shared_buffers": "256MB", "max_wal_size": "4GB",
		"max_logical_replication_workers": "8", "max_worker_processes": "16", "autovacuum": "off",
		"wal_retrieve_retry_interval": "100ms", // else the four begin five seconds apart
	}
}

func baseDatabase(database string) string { return "base_" + database }

// prepare fills a database for each source with the rows of the same seed; each
// run works on copies of them.
func (s *subscriber) prepare(ctx context.Context) error {
	var names []string
	for _, database := range demo.Names() {
		names = append(names, baseDatabase(database))
	}
	var err error
	s.cluster, err = pgcluster.Start(ctx, pgcluster.Options{
		Bin: s.world.binaries.Dir, Databases: names, Settings: subscriberSettings(),
	})
	if err != nil {
		return err
	}
	dsns := demo.DSNs{}
	for _, database := range demo.Names() {
		dsns[database] = s.cluster.DSN(baseDatabase(database))
	}
	if err := demo.CreateTables(ctx, dsns); err != nil {
		return err
	}
	return demo.Seed(ctx, dsns, s.world.settings.Customers, s.world.settings.Seed)
}

func (s *subscriber) close(ctx context.Context) error {
	if s.cluster == nil {
		return nil
	}
	return s.cluster.Stop(ctx)
}

func (s *subscriber) run(ctx context.Context, check bool) (measurement, error) {
	if err := s.world.resetSlots(ctx, subscriberSlot); err != nil {
		return measurement{}, err
	}
	if err := s.copyBase(ctx); err != nil {
		return measurement{}, err
	}
	m, err := s.measure(ctx)
	if err == nil && check {
		m.Checked, err = s.check(ctx)
	}
	if dropErr := s.drop(ctx); err == nil {
		err = dropErr
	}
	if err != nil {
		return m, err
	}
	return m, s.world.dropSlots(ctx, subscriberSlot)
}

// copyBase makes the databases and the subscriptions, which do not run yet.
func (s *subscriber) copyBase(ctx context.Context) error {
	for _, database := range demo.Names() {
		make := fmt.Sprintf("create database %s template %s", database, baseDatabase(database))
		if err := execute(ctx, s.cluster.DSN("postgres"), make); err != nil {
			return fmt.Errorf("copy %s: %w", database, err)
		}
		subscribe := fmt.Sprintf(`create subscription bench_%s connection '%s' publication %s
			with (slot_name = %s, create_slot = false, copy_data = false, enabled = false)`,
			database, strings.ReplaceAll(s.world.databases.DSNs[database], "'", "''"), publication(database), subscriberSlot(database))
		if err := execute(ctx, s.cluster.DSN(database), subscribe); err != nil {
			return fmt.Errorf("subscribe to %s: %w", database, err)
		}
	}
	return execute(ctx, s.cluster.DSN("postgres"), "checkpoint")
}

func (s *subscriber) measure(ctx context.Context) (m measurement, err error) {
	sent, used := s.world.sourceCPU(), familyCPU(s.cluster.PID())
	began := time.Now()
	for _, database := range demo.Names() {
		if err := execute(ctx, s.cluster.DSN(database), "alter subscription bench_"+database+" enable"); err != nil {
			return m, fmt.Errorf("enable the subscription to %s: %w", database, err)
		}
	}
	if err := s.waitApplied(ctx); err != nil {
		return m, err
	}
	m.Seconds = time.Since(began).Seconds()
	m.CPUSeconds = familyCPU(s.cluster.PID()) - used
	m.SourceCPUSeconds = s.world.sourceCPU() - sent
	return m, nil
}

// applied is up to where each database is applied, by the origin that the
// subscription's commits carry.
const applied = `select coalesce((select o.remote_lsn from pg_replication_origin_status o
	join pg_subscription s on o.external_id = 'pg_' || s.oid where s.subname = 'bench_%s'), '0/0')::text`

// waitApplied asks on one connection and not often: asking takes time too.
func (s *subscriber) waitApplied(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, s.cluster.DSN("postgres"))
	if err != nil {
		return fmt.Errorf("connect to the subscriber: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for _, database := range demo.Names() {
		for {
			var at string
			if err := conn.QueryRow(ctx, fmt.Sprintf(applied, database)).Scan(&at); err != nil {
				return fmt.Errorf("ask how far the subscription to %s is: %w", database, err)
			}
			position, err := relation.ParsePosition(at)
			if err != nil {
				return fmt.Errorf("ask how far the subscription to %s is: %w", database, err)
			}
			if position > s.world.backlog.end[database] {
				break
			}
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-tick.C:
			}
		}
	}
	return nil
}

// drop ends the subscriptions and removes the databases.
func (s *subscriber) drop(ctx context.Context) error {
	var errs []error
	for _, database := range demo.Names() {
		name := "bench_" + database
		errs = append(errs,
			execute(ctx, s.cluster.DSN(database), "alter subscription "+name+" disable",
				"alter subscription "+name+" set (slot_name = none)", "drop subscription "+name),
			execute(ctx, s.cluster.DSN("postgres"), "drop database "+database+" with (force)"))
	}
	return errors.Join(errs...)
}

// contents is a fingerprint of a table's rows.
const contents = "select count(*), coalesce(sum(hashtextextended(t::text, 0)), 0)::text from %s t"

// check compares the tables with those of the sources.
func (s *subscriber) check(ctx context.Context) (string, error) {
	tables := map[string][]string{
		demo.CRM: {"customers", "addresses"}, demo.Shop: {"orders", "order_items"},
		demo.Catalog: {"products", "categories"}, demo.Shipping: {"shipments"},
	}
	for database, names := range tables {
		for _, table := range names {
			var rows, wanted int64
			var hash, wantedHash string
			sql := fmt.Sprintf(contents, table)
			if err := query(ctx, s.cluster.DSN(database), sql, &rows, &hash); err != nil {
				return "", fmt.Errorf("read %s of the subscriber: %w", table, err)
			}
			if err := query(ctx, s.world.databases.DSNs[database], sql, &wanted, &wantedHash); err != nil {
				return "", fmt.Errorf("read %s: %w", table, err)
			}
			if rows != wanted || hash != wantedHash {
				return "", fmt.Errorf("the subscriber's %s has %d rows, the source's %d, or other contents", table, rows, wanted)
			}
		}
	}
	return "tables equal the sources'", nil
}
