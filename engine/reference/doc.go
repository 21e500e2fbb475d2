// Package reference computes documents from their definition in the plainest
// way there is: for every root row it looks up what joins to it, level by
// level, and works out each field from the rows in hand. Nothing is kept
// between two documents and nothing is clever, so that it can be read beside
// the chapter "Meaning" of the language and be seen to be right.
//
// It is what the engine is measured against: by `odsd verify` on real data, by
// `odsd test` on the rows of a test, and by generated cases in the engine's own
// tests. Its invariant is therefore what it does not use: of the view it reads
// the checked definition (nodes, occurrences, joins, conditions, orders,
// aggregates) and the compiled expressions, never the Plan; of the engine it
// reads nothing at all.
package reference
