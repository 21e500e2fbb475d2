// Package backup keeps a copy of a store in a folder that tells whether it is
// whole.
//
//	DIR/manifest.json   what is in it: format, odsd, time, LSN of each source, checksum of each file
//	DIR/store/…         the files of a checkpoint
//
// The invariant: a folder that has a manifest is a whole backup. It is
// written beside its place, as DIR.partial, the manifest last, and is renamed when all of
// it is on the disk; one that failed is removed, and what a killed program left has another name
// and is replaced by the next.
//
// Every byte is covered: each file by its SHA-256 in the manifest, the manifest
// by its own. Files are copied and never linked, so that a byte that goes bad in the store
// does not go bad in its backup too.
//
// A backup holds all rows of the store, and the keys of cursors and masks: it
// is its owner's alone, as the store is.
package backup
