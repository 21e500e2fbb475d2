// Package memory runs the engine without a database and without a disk: its
// sources are told their rows and transactions, its store lies in memory. View
// tests and the engine's own tests stand on it.
//
// What runs is the engine that a daemon runs; nothing of it is replaced but its
// two ends.
package memory
