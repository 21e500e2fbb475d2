// Package views turns YAML definitions into checked views and those into plans.
//
//	YAML ──Parse──▶ Definition ──CheckAll──▶ View ──Compile──▶ Plan
//	               as written,              what it means:    how it is kept:
//	               every node placed        names, types      rows, paths, lookups
//
// A Definition knows where everything is written, so that all findings of a file
// come at once, each with its place. A View says what is meant and nothing of how it is
// kept: the reference evaluator, the GraphQL schema and the documentation read
// it. A Plan is plain data that the engine maintains and explain prints.
//
// Expressions are parsed by expr-lang, which is imported here alone; what they
// mean is ours: null-safe comparison, exact decimals, no clock and no randomness.
//
// The package does no I/O and knows nothing of the store. Invariant: whatever
// bytes a file holds, checking ends, in bounded time and memory, with findings
// or with a view whose every name is resolved and every expression typed.
package views
