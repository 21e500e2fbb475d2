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
	// Last marks the last transaction at or below Position, of those that sources mark, or the copy before any.
	Last relation.Mark
}

// A stored frontier is a version byte, the position, the time in microseconds since
// 1970, 0 where none is known, and the mark: where its transaction was committed, and when.
const frontierVersion = 2

// firstFrontier is the version that had no mark, and a time where one was known.
const firstFrontier = 1

// SetFrontier stores a source's frontier: in the same commit as what it covers.
func SetFrontier(c *Commit, source string, f Frontier) {
	value := binary.BigEndian.AppendUint64([]byte{frontierVersion}, uint64(f.Position))
	at := int64(0)
	if !f.CommittedAt.IsZero() {
		at = f.CommittedAt.UnixMicro()
	}
	value = binary.BigEndian.AppendUint64(value, uint64(at))
	value = binary.BigEndian.AppendUint64(value, uint64(f.Last.Commit))
	value = binary.BigEndian.AppendUint64(value, uint64(f.Last.At))
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
	if len(value) == 0 {
		return Frontier{}, false
	}
	version, numbers := value[0], value[1:]
	next := func() uint64 {
		if len(numbers) == 0 {
			return 0
		}
		n := binary.BigEndian.Uint64(numbers)
		numbers = numbers[8:]
		return n
	}
	switch {
	case version == frontierVersion && len(numbers) == 4*8:
	case version == firstFrontier && (len(numbers) == 8 || len(numbers) == 2*8):
	default:
		return Frontier{}, false
	}
	f.Position = relation.Position(next())
	if at := int64(next()); at != 0 {
		f.CommittedAt = time.UnixMicro(at).UTC()
	}
	f.Last = relation.Mark{Commit: relation.Position(next()), At: int64(next())}
	return f, true
}
