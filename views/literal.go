package views

import (
	"odsd/storage/relation"
)

// literal reads a value that stands in the YAML as text: a default, an
// accepted value. It is written as PostgreSQL prints it.
func literal(t relation.Type, text string) (relation.Value, bool) {
	value, err := relation.ParseText(t, text)
	if err != nil || value.Missing() || value.IsNaN() || value.IsInfinite() || value.InfinitySign() != 0 {
		return relation.Value{}, false
	}
	return value, true
}
