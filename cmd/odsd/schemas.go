package main

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"odsd/engine"
	"odsd/engine/postgres"
	"odsd/project"
	"odsd/storage"
	"odsd/storage/relation"
)

// introspectTimeout is how long one database may take to tell its tables.
const introspectTimeout = 10 * time.Second

// introspection is what a database told of itself.
type introspection struct {
	schemas []*relation.Schema
	lacks   []engine.Halt // what keeps it from being captured
	err     error         // it could not be asked
}

// introspect asks the databases of these sources, all at once.
func introspect(ctx context.Context, sources []*project.Source) map[string]*introspection {
	found := map[string]*introspection{}
	var mu sync.Mutex
	var group errgroup.Group
	for _, s := range sources {
		group.Go(func() error {
			ctx, cancel := context.WithTimeout(ctx, introspectTimeout)
			defer cancel()
			var i introspection
			i.schemas, i.lacks, i.err = postgres.Introspect(ctx, captureOf(s, nil))
			mu.Lock()
			defer mu.Unlock()
			found[s.Name] = &i
			return nil
		})
	}
	_ = group.Wait() // each keeps its own error
	return found
}

// captureOf is a source's file as the capture of its database wants it.
func captureOf(s *project.Source, log *slog.Logger) postgres.Config {
	columns := map[string]map[string]postgres.ColumnOptions{}
	for table, options := range s.Columns {
		columns[table] = map[string]postgres.ColumnOptions{}
		for name, c := range options {
			columns[table][name] = postgres.ColumnOptions{Exclude: c.Exclude, Mask: postgres.Mask(c.Mask)}
		}
	}
	return postgres.Config{
		Name: s.Name, DSN: s.DSN, ReadDSN: s.ReadDSN, Slot: s.Slot, Publication: s.Publication,
		Timezone: s.Timezone, Tables: s.Tables, Columns: columns, Heartbeat: s.Heartbeat, MaxSlotWAL: s.MaxSlotWAL,
		ResyncOnLoss: s.ResyncOnLoss, Log: log,
	}
}

// schemasFor gathers what views are checked against when the daemon starts.
// What the store holds counts first, since those are the columns of its rows; for
// tables that were never copied their database is asked; where that does not
// answer, the schema files must do.
func schemasFor(ctx context.Context, p *project.Project, sources []engine.Source, store *storage.Store, log *slog.Logger) (map[string]*relation.Schema, error) {
	stored, err := engine.StoredSchemas(store)
	if err != nil {
		return nil, err
	}
	var unknown []*project.Source
	for _, s := range sources {
		if _, broken := s.(*brokenSource); !broken && !allStored(p.Source(s.Name()), stored) {
			unknown = append(unknown, p.Source(s.Name()))
		}
	}
	schemas := maps.Clone(p.Schemas)
	for name, i := range introspect(ctx, unknown) {
		if i.err != nil {
			log.Warn("the database does not tell its tables: views are checked against schema/"+name+".yaml", "source", name, "error", i.err)
			continue
		}
		maps.DeleteFunc(schemas, func(relation string, _ *relation.Schema) bool { return strings.HasPrefix(relation, name+".") })
		for _, schema := range i.schemas {
			schemas[schema.Name] = schema
		}
	}
	maps.Copy(schemas, stored)
	return schemas, ctx.Err()
}

// allStored says whether the store holds every table that a source's file names.
func allStored(s *project.Source, stored map[string]*relation.Schema) bool {
	if s.AllTables() {
		for name := range stored {
			if strings.HasPrefix(name, s.Name+".") {
				return true
			}
		}
		return false
	}
	for _, table := range s.Tables {
		if stored[s.Name+"."+table] == nil {
			return false
		}
	}
	return true
}

// faultText words an error of a source for a finding: its message and what to do.
func faultText(err error) (message, hint string) {
	var halt *engine.Halt
	if errors.As(err, &halt) {
		return halt.Error(), halt.Hint
	}
	return err.Error(), ""
}
