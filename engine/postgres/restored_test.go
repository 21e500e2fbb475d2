package postgres

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"odsd/internal/pgcluster"
)

// putBack is a cluster whose files are put back as they were.
type putBack struct {
	*database
	cluster *pgcluster.Cluster
	data    string
}

func newPutBack(t *testing.T) *putBack {
	t.Helper()
	cluster := startCluster(t, nil)
	return &putBack{newDatabaseOn(t, cluster), cluster, filepath.Join(cluster.Dir(), "data")}
}

// stopped runs a command while the server is down.
func (p *putBack) stopped(what string, args ...string) {
	p.t.Helper()
	if err := p.cluster.Shutdown(p.t.Context()); err != nil {
		p.t.Fatal(err)
	}
	if out, err := exec.CommandContext(p.t.Context(), what, args...).CombinedOutput(); err != nil {
		p.t.Fatalf("%v: %s", err, out)
	}
	if err := p.cluster.Restart(p.t.Context()); err != nil {
		p.t.Fatal(err)
	}
	p.reconnect()
}

func (p *putBack) keep() { p.stopped("cp", "-a", p.data, p.data+".earlier") }

func (p *putBack) putBack() {
	p.stopped("sh", "-c", `rm -rf "$0" && mv "$0.earlier" "$0"`, p.data)
}

// passes has a follower take what is written, which its slot hears of, and end.
func (p *putBack) passes(f *follower, statements ...string) *follower {
	p.t.Helper()
	f = follow(p.t, p.source("t"), f)
	p.exec(statements...)
	f.catchUp(p.database)
	f.stop()
	p.untilSlotIdle()
	return f
}

// refuses sees to it that a follower takes nothing of another history.
func (p *putBack) refuses(f *follower, says string) {
	p.t.Helper()
	f = follow(p.t, p.source("t"), f)
	halt := f.halted()
	if halt.Code != codeIdentity || !strings.Contains(halt.Message, says) || !strings.Contains(halt.Hint, "odsd resync") {
		p.t.Errorf("halt %s %q, hint %q", halt.Code, halt.Message, halt.Hint)
	}
	if len(f.log) != 0 {
		p.t.Errorf("%d changes of another history were taken", len(f.log))
	}
}

// refusesWhatIsNew puts files back that are as they are now after nothing but neighbours' log has passed, and has a
// transaction written where there was none.
func (p *putBack) refusesWhatIsNew(f *follower) {
	p.t.Helper()
	p.keep()
	f = p.passes(f, neighbours...)
	p.putBack()
	p.exec(`insert into t values (3, 'of another history')`)
	p.exec(neighbours...)
	p.exec(neighbours...)
	p.refuses(f, "that was not there")
}

// neighbours have the log go on without a transaction, and that flushed.
var neighbours = []string{`select pg_logical_emit_message(false, 'x', repeat('x', 1000000))`, `checkpoint`}

// A server whose files were put back as they were some time ago is the same installation, on the same timeline,
// with the same slot. What it writes now lies at positions that are stored as passed: it is refused, whether its
// log has come past them by then or not.
func TestServerFromAnEarlierCopyOfItsFilesHalts(t *testing.T) {
	t.Parallel()
	const another = `insert into t select g, 'of another history' from generate_series(2001, 2009) g`
	for name, c := range map[string]struct {
		since []string // written after the files were put back
		says  string
	}{
		"its log ends short":       {[]string{another}, "its log ends at "},
		"its log goes on":          {append([]string{another}, neighbours...), "its log has "},
		"nothing is in it":         {neighbours, "its log has no transaction at "},
		"as much is in it as then": {[]string{`insert into t select g, 'of the first history' from generate_series(2, 1000) g`, another}, "its log has "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newPutBack(t)
			f := copiedFrom(d.database)
			d.keep()
			f = d.passes(f, `insert into t select g, 'of the first history' from generate_series(2, 1000) g`)
			d.putBack()
			d.exec(c.since...)
			d.refuses(f, c.says)
		})
	}
}

// An idle database's slot moves on beyond the last transaction. Put back as it was then, the database has that one in
// its log; what is new in it lies where there was nothing.
func TestServerFromAnEarlierCopyOfItsIdleFilesHalts(t *testing.T) {
	t.Parallel()
	d := newPutBack(t)
	f := copiedFrom(d.database)
	f = followSilently(t, d.source("t"), f)
	d.exec(`insert into t values (2, 'b')`)
	d.exec(neighbours...)
	f.catchUp(d.database)
	f.stop()
	d.untilSlotIdle()
	d.exec(`select pg_replication_slot_advance('odsd_`+d.name+`', '`+f.position.String()+`')`, `checkpoint`)
	d.refusesWhatIsNew(f)
}

// Where no transaction has come since the copy, any that lies before the stored position was not there.
func TestServerFromAnEarlierCopyOfItsUnchangedFilesHalts(t *testing.T) {
	t.Parallel()
	d := newPutBack(t)
	f := copiedFrom(d.database)
	d.refusesWhatIsNew(f)
}

// Another server at the address, though its database has the same name and even the same number.
func TestAnotherServerAtTheAddressIsRefused(t *testing.T) {
	t.Parallel()
	d := newDatabaseOn(t, startCluster(t, nil))
	f := copiedFrom(d)
	cluster := startCluster(t, nil)
	if err := cluster.CreateDatabase(t.Context(), d.name); err != nil {
		t.Fatal(err)
	}
	other := d.on(cluster)
	other.exec(`create table t (id int primary key, v text)`, `insert into t values (2, 'of another server')`)
	f = follow(t, other.source("t"), f)
	halt := f.halted()
	if halt.Code != codeIdentity || !strings.Contains(halt.Message, "system identifier") || !strings.Contains(halt.Hint, "odsd resync") || len(f.log) != 0 {
		t.Errorf("halt %s %q, hint %q; %d changes", halt.Code, halt.Message, halt.Hint, len(f.log))
	}
}
