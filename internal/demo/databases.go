package demo

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"odsd/internal/pgcluster"
)

// The teams' databases, by the names of their sources.
const (
	CRM      = "crm"
	Shop     = "shop"
	Catalog  = "catalog"
	Shipping = "shipping"
)

// Names of the databases.
func Names() []string { return []string{CRM, Shop, Catalog, Shipping} }

//go:embed tables/*.sql
var tables embed.FS

// Tables is the SQL that makes a database's tables.
func Tables(database string) (string, error) {
	text, err := tables.ReadFile("tables/" + database + ".sql")
	if err != nil {
		return "", fmt.Errorf("the demo has no database %q", database)
	}
	return string(text), nil
}

// DSNs of the databases, by name.
type DSNs map[string]string

// EnvironmentName is the variable that the project of examples/ reads a
// database's DSN from.
func EnvironmentName(database string) string { return strings.ToUpper(database) + "_DSN" }

// Environment is what the project of examples/ needs, as NAME=DSN.
func (d DSNs) Environment() []string {
	var env []string
	for _, name := range Names() {
		env = append(env, EnvironmentName(name)+"="+d[name])
	}
	return env
}

// OneCluster makes the databases in one cluster, as tests like it: each with
// its tables, without rows.
func OneCluster(ctx context.Context, c *pgcluster.Cluster) (DSNs, error) {
	dsns := DSNs{}
	for _, name := range Names() {
		if err := c.CreateDatabase(ctx, name); err != nil {
			return nil, err
		}
		dsns[name] = c.DSN(name)
	}
	return dsns, CreateTables(ctx, dsns)
}

// Options of the demo's databases.
type Options struct {
	// Customers scales everything: five orders each, fifteen items, four
	// shipments; a product for ten.
	Customers int
	Seed      uint64
	// Dir keeps the clusters, one folder each; those found in it are opened
	// as they are. Empty: temporary folders.
	Dir string
	// Install allows PostgreSQL to be installed by the system's package manager.
	Install bool
	// Major version of PostgreSQL; 0: any.
	Major int
	// Progress is told what is going on, a line each; nil: nobody.
	Progress io.Writer
}

// Databases are the four running clusters.
type Databases struct {
	DSNs     DSNs
	Version  string // of PostgreSQL
	clusters map[string]*pgcluster.Cluster
}

// StartDatabases starts a cluster for each database, makes the tables and fills
// them, except in databases kept from before. On an error nothing is left.
func StartDatabases(ctx context.Context, o Options) (*Databases, error) {
	if o.Progress == nil {
		o.Progress = io.Discard
	}
	// Found once, so that it is fetched once.
	found, err := pgcluster.Find(ctx, pgcluster.FindOptions{Major: o.Major, Install: o.Install, Progress: o.Progress})
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(o.Progress, "starting four clusters of PostgreSQL %s\n", found.Version)
	d := &Databases{DSNs: DSNs{}, Version: found.Version, clusters: map[string]*pgcluster.Cluster{}}
	if err = d.start(ctx, o, found); err == nil {
		err = d.fill(ctx, o)
	}
	if err != nil {
		return nil, errors.Join(err, d.Stop(context.WithoutCancel(ctx)))
	}
	return d, nil
}

func (d *Databases) start(ctx context.Context, o Options, found pgcluster.Binaries) error {
	names := Names()
	clusters := make([]*pgcluster.Cluster, len(names))
	var starting errgroup.Group
	for i, name := range names {
		starting.Go(func() error {
			options := pgcluster.Options{Bin: found.Dir, Databases: []string{name}}
			if o.Dir != "" {
				options.Dir = filepath.Join(o.Dir, name)
			}
			var err error
			clusters[i], err = pgcluster.Start(ctx, options)
			return err
		})
	}
	err := starting.Wait()
	for i, name := range names {
		if clusters[i] != nil {
			d.clusters[name] = clusters[i]
			d.DSNs[name] = clusters[i].DSN(name)
		}
	}
	return err
}

func (d *Databases) fill(ctx context.Context, o Options) error {
	filled, err := countFilled(ctx, d.DSNs)
	if err != nil {
		return err
	}
	switch {
	case filled == len(d.DSNs):
		fmt.Fprintln(o.Progress, "the databases are there from before")
		return nil
	case filled > 0:
		return fmt.Errorf("%s holds only some of the demo's databases: remove it, or choose another directory", o.Dir)
	}
	fmt.Fprintf(o.Progress, "filling them for %d customers\n", o.Customers)
	g := newGenerator(o.Customers, o.Seed)
	// One transaction a database: it has all of its rows or no table.
	return eachDatabase(ctx, d.DSNs, func(ctx context.Context, database string, conn *pgx.Conn) error {
		if _, err := conn.Exec(ctx, "begin"); err != nil {
			return fmt.Errorf("fill %s: %w", database, err)
		}
		if err := createTables(ctx, database, conn); err != nil {
			return err
		}
		if err := copyRows(ctx, database, conn, g); err != nil {
			return err
		}
		if _, err := conn.Exec(ctx, "commit"); err != nil {
			return fmt.Errorf("fill %s: %w", database, err)
		}
		return analyze(ctx, database, conn)
	})
}

// Cluster of a database, for those who want to see it restart.
func (d *Databases) Cluster(database string) *pgcluster.Cluster { return d.clusters[database] }

// Stop ends the clusters and removes what was not to be kept.
func (d *Databases) Stop(ctx context.Context) error {
	var stopping errgroup.Group
	for _, c := range d.clusters {
		stopping.Go(func() error { return c.Stop(ctx) })
	}
	return stopping.Wait()
}

// CreateTables makes the tables of each of the databases.
func CreateTables(ctx context.Context, dsns DSNs) error {
	return eachDatabase(ctx, dsns, createTables)
}

func createTables(ctx context.Context, database string, conn *pgx.Conn) error {
	text, err := Tables(database)
	if err != nil {
		return err
	}
	// Without parameters several statements go in one message, as one transaction.
	if _, err := conn.PgConn().Exec(ctx, text).ReadAll(); err != nil {
		return fmt.Errorf("make the tables of %s: %w", database, err)
	}
	return nil
}

// countFilled counts the databases that have tables: those have rows too.
func countFilled(ctx context.Context, dsns DSNs) (int, error) {
	var filled atomic.Int32
	err := eachDatabase(ctx, dsns, func(ctx context.Context, database string, conn *pgx.Conn) error {
		var exists bool
		err := conn.QueryRow(ctx, "select exists (select from pg_tables where schemaname = 'public')").Scan(&exists)
		if err != nil {
			return fmt.Errorf("look into %s: %w", database, err)
		}
		if exists {
			filled.Add(1)
		}
		return nil
	})
	return int(filled.Load()), err
}

// eachDatabase does something in all databases at once, each on a connection.
func eachDatabase(ctx context.Context, dsns DSNs, do func(ctx context.Context, database string, conn *pgx.Conn) error) error {
	all, ctx := errgroup.WithContext(ctx)
	for database, dsn := range dsns {
		all.Go(func() error {
			conn, err := pgx.Connect(ctx, dsn)
			if err != nil {
				return fmt.Errorf("connect to %s: %w", database, err)
			}
			defer conn.Close(context.WithoutCancel(ctx))
			return do(ctx, database, conn)
		})
	}
	return all.Wait()
}
