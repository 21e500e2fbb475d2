package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"odsd/storage/relation"
)

// forgetsSince is the version whose pgoutput finds out anew how it publishes a
// table when the table has changed. Before, it keeps for as long as its
// connection lives what it found when it first decoded a change of the table: one that
// was attached to a partitioned table then stays unpublished, or under its own
// name, and one that was detached stays under its root's name. On any version partitions go on as
// they were where their root alone was altered: its replica identity, or its schema under a publication of schemas.
const forgetsSince = 150000

// errRenew ends a session so that the next one has a server process that
// remembers nothing.
var errRenew = errors.New("the replication connection is to be renewed")

// renewed sees to it that a table is copied beside a stream which tells its
// changes right from the copy on. On servers that forget nothing it has the
// connection, as for partitioned tables on any server, renewed first:
//
//	the catalog is as stamped ─▶ the stream comes to here ─▶ new connection ─▶ copy
//
// The new process decodes nothing of before the stamp, so it cannot
// remember another state than the stamped one; and the copy, which comes later,
// has everything of before. Has the stamp changed until then, all is done again.
// A table that goes on under its own name is none that was attached or detached.
func (s *session) renewed(ctx context.Context, conn *pgx.Conn, t *table) error {
	c := s.tables.get(t.schema.Name)
	if !t.partitioned() && (s.version >= forgetsSince || c != nil && c.state == live) || s.stamps[t.schema.Name] == t.stamp() {
		return nil
	}
	// Whatever else waits to be copied need not wait for a connection of its own.
	v, err := s.surveyOf(ctx, conn, s.wishes.tables(s.config.Name), nil)
	if err != nil {
		return err
	}
	here, err := s.here(ctx, conn)
	if err != nil {
		return err
	}
	if err := s.reach(ctx, here); err != nil {
		return err
	}
	for _, t := range v.tables {
		if t.schema != nil {
			s.stamps[t.schema.Name] = t.stamp()
		}
	}
	return errRenew
}

// stamp tells one way of how a table is published from another, as far as it
// depends on partitions.
func (t *table) stamp() string { return t.version + " " + t.partitions }

// here is a position after everything that a session has seen in the catalog. The
// end of the flushed log need not be: commits may be seen before they are flushed.
func (s *Source) here(ctx context.Context, conn *pgx.Conn) (relation.Position, error) {
	replication, err := s.connectReplication(ctx)
	if err != nil {
		return 0, err
	}
	defer closeSession(replication.PgConn)
	created, err := s.createSlot(ctx, replication, conn, fmt.Sprintf("odsd_here_%d", replication.PID()), temporarySlot)
	return created.position, err
}

// released waits until the server has noticed that our last connection is gone.
// That somebody else has the slot then, the start says.
func (r *run) released(ctx context.Context, conn *pgx.Conn) error {
	deadline := time.NewTimer(closeTimeout)
	defer deadline.Stop()
	ticker := time.NewTicker(askAgain)
	defer ticker.Stop()
	for {
		found, err := readSlot(ctx, conn, r.config.Slot)
		if err != nil || found == nil || !found.active {
			return err
		}
		select {
		case <-ticker.C:
		case <-deadline.C:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
