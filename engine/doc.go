// Package engine applies the sources' transactions to the store and keeps the
// views up to date with them.
//
// The invariant: one commit holds base rows, view state, view rows and the
// sources' frontiers, at a boundary of whole source transactions; a source's LSN is
// acknowledged only after that commit is durable.
//
// There is one writer, and it alone touches the catalog, the folds and the
// views. It takes whatever whole transactions wait, one or thousands, folds
// their changes so that only the first old and the last new row of a key matter,
// and makes one commit of them. Queries see a commit at once; a syncer makes it
// durable soon after, and only then acknowledges it to the sources and wakes
// those who wait for it.
//
// A commit of more rows than memory should hold is made in slices, each like a commit,
// that become visible together: see filling.go. Meanwhile every source waits.
//
// The rows of a copy are no commits: they are sorted outside the store and ingested before the
// commit that says that they are there: see load.go.
//
// A fault of one table halts that table and the views on it; everything else goes
// on. A table that is copied while others are served is staged beside the rows
// that are served, and takes their place in one commit: see stage.go.
//
// Goroutines, all started and joined by Run:
//
//	writer        Run itself: the apply loop
//	source NAME   one a source: starts Source.Run and what fills its queue, in goroutines
//	              that it joins, and starts them again after faults and for a copy anew
//	syncer        makes commits durable, acknowledges, wakes waiters
//
// The writer starts and joins goroutines of its own while it passes a commit of many changes
// through the views, one for each view that does not wait for another: see maintaining.go.
package engine
