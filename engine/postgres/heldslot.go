package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"odsd/engine"
	"odsd/storage/relation"
)

// A held slot is a copy of a source's slot that nobody reads: the server keeps
// the log after its position for as long as it is there. A backup that was made
// after the copy holds everything up to that position, since no slot is ever told more than
// what is durable. PostgreSQL cannot rename slots, so that what streams on from a held slot is
// a copy of it once more, under the source's own name; the held one stays until it is released,
// and the backup can be restored again.

// heldPrefix begins the names of held slots; the time of the copy and the slot follow.
const heldPrefix = "odsd_held_"

// maxSlotName is how many bytes a slot's name may have.
const maxSlotName = 63

// heldName is what a copy of a slot is called. Slots are the whole server's, so that a
// long name keeps apart by its sum what its beginning does not.
func heldName(slot string, at time.Time) string {
	name := heldPrefix + at.UTC().Format("20060102150405") + "_" + slot
	if len(name) > maxSlotName {
		sum := sha256.Sum256([]byte(slot))
		name = name[:maxSlotName-9] + "_" + hex.EncodeToString(sum[:4])
	}
	return name
}

// HeldSlot is a held slot as the server tells of it.
type HeldSlot struct {
	Name     string
	Position relation.Position
	// Retained is the log in bytes that the server keeps for it; -1 if unknown.
	Retained int64
	Lost     bool // the server gave its log up
}

// Slot is the name of the source's own slot.
func (s *Source) Slot() string { return s.config.Slot }

// HoldSlot copies the source's slot. What the slot has been told of by now is durable, so that
// a store read later holds everything up to the copy's position.
func (s *Source) HoldSlot(ctx context.Context, at time.Time) (*HeldSlot, error) {
	return withSession(ctx, s, func(conn *pgx.Conn) (*HeldSlot, error) {
		found, err := readSlot(ctx, conn, s.config.Slot)
		if err != nil {
			return nil, err
		}
		if found == nil || !found.ours || found.status == "lost" {
			return nil, halt(codeGap, fmt.Sprintf("replication slot %s cannot be held: it is gone, lost or not ours", s.config.Slot), s.resyncHint())
		}
		name := heldName(s.config.Slot, at)
		if err := copySlot(ctx, conn, s.config.Slot, name); err != nil {
			return nil, err
		}
		return readHeld(ctx, conn, name)
	})
}

// ReadHeld reads a held slot; nil where it is not there any more, or not this database's.
func (s *Source) ReadHeld(ctx context.Context, name string) (*HeldSlot, error) {
	return withSession(ctx, s, func(conn *pgx.Conn) (*HeldSlot, error) { return readHeld(ctx, conn, name) })
}

// HeldSlots lists the copies that backups hold of any slot in the source's database.
func (s *Source) HeldSlots(ctx context.Context) ([]HeldSlot, error) {
	return withSession(ctx, s, func(conn *pgx.Conn) ([]HeldSlot, error) {
		rows, err := conn.Query(ctx, `select slot_name::text from pg_replication_slots
			where starts_with(slot_name, $1) and database = current_database() and plugin = $2 order by 1`, heldPrefix, plugin)
		if err != nil {
			return nil, fmt.Errorf("read pg_replication_slots: %w", err)
		}
		names, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return nil, fmt.Errorf("read pg_replication_slots: %w", err)
		}
		var all []HeldSlot
		for _, name := range names {
			held, err := readHeld(ctx, conn, name)
			if err != nil {
				return nil, err
			}
			if held != nil {
				all = append(all, *held)
			}
		}
		return all, nil
	})
}

// ReleaseSlot drops a held slot; false where it is not there any more. Slots that are not of a
// backup are none of its business.
func (s *Source) ReleaseSlot(ctx context.Context, name string) (bool, error) {
	if !strings.HasPrefix(name, heldPrefix) {
		return false, halt(codeConfig, fmt.Sprintf("slot %q is not of a backup", name), "its name would begin with "+heldPrefix)
	}
	return withSession(ctx, s, func(conn *pgx.Conn) (bool, error) {
		held, err := readHeld(ctx, conn, name)
		if err != nil || held == nil {
			return false, err
		}
		if _, err := conn.Exec(ctx, `select pg_drop_replication_slot($1)`, name); err != nil {
			return false, fmt.Errorf("drop replication slot %s: %w", name, err)
		}
		return true, nil
	})
}

// Covers finds the slot that holds everything after a position: the source's own, else the
// held one, where it has a name. Its error is why there is none: a *engine.Halt of what is lost, or
// another fault where the database does not answer.
func (s *Source) Covers(ctx context.Context, position relation.Position, held string) (string, error) {
	return withSession(ctx, s, func(conn *pgx.Conn) (string, error) {
		found, err := readSlot(ctx, conn, s.config.Slot)
		if err != nil {
			return "", err
		}
		lost := s.checkSlot(found, position)
		if lost == nil {
			return s.config.Slot, nil
		}
		if held == "" {
			return "", lost
		}
		h, err := readSlot(ctx, conn, held)
		if err != nil {
			return "", err
		}
		if !h.holds(position) {
			return "", lost
		}
		return held, nil
	})
}

// LostForGood says whether an error of Covers means that a copy anew is all that is left.
func LostForGood(err error) bool {
	fault, final := judge(err)
	return final && slices.Contains(losses, fault.Code)
}

// holds says whether a slot is there and has everything after a position.
func (s *slot) holds(position relation.Position) bool {
	return s != nil && s.ours && s.status != "lost" && s.confirmed <= position
}

func readHeld(ctx context.Context, conn *pgx.Conn, name string) (*HeldSlot, error) {
	found, err := readSlot(ctx, conn, name)
	if err != nil || found == nil || !found.ours {
		return nil, err
	}
	return &HeldSlot{Name: name, Position: found.confirmed, Retained: found.retained, Lost: found.status == "lost"}, nil
}

func copySlot(ctx context.Context, conn *pgx.Conn, from, to string) error {
	_, err := conn.Exec(ctx, `select pg_copy_logical_replication_slot($1, $2)`, from, to)
	if serverCode(err) == "53400" { // configuration_limit_exceeded
		return halt(codeExhausted, fmt.Sprintf("replication slot %s cannot be copied: the server has no slot left", from),
			"raise max_replication_slots, or release what older backups hold: odsd backup --held")
	}
	if err != nil {
		return fmt.Errorf("copy replication slot %s: %w", from, err)
	}
	return nil
}

// withSession uses a session of its own; errors are worded.
func withSession[T any](ctx context.Context, s *Source, use func(*pgx.Conn) (T, error)) (T, error) {
	var none T
	conn, err := s.connect(ctx)
	if err != nil {
		return none, faultOf(err)
	}
	defer closeSession(conn.PgConn())
	result, err := use(conn)
	if err != nil {
		return none, faultOf(err)
	}
	return result, nil
}

// takeHeld has the source's own slot be what a backup held of it, where a
// restored store finds that it holds too little. It gives the slot as it is then; lost is
// the fault where there is nothing to take.
//
// Killed at any moment it begins again: what is dropped first is of no use to the store.
func (r *run) takeHeld(ctx context.Context, conn *pgx.Conn, replication *replicationConn, own *slot, lost error) (*slot, error) {
	fault, final := judge(lost)
	if r.resume.restored == nil || !final || !slices.Contains(losses, fault.Code) {
		return nil, lost
	}
	held, name := r.resume.restored.Held, r.config.Slot
	if held == "" {
		return nil, lost
	}
	h, err := readSlot(ctx, conn, held)
	if err != nil {
		return nil, err
	}
	if !h.holds(r.resume.position) || own != nil && !own.ours {
		return nil, lost
	}
	if own != nil {
		if own.active {
			return nil, r.slotActive(ctx, conn)
		}
		_, err := conn.Exec(ctx, `select pg_drop_replication_slot($1)`, name)
		if serverCode(err) == objectInUse {
			return nil, r.slotActive(ctx, conn)
		}
		if err != nil {
			return nil, fmt.Errorf("drop replication slot %s: %w", name, err)
		}
	}
	if err := copySlot(ctx, conn, held, name); err != nil {
		return nil, err
	}
	r.keepByStandbys(ctx, conn, replication)
	r.config.Log.Info("streaming from where the backup's slot is", "source", r.config.Name, "slot", name, "held", held, "lsn", h.confirmed.String())
	return readSlot(ctx, conn, name)
}

// keepByStandbys makes a copied slot what createSlot makes: copies are not kept by standbys.
func (r *run) keepByStandbys(ctx context.Context, conn *pgx.Conn, replication *replicationConn) {
	v, err := readServer(ctx, conn, r.config.Slot)
	if err == nil && v.lastingSlot() == failoverSlot {
		_, err = replication.Exec(ctx, fmt.Sprintf("ALTER_REPLICATION_SLOT %s (FAILOVER)", r.config.Slot)).ReadAll()
	}
	if err != nil {
		r.config.Log.Warn("standbys do not keep a copy of the replication slot", "source", r.config.Name, "slot", r.config.Slot, "error", err)
	}
}

// onLoss says what is done about a fault: a source that was just restored is copied anew
// where its place in the stream is lost, whatever the configuration says of later.
func (r *run) onLoss(fault *engine.Halt) *engine.Halt {
	if r.resume != nil && r.resume.restored != nil && slices.Contains(losses, fault.Code) {
		anew := *fault
		anew.Anew = true
		return &anew
	}
	return r.Source.onLoss(fault)
}
