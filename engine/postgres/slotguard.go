package postgres

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"odsd/engine"
)

// slotLarge is a slot that retains more log than the configuration allows. It is
// given up, for the sake of the database's disk.
type slotLarge struct{ *engine.Halt }

func (l *slotLarge) Unwrap() error { return l.Halt }

// checkSize finds out whether our slot retains more than it may.
func (s *Source) checkSize(found *slot) error {
	if s.config.MaxSlotWAL == 0 || found.retained <= s.config.MaxSlotWAL {
		return nil
	}
	return &slotLarge{halt(codeSlotLost, fmt.Sprintf("replication slot %s retained %d bytes of log, more than max_slot_wal allows, and was dropped to spare the database's disk",
		s.config.Slot, found.retained), "raise max_slot_wal, or find out what kept odsd from reading; then "+s.resyncHint())}
}

// dropSlot gives our slot up. The server may take a moment to notice that nobody
// reads it any more.
func (s *Source) dropSlot(ctx context.Context, conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(ctx, catalogTimeout)
	defer cancel()
	for {
		_, err := conn.Exec(ctx, `select pg_drop_replication_slot($1)`, s.config.Slot)
		switch {
		case err == nil:
			s.config.Log.Warn("replication slot dropped, since it retained more log than max_slot_wal allows", "source", s.config.Name, "slot", s.config.Slot)
			return
		case serverCode(err) == objectInUse && ctx.Err() == nil:
			rest(ctx, askAgain)
		default:
			s.config.Log.Error("the replication slot cannot be dropped", "source", s.config.Name, "slot", s.config.Slot, "error", err,
				"hint", fmt.Sprintf("select pg_drop_replication_slot('%s');", s.config.Slot))
			return
		}
	}
}

// losses are the faults after which only a copy anew goes on.
var losses = []string{codeSlotLost, codeGap}

// onLoss says what the configuration does about a fault.
func (s *Source) onLoss(fault *engine.Halt) *engine.Halt {
	if !s.config.ResyncOnLoss || !slices.Contains(losses, fault.Code) {
		return fault
	}
	anew := *fault
	anew.Anew = true
	return &anew
}

// condition is what status shows of a source that streams.
func (s *Source) condition(found *slot) engine.Condition {
	c := engine.Condition{State: engine.Streaming, Ahead: found.ahead, SlotWAL: found.retained, SlotLeft: found.safe}
	if s.config.MaxSlotWAL > 0 && found.retained >= 0 {
		left := s.config.MaxSlotWAL - found.retained
		if c.SlotLeft != nil {
			left = min(left, *c.SlotLeft)
		}
		c.SlotLeft = &left
	}
	return c
}

// heartbeat writes a message into the log of a database that is idle, so that
// there is something for the slot to move past.
func (s *session) heartbeat(ctx context.Context) error {
	if s.config.Heartbeat == 0 {
		return nil
	}
	ticker := time.NewTicker(s.config.Heartbeat)
	defer ticker.Stop()
	last := s.delivered.Load()
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
		if now := s.delivered.Load(); now != last {
			last = now
			continue
		}
		err := s.catalog.beat(ctx)
		if code := serverCode(err); code != "" {
			s.config.Log.Warn("no heartbeats: the database refuses them", "source", s.config.Name, "error", err,
				"hint", "GRANT EXECUTE ON FUNCTION pg_logical_emit_message(boolean, text, text) to the role, or take `heartbeat` away")
			return nil
		}
		if err != nil && ctx.Err() == nil {
			return err
		}
	}
}

func (c *catalog) beat(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, catalogTimeout)
	defer cancel()
	if _, err := c.conn.Exec(ctx, `select pg_logical_emit_message(false, 'odsd', 'heartbeat')`); err != nil {
		return fmt.Errorf("write a heartbeat: %w", err)
	}
	return nil
}
