package postgres

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/jackc/pglogrepl"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"odsd/storage/relation"
)

// A server whose files were put back from an earlier copy is the same installation, on the same timeline, with the
// same slot; and once its log has come past the stored position, nothing in its catalog differs. What it wrote
// instead lies at positions that are stored as passed, and would never be delivered.
//
// Its slot, however, is as old as the copy. Where a slot lies behind what was delivered, the log between is therefore
// read once more before the stream is taken up: it has the last transaction that was delivered, where that one is
// not before the slot, and up to the stored position no other.
//
//	slot                last transaction               stored position
//	  │      ·      ·         │                              │        log
//	                          └── read once more ────────────┘
//
// That is after a crash or a lost connection, and what there is to read is mostly what came within the last second.

// skipsEmptySince is the version whose pgoutput leaves out transactions that change nothing it publishes. It
// does not do so for all that it streams, and what it streams may differ from one time to the next: they
// say nothing. Before, every transaction is told, also those whose tables became published meanwhile.
const skipsEmptySince = 150000

// markOf marks a transaction by where its commit record lies and its time, in microseconds since 2000.
func markOf(commit uint64, committed int64) relation.Mark {
	return relation.Mark{Commit: relation.Position(commit), At: timeOf(committed).UnixMicro()}
}

// markOfCopy marks a copy, after which no transaction has come yet: its position, without a time.
func markOfCopy(position relation.Position) relation.Mark { return relation.Mark{Commit: position} }

// checkLog finds out whether a server's log is the one that what was delivered came from, and gives the connection that
// the stream is to have: what a server process has once decoded may change how it decodes what follows, see forgetsSince.
// Servers that have no second one to spare are read as well.
func (r *run) checkLog(ctx context.Context, conn *pgx.Conn, replication *replicationConn, found *slot) (*replicationConn, error) {
	if r.resume.last == (relation.Mark{}) || found.confirmed >= r.resume.position {
		return replication, nil
	}
	w := &witness{run: r, replication: replication}
	if err := w.hear(ctx, conn); err != nil {
		return nil, err
	}
	w.end(ctx)
	if err := r.released(ctx, conn); err != nil {
		return nil, err
	}
	return r.connectReplication(ctx)
}

// witness reads the log between a slot and the stored position.
type witness struct {
	*run
	replication *replicationConn
	marksAll    bool
	from        relation.Position // where it begins to read
	seen        bool              // the last transaction, or there is none to be seen
	done        bool              // the server has come to the stored position
	message     message
	changed     bool // a message of the transaction under way changes rows
}

// hear has the server tell what there is. Nothing is acknowledged.
func (w *witness) hear(ctx context.Context, conn *pgx.Conn) error {
	v, err := readServer(ctx, conn, w.config.Slot)
	if err != nil {
		return err
	}
	w.marksAll = v.version < skipsEmptySince
	last := w.resume.last
	err = pglogrepl.StartReplication(ctx, w.replication.PgConn, w.config.Slot, pglogrepl.LSN(last.Commit),
		pglogrepl.StartReplicationOptions{Mode: pglogrepl.LogicalReplication, PluginArgs: []string{"proto_version '1'", publicationArgument(w.config.Publication)}})
	if err != nil {
		return w.startFault(ctx, conn, err)
	}
	// Nobody can move the slot any more. Until now the last words of a connection before could.
	found, err := readSlot(ctx, conn, w.config.Slot)
	if err != nil {
		return err
	}
	if err := w.checkSlot(found, w.resume.position); err != nil {
		return err
	}
	w.from = max(found.confirmed, last.Commit)
	w.seen = w.from > last.Commit || last == markOfCopy(last.Commit)
	w.config.Log.Info("reading the end of the server's log once more, which was not acknowledged", "source", w.config.Name, "from", w.from.String(), "to", w.resume.position.String())
	return w.read(ctx)
}

// end has the server leave off at once. With a large transaction of after that it has begun, it would notice late that
// nobody listens, and begin again at the next attempt.
func (w *witness) end(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, closeTimeout)
	defer cancel()
	w.replication.CancelRequest(ctx) // an error here means that it is noticed later
	closeSession(w.replication.PgConn)
}

// read takes messages until the server has come to the stored position. It asks often how far that is: in the midst of a
// transaction the server does not hear, and those of after are none of ours. Like session.read it uses the connection's
// frontend itself.
func (w *witness) read(ctx context.Context) error {
	wire := w.replication.wire
	wire.limit(w.replication.Conn(), statusGap)
	defer context.AfterFunc(ctx, wire.stop)()
	var heard, told time.Time
	for heard = time.Now(); !w.done; {
		if time.Since(told) >= statusGap {
			if err := w.replication.sendStatus(uint64(w.from), 0, true); err != nil {
				return err
			}
			told = time.Now()
		}
		received, err := w.replication.Frontend().Receive()
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil:
			heard = time.Now()
			err = w.take(received)
		case errors.Is(err, os.ErrDeadlineExceeded) && time.Since(heard) < w.timing.silence:
			continue
		default:
			err = fmt.Errorf("receive: %w", err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *witness) take(received pgproto3.BackendMessage) error {
	switch m := received.(type) {
	case *pgproto3.CopyData:
		switch data := m.Data; {
		case len(data) == keepaliveLength && data[0] == pglogrepl.PrimaryKeepaliveMessageByteID:
			return w.reach(relation.Position(binary.BigEndian.Uint64(data[1:])))
		case len(data) > walDataHeader && data[0] == pglogrepl.XLogDataByteID:
			return w.listen(data[walDataHeader:])
		}
		return disorder("a replication message of %d bytes that is neither log nor keepalive", len(m.Data))
	case *pgproto3.ErrorResponse:
		return w.refused(pgconn.ErrorResponseToPgError(m))
	case *pgproto3.NoticeResponse:
		if m.Code == notUsable { // from PostgreSQL 18 on it goes on without the publication, and tells no changes
			return w.unread(m.Message)
		}
	case *pgproto3.CopyDone, *pgproto3.CommandComplete:
		return errStreamEnded
	}
	return nil
}

// refused takes an error of the server. One that does not find the publication, as it was then, cannot tell what was
// there: whether the source can go on is seen when the stream begins.
func (w *witness) refused(err *pgconn.PgError) error {
	if err.Code != undefinedObject {
		return err
	}
	return w.unread(err.Message)
}

func (w *witness) unread(reason string) error {
	w.config.Log.Warn("the end of the server's log cannot be read once more", "source", w.config.Name, "error", reason)
	w.done = true
	return nil
}

// reach notes how far the server has come in its log.
func (w *witness) reach(position relation.Position) error {
	if position < w.resume.position {
		return nil
	}
	if !w.seen {
		return w.otherLog(fmt.Sprintf("has no transaction at %s", w.resume.last.Commit))
	}
	w.done = true
	return nil
}

// listen takes a message of pgoutput, of which the ends of transactions count and whether they change anything.
func (w *witness) listen(data []byte) error {
	m := &w.message
	switch data[0] {
	case messageInsert, messageUpdate, messageDelete, messageTruncate:
		w.changed = true
		return nil
	case messageBegin, messageCommit:
	default:
		return nil
	}
	if err := m.decode(data); err != nil {
		return disorder("%v", err)
	}
	if m.kind == messageBegin {
		w.changed = false
		return w.reach(relation.Position(m.final)) // one that begins to be told there ends later
	}
	if !w.changed && !w.marksAll {
		return nil
	}
	mark := markOf(m.final, m.time)
	if mark != w.resume.last {
		return w.otherLog(fmt.Sprintf("has a transaction at %s that was not there", mark.Commit))
	}
	w.seen = true
	return nil
}

func (w *witness) otherLog(difference string) error {
	return w.otherTimeline(fmt.Sprintf("its log %s, short of the stored position %s: it was restored to an earlier state and has gone on from there", difference, w.resume.position))
}
