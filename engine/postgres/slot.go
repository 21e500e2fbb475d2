package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pglogrepl"
	"github.com/jackc/pgx/v5"

	"odsd/storage/relation"
)

const (
	plugin          = "pgoutput"
	lockNotGranted  = "55P03"
	objectInUse     = "55006"
	notUsable       = "55000"
	undefinedObject = "42704"
)

// slot is what the catalog says of a replication slot.
type slot struct {
	name      string
	plugin    string
	database  string
	ours      bool // of this database, and pgoutput's
	active    bool
	holder    string // who reads it: pid and application
	confirmed relation.Position
	status    string            // of its log: reserved, extended, unreserved, lost
	reason    string            // why it was lost, from PostgreSQL 17 on
	retained  int64             // log in bytes that the server keeps for it; -1 if unknown
	safe      *int64            // log in bytes that may come before it is lost; nil: without bound
	ahead     relation.Position // the end of the server's log
	standby   bool
}

const slotQuery = `
select coalesce(s.plugin, ''), coalesce(s.database, ''), s.plugin = $2 and s.database = current_database(), s.active,
	coalesce('process ' || s.active_pid || coalesce(', application ' || nullif(a.application_name, ''), '')
		|| coalesce(', from ' || host(a.client_addr), ''), 'another process'),
	coalesce(s.confirmed_flush_lsn, '0/0')::text, coalesce(s.wal_status, ''), coalesce(to_jsonb(s) ->> 'invalidation_reason', ''),
	coalesce(w.lsn - s.restart_lsn, -1)::bigint, s.safe_wal_size, w.lsn::text, pg_is_in_recovery()
from pg_replication_slots s
left join pg_stat_activity a on a.pid = s.active_pid,
	(select case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end) w(lsn)
where s.slot_name = $1`

// readSlot reads a slot; nil where there is none.
func readSlot(ctx context.Context, conn *pgx.Conn, name string) (*slot, error) {
	s := slot{name: name}
	var ours *bool
	var confirmed, ahead string
	err := conn.QueryRow(ctx, slotQuery, name, plugin).Scan(&s.plugin, &s.database, &ours, &s.active, &s.holder, &confirmed, &s.status, &s.reason, &s.retained, &s.safe, &ahead, &s.standby)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err == nil {
		s.confirmed, err = relation.ParsePosition(confirmed)
	}
	if err == nil {
		s.ahead, err = relation.ParsePosition(ahead)
	}
	if err != nil {
		return nil, fmt.Errorf("read pg_replication_slots: %w", err)
	}
	s.ours = ours != nil && *ours
	return &s, nil
}

func (s *Source) resyncHint() string { return "odsd resync " + s.config.Name }

// checkSlot finds out whether a slot still holds everything after position.
func (s *Source) checkSlot(found *slot, position relation.Position) error {
	name := s.config.Slot
	switch {
	case found == nil:
		return halt(codeGap, fmt.Sprintf("replication slot %s does not exist any more, so changes after %s are lost", name, position), s.resyncHint())
	case !found.ours:
		return halt(codeGap, fmt.Sprintf("replication slot %s now belongs to database %q and plugin %q", name, found.database, found.plugin),
			"set `slot:` to another name, then "+s.resyncHint())
	case found.status == "lost":
		return s.slotLost(found.reason)
	case found.confirmed > position:
		return halt(codeGap, fmt.Sprintf("replication slot %s was advanced to %s by somebody else, past the stored position %s: the changes between are lost",
			name, found.confirmed, position), s.resyncHint())
	}
	return nil
}

// losingSettings are what makes the server give a slot up, by the reason that
// it tells from PostgreSQL 17 on.
var losingSettings = map[string]string{
	"":                       "max_slot_wal_keep_size",
	"wal_removed":            "max_slot_wal_keep_size",
	"idle_timeout":           "idle_replication_slot_timeout",
	"wal_level_insufficient": "wal_level",
}

func (s *Source) slotLost(reason string) error {
	setting, known := losingSettings[reason]
	if !known {
		return halt(codeSlotLost, fmt.Sprintf("the server gave up replication slot %s: %s", s.config.Slot, reason), s.resyncHint())
	}
	return halt(codeSlotLost, fmt.Sprintf("the server gave up replication slot %s, because of its setting %s", s.config.Slot, setting),
		fmt.Sprintf("raise %s, then %s", setting, s.resyncHint()))
}

// startFault words what START_REPLICATION was refused for.
func (s *Source) startFault(ctx context.Context, conn *pgx.Conn, err error) error {
	switch serverCode(err) {
	case objectInUse:
		return s.slotActive(ctx, conn)
	case undefinedObject:
		return halt(codeGap, fmt.Sprintf("replication slot %s does not exist any more", s.config.Slot), s.resyncHint())
	case notUsable:
		return s.slotLost("")
	}
	return fmt.Errorf("start replication: %w", err)
}

func (s *Source) slotActive(ctx context.Context, conn *pgx.Conn) error {
	holder := "another process"
	if found, err := readSlot(ctx, conn, s.config.Slot); err == nil && found != nil && found.active {
		holder = found.holder
	}
	return pass(codeSlotActive, fmt.Sprintf("replication slot %s is in use by %s", s.config.Slot, holder),
		"stop the other reader, or give this source a slot of its own")
}

// dropLeftover drops the slot of an initial copy that was not finished. One
// that somebody reads, or that is not of our making, is left alone.
func (s *Source) dropLeftover(ctx context.Context, conn *pgx.Conn) error {
	found, err := readSlot(ctx, conn, s.config.Slot)
	switch {
	case err != nil || found == nil:
		return err
	case !found.ours:
		return halt(codePreflight, fmt.Sprintf("replication slot %s exists and belongs to database %q and plugin %q", s.config.Slot, found.database, found.plugin),
			"set `slot:` to another name")
	case found.active:
		return s.slotActive(ctx, conn)
	}
	s.config.Log.Info("dropping the slot of an unfinished initial copy", "source", s.config.Name, "slot", s.config.Slot)
	_, err = conn.Exec(ctx, `select pg_drop_replication_slot($1)`, s.config.Slot)
	switch serverCode(err) {
	case "":
		return err
	case objectInUse:
		return s.slotActive(ctx, conn)
	}
	return fmt.Errorf("drop replication slot %s: %w", s.config.Slot, err)
}

// newSlot is a slot just created: the snapshot holds exactly the transactions
// that end at or below the position.
type newSlot struct {
	position relation.Position
	snapshot string
}

func (s *Source) lockTimeout() string {
	return fmt.Sprintf("lock_timeout = %d", s.timing.lock.Milliseconds())
}

// slotKind is what is special of a slot.
type slotKind string

const (
	temporarySlot slotKind = "TEMPORARY"
	plainSlot     slotKind = ""
	failoverSlot  slotKind = "FAILOVER" // standbys that synchronise slots keep a copy
)

// lastingSlot is the best that a server can make for a source.
func (s *server) lastingSlot() slotKind {
	if s.version >= failoverSince && !s.standby {
		return failoverSlot
	}
	return plainSlot
}

// createSlot creates a slot and exports its snapshot, which lives until the
// next command on the replication connection. The creation waits for every
// transaction that is open; past a bound it gives up, and conn finds out which
// it waited for.
func (s *Source) createSlot(ctx context.Context, replication *replicationConn, conn *pgx.Conn, name string, kind slotKind) (newSlot, error) {
	if _, err := replication.Exec(ctx, "SET "+s.lockTimeout()).ReadAll(); err != nil {
		return newSlot{}, fmt.Errorf("set lock_timeout: %w", err)
	}
	sql := fmt.Sprintf("CREATE_REPLICATION_SLOT %s %s LOGICAL %s EXPORT_SNAPSHOT", name, kind, plugin)
	if kind == failoverSlot { // which the command's older form does not know
		sql = fmt.Sprintf("CREATE_REPLICATION_SLOT %s LOGICAL %s (SNAPSHOT 'export', FAILOVER)", name, plugin)
	}
	result, err := pglogrepl.ParseCreateReplicationSlot(replication.Exec(ctx, sql))
	if serverCode(err) == lockNotGranted {
		return newSlot{}, s.slotBlocked(ctx, conn, name)
	}
	if err != nil {
		return newSlot{}, fmt.Errorf("create replication slot %s: %w", name, err)
	}
	position, err := relation.ParsePosition(result.ConsistentPoint)
	if err != nil {
		return newSlot{}, fmt.Errorf("create replication slot %s: %w", name, err)
	}
	return newSlot{position: position, snapshot: result.SnapshotName}, nil
}

// blockersQuery asks pg_locks, where any role sees who holds a transaction's id.
const blockersQuery = `
select coalesce('process ' || l.pid || coalesce(', application ' || nullif(a.application_name, ''), '') || coalesce(', role ' || a.usename, ''),
	'prepared transaction ' || quote_literal(p.gid) || ', role ' || p.owner, 'a session that is not shown to this role')
from pg_locks l
left join pg_stat_activity a on a.pid = l.pid
left join pg_prepared_xacts p on p.transaction = l.transactionid
where l.locktype = 'transactionid' and l.mode = 'ExclusiveLock' and l.granted and l.pid is distinct from pg_backend_pid()
order by age(l.transactionid) desc limit 1`

// slotBlocked names the oldest transaction that is still open, which the
// slot's creation waits for.
func (s *Source) slotBlocked(ctx context.Context, conn *pgx.Conn, name string) error {
	blocker := "an open transaction that has ended meanwhile"
	if err := conn.QueryRow(ctx, blockersQuery).Scan(&blocker); err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return fmt.Errorf("find what blocks the creation of slot %s: %w", name, err)
	}
	return pass(codeSlotBlocked, fmt.Sprintf("replication slot %s cannot be created while a transaction is open: %s", name, blocker),
		"end that transaction; the source tries again by itself")
}
