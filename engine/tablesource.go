package engine

import "odsd/storage/relation"

// TableCopier is a Source that copies single tables anew beside its stream: those
// that it is asked for, those that are new in its configuration, and those
// whose columns were extended.
//
//	TableCopying ─▶ transactions, CopiedRows, in any order ─▶ TableCopied
//
// A copy that cannot be finished begins again with another TableCopying, or
// ends with TableHalted.
type TableCopier interface {
	// CopyTable asks for a relation to be copied anew. It never blocks; while
	// the source is not streaming the wish is kept.
	CopyTable(relation string)
}

// TableCopying begins the copy of one relation beside the stream. Every
// transaction that ends after the copy's position comes after this event. From
// here on the relation's changes come by the columns of this schema, those of
// transactions from before a column was added with NotSent marks.
type TableCopying struct {
	Schema       *relation.Schema
	RowsExpected int64
}

// TableCopied ends the copy of one relation: the rows that came are its state
// at Position, and everything that ends at or below Position was delivered
// before.
type TableCopied struct {
	Relation string
	Position relation.Position
	// Identity of the table, opaque to the engine as the source's is.
	Identity []byte
}

// TableHalted says that nothing more of a relation comes until it is copied
// anew: Fault.Table names it. What came of it is whole transactions.
type TableHalted struct {
	Fault *Halt
}

// TableDropped says that the configuration does not want a relation any more.
type TableDropped struct {
	Relation string
}

func (TableCopying) event() {}
func (TableCopied) event()  {}
func (TableHalted) event()  {}
func (TableDropped) event() {}
