package enginetest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"odsd/storage"
	"odsd/views"
)

// contents is all that a store holds but meta documents and frontiers: by the name
// of what it belongs to, with the numbers of relations, indexes and generations left out.
type contents map[string][]pair

// contents reads the store of a world at rest.
func (w *World) contents() (contents, error) {
	reading, err := w.Engine.Read()
	if err != nil {
		return nil, err
	}
	defer reading.Close()
	c := contents{}
	total := 0
	ranges, err := namedRanges(reading.Snapshot)
	if err != nil {
		return nil, err
	}
	for name, all := range ranges {
		for _, r := range all {
			pairs, err := readPairs(reading.Snapshot, r[0], r[1])
			if err != nil {
				return nil, err
			}
			c[name] = append(c[name], pairs...)
			total += len(pairs)
		}
	}
	stray, err := strays(reading.Snapshot, total)
	if err != nil {
		return nil, err
	}
	if stray != 0 {
		return nil, fmt.Errorf("the store holds %d keys that belong to no relation, index or view", stray)
	}
	return c, nil
}

// namedRanges finds in the catalog where everything lies.
func namedRanges(r storage.Reader) (map[string][][2][]byte, error) {
	ranges := map[string][][2][]byte{}
	add := func(name string, prefix []byte) {
		ranges[name] = append(ranges[name], [2][]byte{prefix, storage.PrefixEnd(prefix)})
	}
	err := errors.Join(
		storage.ScanMeta(r, "relation/", func(name string, raw []byte) error {
			var record struct{ ID storage.RelationID }
			if err := json.Unmarshal(raw, &record); err != nil {
				return err
			}
			add(name, storage.AppendRowPrefix(nil, record.ID))
			return nil
		}),
		storage.ScanMeta(r, "index/", func(_ string, raw []byte) error {
			var record struct {
				ID          storage.IndexID
				Arrangement views.Arrangement
			}
			if err := json.Unmarshal(raw, &record); err != nil {
				return err
			}
			add(fmt.Sprintf("index %+v", record.Arrangement), storage.AppendIndexPrefix(nil, record.ID))
			return nil
		}),
		storage.ScanMeta(r, "view/", func(name string, raw []byte) error {
			var record struct{ Generation storage.GenerationID }
			if err := json.Unmarshal(raw, &record); err != nil {
				return err
			}
			ranges[name] = append(ranges[name], storage.GenerationRanges(record.Generation)...)
			return nil
		}))
	return ranges, err
}

// numberBytes is the length of the number after a key's first byte.
const numberBytes = 4

func readPairs(r storage.Reader, lower, upper []byte) ([]pair, error) {
	var pairs []pair
	cursor := r.Scan(lower, upper)
	for cursor.Next() {
		key := append([]byte{cursor.Key()[0]}, cursor.Key()[1+numberBytes:]...)
		pairs = append(pairs, pair{key, bytes.Clone(cursor.Value())})
	}
	return pairs, errors.Join(cursor.Err(), cursor.Close())
}

// strays counts what the store holds beyond the keys that were found by name.
func strays(r storage.Reader, known int) (int, error) {
	cursor := r.Scan(nil, nil)
	n := 0
	for cursor.Next() {
		if first := cursor.Key()[0]; first != 'm' && first != 'f' {
			n++
		}
	}
	return n - known, errors.Join(cursor.Err(), cursor.Close())
}

// compareContents says where two stores differ first.
func compareContents(have, want contents) error {
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if _, ok := have[name]; !ok {
			return fmt.Errorf("%s is not stored", name)
		}
		if err := compareDumps(name, have[name], want[name]); err != nil {
			return err
		}
	}
	for name := range have {
		if _, ok := want[name]; !ok {
			return fmt.Errorf("%s is stored", name)
		}
	}
	return nil
}
