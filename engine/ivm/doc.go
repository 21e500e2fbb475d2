// Package ivm keeps views equal to their definitions, commit by commit.
//
// A view is a tree of nodes whose instances are stored rows (see views.Plan).
// For one commit a view is given the folded changes of base rows, already
// written to the pending commit, and works in four steps on instances, which it
// knows by identity: the keys from the root down.
//
//	mark    every instance that a changed row could touch: found from the old
//	        row in the state before the commit, and from the new row in the
//	        pending state; per occurrence, so self-joins need no special care
//	expand  root to leaf: does the instance exist, and where? An instance that
//	        appears, disappears or joins its children by other values marks them
//	values  leaf to root: compute the marked instances' rows; their differences
//	        feed the accumulators of the level above, which marks it in turn
//	paths   root to leaf: write. Deletes before sets; subtrees whose path changed
//	        are carried along row by row
//
// Where the marks lead to more instances than memory should hold, they are worked
// off in parts, a few roots at a time, and a document that is too large by itself a few
// children at a time: see parts.go and division.go.
//
// The invariant: after the commit, rows, order lists, accumulators and errors of
// a view are a pure function of the base rows, whatever the way there. So each
// step may mark too much (that costs time) and must never mark too little.
//
// What stands in a stored row is the pre-state of its values; expressions are
// not run again on old inputs, except for orders in paths and for what a row
// contributes to a group, which read columns of one row only.
package ivm
