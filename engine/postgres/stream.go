package postgres

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pglogrepl"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
	"golang.org/x/sync/errgroup"

	"odsd/engine"
	"odsd/internal/failpoint"
	"odsd/storage/relation"
)

// session is one connection's streaming.
type session struct {
	*run
	replication *replicationConn
	version     int // of the server
	catalog     *catalog
	assembler   *assembler
	// delivered is the end of what was given to the engine on any connection.
	delivered atomic.Uint64
	// last marks the last transaction of it. The reader's.
	last relation.Mark
	// pinged holds a token while the server waits for a status.
	pinged chan struct{}
	// interval is the longest pause between two statuses.
	interval time.Duration
	// orders are carried out by the reader between two transactions.
	orders chan order
	// described are the tables as the stream described them last; refused are
	// those that could not be copied and go on as they are. The reader's.
	described map[uint32]*describedRelation
	refused   map[string]bool
	// root is the partitioned table that was described last, as the catalog had it then, until another table is
	// described. The reader's.
	root *table
	// tried are new tables of the publication that were seen. The guard's.
	tried map[string]bool
	// failing is why the copy of a table has to wait; nil where none does.
	failing atomic.Pointer[engine.Halt]
}

// stream starts replication after what was delivered and goes on until
// something breaks.
func (r *run) stream(ctx context.Context, conn *pgx.Conn, replication *replicationConn) error {
	s := &session{
		run: r, replication: replication, pinged: make(chan struct{}, 1), orders: make(chan order),
		described: make(map[uint32]*describedRelation), refused: make(map[string]bool), tried: make(map[string]bool),
	}
	s.delivered.Store(uint64(r.resume.position))
	s.last = r.resume.last
	s.catalog = &catalog{run: r, conn: conn}
	v, verdicts, err := s.catalog.check(ctx, r.tables.except(halted))
	if err != nil {
		return err
	}
	s.version = v.server.version
	s.interval = min(statusInterval(v.server.senderTimeoutMS), r.timing.probe)
	if err := s.start(ctx, conn); err != nil {
		return err
	}
	// Nobody can move the slot any more. Our own first status comes after.
	found, err := readSlot(ctx, conn, r.config.Slot)
	if err != nil {
		return err
	}
	if err := r.checkSlot(found, r.resume.position); err != nil {
		return err
	}
	if err := r.move(ctx); err != nil {
		return err
	}
	if err := r.deliver(ctx, r.condition(found)); err != nil {
		return err
	}
	r.config.Log.Info("streaming", "source", r.config.Name, "lsn", r.resume.position.String())
	return s.wait(ctx, v, verdicts)
}

// move tells the engine that the stream goes on on another timeline, before
// anything that lies on it.
func (r *run) move(ctx context.Context) error {
	if r.promoted == nil {
		return nil
	}
	id := *r.resume.identity
	id.Timeline, id.Began = r.promoted.timeline, r.promoted.began()
	if err := r.keepIdentity(ctx, &id); err != nil {
		return err
	}
	r.config.Log.Info("a standby was promoted: going on with it", "source", r.config.Name, "timeline", id.Timeline)
	r.promoted = nil
	return nil
}

// keepIdentity has the engine store what the source is known by from here on.
func (r *run) keepIdentity(ctx context.Context, id *identity) error {
	stored, err := json.Marshal(id)
	if err != nil {
		return fmt.Errorf("write the identity: %w", err)
	}
	if err := r.deliver(ctx, engine.Moved{Identity: stored}); err != nil {
		return err
	}
	r.resume.identity = id
	return nil
}

func (s *session) start(ctx context.Context, conn *pgx.Conn) error {
	err := pglogrepl.StartReplication(ctx, s.replication.PgConn, s.config.Slot, pglogrepl.LSN(s.resume.position),
		pglogrepl.StartReplicationOptions{Mode: pglogrepl.LogicalReplication, PluginArgs: s.pluginArguments(s.version)})
	if err != nil {
		return s.startFault(ctx, conn, err)
	}
	return nil
}

// pluginArguments asks pgoutput for the newest protocol that a server speaks,
// and for large transactions while they are still in progress: the server then
// need not write them to its own disk, and most of their way is behind them when
// they commit. What else it offers is left off: logical messages change no
// row, and values in binary would not be what PostgreSQL prints.
func (s *session) pluginArguments(version int) []string {
	arguments := []string{fmt.Sprintf("proto_version '%d'", protocolVersion(version)), publicationArgument(s.config.Publication), "streaming 'on'"}
	return append(arguments, s.moreArguments...)
}

// publicationArgument names a publication: in double quotes within a list that is in single ones.
func publicationArgument(name string) string {
	quoted := `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
	return "publication_names '" + strings.ReplaceAll(quoted, "'", "''") + "'"
}

// protocolVersion is the newest version of pgoutput's protocol that a server
// speaks and we do.
func protocolVersion(server int) int {
	switch {
	case server >= 160000:
		return 4
	case server >= 150000:
		return 3
	}
	return 2
}

// wait runs the session's goroutines and joins them.
func (s *session) wait(ctx context.Context, v *survey, verdicts []verdict) error {
	spool, err := s.openSpool()
	if err != nil {
		return err
	}
	s.replication.wire.limit(s.replication.Conn(), s.timing.silence)
	group, ctx := errgroup.WithContext(ctx)
	s.assembler = newAssembler(spool, func(d *describedRelation) (*target, error) { return s.describe(ctx, d) })
	s.assembler.large, s.assembler.marksAll = s.large, s.version < skipsEmptySince
	s.assembler.halt = func(fault *engine.Halt) error { return s.haltTable(ctx, fault) }
	group.Go(func() error {
		if err := s.begin(ctx, v, verdicts); err != nil {
			return err
		}
		return s.read(ctx)
	})
	group.Go(func() error { return s.copier(ctx) })
	group.Go(func() error { return s.heartbeat(ctx) })
	group.Go(func() error { return s.feedback(ctx) })
	group.Go(func() error { return s.guard(ctx) })
	group.Go(func() error {
		<-ctx.Done()
		s.replication.wire.stop()
		return nil
	})
	err = group.Wait()
	s.resume.position, s.resume.last = relation.Position(s.delivered.Load()), s.last
	return errors.Join(err, s.closeSpool(spool))
}

// openSpool makes the spool of this connection; without a folder of its own, the
// source uses one of the system's temporary ones.
func (s *session) openSpool() (*spool, error) {
	dir := s.config.Scratch
	if dir == "" {
		var err error
		if dir, err = os.MkdirTemp("", "odsd-"+s.config.Slot+"-"); err != nil {
			return nil, spoolError("keep", os.TempDir(), err)
		}
	}
	return openSpool(dir)
}

func (s *session) closeSpool(spool *spool) error {
	err := spool.close()
	if s.config.Scratch == "" && err == nil {
		if err := os.Remove(spool.dir); err != nil {
			return spoolError("remove", spool.dir, err)
		}
	}
	return err
}

// begin does what the look at the catalog before the stream asks for.
func (s *session) begin(ctx context.Context, v *survey, verdicts []verdict) error {
	if err := s.review(ctx, v); err != nil {
		return err
	}
	return s.examine(ctx, verdicts)
}

var errStreamEnded = errors.New("the server ended the replication stream")

// read receives, decodes and delivers. It uses the connection's frontend
// itself: a context for each message would cost more than the message.
func (s *session) read(ctx context.Context) error {
	frontend := s.replication.Frontend()
	for {
		received, err := frontend.Receive()
		if err != nil {
			return fmt.Errorf("receive: %w", err)
		}
		switch m := received.(type) {
		case *pgproto3.CopyData:
			err = s.take(ctx, m.Data)
		case *pgproto3.ErrorResponse:
			err = s.streamFault(pgconn.ErrorResponseToPgError(m))
		case *pgproto3.CopyDone, *pgproto3.CommandComplete:
			err = errStreamEnded
		}
		if err != nil {
			return err
		}
	}
}

func (s *session) streamFault(err *pgconn.PgError) error {
	if err.Code == undefinedObject {
		return halt(codePublication, "the server says: "+err.Message, s.resyncHint())
	}
	return err
}

// The lengths of the headers of what the server copies to us.
const (
	keepaliveLength = 1 + 8 + 8 + 1
	walDataHeader   = 1 + 8 + 8 + 8
)

func (s *session) take(ctx context.Context, data []byte) error {
	s.retry = s.timing.firstRetry // the server speaks to us: all is well
	if !s.assembler.within() {
		if err := s.obey(ctx); err != nil {
			return err
		}
	}
	switch {
	case len(data) == keepaliveLength && data[0] == pglogrepl.PrimaryKeepaliveMessageByteID:
		if data[keepaliveLength-1] != 0 {
			s.ping()
		}
		return s.keepalive(ctx, relation.Position(binary.BigEndian.Uint64(data[1:])))
	case len(data) >= walDataHeader && data[0] == pglogrepl.XLogDataByteID:
		tx, err := s.assembler.take(ctx, data[walDataHeader:])
		if err != nil || tx == nil {
			return err
		}
		return s.committed(ctx, tx)
	}
	return disorder("a replication message of %d bytes that is neither log nor keepalive", len(data))
}

// keepalive tells the engine how far the server has come. Within a transaction
// that would call the transaction applied. Between the blocks of one in progress
// it does not: that one will end after what the server has read, and is sent
// anew from its beginning should the connection be lost.
func (s *session) keepalive(ctx context.Context, end relation.Position) error {
	if s.assembler.within() || uint64(end) <= s.delivered.Load() {
		return nil
	}
	if err := s.deliver(ctx, engine.Progress{Position: end}); err != nil {
		return err
	}
	s.delivered.Store(uint64(end))
	return nil
}

func (s *session) committed(ctx context.Context, tx *engine.Transaction) error {
	if uint64(tx.End) <= s.delivered.Load() {
		return closeChanges(tx) // sent again after a reconnect
	}
	var event engine.Event = tx
	if tx.Len() == 0 { // it touched other tables only
		event = engine.Progress{Position: tx.End, Mark: tx.Mark}
	}
	failpoint.At(failpoint.Decoded)
	if err := s.deliver(ctx, event); err != nil {
		return errors.Join(err, closeChanges(tx))
	}
	s.delivered.Store(uint64(tx.End))
	if tx.Mark != (relation.Mark{}) {
		s.last = tx.Mark
	}
	return nil
}

// closeChanges gives up what a large transaction has on disk.
func closeChanges(tx *engine.Transaction) error {
	if tx.More == nil {
		return nil
	}
	return tx.More.Close()
}

func (s *session) ping() {
	select {
	case s.pinged <- struct{}{}:
	default:
	}
}
