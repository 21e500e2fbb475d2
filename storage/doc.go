// Package storage keeps everything that odsd knows in one ordered store of
// keys and values, with one writer and any number of readers. It is the only
// package that knows Pebble.
//
// # The central invariant
//
// One commit holds base rows, view state, view rows and the sources'
// frontiers, at a boundary of whole source transactions; a source's LSN is
// acknowledged only after that commit is durable.
//
// This package's part of it: a Commit becomes visible whole or not at all, and
// is found after a crash whole or not at all; after a crash the store is as some
// prefix of the commits left it, and every commit that was applied before
// a call of Store.Sync which returned is in that prefix.
//
// # Durability
//
// Apply makes a commit visible at once and durable soon: it writes to the log and
// does not wait for the disk. Sync makes all that was applied before it durable, with one
// write to the disk however many commits that were. What is told to the outside as
// done (acknowledgements, subscribers, waiters) waits for Sync; queries need not.
// Every block and log record has a checksum, so that changed bytes are found when they
// are read, and are a *CorruptError. One place cannot be told from the torn end that
// a crash leaves: the log's last 32 KiB. There a changed byte costs the commits after it, the
// store opens at an earlier commit, and its frontiers, older than what was acknowledged,
// show it to whoever compares them with the source.
//
// # Reading and writing
//
//	Begin ─▶ Commit ─▶ Apply ─────▶ visible ─▶ Sync ─▶ durable
//	          │  │
//	          │  └ Get, Scan        the pending state: the store under this commit's writes
//	          └ Before: Get, Scan   the store without them
//
// A Commit's writes are kept sorted in memory until Apply hands them to Pebble as one
// batch, or NextSlice moves them out of memory. A cursor over a Commit sees the writes made before it was opened, and
// no later ones. Begin waits for the commit before to end, so there is one
// writer by construction.
//
// A commit can be forked: a fork reads what the commit has written, keeps its own writes to itself and
// serves one goroutine, until Join takes them in. Forks write to keys of their own.
//
// # Large commits
//
// A commit that is too large for memory is a chain of slices, each of them like a
// commit. NextSlice moves what a slice has written into a layer outside the store:
// a Pebble of its own without a log, in the folder scratch, whose values say "set to"
// or "gone". The next slice is made over the store under the layer:
//
//	Get, Scan           pending ▷ layer ▷ store less the ranges that were deleted
//	Before: Get, Scan             layer ▷ store less the ranges that were deleted,
//	                              both as of the slice's beginning
//
// Spill moves what a slice has written so far into the layer as well, and Before stays
// what it was: for what one change leads to. A Run is a set of keys outside the store, in
// order, for what is to be worked off by and by.
//
// Apply makes sorted tables of the layer that do not overlap, the frontiers and the
// deleted ranges among them, and Pebble takes them in by one step. The store never
// holds part of a commit, so that after a crash there is nothing to undo: the folder
// is emptied when the store is opened. The log is synced before, since the tables do
// not pass through it and a crash must not keep them and lose what came before.
//
// # Bulks
//
// What nobody reads before all of it is there, such as the rows of a copy, need not be
// commits. A Bulk sorts keys outside the store and has tables taken in that lie below all
// others:
//
//	Set ─▶ memory ─ Spill ─▶ sorted runs ─ Ingest, step by step ─▶ tables ─▶ visible and durable
//
// It takes each key once through memory and twice to the disk, and none of it through the log, a
// memtable or a compaction. What says that the rows are there is a commit made after.
//
// # Keyspace
//
// A key's first byte says what it is. Identifiers are four bytes, big-endian;
// parts are those of package encoding, so that keys sort as their values do.
//
//	m name                                                     → JSON document
//	f source                                                   → frontier: version, position, time, mark of the last transaction
//	r relation │ key parts                                     → row
//	i index │ indexed parts │ relation's key parts             → nothing
//	n generation │ path                                        → node row
//	h generation │ path                                        → node row of a hidden document
//	o generation │ node │ path of parent │ slot │ order parts │ key parts → nothing
//	a generation │ node │ accumulator │ identity               → accumulator
//	d generation │ node │ accumulator │ identity │ value part  → count
//	x generation │ index │ indexed parts │ root key parts      → nothing
//	e generation │ node │ identity                             → row errors
//	k generation │ check │ root key parts                      → nothing, of a document that fails the check
//
// node, accumulator, index, check and slot are one byte each. A path is the root's key
// parts and, for each level below, the slot, the order parts where the order is
// part of the path, and the key parts; an identity is the key parts alone:
//
//	n 00000007 │ customer 1                                    root row
//	n 00000007 │ customer 1 │ 01 │ 2024-05-01, order 10        order row
//	n 00000007 │ customer 1 │ 01 │ 2024-05-01, order 10 │ 01 │ line 1   item row
//
// so that a document is one range, read in the order in which it is written out. The
// byte c is set aside for the change log.
//
// # Formats
//
// The meta document "format" is written with a store's creation:
//
//	{"format": 2, "needs": "0.1.0"}
//
// An older program refuses a store of a newer format with a *FormatError that
// names the version needed. Rows and frontiers carry a version byte of their
// own. What is stored is a function of what was applied: no clock, random
// number or order of a map reaches the store.
package storage
