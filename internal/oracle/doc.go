// Package oracle holds no code, only the test of the whole program: the daemon as
// users run it, over real databases that are written to all the time, while it and they are
// killed.
//
//	workload, random transactions ──▶ four databases ──▶ odsd run ──▶ GraphQL ──▶ readers
//	                                       ▲                 ▲                    every reply right
//	                                       └── crash, cut ───┴── kill -9
//
// At each barrier writing stops and the daemon catches up. Then what it serves must
// equal its own recomputation (`odsd verify`), and what PostgreSQL makes of the same
// rows by the SQL that the definitions mean (engine/enginetest).
//
// A bank of its own has transfers between two tables that are large enough for the daemon to be
// killed in the middle of their initial copies; the total in each reply is always the same.
package oracle
