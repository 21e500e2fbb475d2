package postgres

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"odsd/engine"
)

// Under REPLICA IDENTITY FULL the key is a unique index that the stream says
// nothing of. Without it two rows may share a key, so its loss halts the table, whether the
// daemon runs or not.
func TestFullIdentityThatLosesItsUniqueIndexHalts(t *testing.T) {
	t.Parallel()
	// The guard sees what no change tells of; a change is checked before it is taken.
	for _, noticed := range []string{"by the guard", "by the next change", "at the next connect"} {
		t.Run(noticed, func(t *testing.T) {
			t.Parallel()
			d, f := followFull(t, noticed)
			d.exec(`drop index t_code`)
			switch noticed {
			case "by the next change":
				d.exec(`insert into t values ('a', 'twin')`)
			case "at the next connect":
				d.exec(`insert into t values ('a', 'twin')`)
				f = follow(t, d.source("t"), f)
			}
			halt := f.halted()
			if halt.Code != codeSchemaChanged || halt.Table != d.name+".t" || !strings.Contains(halt.Message, "lost the unique index") {
				t.Errorf("halt %s of %q: %q", halt.Code, halt.Table, halt.Message)
			}
			if n := len(f.log); n != 0 {
				t.Errorf("%d changes were taken without a key", n)
			}
		})
	}
}

// Another index that serves as well is as good; one over other columns is not.
func TestFullIdentityWithAnotherIndex(t *testing.T) {
	t.Parallel()
	for columns, goesOn := range map[string]bool{"code": true, "code, v": false, "v": false} {
		t.Run(columns, func(t *testing.T) {
			t.Parallel()
			d, f := followFull(t, "at the next connect")
			d.exec(fmt.Sprintf(`create unique index another on t (%s)`, columns), `drop index t_code`, `insert into t values ('c', 'x')`)
			f = follow(t, d.source("t"), f)
			if !goesOn {
				if halt := f.halted(); halt.Code != codeSchemaChanged {
					t.Errorf("halt %s %q", halt.Code, halt.Message)
				}
				return
			}
			f.catchUp(d)
			if got, want := f.table(d.name+".t"), "a v\nb w\nc x"; got != want {
				t.Errorf("rows\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// followFull copies a table under REPLICA IDENTITY FULL and follows it, or has
// stopped where the change comes while nobody looks.
func followFull(t *testing.T, noticed string) (*database, *follower) {
	t.Helper()
	d := newDatabase(t)
	d.exec(`create table t (code text not null, v text not null)`, `create unique index t_code on t (code)`,
		`alter table t replica identity full`, `insert into t values ('a', 'v'), ('b', 'w')`)
	s := d.source("t")
	if noticed == "by the next change" {
		s.timing.poll = time.Hour
	}
	f := follow(t, s, nil)
	f.until("it streams", func() bool { return f.copied && f.state() == engine.Streaming })
	if noticed == "at the next connect" {
		f.stop()
		d.untilSlotIdle()
	}
	return d, f
}

// What is stored of timestamps without a time zone was read in one: another one
// needs another copy, and nothing is read in it before.
func TestAnotherTimezoneHalts(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	d.exec(`create table t (id int primary key, at timestamp)`, `insert into t values (1, '2026-07-01 12:00')`)
	in := func(zone string) *Source {
		location, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		s := d.source("t")
		s.config.Timezone = location
		return s
	}
	f := follow(t, in("Europe/Berlin"), nil)
	f.until("it streams", func() bool { return f.copied && f.state() == engine.Streaming })
	f.stop()
	d.untilSlotIdle()
	d.exec(`insert into t values (2, '2026-07-01 12:00')`)

	other := follow(t, in("UTC"), f)
	halt := other.halted()
	if halt.Code != codeConfig || !strings.Contains(halt.Message, "Europe/Berlin") || !strings.Contains(halt.Message, "UTC") || !strings.Contains(halt.Hint, "odsd resync "+d.name) {
		t.Errorf("halt %s %q, hint %q", halt.Code, halt.Message, halt.Hint)
	}
	if len(other.log) != 0 {
		t.Errorf("%d changes were read in another time zone", len(other.log))
	}
	// Set back it goes on, and what came meanwhile is read as the rest was.
	f = follow(t, in("Europe/Berlin"), f)
	f.catchUp(d)
	if got, want := f.table(d.name+".t"), "1 2026-07-01 10:00:00\n2 2026-07-01 10:00:00"; strings.ReplaceAll(got, "+00", "") != want {
		t.Errorf("rows\n%s\nwant\n%s", got, want)
	}
}
