// Command odsd keeps documents that join the databases of many teams up to
// date with every commit, and serves them over GraphQL.
//
// Each command has its own file. serve.go is the only place where all packages
// meet: it turns a project folder into a running daemon. control.go is the
// daemon's unix socket, through which the other commands reach it.
//
// stdout holds results alone and, with --json, one JSON document; everything
// that is said about the work goes to stderr. Exit codes: 0 fine; 1 findings (a
// faulty view, a row that differs); 2 usage, configuration, internal errors or
// a daemon that cannot be reached; status besides: 3 when a source is
// unreachable, 4 when one is staler than its error_after.
package main
