package postgres

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"odsd/engine"
	"odsd/internal/pgcluster"
	"odsd/storage/relation"
)

// copied makes a database with one table whose copy has been followed and stopped.
func copied(t *testing.T) (*database, *follower) {
	t.Helper()
	d := newDatabase(t)
	return d, copiedFrom(d)
}

func copiedFrom(d *database) *follower {
	d.t.Helper()
	d.exec(`create table t (id int primary key, v text)`, `insert into t values (1, 'a')`)
	f := follow(d.t, d.source("t"), nil)
	f.untilCopied()
	f.until("it streams", func() bool { return f.state() == engine.Streaming })
	f.stop()
	d.untilSlotIdle()
	return f
}

// state is the last one told; under the follower's lock.
func (f *follower) state() engine.SourceState {
	if len(f.conditions) == 0 {
		return ""
	}
	return f.conditions[len(f.conditions)-1].State
}

// fault is the code of the last condition's; under the follower's lock.
func (f *follower) fault() string {
	if len(f.conditions) == 0 || f.conditions[len(f.conditions)-1].Fault == nil {
		return ""
	}
	return f.conditions[len(f.conditions)-1].Fault.Code
}

// lastFault is the last fault that was told.
func (f *follower) lastFault() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := len(f.conditions) - 1; i >= 0; i-- {
		if fault := f.conditions[i].Fault; fault != nil {
			return fault.Message
		}
	}
	return ""
}

// untilSlotIdle waits until the server has noticed that the reader is gone.
func (d *database) untilSlotIdle() {
	d.t.Helper()
	d.until("the slot is idle", `select not exists (select from pg_replication_slots where database = current_database() and active)`)
}

// until polls the database until a query says true.
func (d *database) until(what, sql string) {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(d.t.Context(), patience)
	defer cancel()
	for {
		var met bool
		if err := d.conn.QueryRow(ctx, sql).Scan(&met); err != nil {
			d.t.Fatalf("waiting until %s: %v", what, err)
		}
		if met {
			return
		}
		if _, err := d.conn.Exec(ctx, `select pg_sleep(0.01)`); err != nil {
			d.t.Fatalf("waiting until %s: %v", what, err)
		}
	}
}

func TestResumeWithoutGapOrDouble(t *testing.T) {
	t.Parallel()
	d, f := copied(t)
	d.exec(`insert into t values (2, 'b')`, `update t set v = 'c' where id = 1`)
	f = follow(t, d.source("t"), f)
	f.catchUp(d)
	if got, want := f.table(d.name+".t"), "1 c\n2 b"; got != want {
		t.Errorf("rows\n%s\nwant\n%s", got, want)
	}
	if f.doubled != 0 {
		t.Errorf("%d transactions came twice", f.doubled)
	}
}

func TestSlotFaultsHalt(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name   string
		damage string
		code   string
		says   string
	}{
		{"dropped", `select pg_drop_replication_slot(%slot)`, codeGap, "does not exist any more"},
		{"dropped and created again", `select pg_drop_replication_slot(%slot); insert into t values (2, 'lost'); select pg_create_logical_replication_slot(%slot, 'pgoutput')`, codeGap, "was advanced"},
		{"advanced", `insert into t values (2, 'lost'); select pg_replication_slot_advance(%slot, pg_current_wal_lsn())`, codeGap, "was advanced"},
		{"of another plugin", `select pg_drop_replication_slot(%slot); select pg_create_logical_replication_slot(%slot, 'test_decoding')`, codeGap, "plugin"},
		{"publication dropped", `drop publication %pub`, codePublication, "does not exist any more"},
		{"publication created again", `drop publication %pub; create publication %pub for table t`, codeIdentity, "created again"},
		{"publication without deletes", `alter publication %pub set (publish = 'insert, update')`, codePublication, "every operation"},
		{"table taken out of the publication", `create table u (id int primary key); alter publication %pub set table u`, codePublication, "no longer in publication"},
		{"row filter set", `alter publication %pub set table t where (id < 10)`, codeSchemaChanged, "row filter"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if c.name == "row filter set" {
				needs(t, listsAndFilters)
			}
			d, f := copied(t)
			name := "odsd_" + d.name
			for _, sql := range strings.Split(strings.NewReplacer("%slot", "'"+name+"'", "%pub", name).Replace(c.damage), "; ") {
				d.exec(sql)
			}
			halt := follow(t, d.source("t"), f).halted()
			if halt.Code != c.code || !strings.Contains(halt.Error(), c.says) || halt.Hint == "" {
				t.Errorf("halt %s %q (hint %q), want %s and %q", halt.Code, halt.Error(), halt.Hint, c.code, c.says)
			}
		})
	}
}

func TestFaultsWhileStreamingHalt(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	d.exec(`create table t (id int primary key, v text)`)
	f := follow(t, d.source("t"), nil)
	f.untilCopied()
	d.exec(`drop publication odsd_` + d.name)
	if halt := f.halted(); halt.Code != codePublication {
		t.Errorf("halt %s %q, want %s", halt.Code, halt.Error(), codePublication)
	}
}

func TestLostSlotNamesTheSetting(t *testing.T) {
	t.Parallel()
	cluster := startCluster(t, map[string]string{"max_slot_wal_keep_size": "1MB", "min_wal_size": "32MB", "max_wal_size": "32MB", "wal_keep_size": "0"})
	d := newDatabaseOn(t, cluster)
	f := copiedFrom(d)
	d.exec(`create table noise (v text)`)
	for range 3 {
		d.exec(`insert into noise select repeat('x', 1000) from generate_series(1, 20000)`, `select pg_switch_wal()`, `checkpoint`)
	}
	d.until("the slot is lost", `select wal_status = 'lost' from pg_replication_slots`)
	halt := follow(t, d.source("t"), f).halted()
	if halt.Code != codeSlotLost || !strings.Contains(halt.Message, "max_slot_wal_keep_size") {
		t.Errorf("halt %s %q", halt.Code, halt.Message)
	}
}

func TestSlotInUseSaysByWhom(t *testing.T) {
	t.Parallel()
	d, f := copied(t)
	first := followSilently(t, d.source("t"), f)
	first.until("it streams", func() bool { return first.state() == engine.Streaming })
	second := follow(t, d.source("t"), f)
	second.until("the second backs off", func() bool { return second.fault() == codeSlotActive })
	message := second.lastFault()
	if !strings.Contains(message, "process ") || !strings.Contains(message, "odsd/"+d.name) {
		t.Errorf("fault %q does not say who holds the slot", message)
	}
	first.stop()
	second.until("it takes over", func() bool { return second.state() == engine.Streaming })
}

func TestSlotBlockedSaysByWhom(t *testing.T) {
	t.Parallel()
	// A cluster of its own, since an open transaction blocks every new slot.
	cluster := startCluster(t, nil)
	d := newDatabaseOn(t, cluster)
	role, dsn := d.role("replication")
	d.exec(`create table t (id int primary key)`, `insert into t values (1)`, `grant select on t to `+role, `create publication odsd_`+d.name+` for table t`)
	blocker := newDatabaseOn(t, cluster)
	blocker.exec(`set application_name = 'nightly report'`, `begin`, `create table held ()`)
	s := d.sourceAs(dsn, "t")
	s.timing.lock = 50 * time.Millisecond
	f := follow(t, s, nil)
	f.until("the creation is blocked", func() bool { return f.fault() == codeSlotBlocked })
	if message := f.lastFault(); !strings.Contains(message, "nightly report") {
		t.Errorf("fault %q does not name the blocker", message)
	}
	blocker.exec(`commit`)
	f.untilCopied()
}

func TestAnotherDatabaseIsRefused(t *testing.T) {
	t.Parallel()
	_, f := copied(t)
	other := newDatabase(t)
	other.exec(`create table t (id int primary key, v text)`)
	s := other.source("t")
	s.config.Name = f.source.config.Name
	halt := follow(t, s, f).halted()
	if halt.Code != codeIdentity || !strings.Contains(halt.Message, "database oid") {
		t.Errorf("halt %s %q", halt.Code, halt.Message)
	}
}

func TestAcknowledgedOnlyWhatTheEngineSaid(t *testing.T) {
	t.Parallel()
	d, f := copied(t)
	at := func() relation.Position {
		p, err := relation.ParsePosition(d.text(`select confirmed_flush_lsn::text from pg_replication_slots where slot_name = $1`, "odsd_"+d.name))
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	s := d.source("t")
	before := at()
	out := make(chan engine.Event, 100)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		done <- s.Run(ctx, &engine.Resume{Position: f.position, Identity: f.identity, Schemas: f.schemas}, out)
	}()
	d.exec(`insert into t values (2, 'b')`)
	var end relation.Position
	for end == 0 {
		if tx, ok := (<-out).(*engine.Transaction); ok {
			end = tx.End
		}
	}
	// The server has heard that we received it, and nothing of it being durable.
	d.until("a status told of the transaction", fmt.Sprintf(`select coalesce((select write_lsn >= '%s' from pg_stat_replication where application_name = 'odsd/%s'), false)`, end, d.name))
	if now := at(); now != before {
		t.Errorf("the slot moved from %s to %s, and nothing was acknowledged", before, now)
	}
	s.Acknowledge(end)
	d.until("the slot follows the acknowledgement", fmt.Sprintf(`select confirmed_flush_lsn = '%s' from pg_replication_slots where slot_name = 'odsd_%s'`, end, d.name))
	cancel()
	<-done
}

func TestIdleDatabaseReleasesItsLog(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	d.exec(`create table t (id int primary key)`, `create table other (v text)`)
	f := follow(t, d.source("t"), nil)
	f.untilCopied()
	d.exec(`insert into other values ('busy neighbour')`)
	end := d.text(`select pg_current_wal_flush_lsn()::text`)
	f.catchUp(d)
	d.until("the slot has moved", fmt.Sprintf(`select confirmed_flush_lsn >= '%s' from pg_replication_slots where slot_name = 'odsd_%s'`, end, d.name))
	if len(f.log) != 0 {
		t.Errorf("%d changes of a table that is not captured", len(f.log))
	}
}

// startCluster starts a cluster that ends with the test.
func startCluster(t *testing.T, settings map[string]string) *pgcluster.Cluster {
	t.Helper()
	cluster, err := pgcluster.Start(t.Context(), pgcluster.Options{Settings: settings})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cluster.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return cluster
}
