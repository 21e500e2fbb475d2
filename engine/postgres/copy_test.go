package postgres

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"odsd/engine"
)

func TestInterruptedCopyStartsOver(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	d.exec(`create table t (id int primary key)`, `insert into t select generate_series(1, 50000)`)
	for _, after := range []int{1, 2, 5} { // the n-th event is the last one taken
		ctx, cancel := context.WithCancel(t.Context())
		out := make(chan engine.Event)
		done := make(chan error)
		go func() { done <- d.source("t").Run(ctx, nil, out) }()
		for range after {
			<-out
		}
		cancel()
		<-done
	}
	d.untilSlotIdle()
	f := follow(t, d.source("t"), nil)
	f.untilCopied()
	d.exec(`insert into t values (0)`)
	f.catchUp(d)
	if n := len(f.rows[d.name+".t"]); n != 50001 {
		t.Errorf("%d rows, want 50001", n)
	}
}

func TestCopySurvivesLostConnections(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	d.exec(`create table t (id int primary key)`, `insert into t select generate_series(1, 50000)`)
	f := follow(t, d.source("t"), nil)
	f.hold()
	d.until("the copy has begun", `select exists (select from pg_stat_activity where datname = current_database() and query like 'COPY%')`)
	d.exec(`select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and query like 'COPY%'`)
	f.release()
	f.untilCopied()
	d.exec(`insert into t values (0)`, `select pg_terminate_backend(pid) from pg_stat_replication where application_name = 'odsd/`+d.name+`'`, `delete from t where id > 10`)
	f.catchUp(d)
	if n := len(f.rows[d.name+".t"]); n != 11 {
		t.Errorf("%d rows, want 11", n)
	}
}

func TestSomebodyElsesSlotIsLeftAlone(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	d.exec(`create table t (id int primary key)`, fmt.Sprintf(`select pg_create_logical_replication_slot('odsd_%s', 'test_decoding')`, d.name))
	halt := follow(t, d.source("t"), nil).halted()
	if halt.Code != codePreflight || !strings.Contains(halt.Message, "test_decoding") {
		t.Errorf("halt %s %q", halt.Code, halt.Message)
	}
	d.until("the slot is still there", `select exists (select from pg_replication_slots where database = current_database())`)
}
