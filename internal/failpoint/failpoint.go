// Package failpoint names the places in the code at which a test kills the daemon.
//
// A program has them only if it was built with the tag failpoints: without it At is an empty
// function, which the compiler leaves out, and no setting of the environment brings it
// back. With it, ODSD_FAILPOINT=NAME:N ends the process by SIGKILL when the place NAME is
// passed the N-th time, and ODSD_FAILPOINT_LOAD_BYTES has small tables go the way of large ones.
package failpoint

// Name of a place.
type Name string

// The places.
const (
	Decoded     Name = "decoded"      // a transaction is decoded, and not yet delivered
	BeforeWrite Name = "before-write" // a commit of transactions is filled, and not yet applied
	BeforeSync  Name = "before-sync"  // it is visible, and not yet on disk
	BeforeAck   Name = "before-ack"   // it is on disk, and its source was not told
	Copied      Name = "copied"       // some rows of a copy are taken
	Spilled     Name = "spilled"      // some of them are sorted, outside the store
	Sorted      Name = "sorted"       // some of a load is written to tables, which the store has not taken yet
	Loaded      Name = "loaded"       // all of a load is in the store, and nothing says so yet
	CopySwitch  Name = "copy-switch"  // a copy is complete, and does not yet serve
	Built       Name = "built"        // a chunk of a view is built
	ViewSwitch  Name = "view-switch"  // a view is built, and does not yet serve
	Switched    Name = "switched"     // it serves by what is stored, and not in memory
)

// Names are all places.
func Names() []Name {
	return []Name{Decoded, BeforeWrite, BeforeSync, BeforeAck, Copied, Spilled, Sorted, Loaded, CopySwitch, Built, ViewSwitch, Switched}
}

// The variables of the environment that a program with the tag reads: where it dies, and how many
// bytes of copied rows it holds in memory.
const (
	Setting     = "ODSD_FAILPOINT"
	LoadSetting = "ODSD_FAILPOINT_LOAD_BYTES"
)
