package engine

import (
	"context"
	"time"

	"odsd/storage/relation"
)

// Source is a stream of whole transactions from one team database. It says
// nothing of PostgreSQL but that positions are ordered.
type Source interface {
	// Name as in the project, "shop".
	Name() string
	// Run connects and delivers events to out until ctx ends or an error makes
	// it pointless to go on; it reconnects by itself after passing faults. With
	// from nil it first delivers an initial copy (CopyStarted, CopiedRows…,
	// TableRead…, CopyFinished), or with from.Unfinished the rest of one, else it resumes: every transaction that ends after
	// from.Position comes, in order, whole, exactly once per connection
	// (duplicates after a reconnect may come and are dropped by the receiver by
	// Transaction.End). out is bounded: a slow receiver makes the database wait.
	//
	// An error that needs a person is a *Halt; the engine shows it in status
	// and keeps serving what it has.
	Run(ctx context.Context, from *Resume, out chan<- Event) error
	// Acknowledge tells the source that everything up to position is durable.
	// It never blocks; the largest position told wins.
	Acknowledge(position relation.Position)
	// RequestProgress asks for a Progress event soon, so that a waiter on an
	// idle database need not wait for the next keepalive. It never blocks.
	RequestProgress()
}

// Resume is what the store knows of a source at start.
type Resume struct {
	Position relation.Position
	// Identity as delivered with CopyFinished, opaque to the engine: the source
	// compares it with the database it finds and halts on another one.
	Identity []byte
	// Schemas of the stored relations, as delivered with CopyStarted and TableCopying.
	Schemas []*relation.Schema
	// Tables are the identities, as delivered with TableCopied, of the relations
	// that were copied after the rest.
	Tables map[string][]byte
	// Restored is set where the store came out of a backup: a source that has lost
	// its place in the stream takes what is held for it, or else ends with a Halt that has
	// Anew set.
	Restored *Restored
	// Last marks the last transaction at or below Position that was marked, or the copy where none came since: a source
	// whose database goes on from there has it in its log.
	Last relation.Mark
	// Unfinished says that the initial copy was interrupted: Position and Identity
	// are of its CopyStarted, Schemas those of the relations that were read whole. The
	// source ends that copy by CopyFinished, and copies what is missing beside the
	// stream; where it cannot go on from there, it begins another by CopyStarted.
	Unfinished bool
}

// Event is one of CopyStarted, CopiedRows, TableRead, CopyFinished, Moved, *Transaction, Progress, Condition,
// TableCopying, TableCopied, TableHalted, TableDropped.
type Event interface{ event() }

// CopyStarted begins an initial copy: rows of these relations stored before
// are void.
type CopyStarted struct {
	Schemas []*relation.Schema
	// RowsExpected by relation name, as the database's statistics estimate.
	RowsExpected map[string]int64
	// Position and Identity are those of the CopyFinished to come, for Resume; without
	// an identity, a copy that is interrupted starts over.
	Position relation.Position
	Identity []byte
}

// TableRead says of a relation of an initial copy that all its rows have come.
type TableRead struct{ Relation string }

// CopiedRows are some rows of one relation, in no particular order, each row
// by column ordinal of the relation's schema. The receiver owns them.
type CopiedRows struct {
	Relation string
	Rows     [][]relation.Value
}

// CopyFinished ends an initial copy: the rows are the database's state at Position.
type CopyFinished struct {
	Position relation.Position
	Identity []byte
	// Mark is kept with the frontier until a transaction's takes its place; zero where the source has no use for it.
	Mark relation.Mark
	// Missing are relations of the copy that were not read whole before it was
	// interrupted: what came of them is void, and they are copied beside the stream.
	Missing []string
}

// Moved says that what follows comes from a database that continues the one
// before and has another identity: a standby that was promoted.
type Moved struct{ Identity []byte }

// Transaction is one committed transaction of the source, whole.
type Transaction struct {
	// End is the position just after the commit: what a frontier advances to
	// and what duplicates are told by.
	End         relation.Position
	CommittedAt time.Time
	// Mark is kept with the frontier, for Resume; zero where the source has no use for it.
	Mark    relation.Mark
	Changes []Change
	// More are the changes after these where they are too many for memory, else nil.
	More Changes
}

// Operation is what a change does.
type Operation uint8

// The operations.
const (
	Insert Operation = iota + 1
	Update
	Delete
	Truncate
)

// Change is one row's change as the stream tells it, in the order it happened.
// The values belong to the receiver.
type Change struct {
	Operation Operation
	Relation  string
	// Old is the row before, by column ordinal: nil where the stream sent none
	// (insert; update that leaves the key alone), with NotSent marks outside
	// the key where only the key was sent.
	Old []relation.Value
	// New is the row after, nil for delete and truncate; Unchanged marks stand
	// where a TOASTed value was not sent.
	New []relation.Value
}

// Progress says that everything that ends at or below Position has been
// delivered, though no transaction ended there that changed a row.
type Progress struct {
	Position relation.Position
	// Mark is of one that ended there all the same, where the source marks it, else zero.
	Mark relation.Mark
}

// Condition tells how the source is: shown by status, never stored.
type Condition struct {
	State SourceState
	// Fault is why, nil when all is well.
	Fault *Halt
	// Ahead is the database's current end of log, for lag in bytes; 0 if unknown.
	Ahead relation.Position
	// SlotWAL is the log in bytes that the database retains for us; -1 if unknown.
	SlotWAL int64
	// SlotLeft is the log in bytes that may still come before the database, or the
	// configuration, gives up what it retains for us; nil if unknown or without bound.
	SlotLeft *int64
}

// SourceState is a source's state as status prints it.
type SourceState string

// The states of a source.
const (
	Connecting SourceState = "connecting"
	Copying    SourceState = "copying"
	Streaming  SourceState = "streaming"
	Stale      SourceState = "stale"  // unreachable; what is stored is served
	Halted     SourceState = "halted" // needs a person; what is stored is served
)

// Halt is an error that names what broke, where, and how to mend it.
type Halt struct {
	Code    string // GAP, IDENTITY, PREFLIGHT, UNREACHABLE, …
	Message string
	Hint    string // the SQL or setting that mends it, where there is one
	// Table is set when one table alone is concerned.
	Table string
	// Anew is set when the source is to be copied anew without being asked for.
	Anew bool
}

func (h *Halt) Error() string {
	if h.Table != "" {
		return h.Table + ": " + h.Message
	}
	return h.Message
}

func (CopyStarted) event()  {}
func (CopiedRows) event()   {}
func (TableRead) event()    {}
func (CopyFinished) event() {}
func (Moved) event()        {}
func (*Transaction) event() {}
func (Progress) event()     {}
func (Condition) event()    {}
