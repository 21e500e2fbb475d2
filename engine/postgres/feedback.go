package postgres

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/jackc/pglogrepl"
)

const (
	// statusGap keeps a server that pings after every record of a busy
	// neighbour from making us a commit for each.
	statusGap    = 20 * time.Millisecond
	writeTimeout = 5 * time.Second
)

// statusInterval is well within wal_sender_timeout, which is off at zero.
func statusInterval(senderTimeoutMS int) time.Duration {
	if senderTimeoutMS == 0 {
		return time.Second
	}
	return min(time.Duration(senderTimeoutMS)*time.Millisecond/4, time.Second)
}

// feedback sends standby statuses from its own timer, whatever the engine is
// busy with; when the server asks; and, asking the server in turn, when the
// engine wants to know how far the server is or the server is long silent.
func (s *session) feedback(ctx context.Context) error {
	ticker := time.NewTicker(s.interval)
	defer ticker.Stop()
	probed := time.Now()
	for {
		ask := false
		select {
		case <-ctx.Done():
			return s.sendStatus(false) // so that less is sent again
		case <-ticker.C:
		case <-s.pinged:
		case <-s.asked:
			ask = true
		}
		if ask = ask || time.Since(probed) >= s.timing.probe; ask {
			probed = time.Now()
		}
		if err := s.sendStatus(ask); err != nil {
			return err
		}
		rest(ctx, statusGap)
	}
}

// rest waits, or less when ctx ends.
func rest(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

func (s *session) sendStatus(ask bool) error {
	delivered := s.delivered.Load()
	// What the engine acknowledged of a stream before this one counts no
	// further than this one has come.
	durable := min(s.acknowledged.Load(), delivered)
	return s.replication.sendStatus(delivered, durable, ask)
}

func (c *replicationConn) sendStatus(delivered, durable uint64, ask bool) error {
	conn := c.Conn()
	if err := conn.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return fmt.Errorf("send status: %w", err)
	}
	if _, err := conn.Write(standbyStatus(delivered, durable, ask)); err != nil {
		return fmt.Errorf("send status: %w", err)
	}
	return nil
}

// standbyStatus is a status update as a CopyData message:
//
//	'd' length │ 'r' │ written 8 │ flushed 8 │ applied 8 │ clock 8 │ reply wanted 1
//
// A flushed position of zero says nothing: it never moves the slot.
func standbyStatus(delivered, durable uint64, ask bool) []byte {
	const length = 4 + 1 + 8 + 8 + 8 + 8 + 1
	b := append(make([]byte, 0, 1+length), 'd')
	b = binary.BigEndian.AppendUint32(b, length)
	b = append(b, pglogrepl.StandbyStatusUpdateByteID)
	b = binary.BigEndian.AppendUint64(b, delivered)
	b = binary.BigEndian.AppendUint64(b, durable)
	b = binary.BigEndian.AppendUint64(b, durable)
	b = binary.BigEndian.AppendUint64(b, uint64(time.Now().UnixMicro()-epoch2000*second))
	if ask {
		return append(b, 1)
	}
	return append(b, 0)
}
