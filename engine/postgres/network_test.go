package postgres

import (
	"fmt"
	"testing"
	"time"

	"odsd/engine"
)

// Connections that are cut anywhere, within messages too, while tables are
// written to and copied anew: nothing is lost, nothing comes twice.
func TestCutConnections(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	d.exec(`create table a (id int primary key, balance int not null)`, `create table b (id int primary key, balance int not null)`,
		`insert into a select g, 100 from generate_series(1, 50) g`, `insert into b select g, 100 from generate_series(1, 50) g`)
	p, dsn := newProxy(t, d.dsn)
	s := d.sourceAs(dsn, "a", "b")
	f := follow(t, s, nil)
	f.until("it streams", func() bool { return f.copied && f.state() == engine.Streaming })
	for i := range 25 {
		p.set(func(p *proxy) { p.cutAfter = 1 + i*i*37%3000 })
		if i%5 == 0 {
			s.CopyTable(d.name + ".a")
		}
		for n := range 20 {
			d.exec(fmt.Sprintf(`begin; update a set balance = balance - 1 where id = %[1]d; update b set balance = balance + 1 where id = %[1]d; commit`, 1+(i*20+n)%50))
		}
		s.RequestProgress() // so that there are bytes to cut
		p.wait(t.Context(), "the connection is cut", func() bool { return p.cuts > i })
	}
	f.compare(d, "a", "id, balance")
	f.compare(d, "b", "id, balance")
	f.stop()
	if f.doubled > 0 {
		t.Errorf("%d transactions came twice", f.doubled)
	}
}

// A connection whose other end is gone without a word is shown as such, and left.
func TestHalfOpenConnection(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	d.exec(`create table t (id int primary key)`)
	p, dsn := newProxy(t, d.dsn)
	s := d.sourceAs(dsn, "t")
	s.timing.probe, s.timing.silence = 100*time.Millisecond, time.Second
	f := follow(t, s, nil)
	f.until("it streams", func() bool { return f.copied && f.state() == engine.Streaming })
	p.set(func(p *proxy) { p.swallows = true })
	d.exec(`insert into t values (1)`)
	f.until("the source is shown as unreachable", func() bool { return f.state() == engine.Stale && f.fault() == codeUnreachable })
	p.set(func(p *proxy) { p.swallows = false })
	p.cut()
	f.until("it streams again", func() bool { return f.state() == engine.Streaming })
	f.compare(d, "t", "id")
	f.stop()
	if f.doubled > 0 {
		t.Errorf("%d transactions came twice", f.doubled)
	}
}

func TestSlowNetwork(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	d.exec(`create table t (id int primary key, v text)`, `insert into t select g, 'old' from generate_series(1, 500) g`)
	p, dsn := newProxy(t, d.dsn)
	p.set(func(p *proxy) { p.delay = 10 * time.Millisecond })
	f := follow(t, d.sourceAs(dsn, "t"), nil)
	f.until("it streams", func() bool { return f.copied && f.state() == engine.Streaming })
	d.exec(`update t set v = 'new'`, `delete from t where id % 3 = 0`)
	f.compare(d, "t", "id, v")
}
