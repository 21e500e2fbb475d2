package postgres

import (
	"errors"
	"sort"
	"strings"
	"testing"

	"odsd/engine"
	"odsd/storage/relation"
)

// TestFenceSeesWhatTheStreamHasBroughtByThen compares the fence's rows with
// the stream's, stopped at the fence's position.
func TestFenceSeesWhatTheStreamHasBroughtByThen(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	d.exec(`create table t (id int primary key, v text)`, `insert into t select g, 'x' from generate_series(1, 2500) g`)
	f := follow(t, d.source("t"), nil)
	f.untilCopied()
	d.exec(`update t set v = 'y' where id % 2 = 0`, `delete from t where id % 5 = 0`)
	fence, err := f.source.Fence(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer fence.Close()
	f.until("the stream has come to the fence", func() bool { return f.position >= fence.Position() })
	f.mu.Lock()
	at := f.position
	f.mu.Unlock()
	streamed := f.table(d.name + ".t")
	d.exec(`insert into t values (0, 'after the fence')`)
	f.catchUp(d)
	var rows []string
	err = fence.Rows(t.Context(), f.schema(d.name+".t"), func(row []relation.Value) error {
		rows = append(rows, showRow(row))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	sort.Strings(rows)
	if strings.Join(rows, "\n") != streamed {
		t.Errorf("the fence at %s has %d rows, the stream at %s %d", fence.Position(), len(rows), at, strings.Count(streamed, "\n")+1)
	}
	stop := errors.New("enough")
	err = fence.Rows(t.Context(), f.schema(d.name+".t"), func([]relation.Value) error { return stop })
	if !errors.Is(err, stop) {
		t.Errorf("reading ended with %v", err)
	}
}

// TestFenceKeepsItsRowsThroughATruncate: to a snapshot taken before, a table that
// was truncated looks empty, and all that is stored of it as too much.
func TestFenceKeepsItsRowsThroughATruncate(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	d.exec(`create table t (id int primary key)`, `insert into t values (1), (2), (3)`)
	f := follow(t, d.source("t"), nil)
	f.untilCopied()
	fence, err := f.source.Fence(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer fence.Close()
	// It waits for the fence, in vain here.
	_, _ = d.conn.Exec(t.Context(), `set lock_timeout = '50ms'; truncate t`)
	rows := 0
	err = fence.Rows(t.Context(), f.schema(d.name+".t"), func([]relation.Value) error {
		rows++
		return nil
	})
	if err != nil || rows != 3 {
		t.Errorf("%d rows at the fence, want 3; %v", rows, err)
	}
}

func TestFenceRefusesAnotherTable(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	d.exec(`create table t (id int primary key, v text)`)
	f := follow(t, d.source("t"), nil)
	f.untilCopied()
	f.stop()
	d.exec(`alter table t drop v`, `alter table t add v text`)
	fence, err := f.source.Fence(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer fence.Close()
	err = fence.Rows(t.Context(), f.schema(d.name+".t"), func([]relation.Value) error { return nil })
	var halt *engine.Halt
	if !errors.As(err, &halt) || halt.Code != codeSchemaChanged || !strings.Contains(halt.Message, "column v is another one") {
		t.Errorf("error %v", err)
	}
}

func TestFenceLeavesNoSlotBehind(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	d.exec(`create table t (id int primary key)`)
	fence, err := d.source("t").Fence(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := fence.Close(); err != nil {
		t.Fatal(err)
	}
	d.until("the slot is gone", `select not exists (select from pg_replication_slots where database = current_database())`)
}
