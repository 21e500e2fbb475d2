// Package pgcluster starts throw-away PostgreSQL clusters for tests, bench and
// demo, and finds or fetches the server programs for them.
//
// A cluster is one directory and one server:
//
//	dir/data          the data directory, by initdb
//	dir/server.log    what the server says
//	dir/password      of the superuser, so that a kept cluster can be started again
//
// The server listens on 127.0.0.1 alone, has no unix socket, and asks for a
// generated password. Run by root, it runs as an unprivileged user.
//
// Invariant: nothing outlives the process that started a cluster. Stop joins the
// server and removes what was not asked to be kept; should the process die
// without Stop, by kill -9 even, the kernel stops the server (on Linux) and a
// guard, a shell that waits at the other end of a pipe, stops it and removes the
// files (everywhere). Each cluster has its own system identifier, so that copies
// and mix-ups are noticed as they are in production.
package pgcluster
