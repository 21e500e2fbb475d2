package postgres

import (
	"strings"
	"testing"
	"time"

	"odsd/engine"
)

// On a database where nothing happens the slot moves on all the same.
func TestHeartbeatsMoveAnIdleSlot(t *testing.T) {
	t.Parallel()
	d := newDatabaseOn(t, startCluster(t, nil))
	d.exec(`create table t (id int primary key)`)
	s := d.source("t")
	s.config.Heartbeat = 50 * time.Millisecond
	f := follow(t, s, nil)
	f.until("it streams", func() bool { return f.copied && f.state() == engine.Streaming })
	for range 5 {
		f.mu.Lock()
		was := f.position
		f.mu.Unlock()
		f.until("the position moves", func() bool { return f.position > was })
	}
	f.stop()
	if len(f.log) > 0 {
		t.Errorf("%d changes came, and nothing changed", len(f.log))
	}
}

// A slot that retains more than it may is dropped, and the source says so and what
// to do; or is copied anew, where its file says that.
func TestSlotThatRetainsTooMuch(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name           string
		online, resync bool
	}{{"online", true, false}, {"at connect", false, false}, {"resync", true, true}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := newDatabaseOn(t, startCluster(t, nil))
			d.exec(`create table t (id int primary key)`, `create table noise (v text)`)
			s := d.source("t")
			s.config.MaxSlotWAL, s.config.ResyncOnLoss = 1<<20, c.resync
			f := followSilently(t, s, nil) // nothing is acknowledged
			f.until("it streams", func() bool { return f.copied && f.state() == engine.Streaming })
			f.until("what is left is told", func() bool {
				left := f.conditions[len(f.conditions)-1].SlotLeft
				return left != nil && *left > 0 && *left <= 1<<20
			})
			if !c.online {
				f.stop()
				d.untilSlotIdle()
			}
			d.exec(`insert into noise select repeat('x', 1000) from generate_series(1, 3000)`)
			if !c.online {
				s = d.source("t")
				s.config.MaxSlotWAL = 1 << 20
				f = followSilently(t, s, f)
			}
			halt := f.halted()
			if halt.Code != codeSlotLost || !strings.Contains(halt.Message, "max_slot_wal") || halt.Anew != c.resync {
				t.Errorf("halt %s %q, anew %t", halt.Code, halt.Message, halt.Anew)
			}
			d.until("the slot is gone", `select not exists (select from pg_replication_slots)`)
		})
	}
}
