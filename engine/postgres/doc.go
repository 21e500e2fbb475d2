// Package postgres captures the tables of one PostgreSQL database as an
// engine.Source: a consistent initial copy, then every committed transaction.
//
//	preflight ─▶ publication ─▶ slot ──exported snapshot──▶ COPY ─▶ CopyFinished
//	                             │ consistent point                      │
//	                             └──────────── START_REPLICATION ◀───────┘ or engine.Resume
//	                                               │
//	            decode ─▶ assemble ─▶ out (bounded) ─▶ the engine ─▶ Acknowledge
//	                                               ▲                     │
//	                     feedback (own timer) ─────┴── standby status ◀──┘
//
// Invariants:
//
//   - PostgreSQL is told as flushed only what Acknowledge was told, and never
//     more than this connection has delivered. A wrong value is never
//     delivered: a table that does not fit the stored schema halts the source and
//     is named; a value that cannot be read is delivered as an error in its place,
//     which puts its row into quarantine (see engine/ivm).
//   - Before streaming, the slot's confirmed position lies at or below the
//     position that the store holds, and the database, its publication and its
//     tables are the ones that were copied. A promoted standby is the same
//     database if its timeline left the stored one at or after that position.
//   - Where that slot lies behind, the server's log up to the stored position is read
//     once more, and is the one that was delivered: a server whose files were put
//     back has another (witness.go).
//   - The decoder never panics and never allocates more than its input's size
//     allows, whatever bytes arrive.
//   - A transaction that PostgreSQL streams while it is in progress lies in a file
//     of the spool until its commit comes, and is decoded then: what is rolled
//     back is never seen, and memory does not grow with what is open. Its files
//     are void when the connection ends, since the server sends it anew.
//   - A committed transaction that is large stays in a file, in whichever way it
//     came; what cannot be read of it is found when it commits, and the engine reads its
//     changes from there when it applies them.
//
// While streaming, six goroutines belong to one errgroup, which Run joins
// before it reconnects or returns: the reader (receives, decodes, delivers),
// the feedback (standby status, from its own timer, so that a stalled apply
// loop never costs the connection), the guard (polls the catalog for what the
// stream does not carry, and the slot), the copier (copies single tables
// beside the stream, over connections of its own), the heartbeat, and the closer, which
// ends the reader's wait when the others end. The reader alone decides what is
// delivered of which table; the others give it orders, which it carries out
// between two transactions.
//
// An initial copy that is interrupted goes on with the tables that were read whole
// (begun.go), from the log that its slot keeps; the others are copied beside the stream.
//
// A copy's rows are read in ranges of pages by up to four sessions under one
// exported snapshot, which belong to another errgroup that the copy joins.
//
// A table is copied beside the stream like this, so that no change is missed and
// none applied twice:
//
//	TableCopying ─▶ temporary slot, snapshot at L ─▶ CopiedRows ─▶ everything up to L ─▶ TableCopied
//	     └ from here on the stream delivers the table by its new columns
//
// PostgreSQL 14 remembers how it published a table before the table was attached to
// another or detached, and every version how it published a partition before its root was altered, so there the
// stream's connection is renewed first.
//
// The log does not have everything that changes rows. Values change without their rows where a column is
// written anew under its type or an enum's value is renamed (printing.go), and a table may be altered, written to and
// altered back between two looks at the catalog (absence in tablechange.go, examinePartition in capture.go). Each
// leaves a trace, in the versions of catalog rows or in what the stream describes, for which tables are copied anew.
//
// What the stream cannot carry is refused or left out before anything starts:
// tables without a key, and what is not a table;
// generated columns, before PostgreSQL 18, are no part of the schema. Values of
// types that no relation.Kind stands for are texts, as PostgreSQL prints them.
package postgres
