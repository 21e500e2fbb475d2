package postgres

import (
	"context"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"odsd/storage/relation"
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

// check finds out whether these relations are still what was copied.
func (c *catalog) check(ctx context.Context, schemas []*relation.Schema) (*survey, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, catalogTimeout)
	defer cancel()
	v, err := c.survey(ctx, c.conn, c.resume.identity.oids(schemas))
	if err != nil {
		return nil, err
	}
	return v, c.checkCatalog(c.resume.identity, schemas, v)
}

// values checks one table and gives the reader of its values.
func (c *catalog) values(ctx context.Context, schema *relation.Schema) (*valueReader, error) {
	v, err := c.check(ctx, []*relation.Schema{schema})
	if err != nil {
		return nil, err
	}
	return newValueReader(v.tables[0], schema, c.config.Timezone), nil
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
func (c *catalog) guard(ctx context.Context) error {
	ticker := time.NewTicker(c.timing.poll)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		if _, err := c.check(ctx, c.resume.schemas); err != nil {
			return err
		}
		found, err := c.slot(ctx)
		if err != nil {
			return err
		}
		if found == nil {
			continue // the stream ends by itself then, and reconnecting says why
		}
		if err := c.deliver(ctx, found.condition()); err != nil {
			return err
		}
	}
}
