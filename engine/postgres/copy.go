package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"odsd/engine"
	"odsd/storage/relation"
)

// initialCopy copies every table as of the point at which a new slot begins,
// and gives what streaming resumes from. Interrupted, it leaves the slot behind,
// for takeUp, or for the next initialCopy to drop.
//
// The tables are locked (as by any reader) before the slot is made, so that
// nothing rewrites them between the slot's snapshot and their copying: a
// rewritten table looks empty to an older snapshot.
func (r *run) initialCopy(ctx context.Context, conn *pgx.Conn) (*replicationConn, error) {
	v, err := r.ready(ctx, conn)
	if err != nil {
		return nil, err
	}
	if err := r.dropLeftover(ctx, conn); err != nil {
		return nil, err
	}
	replication, err := r.connectReplication(ctx)
	if err != nil {
		return nil, err
	}
	resume, err := r.copyAll(ctx, conn, replication, v)
	if err != nil {
		closeSession(replication.PgConn)
		return nil, err
	}
	r.resume = resume
	return replication, nil
}

// ready is the preflight, and the publication made where it is absent.
func (r *run) ready(ctx context.Context, conn *pgx.Conn) (*survey, error) {
	v, err := r.survey(ctx, conn, nil)
	if err != nil {
		return nil, err
	}
	if mended, err := r.mendLists(ctx, conn, v, nil); err != nil {
		return nil, err
	} else if mended {
		if v, err = r.survey(ctx, conn, nil); err != nil {
			return nil, err
		}
	}
	if len(v.lacks) > 0 {
		return nil, joinLacks(v.lacks)
	}
	if !v.publication.exists {
		if err := createPublication(ctx, conn, v.publication, v.tables); err != nil {
			return nil, err
		}
	}
	return v, nil
}

func (r *run) copyAll(ctx context.Context, conn *pgx.Conn, replication *replicationConn, v *survey) (*resume, error) {
	installed, err := readInstallation(ctx, replication, conn)
	if err != nil {
		return nil, err
	}
	locks, err := r.beginLocked(ctx, conn, v.tables)
	if err != nil {
		return nil, err
	}
	defer locks.close()
	created, err := r.createSlot(ctx, replication, conn, r.config.Slot, v.server.lastingSlot())
	if err != nil {
		return nil, err
	}
	if err := locks.takeSnapshot(ctx, conn, created.snapshot); err != nil {
		return nil, err
	}
	seen, err := r.survey(ctx, conn, oidsOf(v.tables))
	if err != nil {
		return nil, err
	}
	if len(seen.tables) != len(v.tables) || !seen.capturable() {
		return nil, pass(codeCatalogMoved, "tables changed while their copy began", "the source tries again by itself")
	}
	id := identityOf(installed, seen.publication.oid, seen.tables)
	id.Timezone = r.config.Timezone.String()
	if err := r.copyTables(ctx, conn, created, id, seen); err != nil {
		return nil, err
	}
	if _, err := conn.Exec(ctx, "COMMIT"); err != nil {
		return nil, fmt.Errorf("end the copy: %w", err)
	}
	return r.finish(ctx, created, id, seen)
}

func (r *run) copyTables(ctx context.Context, conn *pgx.Conn, created newSlot, id *identity, v *survey) error {
	if err := r.deliver(ctx, engine.Condition{State: engine.Copying, SlotWAL: -1}); err != nil {
		return err
	}
	stored, err := json.Marshal(id)
	if err != nil {
		return fmt.Errorf("write the identity: %w", err)
	}
	started := engine.CopyStarted{Schemas: v.schemas(), RowsExpected: make(map[string]int64), Position: created.position, Identity: stored}
	for _, t := range v.tables {
		started.RowsExpected[t.schema.Name] = t.estimate
	}
	if err := r.deliver(ctx, started); err != nil {
		return err
	}
	r.tables = newRoster(new(identity), nil)
	r.begun = &begun{position: created.position, identity: id}
	rows := &reading{source: r.Source, snapshot: created.snapshot, survey: v}
	rows.emit = func(ctx context.Context, t *table, rows [][]relation.Value) error {
		return r.deliver(ctx, engine.CopiedRows{Relation: t.schema.Name, Rows: rows})
	}
	rows.ended = func(ctx context.Context, t *table, fault *engine.Halt) error {
		if fault != nil { // the others go on
			r.tables.set(&captured{schema: t.schema, identity: t.identity(), state: halted})
			return r.deliver(ctx, engine.TableHalted{Fault: fault})
		}
		if err := r.deliver(ctx, engine.TableRead{Relation: t.schema.Name}); err != nil {
			return err
		}
		r.begun.add(t.schema)
		return nil
	}
	return rows.read(ctx, conn)
}

func (r *run) finish(ctx context.Context, created newSlot, id *identity, v *survey) (*resume, error) {
	stored, err := json.Marshal(id)
	if err != nil {
		return nil, fmt.Errorf("write the identity: %w", err)
	}
	if err := r.deliver(ctx, engine.CopyFinished{Position: created.position, Identity: stored, Mark: markOfCopy(created.position)}); err != nil {
		return nil, err
	}
	r.begun = nil
	for _, t := range v.tables {
		if c := r.tables.get(t.schema.Name); c == nil {
			r.tables.set(&captured{schema: t.schema, identity: t.identity()})
		}
	}
	return &resume{position: created.position, last: markOfCopy(created.position), identity: id}, nil
}

func takeSnapshot(ctx context.Context, conn *pgx.Conn, snapshot string) error {
	_, err := conn.PgConn().Exec(ctx, "SET TRANSACTION SNAPSHOT '"+strings.ReplaceAll(snapshot, "'", "''")+"'").ReadAll()
	if err != nil {
		return fmt.Errorf("take the slot's snapshot: %w", err)
	}
	return nil
}

// copyTable reads a table under the transaction's snapshot, in batches.
func copyTable(ctx context.Context, conn *pgx.Conn, p *publication, t *table, values *valueReader, emit func([][]relation.Value) error) error {
	return copyChunk(ctx, conn, p, chunk{table: t}, values, emit)
}

func copyChunk(ctx context.Context, conn *pgx.Conn, p *publication, c chunk, values *valueReader, emit func([][]relation.Value) error) error {
	filter, err := p.rowFilter(ctx, conn, c.table)
	if err != nil {
		return fmt.Errorf("copy %s: %w", values.schema.Name, err)
	}
	reader := newCopyReader(values, emit)
	_, err = conn.PgConn().CopyTo(ctx, reader, copySQL(c.table, filter, c.where()))
	if err == nil && reader.refused != nil {
		return reader.refused
	}
	if reader.failed != nil {
		return fmt.Errorf("copy %s: %w", values.schema.Name, reader.failed)
	}
	if err != nil {
		return fmt.Errorf("copy %s: %w", values.schema.Name, err)
	}
	if len(reader.begun) > 0 {
		return errors.Join(fmt.Errorf("copy %s", values.schema.Name), errCopyForm)
	}
	return reader.flush()
}

// copySQL reads the captured columns of the published rows that meet the
// conditions. ONLY leaves out tables that inherit from this one: their changes come
// under their own names.
func copySQL(t *table, conditions ...string) string {
	columns := make([]string, len(t.columns))
	for i, c := range t.columns {
		columns[i] = quote(c.name)
	}
	sql := fmt.Sprintf("COPY (SELECT %s FROM %s", strings.Join(columns, ", "), t.from())
	before := " WHERE "
	for _, condition := range conditions {
		if condition != "" {
			sql += before + "(" + condition + ")"
			before = " AND "
		}
	}
	return sql + ") TO STDOUT"
}

// from names the table's own rows for SQL: those of a partitioned one lie in its partitions.
func (t *table) from() string {
	if t.partitioned() {
		return t.sql()
	}
	return "ONLY " + t.sql()
}
