package postgres

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"odsd/engine"
	"odsd/internal/pgcluster"
)

// TestTransactionsInProgress is of transactions that the server streams before
// they commit. They have a cluster of their own: an open transaction would keep
// every other test's slot from being created.
func TestTransactionsInProgress(t *testing.T) {
	t.Parallel()
	cluster := startCluster(t, map[string]string{
		"logical_decoding_work_mem": "64kB", "max_prepared_transactions": "10", "max_replication_slots": "40", "max_wal_senders": "40",
	})
	cases := []struct {
		name string
		play func(*testing.T, *pgcluster.Cluster)
	}{
		{"savepoints rolled back within", savepointsRolledBack},
		{"every savepoint of very many rolled back", manySavepoints},
		{"several at once, beside small ones", severalAtOnce},
		{"rolled back", rolledBackInProgress},
		{"nothing is left of it at its commit", emptyInProgress},
		{"a table altered within", alteredWithin},
		{"the source is stopped in the middle", stoppedInTheMiddle},
		{"the server crashes in the middle", serverCrashes},
		{"the connection is lost in the middle", connectionLost},
		{"prepared, and both start again", preparedAndRestarted},
		{"messages and origins", messagesAndOrigins},
		{"no room", noRoom},
		{"the disk is full in the middle", diskFull},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { c.play(t, cluster) })
	}
}

// streaming is a follower of a table t whose source keeps its spool where the
// test can see it.
type streaming struct {
	f       *follower
	d       *database
	dsn     string // of d, or of what stands before it
	scratch string
}

func startStreaming(t *testing.T, cluster *pgcluster.Cluster, arguments ...string) *streaming {
	t.Helper()
	d := newDatabaseOn(t, cluster)
	d.exec(`create table t (id int primary key, v text)`, `create table aside (id int)`, `insert into t values (0, 'copied')`)
	s := &streaming{d: d, dsn: d.dsn, scratch: filepath.Join(t.TempDir(), "scratch")}
	s.f = follow(t, s.newSource(arguments...), nil)
	s.untilStreaming()
	return s
}

func (s *streaming) newSource(arguments ...string) *Source {
	source := s.d.sourceAs(s.dsn, "t")
	source.config.Scratch = s.scratch
	source.moreArguments = arguments
	source.large = 100_000 // more than some of them, less than others
	return source
}

func (s *streaming) untilStreaming() {
	s.f.t.Helper()
	s.f.until("it streams", func() bool { return s.f.copied && s.f.state() == engine.Streaming })
}

// again follows with a new source from where the last one stood.
func (s *streaming) again() {
	s.f.t.Helper()
	s.f = follow(s.f.t, s.newSource(), s.f)
	s.untilStreaming()
}

func (s *streaming) files() []string {
	files, err := filepath.Glob(filepath.Join(s.scratch, "*"))
	if err != nil {
		s.f.t.Fatal(err)
	}
	return files
}

// untilSpooled waits until the spool has this many files: until the server has
// sent some of this many transactions, none of which has committed.
func (s *streaming) untilSpooled(n int) {
	s.f.t.Helper()
	s.f.until(fmt.Sprintf("%d transactions are in the spool", n), func() bool {
		s.f.source.RequestProgress() // an event to look again at
		return len(s.files()) == n
	})
}

// rows of t as the follower and as the database have them.
func (s *streaming) same() {
	t := s.f.t
	t.Helper()
	s.f.catchUp(s.d)
	want := s.d.text(`select coalesce(string_agg(id || ' ' || v, e'\n' order by (id || ' ' || v) collate "C"), '') from t`)
	if got := s.f.table(s.d.name + ".t"); got != want {
		t.Errorf("rows\n%.400s\nwant\n%.400s", got, want)
	}
	if s.f.doubled != 0 {
		t.Errorf("%d transactions came twice", s.f.doubled)
	}
	if files := s.files(); len(files) != 0 {
		t.Errorf("left in the spool: %v", files)
	}
}

// many inserts more rows than the server keeps before it streams.
func many(from int) string {
	return fmt.Sprintf(`insert into t select g, repeat('x', 100) from generate_series(%d, %d) g`, from, from+1999)
}

func savepointsRolledBack(t *testing.T, cluster *pgcluster.Cluster) {
	s := startStreaming(t, cluster)
	s.d.exec(`begin`, many(1000), `savepoint a`, many(10_000), `savepoint b`, many(20_000), `release b`, many(30_000))
	s.untilSpooled(1)
	s.d.exec(`rollback to a`, many(40_000), `savepoint c`, `update t set v = 'c' where id < 2000`, `delete from t where id = 0`, `rollback to c`,
		`savepoint d`, many(50_000), `delete from t where id = 40000`, `release d`, `commit`)
	s.same()
	if len(s.f.sizes) != 1 || s.f.sizes[0] != 3*2000+1 {
		t.Errorf("transactions of %v changes", s.f.sizes)
	}
}

func manySavepoints(t *testing.T, cluster *pgcluster.Cluster) {
	s := startStreaming(t, cluster)
	// Each exception rolls a sub-transaction back, every third one after it
	// has written; in between the others are released.
	s.d.exec(fmt.Sprintf(`do $$ begin
		for i in 1..%d loop
			begin
				insert into t values (i, repeat('y', 20));
				if i %% 3 = 0 then raise exception 'no'; end if;
			exception when raise_exception then null;
			end;
		end loop; end $$`, 3*knownStarts))
	s.same()
	if len(s.f.sizes) != 1 || s.f.sizes[0] != 2*knownStarts {
		t.Errorf("transactions of %v changes", s.f.sizes)
	}
}

func severalAtOnce(t *testing.T, cluster *pgcluster.Cluster) {
	s := startStreaming(t, cluster)
	const sessions = 3
	var open [sessions]*database
	for i := range open {
		other := *s.d
		other.reconnect()
		open[i] = &other
		open[i].exec(`begin`)
	}
	for round := range 4 {
		for i, o := range open {
			o.exec(many(100_000*(i+1) + 10_000*round))
		}
		s.d.exec(fmt.Sprintf(`insert into t values (%d, 'small')`, 10+round))
	}
	s.untilSpooled(sessions)
	s.f.catchUp(s.d)
	if n := len(s.f.rows[s.d.name+".t"]); n != 5 {
		t.Errorf("%d rows before any of them has committed, want 5", n)
	}
	open[1].exec(`rollback`)
	open[2].exec(`update t set v = 'z' where id >= 300000`, `commit`)
	s.d.exec(`insert into t values (20, 'small')`)
	s.f.catchUp(s.d)
	open[0].exec(`commit`)
	s.same()
}

func rolledBackInProgress(t *testing.T, cluster *pgcluster.Cluster) {
	s := startStreaming(t, cluster)
	s.d.exec(`begin`, many(1000), `savepoint a`, many(4000))
	s.untilSpooled(1)
	s.d.exec(`rollback`, `insert into t values (1, 'after')`)
	s.same()
}

func emptyInProgress(t *testing.T, cluster *pgcluster.Cluster) {
	s := startStreaming(t, cluster)
	s.d.exec(`begin`, `savepoint a`, many(1000))
	s.untilSpooled(1)
	s.d.exec(`rollback to a`, `commit`)
	s.same()
	s.d.exec(`begin; insert into aside select generate_series(1, 5000); commit`) // nothing of it is published
	s.same()
	if len(s.f.sizes) != 0 {
		t.Errorf("transactions of %v changes, want none", s.f.sizes)
	}
}

// alteredWithin changes the table in a sub-transaction that is rolled back:
// what the stream said of the table there holds no more.
func alteredWithin(t *testing.T, cluster *pgcluster.Cluster) {
	s := startStreaming(t, cluster)
	s.d.exec(`begin`, `savepoint a`, `alter table t add more int`, `insert into t select g, 'x', g from generate_series(1000, 3000) g`)
	s.d.exec(`rollback to a`, many(5000), `commit`)
	s.same()
	if fault := s.f.lastFault(); fault != "" {
		t.Errorf("fault %q", fault)
	}
}

func stoppedInTheMiddle(t *testing.T, cluster *pgcluster.Cluster) {
	s := startStreaming(t, cluster)
	s.d.exec(`begin`, many(1000))
	s.untilSpooled(1)
	s.f.stop()
	if files := s.files(); len(files) != 0 {
		t.Errorf("left in the spool: %v", files)
	}
	s.d.untilSlotIdle()
	// A daemon that was killed leaves its files.
	if err := os.WriteFile(filepath.Join(s.scratch, "123"+spoolEnding), []byte("left"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.again()
	s.d.exec(many(5000), `savepoint a`, many(10_000), `rollback to a`)
	s.untilSpooled(1)
	s.d.exec(`commit`)
	s.same()
	if len(s.f.sizes) != 1 || s.f.sizes[0] != 4000 {
		t.Errorf("transactions of %v changes, want one of 4000", s.f.sizes)
	}
}

func connectionLost(t *testing.T, cluster *pgcluster.Cluster) {
	s := startStreaming(t, cluster)
	s.d.exec(`begin`, many(1000))
	s.untilSpooled(1)
	other := *s.d
	other.reconnect()
	for range 2 {
		other.exec(`select pg_terminate_backend(pid) from pg_stat_replication where application_name = 'odsd/` + s.d.name + `'`)
		s.f.until("it noticed", func() bool { return s.f.state() != engine.Streaming })
		s.untilStreaming()
	}
	s.d.exec(many(5000), `commit`)
	s.same()
	if len(s.f.sizes) != 1 || s.f.sizes[0] != 4000 {
		t.Errorf("transactions of %v changes, want one of 4000", s.f.sizes)
	}
}

func serverCrashes(t *testing.T, cluster *pgcluster.Cluster) {
	s := startStreaming(t, cluster)
	s.d.exec(`insert into t values (1, 'before')`, `begin`, many(1000))
	s.untilSpooled(1)
	if err := cluster.Crash(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := cluster.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.d.reconnect()
	s.d.exec(`begin; ` + many(20_000) + `; commit`)
	s.same()
}

// preparedAndRestarted prepares a large and a small transaction; each comes
// when it is committed, and one that is rolled back does not.
func preparedAndRestarted(t *testing.T, cluster *pgcluster.Cluster) {
	s := startStreaming(t, cluster)
	prepare := func(change, name string) {
		s.d.exec(`begin`, change, fmt.Sprintf(`prepare transaction '%s_%s'`, s.d.name, name))
	}
	prepare(many(1000), "large")
	prepare(`insert into t values (1, 'small')`, "small")
	prepare(many(10_000), "undone")
	prepare(`insert into t values (2, 'undone')`, "undone small")
	s.f.catchUp(s.d)
	if n := len(s.f.rows[s.d.name+".t"]); n != 1 {
		t.Errorf("%d rows before any of them has committed, want 1", n)
	}
	s.f.stop()
	if err := cluster.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := cluster.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.d.reconnect()
	s.again()
	for _, end := range []string{"commit prepared '%s_small'", "rollback prepared '%s_undone'", "commit prepared '%s_large'", "rollback prepared '%s_undone small'"} {
		s.d.exec(fmt.Sprintf(end, s.d.name))
	}
	s.same()
	if fmt.Sprint(s.f.sizes) != "[1 2000]" {
		t.Errorf("transactions of %v changes, want 1 and 2000", s.f.sizes)
	}
}

// messagesAndOrigins has messages sent, which the source does not ask for by itself.
func messagesAndOrigins(t *testing.T, cluster *pgcluster.Cluster) {
	s := startStreaming(t, cluster, "messages 'on'")
	s.d.exec(`select pg_logical_emit_message(false, 'odsd', 'beside')`)
	s.d.transaction(`select pg_logical_emit_message(true, 'odsd', 'within')`, `insert into t values (1, 'a')`, `select pg_logical_emit_message(false, 'odsd', 'beside')`)
	s.d.exec(`select pg_logical_emit_message(true, 'odsd', 'alone')`)
	s.d.exec(`begin`, many(1000), `select pg_logical_emit_message(true, 'odsd', repeat('m', 100000))`, `select pg_logical_emit_message(false, 'odsd', 'beside')`, many(5000), `commit`)
	s.same()
	origin := "origin_" + s.d.name
	s.d.exec(`select pg_replication_origin_create('`+origin+`')`, `select pg_replication_origin_session_setup('`+origin+`')`)
	for i, change := range []string{`insert into t values (2, 'b')`, many(10_000)} {
		s.d.transaction(change, fmt.Sprintf(`select pg_replication_origin_xact_setup('0/%d', now())`, i+1))
	}
	s.d.exec(`select pg_replication_origin_session_reset()`)
	s.same()
	if fmt.Sprint(s.f.sizes) != "[1 4000 1 2000]" {
		t.Errorf("transactions of %v changes", s.f.sizes)
	}
}

// noRoom has a file where the spool's folder would be: a fault that passes.
func noRoom(t *testing.T, cluster *pgcluster.Cluster) {
	s := startStreaming(t, cluster)
	s.f.until("the spool has its folder", func() bool { // which it makes after it has said that it streams
		_, err := os.Stat(s.scratch)
		return err == nil
	})
	if err := os.Remove(s.scratch); err != nil {
		t.Fatal(err)
	}
	s.d.exec(`begin; ` + many(1000) + `; commit`)
	s.f.until("it says why", func() bool { return s.f.fault() == codeSpool || len(s.f.sizes) == 1 })
	s.same()
	if fault := s.f.lastFault(); !strings.Contains(fault, s.scratch) {
		t.Errorf("fault %q does not name the folder", fault)
	}
}

// diskFull has the disk be full in the middle of a transaction: nothing of it is applied or
// acknowledged, and all of it comes when there is room.
func diskFull(t *testing.T, cluster *pgcluster.Cluster) {
	s := startStreaming(t, cluster)
	s.d.exec(`begin`)
	file := s.d.text(`select txid_current()::text`) + spoolEnding
	s.d.exec(many(1000), `savepoint a`)
	s.untilSpooled(1)
	full := filepath.Join(t.TempDir(), file)
	if err := os.Symlink("/dev/full", full); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(full, filepath.Join(s.scratch, file)); err != nil {
		t.Fatal(err)
	}
	s.d.exec(many(10_000))
	s.f.until("it says why", func() bool {
		return slices.ContainsFunc(s.f.conditions, func(c engine.Condition) bool {
			return c.Fault != nil && c.Fault.Code == codeSpool && strings.Contains(c.Fault.Message, syscall.ENOSPC.Error())
		})
	})
	s.f.mu.Lock()
	if len(s.f.log) > 0 {
		t.Errorf("%d changes of it are applied", len(s.f.log))
	}
	s.f.mu.Unlock()
	s.d.exec(`rollback to a`, many(20_000), `commit`)
	s.same()
	if fault := s.f.lastFault(); !strings.Contains(fault, s.scratch) {
		t.Errorf("fault %q does not name the folder", fault)
	}
	if len(s.f.sizes) != 1 || s.f.sizes[0] != 4000 {
		t.Errorf("transactions of %v changes, want one of 4000", s.f.sizes)
	}
}
