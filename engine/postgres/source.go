package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"odsd/engine"
	"odsd/storage/relation"
)

// Config of a source.
type Config struct {
	// Name as in the project, "shop".
	Name string
	// DSN is a URL or keyword/value string.
	DSN string
	// ReadDSN gives the DSN anew at every connect, since a secret in it may have been
	// rotated; DSN is used where it is nil.
	ReadDSN func() (string, error)
	// Slot and Publication are odsd_<name> where empty.
	Slot, Publication string
	// Timezone is what `timestamp without time zone` is read in; UTC where nil.
	Timezone *time.Location
	// Tables to capture, "orders" or "billing.invoices"; "*" is every table of
	// the publication.
	Tables []string
	// Scratch is a folder of the source's own for transactions in progress, made
	// where it is absent; one of the system's temporary ones where empty.
	Scratch string
	// Heartbeat is how often an idle database is written a message into its log, so
	// that the slot moves on; 0: never.
	Heartbeat time.Duration
	// MaxSlotWAL is how much log in bytes the slot may retain before it is given up;
	// 0: no bound.
	MaxSlotWAL int64
	// ResyncOnLoss has the source copied anew, and not halted, when its slot is lost.
	ResyncOnLoss bool
	// Columns are what is said of columns, by table as in Tables.
	Columns map[string]map[string]ColumnOptions
	// HashKey is the key of MaskHash.
	HashKey []byte
	// Log is where what happens is told; nowhere where nil.
	Log *slog.Logger
}

// timing is how patient a source is; tests have less of it.
type timing struct {
	firstRetry, lastRetry time.Duration
	poll                  time.Duration // of the catalog
	probe                 time.Duration // a silent server is asked for a sign
	silence               time.Duration // and given up after this
	lock                  time.Duration // longest wait for other sessions' transactions and locks
}

var defaultTiming = timing{
	firstRetry: 200 * time.Millisecond, lastRetry: 30 * time.Second,
	poll: 5 * time.Second, probe: 10 * time.Second, silence: time.Minute, lock: 10 * time.Second,
}

// Source captures one PostgreSQL database.
type Source struct {
	config Config
	timing timing
	large  int64 // bytes of a transaction that are decoded into memory
	// acknowledged is the largest position that the engine has called durable.
	acknowledged atomic.Uint64
	// asked holds a token while a Progress event is wanted.
	asked chan struct{}
	// monetary is the lc_monetary of all sessions of an attempt; nil before its first.
	monetary atomic.Pointer[string]
	// toldUnlisted is what was last said of a table's columns outside its list, by the table's name.
	toldUnlisted sync.Map
	// wishes are the tables to be copied beside the stream.
	wishes *wishes
	// chunkPages is how much of a table is copied at a time; tests have less of it.
	chunkPages int64
	// moreArguments are pgoutput's, besides those of pluginArguments.
	moreArguments []string
}

var (
	_ engine.Source      = (*Source)(nil)
	_ engine.Fencer      = (*Source)(nil)
	_ engine.TableCopier = (*Source)(nil)
)

// New makes a source. It connects when it is run; a configuration that cannot
// be right is reported then.
func New(config Config) *Source {
	if config.Slot == "" {
		config.Slot = defaultName(config.Name)
	}
	if config.Publication == "" {
		config.Publication = defaultName(config.Name)
	}
	if config.Timezone == nil {
		config.Timezone = time.UTC
	}
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	return &Source{
		config: config, timing: defaultTiming, large: largeBytes, asked: make(chan struct{}, 1), wishes: newWishes(), chunkPages: chunkPages,
	}
}

// defaultName makes a name that a slot may have of a source's.
func defaultName(source string) string {
	return "odsd_" + strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, strings.ToLower(source))
}

// Name as in the project.
func (s *Source) Name() string { return s.config.Name }

// Acknowledge tells that everything up to position is durable.
func (s *Source) Acknowledge(position relation.Position) {
	for {
		known := s.acknowledged.Load()
		if uint64(position) <= known || s.acknowledged.CompareAndSwap(known, uint64(position)) {
			return
		}
	}
}

// RequestProgress asks for a Progress event soon.
func (s *Source) RequestProgress() {
	select {
	case s.asked <- struct{}{}:
	default: // asked already
	}
}

// run is one Run of a source.
type run struct {
	*Source
	out    chan<- engine.Event
	resume *resume // nil until a copy has finished
	begun  *begun  // an initial copy that was interrupted; nil where there is none
	tables *roster // what is captured, from then on
	// promoted is what answers now, where it is on another timeline than what was
	// stored; nil where it is not.
	promoted *installation
	// retry is the pause before the next attempt; progress makes it short again.
	retry time.Duration
	// full is that of attempts that found no room for a transaction at one position, each of which
	// had the server tell it once more.
	full   time.Duration
	fullAt relation.Position
	// renewing says that the last session ended of our own accord; stamps are of the
	// tables that the next one may copy. See session.renewed.
	renewing bool
	stamps   map[string]string
}

// resume is where streaming goes on. position is the end of what was
// delivered, and last the mark of the last transaction, so that they move while streaming.
type resume struct {
	position relation.Position
	last     relation.Mark
	identity *identity
	// restored is set until the slot is found after a restore.
	restored *engine.Restored
}

// Run delivers the source's events to out. See engine.Source.
func (s *Source) Run(ctx context.Context, from *engine.Resume, out chan<- engine.Event) error {
	r := &run{Source: s, out: out, retry: s.timing.firstRetry, stamps: make(map[string]string)}
	if from == nil || from.Unfinished {
		s.acknowledged.Store(0) // of a copy that is void now
		s.wishes.clear()
		r.begun = begunFrom(from)
	} else {
		id, err := parseIdentity(from.Identity, from.Schemas, from.Tables)
		if err != nil {
			return halt(codeIdentity, err.Error(), s.resyncHint())
		}
		r.resume, r.tables = &resume{position: from.Position, last: from.Last, identity: id, restored: from.Restored}, newRoster(id, from.Schemas)
	}
	if err := r.deliver(ctx, engine.Condition{State: engine.Connecting, SlotWAL: -1}); err != nil {
		return err
	}
	for {
		err := r.attempt(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if r.renewing = errors.Is(err, errRenew); r.renewing {
			continue
		}
		fault, final := judge(err)
		if final {
			return r.onLoss(fault) // the engine says so
		}
		if fault.Code == codeSpool {
			r.backOff()
		}
		s.config.Log.Warn(fault.Error(), "source", s.config.Name, "code", fault.Code, "retry", r.retry)
		if err := r.deliver(ctx, engine.Condition{State: engine.Stale, Fault: fault, SlotWAL: -1}); err != nil {
			return err
		}
		if err := r.pause(ctx); err != nil {
			return err
		}
	}
}

// attempt connects, copies where nothing was copied yet, and streams until
// something breaks.
func (r *run) attempt(ctx context.Context) error {
	conn, err := r.connectFirst(ctx)
	if err != nil {
		return err
	}
	defer closeSession(conn.PgConn())
	var replication *replicationConn
	if r.renewing {
		if err := r.released(ctx, conn); err != nil {
			return err
		}
	}
	if r.resume == nil {
		replication, err = r.firstCopy(ctx, conn)
	} else {
		replication, err = r.reconnect(ctx, conn)
	}
	if err != nil {
		return err
	}
	err = r.stream(ctx, conn, replication)
	closeSession(replication.PgConn)
	var large *slotLarge
	if errors.As(err, &large) {
		r.dropSlot(ctx, conn)
	}
	return err
}

// reconnect opens the replication connection of a database that was copied,
// and finds out whether it is still the one.
func (r *run) reconnect(ctx context.Context, conn *pgx.Conn) (*replicationConn, error) {
	replication, err := r.connectReplication(ctx)
	if err != nil {
		return nil, err
	}
	streaming, err := r.checkAll(ctx, conn, replication)
	if err != nil {
		closeSession(replication.PgConn)
		return nil, err
	}
	return streaming, nil
}

// checkAll gives the connection to stream on.
func (r *run) checkAll(ctx context.Context, conn *pgx.Conn, replication *replicationConn) (*replicationConn, error) {
	installed, err := readInstallation(ctx, replication, conn)
	if err != nil {
		return nil, err
	}
	if err := r.checkInstallation(r.resume.identity, installed); err != nil {
		return nil, err
	}
	moved, err := r.checkTimeline(r.resume.identity, installed, r.resume.position)
	if err != nil {
		return nil, err
	}
	found, err := readSlot(ctx, conn, r.config.Slot)
	if err != nil {
		return nil, err
	}
	check := r.checkSlot
	r.promoted = nil
	if moved {
		r.promoted, check = &installed, r.checkPromotedSlot
	}
	if lost := check(found, r.resume.position); lost != nil {
		if found, err = r.takeHeld(ctx, conn, replication, found, lost); err != nil {
			return nil, err
		}
		if err := check(found, r.resume.position); err != nil {
			return nil, err
		}
	}
	if err := r.checkLogEnd(found, r.resume.position); err != nil {
		return nil, err
	}
	if err := r.checkSize(found); err != nil {
		r.dropSlot(ctx, conn)
		return nil, err
	}
	if replication, err = r.checkLog(ctx, conn, replication, found); err != nil {
		return nil, err
	}
	r.resume.restored = nil
	return replication, nil
}

// deliver waits for the receiver to take an event.
func (r *run) deliver(ctx context.Context, e engine.Event) error {
	select {
	case r.out <- e:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("deliver to the engine: %w", ctx.Err())
	}
}

// backOff makes the pause longer with each attempt that finds no room and comes no further, though the server
// speaks to us all the while.
func (r *run) backOff() {
	if position := r.resume.position; r.full == 0 || position != r.fullAt {
		r.full, r.fullAt = r.timing.firstRetry, position
	} else {
		r.full = min(2*r.full, r.timing.lastRetry)
	}
	r.retry = r.full
}

// pause waits longer each time, up to a bound.
func (r *run) pause(ctx context.Context) error {
	timer := time.NewTimer(r.retry)
	defer timer.Stop()
	r.retry = min(2*r.retry, r.timing.lastRetry)
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
