package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"odsd/engine"
	"odsd/internal/pgcluster"
)

// standbyOf makes a standby that ends with the test.
func standbyOf(t *testing.T, primary *pgcluster.Cluster, o pgcluster.StandbyOptions) *pgcluster.Cluster {
	t.Helper()
	standby, err := primary.Standby(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := standby.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return standby
}

// on is the same database on another server.
func (d *database) on(cluster *pgcluster.Cluster) *database {
	d.t.Helper()
	other := &database{t: d.t, name: d.name, dsn: cluster.DSN(d.name)}
	other.reconnect()
	return other
}

// untilReplayed waits until a standby has all that its primary has committed.
func (d *database) untilReplayed(primary *database) {
	d.t.Helper()
	end := primary.text(`select pg_current_wal_flush_lsn()::text`)
	d.until("the standby has followed", fmt.Sprintf(`select pg_last_wal_replay_lsn() >= '%s'`, end))
}

// failOver kills the primary and promotes the standby.
func failOver(t *testing.T, primary, standby *pgcluster.Cluster) {
	t.Helper()
	if err := primary.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := standby.Promote(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (f *follower) timeline() int32 {
	var id identity
	if err := json.Unmarshal(f.identity, &id); err != nil {
		f.t.Fatal(err)
	}
	return id.Timeline
}

// A promoted standby that has the slot goes on where the primary ended: what the
// primary had committed and nobody had read comes from it, and nothing twice. And
// so does the standby of that one, though the store has long passed the first switch.
func TestPromotedStandbyGoesOn(t *testing.T) {
	t.Parallel()
	primary := startCluster(t, nil)
	d := newDatabaseOn(t, primary)
	f := copiedFrom(d)
	want := "1 a"
	for promotion := range 2 {
		standby := standbyOf(t, primary, pgcluster.StandbyOptions{Slots: true})
		d.reconnect()
		at := promotion*10 + 2
		d.exec(fmt.Sprintf(`insert into t values (%d, 'read from the primary')`, at))
		f = follow(t, d.source("t"), f)
		f.catchUp(d)
		f.stop()
		d.untilSlotIdle()
		d.exec(fmt.Sprintf(`insert into t values (%d, 'read by nobody')`, at+1))
		next := d.on(standby)
		next.untilReplayed(d)
		failOver(t, primary, standby)
		next.exec(fmt.Sprintf(`insert into t values (%d, 'of the standby')`, at+2))
		primary, d = standby, next

		f = follow(t, d.source("t"), f)
		f.catchUp(d)
		want += fmt.Sprintf("\n%d read from the primary\n%d read by nobody\n%d of the standby", at, at+1, at+2)
		if f.doubled != 0 || len(f.sizes) != 2 || f.timeline() != int32(promotion+2) {
			t.Errorf("%d transactions twice, %d once, want 0 and 2; timeline %d", f.doubled, len(f.sizes), f.timeline())
		}
		f.stop()
		d.untilSlotIdle()
		// The position lies on the new timeline now, past the switch.
		d.exec(fmt.Sprintf(`insert into t values (%d, 'later')`, at+3))
		f = follow(t, d.source("t"), f)
		f.catchUp(d)
		want += fmt.Sprintf("\n%d later", at+3)
		f.stop()
		d.untilSlotIdle()
	}
	if got := f.byID(d.name + ".t"); got != want {
		t.Errorf("rows\n%s\nwant\n%s", got, want)
	}
}

// byID prints rows in the order of their number.
func (f *follower) byID(name string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var lines []string
	for id := range int64(100) {
		for _, row := range f.rows[name] {
			if row[0].Int() == id {
				lines = append(lines, showRow(row))
			}
		}
	}
	return strings.Join(lines, "\n")
}

// A promotion while the source streams is passed like any lost connection.
func TestPromotionWhileStreaming(t *testing.T) {
	t.Parallel()
	primary := startCluster(t, nil)
	d := newDatabaseOn(t, primary)
	f := copiedFrom(d)
	standby := standbyOf(t, primary, pgcluster.StandbyOptions{Slots: true})
	d.reconnect()
	next := d.on(standby)
	// The DSN names both, as one of a cluster does: whichever takes writes answers.
	both := fmt.Sprintf("%s,127.0.0.1:%d/%s?sslmode=disable&target_session_attrs=read-write", strings.TrimSuffix(d.dsn, "/"+d.name+"?sslmode=disable"), standby.Port(), d.name)
	f = follow(t, d.sourceAs(both, "t"), f)
	f.until("it streams", func() bool { return f.state() == engine.Streaming })
	d.exec(`insert into t values (2, 'b')`)
	f.catchUp(d)
	next.untilReplayed(d)
	// Nothing is written any more, so that the standby has all that was read.
	if err := primary.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := standby.Promote(t.Context()); err != nil {
		t.Fatal(err)
	}
	next.exec(`insert into t values (3, 'c')`)
	f.catchUp(next)
	if got, want := f.table(d.name+".t"), "1 a\n2 b\n3 c"; got != want {
		t.Errorf("rows\n%s\nwant\n%s", got, want)
	}
	if f.doubled != 0 || f.timeline() != 2 {
		t.Errorf("%d transactions twice; timeline %d", f.doubled, f.timeline())
	}
}

// A standby that lacks what was read of the primary is another history.
func TestPromotedStandbyThatLacksChangesHalts(t *testing.T) {
	t.Parallel()
	primary := startCluster(t, nil)
	d := newDatabaseOn(t, primary)
	f := copiedFrom(d)
	standby := standbyOf(t, primary, pgcluster.StandbyOptions{Slots: true})
	d.reconnect()
	next := d.on(standby)
	next.untilReplayed(d)
	if err := standby.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	d.exec(`insert into t values (2, 'never replicated')`)
	f = follow(t, d.source("t"), f)
	f.catchUp(d)
	f.stop()
	if err := primary.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := standby.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := standby.Promote(t.Context()); err != nil {
		t.Fatal(err)
	}
	next.reconnect()
	next.exec(`insert into t values (2, 'in its place')`)
	f = follow(t, next.source("t"), f)
	halt := f.halted()
	if halt.Code != codeIdentity || !strings.Contains(halt.Message, "short of the stored position") || !strings.Contains(halt.Hint, "odsd resync") {
		t.Errorf("halt %s %q, hint %q", halt.Code, halt.Message, halt.Hint)
	}
	if len(f.log) != 0 {
		t.Errorf("%d changes of another history were taken", len(f.log))
	}
}

// Without the slot, or with one that was made after the promotion, there is a gap.
func TestPromotedStandbyWithoutTheSlotHalts(t *testing.T) {
	t.Parallel()
	primary := startCluster(t, nil)
	d := newDatabaseOn(t, primary)
	f := copiedFrom(d)
	standby := standbyOf(t, primary, pgcluster.StandbyOptions{})
	d.reconnect()
	d.exec(`insert into t values (2, 'lost')`)
	next := d.on(standby)
	next.untilReplayed(d)
	failOver(t, primary, standby)
	for says, prepare := range map[string]string{
		"does not exist any more":  `select 1`,
		"past the stored position": `select pg_create_logical_replication_slot('odsd_` + d.name + `', 'pgoutput')`,
	} {
		next.exec(prepare)
		halt := follow(t, next.source("t"), f).halted()
		if halt.Code != codeGap || !strings.Contains(halt.Message, says) || !strings.Contains(halt.Message, "promoted") || !strings.Contains(halt.Hint, "odsd resync") {
			t.Errorf("halt %s %q, hint %q", halt.Code, halt.Message, halt.Hint)
		}
		next.exec(`select pg_drop_replication_slot(slot_name) from pg_replication_slots`)
	}
}

// From PostgreSQL 17 on a standby keeps the slot by itself.
func TestFailoverSlotGoesOn(t *testing.T) {
	t.Parallel()
	needs(t, failoverSince/10000)
	primary := startCluster(t, nil)
	d := newDatabaseOn(t, primary)
	f := copiedFrom(d)
	if d.text(`select failover::text from pg_replication_slots`) != "true" {
		t.Fatal("the slot is not one that standbys keep")
	}
	d.exec(`select pg_create_physical_replication_slot('standby')`)
	standby := standbyOf(t, primary, pgcluster.StandbyOptions{Settings: map[string]string{
		"primary_slot_name": "standby", "hot_standby_feedback": "on", "sync_replication_slots": "on",
	}})
	d.reconnect()
	next := d.on(standby)
	// A slot is kept once the primary's is not behind what the standby still has.
	f = follow(t, d.source("t"), f)
	kept := `select exists (select from pg_replication_slots where synced and not temporary and slot_name = 'odsd_` + d.name + `')::text`
	for at := 2; ; at++ {
		d.exec(fmt.Sprintf(`insert into t values (%d, 'read from the primary')`, at), `select pg_log_standby_snapshot()`)
		f.catchUp(d)
		if next.text(kept) == "true" {
			break
		}
		if at > 2000 {
			t.Fatal("the standby does not keep the slot")
		}
		d.exec(`select pg_sleep(0.05)`)
	}
	rows := len(f.rows[d.name+".t"])
	f.stop()
	d.untilSlotIdle()
	d.exec(`insert into t values (5000, 'read by nobody')`)
	next.untilReplayed(d)
	failOver(t, primary, standby)
	next.exec(`insert into t values (5001, 'of the standby')`)
	f = follow(t, next.source("t"), f)
	f.catchUp(next)
	if got := len(f.rows[d.name+".t"]); got != rows+2 || f.doubled != 0 {
		t.Errorf("%d rows, want %d; %d transactions twice", got, rows+2, f.doubled)
	}
}
