// Package views turns the YAML of views into plans.
//
//	file ──Parse──▶ Definition ──CheckAll──▶ View ──Compile──▶ Plan
//	               as written,             resolved and      lowered to what is
//	               every piece placed      typed             stored and looked up
//
// A Definition holds what was written and where. CheckAll resolves it against the
// schemas of the relations it stands on: every name, every expression's type,
// every join's key; it reports all that is wrong, each at its place, and gives the
// views that have no errors. A View says what a view means and nothing of how it
// is kept. A Plan says how, as plain data.
//
// Expressions are parsed by expr-lang, which only this package imports, and
// checked and compiled by us: the language of expressions has SQL's numbers and
// nulls (see expr.go).
//
// The invariant: whatever CheckAll gives, Compile lowers, and whatever a compiled
// expression is run on, it returns a value of its type, null or an error value; it
// does not panic. The package reads no files and keeps no state.
package views
