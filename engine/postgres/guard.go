package postgres

import (
	"context"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// catalogTimeout bounds each look at the catalog.
const catalogTimeout = 30 * time.Second

// catalog looks at the database beside the stream. The guard and the reader
// share its connection.
type catalog struct {
	*run
	mu   sync.Mutex
	conn *pgx.Conn
}

// check finds out whether these tables are still what was copied.
func (c *catalog) check(ctx context.Context, tables []*captured) (*survey, []verdict, error) {
	oids := make([]uint32, len(tables))
	for i, t := range tables {
		oids[i] = t.identity.OID
	}
	v, err := c.look(ctx, oids)
	if err != nil {
		return nil, nil, err
	}
	if err := c.checkSource(c.resume.identity, v.publication); err != nil {
		return nil, nil, err
	}
	v.labels = c.resume.identity.Labels
	return v, c.checkTables(tables, v), nil
}

func (c *catalog) look(ctx context.Context, oids []uint32) (*survey, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, catalogTimeout)
	defer cancel()
	return c.survey(ctx, c.conn, oids)
}

// slot reads our slot.
func (c *catalog) slot(ctx context.Context) (*slot, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, catalogTimeout)
	defer cancel()
	return readSlot(ctx, c.conn, c.config.Slot)
}

// guard looks regularly for what the stream does not tell, and reports lag.
func (s *session) guard(ctx context.Context) error {
	ticker := time.NewTicker(s.timing.poll)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		if err := s.watchTables(ctx); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		found, err := s.catalog.slot(ctx)
		if err != nil {
			return err
		}
		if found == nil {
			continue // the stream ends by itself then, and reconnecting says why
		}
		if err := s.checkSize(found); err != nil {
			return err
		}
		condition := s.condition(found)
		condition.Fault = s.failing.Load()
		if err := s.deliver(ctx, condition); err != nil {
			return err
		}
	}
}

// watchTables looks at every table that is delivered, and under `tables: "*"`
// for new ones.
func (s *session) watchTables(ctx context.Context) error {
	tables := s.tables.except(halted)
	v, verdicts, err := s.catalog.check(ctx, tables)
	if err != nil {
		return err
	}
	if unseen := unseenLabels(tables, v); unseen != nil {
		if err := s.between(ctx, func(ctx context.Context) error { return s.noteLabels(ctx, unseen) }); err != nil {
			return err
		}
	}
	if _, _, all := wantedTables(s.config.Tables); all {
		if err := s.watchPublication(ctx, v); err != nil {
			return err
		}
	}
	for _, found := range verdicts {
		if found.fault != nil || found.stale != "" {
			return s.between(ctx, func(ctx context.Context) error { return s.examine(ctx, verdicts) })
		}
	}
	return nil
}

// watchPublication has the tables copied that the publication has got, and
// those given up that it has lost.
func (s *session) watchPublication(ctx context.Context, v *survey) error {
	known := s.tables.oids()
	unknown := []uint32{}
	for oid := range v.publication.tables {
		if !known[oid] {
			unknown = append(unknown, oid)
		}
	}
	if len(unknown) > 0 {
		more, err := s.catalog.look(ctx, unknown)
		if err != nil {
			return err
		}
		for _, t := range more.tables {
			if name := relationName(s.config.Name, t); s.tables.get(name) == nil && !s.tried[name] {
				s.tried[name] = true // once a connection: a table that cannot be copied says so
				s.wishes.add(name, false)
			}
		}
	}
	for oid := range known {
		if _, published := v.publication.tables[oid]; !published {
			return s.between(ctx, func(ctx context.Context) error { return s.review(ctx, v) })
		}
	}
	return nil
}
