package postgres

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"odsd/engine"
)

// told collects what a source logs.
type told struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *told) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *told) contains(s string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Contains(l.text.String(), s)
}

// What a slot has not heard of is read once more at the next connect, and is what it was: the source goes
// on, with nothing lost or doubled, whatever the last transactions were.
func TestWhatWasNotAcknowledgedIsReadOnceMore(t *testing.T) {
	t.Parallel()
	const message = `select pg_logical_emit_message(%t, 'x', 'y')`
	cluster := startCluster(t, map[string]string{
		"logical_decoding_work_mem": "64kB", "max_prepared_transactions": "10", "max_replication_slots": "20", "max_wal_senders": "20",
	})
	for name, statements := range map[string][]string{
		"a transaction":                   {`insert into t values (2, 'b')`},
		"several":                         {`insert into t values (2, 'b')`, `update t set v = 'c' where id = 2`, `delete from t where id = 1`},
		"one of a table not captured":     {`insert into t values (2, 'b')`, `insert into beside values (1)`},
		"one of a table not published":    {`insert into t values (2, 'b')`, `insert into unpublished values (1)`},
		"a message":                       {`insert into t values (2, 'b')`, fmt.Sprintf(message, true), fmt.Sprintf(message, false), `checkpoint`},
		"a table altered, and truncated":  {`insert into t values (2, 'b')`, `alter table t alter v set default 'x'`, `truncate t`},
		"one prepared":                    {`begin`, `insert into t values (2, 'b')`, `prepare transaction 'last'`, `commit prepared 'last'`},
		"a large one":                     {`insert into t select g, repeat('x', 100) from generate_series(2, 5000) g`},
		"a large one of nothing captured": {`insert into t values (2, 'b')`, `insert into unpublished select generate_series(1, 20000)`},
		"all of it rolled back": {`insert into t values (2, 'b')`, `begin`, `savepoint s`, `insert into t select g, repeat('x', 100) from generate_series(3, 5000) g`,
			`rollback to s`, `insert into unpublished values (1)`, `commit`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDatabaseOn(t, cluster)
			d.exec(`create table beside (id int primary key)`, `create table unpublished (id int)`)
			d.exec(`create table t (id int primary key, v text)`, `create publication odsd_`+d.name+` for table t, beside`, `insert into t values (1, 'a')`)
			f := follow(t, d.source("t"), nil)
			f.until("it streams", func() bool { return f.copied && f.state() == engine.Streaming })
			f.stop()
			d.untilSlotIdle()
			f = followSilently(t, d.source("t"), f)
			d.exec(statements...)
			f.catchUp(d)
			f.stop()
			d.untilSlotIdle()
			source, log := d.source("t"), new(told)
			source.config.Log = slog.New(slog.NewTextHandler(log, nil))
			f = follow(t, source, f)
			d.exec(`insert into t (id, v) values (10000, 'after')`)
			f.compare(d, "t", "id, v")
			f.mu.Lock()
			defer f.mu.Unlock()
			if f.doubled != 0 || !log.contains("once more") {
				t.Errorf("%d transactions came twice; the log:\n%s", f.doubled, log.text.String())
			}
		})
	}
}
