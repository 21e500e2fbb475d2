// Package viewtest runs the view tests of a project on the engine that the
// daemon runs, with sources and store in memory.
//
// Each test is played three ways: all rows at once, as an initial copy finds
// them; one change at a time, from empty tables; and shuffled across sources and
// commits. The documents must be those that the test expects, and in every field
// those that the naive evaluator makes of the same rows. So the three agree: what
// a view shows does not depend on how its rows came.
package viewtest
