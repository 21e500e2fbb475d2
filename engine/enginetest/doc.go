// Package enginetest holds what the engine is tested with: cases made by a
// seeded generator, a shrinker that makes a failing one small, their form as
// text, and the SQL that lets PostgreSQL say what a view's documents are.
//
// A Case is plain data, and any Case can be played: changes that make no sense
// in the state that they find (an update of a row that is not there) are passed
// over, always in the same way, so that the shrinker may take away whatever it
// likes.
package enginetest
