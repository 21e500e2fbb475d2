package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"odsd/engine"
	"odsd/storage/relation"
)

// fence holds an exported snapshot's transaction open. Its slot is temporary:
// it goes with the replication connection.
type fence struct {
	source   *Source
	conn     *pgx.Conn
	survey   *survey
	position relation.Position
}

// Fence takes a fence. See engine.Fencer.
func (s *Source) Fence(ctx context.Context) (engine.Fence, error) {
	replication, err := s.connectReplication(ctx)
	if err != nil {
		return nil, faultOf(err)
	}
	// The snapshot lives on in the transaction that has taken it.
	defer closeSession(replication.PgConn)
	conn, err := s.connect(ctx)
	if err != nil {
		return nil, faultOf(err)
	}
	f, err := s.takeFence(ctx, conn, replication)
	if err != nil {
		closeSession(conn.PgConn())
		return nil, faultOf(err)
	}
	return f, nil
}

// takeFence locks the tables before the slot is made, as a copy does: a table
// that is truncated or rewritten afterwards looks empty to an older snapshot.
func (s *Source) takeFence(ctx context.Context, conn *pgx.Conn, replication *replicationConn) (*fence, error) {
	v, err := s.survey(ctx, conn, nil)
	if err != nil {
		return nil, err
	}
	locks, err := s.beginLocked(ctx, conn, v.tables)
	if err != nil {
		return nil, err
	}
	defer locks.close()
	created, err := s.createSlot(ctx, replication, conn, fmt.Sprintf("odsd_fence_%d", replication.PID()), temporarySlot)
	if err != nil {
		return nil, err
	}
	if err := locks.takeSnapshot(ctx, conn, created.snapshot); err != nil {
		return nil, err
	}
	v, err = s.survey(ctx, conn, oidsOf(v.tables))
	if err != nil {
		return nil, err
	}
	return &fence{source: s, conn: conn, survey: v, position: created.position}, nil
}

func (f *fence) Position() relation.Position { return f.position }

func (f *fence) Close() error {
	closeSession(f.conn.PgConn())
	return nil
}

func (f *fence) Rows(ctx context.Context, schema *relation.Schema, visit func([]relation.Value) error) error {
	t, err := f.table(schema)
	if err != nil {
		return err
	}
	values := f.source.newValueReader(t, schema)
	var refused error
	err = copyTable(ctx, f.conn, f.survey.publication, t, values, func(rows [][]relation.Value) error {
		for _, row := range rows {
			if refused = visit(row); refused != nil {
				return refused
			}
		}
		return nil
	})
	if refused != nil {
		return refused
	}
	var known *engine.Halt
	if err != nil && !errors.As(err, &known) && ctx.Err() == nil {
		return faultOf(err)
	}
	return err
}

// table finds the table of a stored schema, column by column. Columns that it has
// got since are left out: a copy with them is under way.
func (f *fence) table(schema *relation.Schema) (*table, error) {
	for _, t := range f.survey.tables {
		if relationName(f.source.config.Name, t) != schema.Name {
			continue
		}
		stored := *t
		stored.columns = nil
		for i := range schema.Columns {
			was := &schema.Columns[i]
			c := t.attribute(was.Attribute)
			if c == nil || c.name != was.Name || c.resolved.Kind != was.Type.Kind || c.resolved.Elem != was.Type.Elem {
				return nil, f.source.changed(schema, fmt.Sprintf("column %s is another one", quote(was.Name)))
			}
			stored.columns = append(stored.columns, *c)
		}
		return &stored, nil
	}
	return nil, f.source.changed(schema, "was dropped, renamed or taken out of the configuration")
}
