package postgres

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"odsd/engine"
)

// overflowing is a follower whose source is sent a transaction that is large, comes as a
// whole, and is held in its middle by the network.
type overflowing struct {
	*streaming
	p *proxy
	// written is where the database was when the transaction had but to commit.
	written string
}

// holdInTheMiddle commits a large transaction and gives the test's hand to it when its first
// part is in a file.
func holdInTheMiddle(t *testing.T, rows int) *overflowing {
	t.Helper()
	if _, err := os.Stat("/proc/self/fd"); err != nil {
		t.Skip("the files that a process has open are in /proc on Linux only")
	}
	d := newDatabaseOn(t, startCluster(t, map[string]string{"autovacuum": "off"})) // nobody else writes: see written
	d.exec(`create table t (id int primary key, v text)`)
	p, dsn := newProxy(t, d.dsn)
	o := &overflowing{streaming: &streaming{d: d, scratch: filepath.Join(t.TempDir(), "scratch")}, p: p}
	o.dsn = dsn
	source := o.newSource()
	source.timing.poll = time.Minute // so that all that comes is the transaction
	o.f = follow(t, source, nil)
	o.untilStreaming()
	o.f.catchUp(d)
	p.set(func(p *proxy) { p.holdAfter = 150_000 })
	d.exec(`begin`, fmt.Sprintf(`insert into t select g, repeat('x', 100) from generate_series(1, %d) g`, rows))
	o.written = d.text(`select pg_current_wal_insert_lsn()::text`)
	d.exec(`commit`)
	p.wait(t.Context(), "its first part is in a file", func() bool { return p.held != nil && len(o.open()) == 1 })
	return o
}

// open gives the descriptors of the files under scratch, with or without a name.
func (o *overflowing) open() (open []int) {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		o.f.t.Fatal(err)
	}
	for _, e := range entries {
		target, err := os.Readlink(filepath.Join("/proc/self/fd", e.Name()))
		if err != nil || !strings.HasPrefix(target, o.scratch) {
			continue // it is closed by now, or another file
		}
		fd, err := strconv.Atoi(e.Name())
		if err != nil {
			o.f.t.Fatal(err)
		}
		open = append(open, fd)
	}
	return open
}

func (o *overflowing) noneOpen() {
	o.f.t.Helper()
	if open := o.open(); len(open) > 0 {
		o.f.t.Errorf("%d files are open still", len(open))
	}
}

// nothingApplied of the transaction, or acknowledged.
func (o *overflowing) nothingApplied() {
	t := o.f.t
	t.Helper()
	o.f.mu.Lock()
	defer o.f.mu.Unlock()
	if len(o.f.log) > 0 {
		t.Errorf("%d changes of it are applied", len(o.f.log))
	}
	if told := o.d.text(`select count(*)::text from pg_replication_slots where database = current_database() and confirmed_flush_lsn > $1::pg_lsn`, o.written); told != "0" {
		t.Errorf("it is acknowledged")
	}
}

// comesWhole says that all of the transaction is there in the end, at once.
func (o *overflowing) comesWhole(rows int) {
	o.f.t.Helper()
	o.same()
	if !slices.Equal(o.f.sizes, []int{rows}) {
		o.f.t.Errorf("transactions of %v changes, want one of %d", o.f.sizes, rows)
	}
	o.noneOpen()
}

// A disk that is full while a large transaction comes as a whole is a fault that passes: nothing of
// it is applied or acknowledged, its room is given back, and all of it comes when there is room.
func TestNoRoomForATransactionThatComesAsAWhole(t *testing.T) {
	t.Parallel()
	for name, rows := range map[string]int{"in its middle": 10_000, "at its end, when the rest is written": 1800} {
		t.Run(name, func(t *testing.T) {
			o := holdInTheMiddle(t, rows)
			file := o.open()[0]
			fillUp(t, file)
			o.p.set(func(p *proxy) {
				p.closed = true // not yet: it would have a file that is not full
				p.goOn()
			})
			o.f.until("it says why", func() bool {
				return slices.ContainsFunc(o.f.conditions, func(c engine.Condition) bool {
					return c.Fault != nil && c.Fault.Code == codeSpool && strings.Contains(c.Fault.Message, syscall.ENOSPC.Error()) &&
						strings.Contains(c.Fault.Message, o.scratch)
				})
			})
			if is, _ := os.Readlink(fmt.Sprint("/proc/self/fd/", file)); is == fullDisk {
				t.Errorf("the file is open still")
			}
			o.nothingApplied()
			o.p.set(func(p *proxy) { p.closed = false })
			o.comesWhole(rows)
		})
	}
}

const fullDisk = "/dev/full"

// fillUp puts a full disk in the place of an open file.
func fillUp(t *testing.T, fd int) {
	t.Helper()
	full, err := os.OpenFile(fullDisk, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	if err := unix.Dup2(int(full.Fd()), fd); err != nil {
		t.Fatal(err)
	}
}

func TestConnectionCutInATransactionThatComesAsAWhole(t *testing.T) {
	t.Parallel()
	const rows = 10_000
	o := holdInTheMiddle(t, rows)
	o.p.set(func(p *proxy) { p.closed = true })
	o.p.cut()
	o.f.until("it noticed", func() bool { return o.f.state() != engine.Streaming })
	o.noneOpen()
	o.nothingApplied()
	o.p.set(func(p *proxy) {
		p.closed = false
		p.goOn()
	})
	o.comesWhole(rows)
}

func TestSourceStoppedInATransactionThatComesAsAWhole(t *testing.T) {
	t.Parallel()
	const rows = 10_000
	o := holdInTheMiddle(t, rows)
	o.f.stop()
	o.noneOpen()
	o.nothingApplied()
	o.p.set(func(p *proxy) { p.goOn() })
	o.d.untilSlotIdle()
	o.again()
	o.comesWhole(rows)
}

// A large transaction of tables that are not captured leaves nothing that anybody would close.
func TestLargeTransactionOfOtherTables(t *testing.T) {
	s := testSpool(t)
	a := newAssembler(s, func(*describedRelation) (*target, error) { return nil, nil })
	a.large = 0
	for _, message := range [][]byte{
		wire('B', uint64(100), uint64(5_000_000), uint32(7)),
		wire('R', uint32(2), "public", "other", 'd', uint16(0)),
		wire('I', uint32(2), 'N', tuple("not captured")),
	} {
		if _, err := a.take(t.Context(), message); err != nil {
			t.Fatal(err)
		}
	}
	file := s.overflow.file
	tx, err := a.take(t.Context(), wire('C', byte(0), uint64(100), uint64(120), uint64(5_000_000)))
	if err != nil {
		t.Fatal(err)
	}
	if tx.More != nil || tx.Len() != 0 {
		t.Errorf("a transaction of %d changes", tx.Len())
	}
	if err := file.Close(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("its file was open still: %v", err)
	}
}
