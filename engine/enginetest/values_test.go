package enginetest

import (
	"testing"

	"odsd/storage/relation"
)

// TestListedValuesAreReadAndPrintedAsTheyAre: what the generator draws from is what
// PostgreSQL prints, so that no value is another one in the oracle's databases.
func TestListedValuesAreReadAndPrintedAsTheyAre(t *testing.T) {
	types := append([]relation.Type{jsonb}, dataTypes...)
	for _, typ := range types {
		switch typ.Kind {
		case relation.UUID, relation.Interval, relation.Enum, relation.JSON, relation.Array:
		default:
			continue // made of numbers
		}
		for _, text := range listOfValues(typ) {
			v, err := relation.ParseText(typ, text)
			if printed := string(relation.AppendText(nil, v)); err != nil || printed != text {
				t.Errorf("%s %s is printed %s, %v", typ, text, printed, err)
			}
		}
	}
}
