package postgres

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pglogrepl"

	"odsd/engine"
	"odsd/storage/relation"
)

// A server that is promoted, or restored to a point in time, begins a timeline:
// up to the switch its log is the former one's, after it another that has the
// same positions. A stored position is one of the new timeline's if it lies at or before the
// switch, and else it tells of changes that the new timeline does not have.

// timelineSwitch is where the log left a timeline for the next.
type timelineSwitch struct {
	timeline int32
	at       relation.Position
}

// readHistory asks which timelines led to the server's own; nothing where it has
// lost the file that says so.
func readHistory(ctx context.Context, replication *replicationConn, timeline int32) ([]timelineSwitch, error) {
	if timeline <= 1 {
		return nil, nil
	}
	history, err := pglogrepl.TimelineHistory(ctx, replication.PgConn, timeline)
	if serverCode(err) != "" {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the history of timeline %d: %w", timeline, err)
	}
	return parseHistory(history.Content)
}

// parseHistory reads lines of a timeline, the position where it was left, and why.
func parseHistory(content []byte) ([]timelineSwitch, error) {
	var history []timelineSwitch
	lines := bufio.NewScanner(bytes.NewReader(content))
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		var s timelineSwitch
		var at string
		if _, err := fmt.Sscan(line, &s.timeline, &at); err != nil {
			return nil, disorder("a timeline history with a line of another form")
		}
		var err error
		if s.at, err = relation.ParsePosition(at); err != nil {
			return nil, disorder("a timeline history with a line of another form")
		}
		history = append(history, s)
	}
	return history, lines.Err()
}

// began is where a server's timeline left the one before; 0 where it has left
// none, or does not know.
func (i *installation) began() relation.Position {
	if len(i.history) == 0 {
		return 0
	}
	return i.history[len(i.history)-1].at
}

// checkTimeline finds out whether the server's log goes on from a stored
// position, and says whether it does so on another timeline.
func (s *Source) checkTimeline(id *identity, found installation, position relation.Position) (moved bool, err error) {
	switch {
	case found.timeline < id.Timeline:
		return false, s.otherTimeline(fmt.Sprintf("the server is on timeline %d, and what is stored goes on to %d: it is a former primary, or was restored", found.timeline, id.Timeline))
	case found.timeline == id.Timeline:
		if began := found.began(); began != 0 && id.Began != 0 && began != id.Began {
			return false, s.otherTimeline(fmt.Sprintf("its timeline %d began at %s, not at %s: another standby was promoted", found.timeline, began, id.Began))
		}
		return false, nil
	}
	for _, left := range found.history {
		if left.timeline != id.Timeline {
			continue
		}
		if position > left.at {
			return false, s.otherTimeline(fmt.Sprintf("it was promoted or restored at %s, short of the stored position %s: changes between that were applied are not in its log", left.at, position))
		}
		return true, nil
	}
	return false, s.otherTimeline(fmt.Sprintf("timeline %d does not follow from timeline %d", found.timeline, id.Timeline))
}

func (s *Source) otherTimeline(difference string) *engine.Halt {
	return halt(codeIdentity, "the database is not the one that was copied, or lacks some of it: "+difference,
		"correct the DSN, or, if the database is meant: "+s.resyncHint())
}

// checkLogEnd finds out whether a server's log has come to a stored position. Where its files are an earlier copy, it is
// the same installation on the same timeline, and writes other changes at positions that are passed here.
// A standby that was started again may have replayed less for a while.
func (s *Source) checkLogEnd(found *slot, position relation.Position) error {
	if found.standby || position <= found.ahead {
		return nil
	}
	return s.otherTimeline(fmt.Sprintf("its log ends at %s, short of the stored position %s: it was restored to an earlier state", found.ahead, position))
}

// checkPromotedSlot is checkSlot on a server that was promoted since it was
// asked last: what is wrong with its slot has one cause then.
func (s *Source) checkPromotedSlot(found *slot, position relation.Position) error {
	err := s.checkSlot(found, position)
	fault, ok := err.(*engine.Halt)
	if !ok || fault.Code != codeGap {
		return err
	}
	return halt(codeGap, "a standby was promoted, and "+fault.Message,
		s.resyncHint()+"; from PostgreSQL 17 on a standby with sync_replication_slots = on keeps the slot, so that the next promotion needs none")
}
