package postgres

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"
	"unsafe"

	"odsd/engine"
	"odsd/storage/relation"
)

// target is where the rows of a described table go.
type target struct {
	values *valueReader
	// ordinals and key are by the stream's columns: the schema's ordinal, and
	// whether a key-only old tuple has it.
	ordinals []int // -1: none
	key      []bool
	// missing are the schema's columns that the stream does not have.
	missing []int
}

// assembler makes whole transactions of the stream's messages. Those that come
// in blocks while they are in progress wait in the spool for their commit.
type assembler struct {
	// describe finds the target of a table that the stream describes; nil where
	// the table is not captured.
	describe func(*describedRelation) (*target, error)
	// halt is told of a table whose values cannot be read.
	halt    func(*engine.Halt) error
	targets map[uint32]*target
	message message
	spool   *spool
	open    bool   // between Begin and Commit
	final   uint64 // the commit record's place, as Begin says
	tx      *engine.Transaction
	arena   *arena
	changed bool // a message of it changes rows, captured or not
	// marksAll has transactions marked that change no row, too: see skipsEmptySince.
	marksAll bool
	// large is how many bytes of a transaction's messages are held in memory, bytes what
	// there is of the one under way. What comes after goes to the spool's overflow, or is
	// claimed from the spool; stored is either, which messages are only checked for.
	large, bytes int64
	stored       *storedChanges
}

func newAssembler(spool *spool, describe func(*describedRelation) (*target, error)) *assembler {
	return &assembler{spool: spool, describe: describe, large: largeBytes, targets: make(map[uint32]*target)}
}

// within says whether the messages of a transaction are coming.
func (a *assembler) within() bool { return a.open || a.spool.block != nil }

func disorder(format string, args ...any) error {
	return halt(codeProtocol, "the replication stream does not make sense: "+fmt.Sprintf(format, args...),
		"this is a defect of odsd or of the server: report it with both versions")
}

// take takes one message. It gives the transaction that the message ends, else nil.
func (a *assembler) take(ctx context.Context, data []byte) (*engine.Transaction, error) {
	if a.spool.block != nil && len(data) > 0 && data[0] != messageStreamStop {
		return nil, a.keep(data)
	}
	m := &a.message
	if err := m.decode(data); err != nil {
		return nil, disorder("%v", err)
	}
	switch m.kind {
	case messageBegin:
		return nil, a.begin()
	case messageCommit:
		return a.commit()
	case messageStreamStart, messageStreamStop, messageStreamAbort:
		return nil, a.stream()
	case messageStreamCommit:
		return a.commitStreamed(ctx)
	}
	return nil, a.applyOrKeep(data)
}

// applyOrKeep takes a message of a transaction that comes as a whole. Past what is
// held in memory it is kept, and applied for the sake of what it may be told of.
func (a *assembler) applyOrKeep(data []byte) error {
	switch a.message.kind {
	case messageRelation, messageInsert, messageUpdate, messageDelete, messageTruncate:
	default:
		return nil // types, origins and logical messages change no row
	}
	if a.bytes += int64(len(data)); a.open && a.bytes > a.large && a.spool.overflow == nil {
		o, err := a.spool.newOverflow(a.targets)
		if err != nil {
			return err
		}
		a.stored = o.storedChanges
	}
	if o := a.spool.overflow; o != nil {
		if err := o.add(data); err != nil {
			return err
		}
	}
	return a.apply()
}

// apply takes a message that describes or changes rows.
func (a *assembler) apply() error {
	switch a.message.kind {
	case messageRelation:
		t, err := a.describe(a.message.described)
		a.targets[a.message.described.oid] = t
		if a.stored != nil {
			a.stored.described = append(a.stored.described, t)
		}
		return err
	case messageInsert, messageUpdate, messageDelete:
		a.changed = true
		err := a.change()
		var fault *engine.Halt
		if errors.As(err, &fault) && fault.Table != "" && a.halt != nil {
			return a.halt(fault)
		}
		return err
	case messageTruncate:
		a.changed = true
		return a.truncate()
	}
	return nil // types, origins and logical messages change no row
}

// keep puts a message of a transaction in progress into the spool.
func (a *assembler) keep(data []byte) error {
	kind := data[0]
	switch kind {
	case messageType, messageLogical, messageOrigin: // they change no row
		return nil
	case messageRelation, messageInsert, messageUpdate, messageDelete, messageTruncate:
	default:
		return disorder("a message %q within a block of a transaction", kind)
	}
	const head = 1 + 4
	if len(data) < head {
		return disorder("pgoutput message %q: %v", kind, errTruncated)
	}
	return a.spool.add(binary.BigEndian.Uint32(data[1:]), kind, data[head:])
}

// stream takes the beginning or end of a block, or a rollback.
func (a *assembler) stream() error {
	m := &a.message
	switch {
	case a.open:
		return disorder("a message %q within a transaction", m.kind)
	case m.kind == messageStreamStart:
		return a.spool.begin(m.id, m.first)
	case m.kind == messageStreamStop:
		return a.spool.end()
	}
	return a.spool.abort(m.id, m.sub)
}

// commitStreamed assembles a transaction from the spool.
func (a *assembler) commitStreamed(ctx context.Context) (*engine.Transaction, error) {
	m := &a.message
	if a.open || m.end < m.final {
		return nil, disorder("a commit at %s of a transaction in progress", relation.Position(m.final))
	}
	end, committed, id := m.end, m.time, m.id
	a.start(m.final)
	take := func(message []byte) error {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("apply a transaction: %w", err)
		}
		if err := m.decode(message); err != nil {
			return disorder("%v", err)
		}
		return a.apply()
	}
	if !a.spool.large(id, a.large) {
		if err := a.spool.commit(id, take); err != nil {
			return nil, err
		}
		return a.finish(end, committed)
	}
	var err error
	if a.stored, err = a.spool.claim(id, a.targets); err != nil {
		return nil, err
	}
	check := func(_ int64, _ uint32, message []byte) (bool, error) { return true, take(message) }
	if err := readRecords(a.stored.file, a.stored.dir, 0, a.stored.size, check); err != nil {
		a.stored.Close() // the error is told
		return nil, err
	}
	return a.finish(end, committed)
}

func (a *assembler) begin() error {
	if a.open {
		return disorder("a transaction begins within another")
	}
	a.start(a.message.final)
	return nil
}

func (a *assembler) start(final uint64) {
	a.open, a.final = true, final
	a.tx, a.arena = new(engine.Transaction), new(arena)
	a.bytes, a.stored, a.changed = 0, nil, false
}

func (a *assembler) commit() (*engine.Transaction, error) {
	m := &a.message
	if !a.open || m.final != a.final || m.end < m.final {
		return nil, disorder("a commit at %s that no transaction began for", relation.Position(m.final))
	}
	return a.finish(m.end, m.time)
}

func (a *assembler) finish(end uint64, committed int64) (*engine.Transaction, error) {
	tx := a.tx
	tx.End, tx.CommittedAt = relation.Position(end), timeOf(committed)
	if a.changed || a.marksAll {
		tx.Mark = markOf(a.final, committed)
	}
	if err := a.spool.finishOverflow(); err != nil {
		return nil, err
	}
	switch {
	case a.stored == nil:
	case a.stored.length > 0:
		tx.More = a.stored
	default: // it changed other tables only, and nobody will ask for them
		a.stored.Close()
	}
	a.open, a.tx, a.arena, a.stored = false, nil, nil, nil
	return tx, nil
}

// add takes a change in; of a stored transaction it is counted alone.
func (a *assembler) add(c engine.Change) {
	if a.stored == nil {
		a.tx.Changes = append(a.tx.Changes, c)
		return
	}
	if a.stored.length++; a.stored.length%arenaChanges == 0 {
		a.arena = new(arena)
	}
}

// timeOf reads PostgreSQL's microseconds since 2000.
func timeOf(us int64) time.Time {
	return time.UnixMicro(us + epoch2000*second).UTC()
}

// epoch2000 is 2000-01-01 in seconds since 1970.
const epoch2000 = 946_684_800

func (a *assembler) target(oid uint32) (*target, error) {
	t, described := a.targets[oid]
	switch {
	case !a.open:
		return nil, disorder("a change outside a transaction")
	case !described:
		return nil, disorder("a change of table %d, which was not described", oid)
	}
	return t, nil
}

func (a *assembler) change() error {
	m := &a.message
	t, err := a.target(m.relation)
	if err != nil || t == nil {
		return err
	}
	c := engine.Change{Relation: t.values.schema.Name}
	switch m.kind {
	case messageInsert:
		c.Operation = engine.Insert
	case messageUpdate:
		c.Operation = engine.Update
	case messageDelete:
		c.Operation = engine.Delete
	}
	if m.oldKind != 0 {
		if c.Old, err = a.oldRow(t); err != nil {
			return err
		}
	}
	if m.kind != messageDelete {
		if c.New, err = a.newRow(t); err != nil {
			return err
		}
	}
	a.add(c)
	return nil
}

func (a *assembler) truncate() error {
	for _, oid := range a.message.truncate {
		t, err := a.target(oid)
		if err != nil {
			return err
		}
		if t != nil {
			a.add(engine.Change{Operation: engine.Truncate, Relation: t.values.schema.Name})
		}
	}
	return nil
}

func (a *assembler) newRow(t *target) ([]relation.Value, error) {
	row, err := a.emptyRow(t, a.message.new)
	if err != nil {
		return nil, err
	}
	for i, c := range a.message.new {
		if t.ordinals[i] < 0 {
			continue
		}
		if c.kind == cellUnchanged {
			row[t.ordinals[i]] = relation.OfMark(relation.Unchanged)
		} else if err := a.put(row, t, i, c); err != nil {
			return nil, err
		}
	}
	return row, nil
}

// oldRow reads an old tuple. Where it holds the key alone, the other columns
// come as nulls that mean nothing.
func (a *assembler) oldRow(t *target) ([]relation.Value, error) {
	row, err := a.emptyRow(t, a.message.old)
	if err != nil {
		return nil, err
	}
	for i, c := range a.message.old {
		if t.ordinals[i] < 0 {
			continue
		}
		if c.kind == cellUnchanged || a.message.oldKind == 'K' && !t.key[i] {
			row[t.ordinals[i]] = relation.OfMark(relation.NotSent)
		} else if err := a.put(row, t, i, c); err != nil {
			return nil, err
		}
	}
	return row, nil
}

func (a *assembler) emptyRow(t *target, cells []cell) ([]relation.Value, error) {
	if len(cells) != len(t.ordinals) {
		return nil, disorder("a row of %s with %d columns, not %d", t.values.schema.Name, len(cells), len(t.ordinals))
	}
	row := a.arena.row(len(t.values.schema.Columns))
	for _, ordinal := range t.missing {
		row[ordinal] = relation.OfMark(relation.NotSent)
	}
	return row, nil
}

// drop ends the delivery of a table: what the transaction under way brought of
// the relation goes too.
func (a *assembler) drop(oid uint32, relation string) {
	a.targets[oid] = nil
	if a.tx != nil {
		a.tx.Changes = slices.DeleteFunc(a.tx.Changes, func(c engine.Change) bool { return c.Relation == relation })
	}
	if a.stored != nil {
		a.stored.dropped[relation] = true
	}
}

func (a *assembler) put(row []relation.Value, t *target, i int, c cell) error {
	if c.kind == cellNull {
		return nil
	}
	ordinal := t.ordinals[i]
	text := unsafe.String(unsafe.SliceData(c.data), len(c.data)) // the message's own bytes: for this call only
	if keepsText(t.values.schema.Columns[ordinal].Type.Kind) {
		text = a.arena.text(c.data)
	}
	v, err := t.values.value(ordinal, text)
	row[ordinal] = v
	return err
}

// keepsText says whether values of a kind may alias the text they are read from.
func keepsText(k relation.Kind) bool {
	switch k {
	case relation.Bool, relation.Int2, relation.Int4, relation.Int8, relation.Float4, relation.Float8,
		relation.Date, relation.Time, relation.Timestamp:
		return false
	}
	return true
}
