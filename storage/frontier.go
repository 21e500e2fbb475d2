package storage

import (
	"encoding/binary"
	"fmt"
	"time"

	"odsd/storage/encoding"
	"odsd/storage/relation"
)

// Frontier is how far a source's stream is applied.
type Frontier struct {
	Position relation.Position
	// CommittedAt is when the source committed the last applied transaction, by
	// its own clock; zero where none is known. Kept to the microsecond.
	CommittedAt time.Time
}

// A stored frontier is a version byte, the position and, where known, the
// time in microseconds since 1970.
const frontierVersion = 1

// SetFrontier stores a source's frontier: in the same commit as what it covers.
func SetFrontier(c *Commit, source string, f Frontier) {
	value := binary.BigEndian.AppendUint64([]byte{frontierVersion}, uint64(f.Position))
	if !f.CommittedAt.IsZero() {
		value = binary.BigEndian.AppendUint64(value, uint64(f.CommittedAt.UnixMicro()))
	}
	c.Set(frontierKey(source), value)
}

// DeleteFrontier forgets a source's frontier, so that it is copied anew.
func DeleteFrontier(c *Commit, source string) { c.Delete(frontierKey(source)) }

// Frontiers reads every source's frontier.
func Frontiers(r Reader) (map[string]Frontier, error) {
	prefix := []byte{spaceFrontier}
	cursor := r.Scan(prefix, PrefixEnd(prefix))
	frontiers := map[string]Frontier{}
	for cursor.Next() {
		source := string(cursor.Key()[1:])
		f, ok := parseFrontier(cursor.Value())
		if !ok {
			return nil, closeAfter(fmt.Errorf("frontier of source %q: %w", source, encoding.ErrDamaged), cursor.Close)
		}
		frontiers[source] = f
	}
	return frontiers, cursor.Close()
}

func frontierKey(source string) []byte { return append([]byte{spaceFrontier}, source...) }

func parseFrontier(value []byte) (f Frontier, ok bool) {
	if len(value) != 9 && len(value) != 17 || value[0] != frontierVersion {
		return Frontier{}, false
	}
	f.Position = relation.Position(binary.BigEndian.Uint64(value[1:]))
	if len(value) == 17 {
		f.CommittedAt = time.UnixMicro(int64(binary.BigEndian.Uint64(value[9:]))).UTC()
	}
	return f, true
}
