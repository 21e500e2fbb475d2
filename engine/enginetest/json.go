package enginetest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// DiffJSON compares two JSON documents cell by cell and names the first place
// where they differ, "" where they do not.
func DiffJSON(actual, expected []byte) (string, error) {
	a, err := decodeJSON(actual)
	if err != nil {
		return "", err
	}
	e, err := decodeJSON(expected)
	if err != nil {
		return "", err
	}
	return diff("", a, e), nil
}

func decodeJSON(b []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var v any
	err := d.Decode(&v)
	return v, err
}

func diff(path string, actual, expected any) string {
	switch e := expected.(type) {
	case map[string]any:
		a, ok := actual.(map[string]any)
		if !ok {
			break
		}
		return diffObjects(path, a, e)
	case []any:
		a, ok := actual.([]any)
		if !ok {
			break
		}
		if len(a) != len(e) {
			return fmt.Sprintf("%s has %d entries, want %d", path, len(a), len(e))
		}
		for i := range e {
			if d := diff(fmt.Sprintf("%s[%d]", path, i), a[i], e[i]); d != "" {
				return d
			}
		}
		return ""
	default:
		if actual == expected {
			return ""
		}
	}
	a, _ := json.Marshal(actual)
	e, _ := json.Marshal(expected)
	return fmt.Sprintf("%s is %s, want %s", path, a, e)
}

func diffObjects(path string, actual, expected map[string]any) string {
	if len(actual) != len(expected) {
		return fmt.Sprintf("%s has %d fields, want %d", path, len(actual), len(expected))
	}
	for _, name := range slices.Sorted(maps.Keys(expected)) {
		a, ok := actual[name]
		if !ok {
			return fmt.Sprintf("%s has no field %s", path, name)
		}
		if d := diff(path+"."+name, a, expected[name]); d != "" {
			return d
		}
	}
	return ""
}
