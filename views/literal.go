package views

import (
	"odsd/storage/relation"
)

// ParseLiteral reads a value that stands in the YAML as text, as PostgreSQL prints
// it; times and intervals as in expressions, in all the forms that people write.
func ParseLiteral(t relation.Type, text string) (relation.Value, error) {
	if parsedBeside(t.Kind) {
		return parseLiteral(t.Kind, text)
	}
	return relation.ParseText(t, text)
}

// literal is ParseLiteral of what must be a value: a default, an accepted value.
func literal(t relation.Type, text string) (relation.Value, bool) {
	value, err := ParseLiteral(t, text)
	if err != nil || value.Missing() || value.IsNaN() || value.IsInfinite() || value.InfinitySign() != 0 {
		return relation.Value{}, false
	}
	return value, true
}
