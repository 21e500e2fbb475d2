// Command bench measures how fast odsd takes in a backlog, beside what PostgreSQL's
// own tools do with the same one.
//
//	base rows ──▶ slot bench_base ──▶ backlog ──▶ rounds: contender, contender, …
//	                    │                              │
//	                    └── copied before each run ────┘
//
// A workload is a folder of SQL (workloads/), from which one-row transactions
// are written into the demo's four databases while a slot of each stands where the base
// rows end. Every run of a contender reads a fresh copy of that slot and begins
// with the same base rows, so that all consume the same log, and one backlog serves
// all rounds. Contenders run in turns, the order rotated each round, and medians are
// compared: what else the machine does then falls on all of them.
//
// The invariant: who does not arrive at the truth has no figures. After its last run
// odsd has to pass `odsd verify`, a subscription's tables have to equal the sources'.
package main
