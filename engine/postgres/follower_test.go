package postgres

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"

	"odsd/engine"
	"odsd/storage/relation"
)

// follower runs a source and keeps what it tells, as the engine would: rows by
// key, and the position that they stand at.
type follower struct {
	t      *testing.T
	source *Source
	cancel context.CancelFunc
	done   chan struct{}
	// acknowledges what it has applied, as if it were durable.
	acknowledges bool
	// tolerant halts a table that a change does not fit, as the engine does.
	tolerant bool

	mu         sync.Mutex
	changed    chan struct{} // closed and replaced with each event
	held       chan struct{} // not nil: nothing is taken until it is closed
	schemas    []*relation.Schema
	rows       map[string]map[string][]relation.Value
	copied     bool
	begun      engine.CopyStarted // of the initial copy
	read       map[string]int     // relations of it that were read whole, with their rows
	takenUp    bool               // it was interrupted and has ended all the same
	identity   []byte
	position   relation.Position
	last       relation.Mark // of the transactions, or the copy
	conditions []engine.Condition
	log        []engine.Change // of transactions
	sizes      []int           // changes of each transaction
	doubled    int             // transactions that came again
	failure    error           // of applying
	stages     map[string]*staged
	faults     map[string]*engine.Halt // of halted tables
	hadFaults  map[string]*engine.Halt // also of those that go on since
	identities map[string][]byte       // of tables that were copied later
	copies     int                     // of single tables, finished
	misfits    []string                // of a tolerant follower
	err        error                   // of Run
	restored   *engine.Restored        // what the next follower is told of it
}

// follow starts a follower that begins at from; nil is an initial copy.
func follow(t *testing.T, s *Source, from *follower) *follower {
	t.Helper()
	return start(t, s, from, true)
}

// followSilently acknowledges nothing, so that the slot stays where it is.
func followSilently(t *testing.T, s *Source, from *follower) *follower {
	t.Helper()
	return start(t, s, from, false)
}

func start(t *testing.T, s *Source, from *follower, acknowledges bool) *follower {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	f := &follower{t: t, source: s, acknowledges: acknowledges, cancel: cancel, done: make(chan struct{}), changed: make(chan struct{}),
		rows: make(map[string]map[string][]relation.Value), stages: make(map[string]*staged), faults: make(map[string]*engine.Halt), hadFaults: make(map[string]*engine.Halt),
		identities: make(map[string][]byte), read: make(map[string]int)}
	var resume *engine.Resume
	switch {
	case from != nil && !from.copied && len(from.read) > 0:
		f.schemas, f.rows = from.schemas, from.rows
		resume = &engine.Resume{Position: from.begun.Position, Identity: from.begun.Identity, Unfinished: true}
		for name := range from.read {
			resume.Schemas = append(resume.Schemas, from.schema(name))
		}
	case from != nil && from.copied:
		f.schemas, f.rows, f.copied, f.identity, f.position = from.schemas, from.rows, true, from.identity, from.position
		f.last, f.tolerant = from.last, from.tolerant
		f.identities = from.identities
		if f.tolerant {
			f.faults, f.hadFaults = from.faults, from.hadFaults
		}
		resume = &engine.Resume{Position: from.position, Last: from.last, Identity: from.identity, Schemas: from.schemas, Tables: from.identities, Restored: from.restored}
	}
	out := make(chan engine.Event, 8)
	go func() {
		err := s.Run(ctx, resume, out)
		f.mu.Lock()
		f.err = err
		f.mu.Unlock()
		close(out)
	}()
	go func() {
		defer close(f.done)
		for e := range out {
			f.take(e)
		}
	}()
	t.Cleanup(f.stop)
	return f
}

// stop ends the run and waits until everything delivered is applied.
func (f *follower) stop() {
	f.release()
	f.cancel()
	<-f.done
}

// hold stalls the applying until release.
func (f *follower) hold() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.held == nil {
		f.held = make(chan struct{})
	}
}

func (f *follower) release() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.held != nil {
		close(f.held)
		f.held = nil
	}
}

func (f *follower) take(e engine.Event) {
	f.mu.Lock()
	held := f.held
	f.mu.Unlock()
	if held != nil {
		<-held
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.apply(e); err != nil && f.failure == nil {
		f.failure = err
	}
	close(f.changed)
	f.changed = make(chan struct{})
}

func (f *follower) apply(e engine.Event) error {
	switch e := e.(type) {
	case engine.CopyStarted:
		f.schemas, f.rows, f.copied = e.Schemas, make(map[string]map[string][]relation.Value), false
		f.begun, f.read = e, make(map[string]int)
		for _, s := range e.Schemas {
			f.rows[s.Name] = make(map[string][]relation.Value)
		}
	case engine.TableCopying, engine.TableCopied, engine.TableHalted, engine.TableDropped:
		return f.ofTable(e)
	case engine.CopiedRows:
		if st := f.stages[e.Relation]; st != nil {
			st.copied = append(st.copied, e.Rows...)
			return nil
		}
		for _, row := range e.Rows {
			if err := f.insert(e.Relation, row); err != nil {
				return err
			}
		}
	case engine.TableRead:
		f.read[e.Relation] = len(f.rows[e.Relation])
	case engine.CopyFinished:
		f.copied, f.identity, f.takenUp, f.last = true, e.Identity, len(e.Missing) > 0, e.Mark
		for _, name := range e.Missing {
			delete(f.rows, name)
			f.withoutSchema(name)
		}
		f.reach(e.Position)
	case engine.Moved:
		f.identity = e.Identity
	case *engine.Transaction:
		return f.transaction(e)
	case engine.Progress:
		if e.Position > f.position {
			f.mark(e.Mark)
			f.reach(e.Position)
		}
	case engine.Condition:
		f.conditions = append(f.conditions, e)
	}
	return nil
}

func (f *follower) reach(p relation.Position) {
	f.position = p
	if f.acknowledges {
		f.source.Acknowledge(p)
	}
}

func (f *follower) mark(m relation.Mark) {
	if m != (relation.Mark{}) {
		f.last = m
	}
}

func (f *follower) transaction(tx *engine.Transaction) error {
	if tx.End <= f.position {
		f.doubled++
		return nil
	}
	changes, err := changesOf(tx)
	if err != nil {
		return err
	}
	for _, c := range changes {
		if st := f.stages[c.Relation]; st != nil {
			st.log = append(st.log, loggedChange{tx.End, c})
			c.Old, c.New = st.project(c.Old, f.schema(c.Relation)), st.project(c.New, f.schema(c.Relation))
		}
		if f.faults[c.Relation] != nil || f.schema(c.Relation) == nil {
			continue
		}
		if err := f.change(c); err != nil && f.tolerant {
			f.misfit(c.Relation, err)
		} else if err != nil {
			return fmt.Errorf("at %s: %w", tx.End, err)
		}
	}
	f.log = append(f.log, changes...)
	f.sizes = append(f.sizes, len(changes))
	f.mark(tx.Mark)
	f.reach(tx.End)
	return nil
}

func (f *follower) misfit(relation string, err error) {
	f.faults[relation] = tableHalt(codeSchemaChanged, relation, err.Error(), "")
	f.misfits = append(f.misfits, err.Error())
}

// changesOf reads the changes of a transaction; those on disk twice, as when a commit
// starts over.
func changesOf(tx *engine.Transaction) (changes []engine.Change, err error) {
	gather := func(c engine.Change) error {
		changes = append(changes, c)
		return nil
	}
	if err := tx.Each(gather); err != nil || tx.More == nil {
		return changes, err
	}
	if n := len(changes); n > tx.Len() {
		return nil, fmt.Errorf("%d changes of %d", n, tx.Len())
	}
	changes = nil
	if err := tx.Each(gather); err != nil {
		return nil, err
	}
	return changes, tx.More.Close()
}

func (f *follower) change(c engine.Change) error {
	switch c.Operation {
	case engine.Insert:
		return f.insert(c.Relation, c.New)
	case engine.Delete:
		return f.remove(c.Relation, c.Old)
	case engine.Truncate:
		clear(f.rows[c.Relation])
		return nil
	}
	old := c.Old
	if old == nil {
		old = c.New
	}
	stored := f.rows[c.Relation][f.key(c.Relation, old)]
	if stored == nil {
		return fmt.Errorf("update of a row of %s that is not there", c.Relation)
	}
	row := append([]relation.Value(nil), c.New...)
	for i := range row {
		if row[i].Kind() == relation.Unchanged {
			row[i] = stored[i]
		}
	}
	if err := f.remove(c.Relation, old); err != nil {
		return err
	}
	return f.insert(c.Relation, row)
}

func (f *follower) insert(name string, row []relation.Value) error {
	rows, key := f.rows[name], f.key(name, row)
	if rows[key] != nil {
		return fmt.Errorf("%s has key %s twice", name, key)
	}
	rows[key] = row
	return nil
}

func (f *follower) remove(name string, row []relation.Value) error {
	key := f.key(name, row)
	if f.rows[name][key] == nil {
		return fmt.Errorf("%s has no key %s", name, key)
	}
	delete(f.rows[name], key)
	return nil
}

func (f *follower) schema(name string) *relation.Schema {
	for _, s := range f.schemas {
		if s.Name == name {
			return s
		}
	}
	return nil
}

func (f *follower) key(name string, row []relation.Value) string {
	var key []string
	for _, ordinal := range f.schema(name).Key {
		key = append(key, show(row[ordinal]))
	}
	return strings.Join(key, ",")
}

// until waits for a condition, under the follower's lock.
func (f *follower) until(what string, met func() bool) {
	f.t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	for {
		f.mu.Lock()
		ok, changed, failure := met(), f.changed, f.failure
		conditions := f.conditions
		f.mu.Unlock()
		switch {
		case failure != nil:
			f.t.Fatalf("waiting until %s: %v", what, failure)
		case ok:
			return
		}
		select {
		case <-changed:
		case <-f.done:
			f.t.Fatalf("waiting until %s: the source ended: %v", what, f.err)
		case <-deadline.C:
			f.t.Fatalf("waiting until %s: still not, conditions %+v", what, conditions)
		}
	}
}

func (f *follower) untilCopied() {
	f.t.Helper()
	f.until("the initial copy is there", func() bool { return f.copied })
}

// catchUp waits until everything committed so far has been applied.
func (f *follower) catchUp(d *database) {
	f.t.Helper()
	end, err := relation.ParsePosition(d.text("select pg_current_wal_flush_lsn()::text"))
	if err != nil {
		f.t.Fatal(err)
	}
	f.source.RequestProgress()
	f.until("everything is applied", func() bool { return f.position >= end })
}

// halted waits for the run to end with a halt, or for a table to be halted.
func (f *follower) halted() *engine.Halt {
	f.t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	for {
		f.mu.Lock()
		changed := f.changed
		for _, fault := range f.faults {
			f.mu.Unlock()
			return fault
		}
		f.mu.Unlock()
		select {
		case <-changed:
			continue
		case <-f.done:
		case <-deadline.C:
			f.t.Fatal("neither the source nor a table halts")
		}
		var halt *engine.Halt
		if !errors.As(f.err, &halt) {
			f.t.Fatalf("the source ended with %v, not a halt", f.err)
		}
		return halt
	}
}

// table prints a relation's rows, sorted.
func (f *follower) table(name string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var lines []string
	for _, row := range f.rows[name] {
		lines = append(lines, showRow(row))
	}
	sort.Strings(lines)
	return strings.Join(lines, "\n")
}

func showRow(row []relation.Value) string {
	cells := make([]string, len(row))
	for i, v := range row {
		cells[i] = show(v)
	}
	return strings.Join(cells, " ")
}

func show(v relation.Value) string {
	switch v.Kind() {
	case relation.Null, relation.Unchanged, relation.NotSent:
		return v.Kind().String()
	}
	return string(relation.AppendText(nil, v))
}
