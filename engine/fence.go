package engine

import (
	"context"

	"odsd/storage/relation"
)

// Fencer is a Source that can be compared with what the store holds of it.
type Fencer interface {
	// Fence takes a point at which the source and the store are comparable. It
	// may be called while Run is running.
	Fence(ctx context.Context) (Fence, error)
}

// Fence is an unchanging look at a source: exactly the transactions that end
// at or below Position. It is used by one goroutine and must be closed, since
// it keeps the database from cleaning up.
type Fence interface {
	Position() relation.Position
	// Rows calls visit with every row of a relation as of Position, in no
	// particular order, by column ordinal of the schema. The row's slice is
	// the receiver's. An error of visit ends the reading and is returned.
	Rows(ctx context.Context, schema *relation.Schema, visit func(row []relation.Value) error) error
	Close() error
}
