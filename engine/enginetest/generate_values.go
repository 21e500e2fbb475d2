package enginetest

import "odsd/storage/relation"

// jsonb differs from json in what PostgreSQL prints alone.
var jsonb = relation.Type{Kind: relation.JSON, Scale: -1, Name: "jsonb"}

// printed makes a value of a type whose values are listed as PostgreSQL prints them.
func (g *generator) printed(t relation.Type) relation.Value {
	v, _ := relation.ParseText(t, pick(g, listOfValues(t))) // a test parses all of them
	return v
}

func listOfValues(t relation.Type) []string {
	switch t.Kind {
	case relation.UUID:
		return ids
	case relation.Interval:
		return intervals
	case relation.Enum:
		return EnumLabels
	case relation.JSON:
		if t == jsonb {
			return jsonbs
		}
		return jsons
	}
	if t.Elem == relation.Int4 {
		return numberLists
	}
	return textLists
}

// ids differ in their first and in their last place.
var ids = []string{"00000000-0000-0000-0000-000000000000", "6ba7b810-9dad-11d1-80b4-00c04fd430c8", "6ba7b810-9dad-11d1-80b4-00c04fd430c9", "f0000000-0000-0000-0000-000000000000"}

// intervals are often equal to others and yet printed otherwise: a month is 30 days, and a
// day 24 hours. Parts of one may have different signs.
var intervals = []string{
	"00:00:00", "1 mon", "30 days", "720:00:00", "-1 mons", "-30 days", "1 mon -30 days", "1 day", "24:00:00",
	"1 day -00:00:00.000001", "23:59:59.999999", "-00:00:00.000001", "1 year 2 mons 3 days 04:05:06.5", "-1 mons +29 days",
}

// EnumLabels are those of the type enum, in an order that is not that of their texts.
var EnumLabels = []string{"zebra", "b", "B", "a", "a b", "aa", spareText}

// jsons keep the text as it was given: spaces, the sequence of members, members of one name,
// and numbers in any form. n is always a number, and s a text.
var jsons = []string{
	`{"n": 1.0, "s": "a", "o": {"n": 2}}`, `{"s": "B", "n": 1.00}`, `{"n":1,"n":2}`, `{"n": 1e1, "l": [1, {"s": "b"}, null]}`,
	`{"s": "é\u00e9\"\\"}`, ` [ {"n": -0.50}, 2 ] `, `{}`, `[]`, `null`, `"a"`, `1.0`, `true`, `{"n": null, "s": null, "o": {"o": {"n": 3.5}}}`,
}

// jsonbs are printed in the one form that PostgreSQL keeps.
var jsonbs = []string{
	`{"n": 1.0, "s": "a"}`, `{"n": 1.00, "s": "a"}`, `{"o": {"n": 2}, "aa": 1}`, `{"l": [1, {"s": "b"}, null], "n": 10}`,
	`{"s": "é\"\\"}`, `[{"n": -0.50}, 2]`, `{}`, `[]`, `null`, `"a"`, `1.00`, `false`,
}

// numberLists have no elements, null ones, several dimensions, and indexes from 0.
var numberLists = []string{"{}", "{1}", "{NULL}", "{1,NULL,2}", "{1,2}", "{2,1}", "{{1,2},{3,4}}", "{{1},{5}}", "{1,2,3,4}", "[0:1]={1,2}"}

// textLists have elements that are printed in quotes, among them the word NULL.
var textLists = []string{`{}`, `{a}`, `{NULL}`, `{"NULL"}`, `{"",a}`, `{"a b",NULL,B}`, `{"\"","\\"}`, `{é,"a,b"}`, `{{a,B},{b,NULL}}`}
