package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"odsd/engine"
	"odsd/storage/relation"
)

// CopyTable asks for a table to be copied anew. See engine.TableCopier.
func (s *Source) CopyTable(relation string) { s.wishes.add(relation, false) }

// copier copies the tables that are wished for, one after the other, beside the
// stream and over connections of its own.
func (s *session) copier(ctx context.Context) error {
	pause := s.timing.firstRetry
	for {
		name, w, ok := s.wishes.next()
		if !ok {
			select {
			case <-s.wishes.some:
				continue
			case <-ctx.Done():
				return nil
			}
		}
		err := s.copyOne(ctx, name)
		if ctx.Err() != nil {
			return nil
		}
		if err == nil {
			s.failing.Store(nil)
			delete(s.stamps, name)
			s.wishes.done(name, w)
			pause = s.timing.firstRetry
			continue
		}
		if errors.Is(err, errRenew) {
			return err
		}
		fault, final := judge(err)
		if final {
			s.failing.Store(nil)
			s.wishes.done(name, w)
			if err := s.refuse(ctx, name, w, fault); err != nil {
				return err
			}
			continue
		}
		s.config.Log.Warn("a table's copy begins again", "source", s.config.Name, "table", name, "code", fault.Code, "error", fault.Error(), "retry", pause)
		s.failing.Store(&engine.Halt{Code: fault.Code, Table: name, Message: "its copy waits: " + fault.Message, Hint: fault.Hint})
		rest(ctx, pause)
		pause = min(2*pause, s.timing.lastRetry)
	}
}

// refuse says that a table cannot be copied: it halts, or goes on as it is.
func (s *session) refuse(ctx context.Context, name string, w wish, fault *engine.Halt) error {
	told := *fault
	told.Table = name
	if !strings.Contains(told.Hint, s.tableHint(name)) {
		told.Hint = strings.TrimPrefix(told.Hint+"\nthen "+s.tableHint(name), "\nthen ")
	}
	return s.between(ctx, func(ctx context.Context) error {
		c := s.tables.get(name)
		if w.optional && c != nil && c.state == live {
			s.refused[name] = true
			s.config.Log.Warn("a table goes on without what it has got since it was copied", "source", s.config.Name, "table", name,
				"code", told.Code, "error", told.Message, "hint", told.Hint)
			return nil
		}
		return s.haltTable(ctx, &told)
	})
}

// copyOne copies one table. The stream's changes of it are delivered by the new
// columns before the snapshot is taken, so that none between the two is missed.
func (s *session) copyOne(ctx context.Context, name string) error {
	conn, err := s.connect(ctx)
	if err != nil {
		return err
	}
	defer closeSession(conn.PgConn())
	t, err := s.prepare(ctx, conn, name)
	if err != nil {
		return err
	}
	if err := s.renewed(ctx, conn, t); err != nil {
		return err
	}
	c := &captured{schema: t.schema, identity: t.identity(), state: copying}
	err = s.between(ctx, func(ctx context.Context) error { return s.announce(ctx, c, t.estimate) })
	if err != nil {
		return err
	}
	position, err := s.copyRows(ctx, conn, c)
	if err != nil {
		return err
	}
	if err := s.reach(ctx, position); err != nil {
		return err
	}
	return s.between(ctx, func(ctx context.Context) error { return s.copied(ctx, c, position) })
}

// prepare finds the table as it is now, and puts it into our publication where
// that is ours to do.
func (s *session) prepare(ctx context.Context, conn *pgx.Conn, name string) (*table, error) {
	short := strings.TrimPrefix(name, s.config.Name+".")
	v, err := s.surveyOf(ctx, conn, []string{short}, nil)
	if err != nil {
		return nil, err
	}
	if altered, err := s.alterPublication(ctx, conn, v, name); err != nil {
		return nil, err
	} else if altered {
		if v, err = s.surveyOf(ctx, conn, []string{short}, nil); err != nil {
			return nil, err
		}
	}
	if len(v.lacks) > 0 {
		fault := joinLacks(v.lacks)
		fault.Message = strings.TrimPrefix(fault.Message, name+": ")
		return nil, fault
	}
	return v.tables[0], nil
}

// alterPublication publishes what a table lacks of being published, where that is ours to do. It says whether it did.
func (s *session) alterPublication(ctx context.Context, conn *pgx.Conn, v *survey, name string) (bool, error) {
	var before []int16
	if c := s.tables.get(name); c != nil {
		before = c.identity.Excluded
	}
	if mended, err := s.mendLists(ctx, conn, v, before); err != nil || mended {
		return mended, err
	}
	return addToPublication(ctx, conn, v)
}

// addToPublication publishes a table that only its being published lacks, where
// the role owns both. It says whether it did.
func addToPublication(ctx context.Context, conn *pgx.Conn, v *survey) (bool, error) {
	p := v.publication
	if len(v.tables) != 1 || len(v.lacks) != 1 || p == nil || !p.exists || !p.owned {
		return false, nil
	}
	t := v.tables[0]
	if _, published := p.tables[t.oid]; published || !t.owned || t.schema == nil || t.partitioned() && !p.viaRoot {
		return false, nil
	}
	if _, err := conn.Exec(ctx, fmt.Sprintf("ALTER PUBLICATION %s ADD TABLE %s", quote(p.name), t.listed())); err != nil {
		return false, fmt.Errorf("add %s to publication %s: %w", t.sql(), quote(p.name), err)
	}
	return true, nil
}

// copyRows delivers the rows of a table as of the position that it gives.
func (s *session) copyRows(ctx context.Context, conn *pgx.Conn, c *captured) (relation.Position, error) {
	replication, err := s.connectReplication(ctx)
	if err != nil {
		return 0, err
	}
	defer closeSession(replication.PgConn)
	v, err := s.survey(ctx, conn, []uint32{c.identity.OID})
	if err != nil {
		return 0, err
	}
	locks, err := s.beginLocked(ctx, conn, v.tables)
	if err != nil {
		return 0, err
	}
	defer locks.close()
	created, err := s.createSlot(ctx, replication, conn, fmt.Sprintf("odsd_copy_%d", replication.PID()), temporarySlot)
	if err != nil {
		return 0, err
	}
	if err := locks.takeSnapshot(ctx, conn, created.snapshot); err != nil {
		return 0, err
	}
	if v, err = s.survey(ctx, conn, []uint32{c.identity.OID}); err != nil {
		return 0, err
	}
	if verdicts := s.checkTables([]*captured{c}, v); verdicts[0].fault != nil || verdicts[0].stale != "" {
		return 0, pass(codeCatalogMoved, "the table changed while its copy began", "the source tries again by itself")
	}
	v.tables[0].schema = c.schema
	rows := &reading{source: s.Source, snapshot: created.snapshot, survey: v}
	rows.emit = func(ctx context.Context, t *table, rows [][]relation.Value) error {
		return s.deliver(ctx, engine.CopiedRows{Relation: t.schema.Name, Rows: rows})
	}
	rows.ended = func(_ context.Context, _ *table, fault *engine.Halt) error {
		if fault != nil {
			return fault
		}
		return nil
	}
	return created.position, rows.read(ctx, conn)
}

// reach waits until the stream has delivered everything up to a position.
func (s *session) reach(ctx context.Context, position relation.Position) error {
	ticker := time.NewTicker(askAgain)
	defer ticker.Stop()
	for s.delivered.Load() < uint64(position) {
		s.RequestProgress()
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

var errOvertaken = errors.New("the table halted while it was copied")

// copied ends the copy of a table, by the reader.
func (s *session) copied(ctx context.Context, c *captured, position relation.Position) error {
	if s.tables.get(c.schema.Name) != c {
		s.config.Log.Warn("a table's copy was in vain", "source", s.config.Name, "table", c.schema.Name, "error", errOvertaken)
		return nil
	}
	stored, err := json.Marshal(c.identity)
	if err != nil {
		return fmt.Errorf("write the identity of %s: %w", c.schema.Name, err)
	}
	s.tables.set(c.in(live))
	delete(s.refused, c.schema.Name)
	if t, described := s.assembler.targets[c.identity.OID]; described && (t == nil || len(t.missing) > 0) {
		delete(s.assembler.targets, c.identity.OID) // the stream describes it anew before its next change
	}
	return s.deliver(ctx, engine.TableCopied{Relation: c.schema.Name, Position: position, Identity: stored})
}
