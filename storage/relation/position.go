package relation

import (
	"fmt"
	"strconv"
	"strings"
)

// Position is a place in a source's stream of transactions, ordered; for
// PostgreSQL an LSN in bytes. Zero is before everything.
type Position uint64

// Mark tells one transaction of a source from any other that might stand in its place:
// in a log that was restored to an earlier state and goes on otherwise. Zero: none.
type Mark struct {
	Commit Position // where its commit is told
	At     int64    // and when it was, in microseconds since 1970 by the source's clock
}

// String prints a position as PostgreSQL prints an LSN, "16/B374D848".
func (p Position) String() string {
	return fmt.Sprintf("%X/%X", uint32(p>>32), uint32(p))
}

// ParsePosition reads what String prints.
func ParsePosition(s string) (Position, error) {
	high, low, ok := strings.Cut(s, "/")
	if ok {
		h, errHigh := strconv.ParseUint(high, 16, 32)
		l, errLow := strconv.ParseUint(low, 16, 32)
		if errHigh == nil && errLow == nil {
			return Position(h<<32 | l), nil
		}
	}
	return 0, fmt.Errorf("%q is not an LSN: expected two hexadecimal numbers, as in 16/B374D848", s)
}
