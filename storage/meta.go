package storage

import (
	"encoding/json"
	"fmt"
)

// MetaKey is the key of the JSON document of that name.
func MetaKey(name string) []byte { return append([]byte{spaceMeta}, name...) }

// SetMeta stores v as the JSON document of that name.
func SetMeta(c *Commit, name string, v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("meta document %q: %w", name, err)
	}
	c.Set(MetaKey(name), raw)
	return nil
}

// GetMeta reads the JSON document of that name into v; false when there is none.
func GetMeta(r Reader, name string, v any) (bool, error) {
	raw, found, err := r.Get(MetaKey(name))
	if err != nil || !found {
		return false, err
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return false, fmt.Errorf("meta document %q: %w", name, err)
	}
	return true, nil
}

// DeleteMeta removes the document of that name.
func DeleteMeta(c *Commit, name string) { c.Delete(MetaKey(name)) }

// ScanMeta calls f for each document whose name begins with prefix, by name. raw
// is valid during the call.
func ScanMeta(r Reader, prefix string, f func(name string, raw []byte) error) (err error) {
	lower := MetaKey(prefix)
	cursor := r.Scan(lower, PrefixEnd(lower))
	defer func() {
		if closeErr := cursor.Close(); err == nil {
			err = closeErr
		}
	}()
	for cursor.Next() {
		if err := f(string(cursor.Key()[1:]), cursor.Value()); err != nil {
			return err
		}
	}
	return cursor.Err()
}
