// Package mutants proves that the tests bite. Each file under testdata is a
// patch that breaks one step of the maintenance of views, of the apply loop or
// of capture; a test build with that patch must fail.
//
//	what is broken, in one sentence
//	tests: ./package TestA|TestB        absent: the random oracle, then all of engine/enginetest
//
//	--- a/file.go
//	+++ b/file.go
//	@@ …
//
// The shipped code knows nothing of this: a patched copy is laid over the file by
// the go command's -overlay. Lines of a patch are found by their text and not by
// their numbers; a patch whose lines are no longer there, or are there twice,
// fails the test, since a mutant that cannot be made proves nothing.
//
// A mutant that no test catches is either a missing test, to be written, or
// the same program in other words, to be dropped.
package mutants
