package views

import (
	"strings"
	"testing"

	"odsd/storage/relation"
)

// Whatever a definition says of what is stored must change the fingerprint: by it
// a restarted daemon knows that what it has stored is another view.
func TestEveryRedefinitionChangesTheFingerprint(t *testing.T) {
	const documents = `version: 1
view: v
from: s.a
where: n > 1
key: id
fields:
  id:
  plus: n + 1
  b:
    one: s.b
    join: b.id == a.n
    order_by: [m]
    where: m > 0
    fields: [id, m]
  list:
    many: s.b
    as: l
    join: l.n == a.id
    where: l.m > 2
    order_by: [m desc]
    fields:
      m:
      twice: m * 2
  total: {sum: list.m, where: l.m > 3, default: 0}
  first: {first: list.m, order_by: [l.n desc]}
  all: {collect: list.m, limit: 3}
having: total > 4
indexes: [[plus]]
checks: [{not_null: plus}, {accepted_values: {id: [1, 2]}}, {expression: total > 5}]
`
	const groups = `version: 1
view: v
from: s.a
where: n > 1
group_by:
  n:
measures:
  sum: {sum: m + 1, where: m > 2}
  rows: {count: "*"}
  first: {first: m, order_by: [n]}
  all: {collect: m, distinct: true}
  twice: {expr: sum * 2}
having: rows > 3
`
	const union = `version: 1
view: v
key: [kind, id]
union:
  - {from: s.a, const: {kind: a, currency: EUR}, where: n > 1, rename: {x: m}}
  - {from: s.b, const: {kind: b, currency: USD}}
`
	for text, edits := range map[string][][2]string{
		documents: {
			{"where: n > 1", "where: n > 2"}, {"n + 1", "n + 2"}, {"order_by: [m]", "order_by: [m desc]"}, {"m > 0", "m > 1"},
			{"l.n == a.id", "l.m == a.id"}, {"l.m > 2", "l.m > 3"}, {"[m desc]", "[m]"}, {"m * 2", "m * 3"}, {"sum: list.m,", "max: list.m,"},
			{"where: l.m > 3", "where: l.m > 4"}, {"default: 0", "default: 1"}, {"total > 4", "total > 5"}, {"[[plus]]", "[[plus desc]]"},
			{"many: s.b", "many: s.a"}, {"first: list.m", "last: list.m"}, {"l.n desc", "l.n"}, {"l.n desc", "l.n desc nulls last"}, {"l.n desc", "l.id desc"},
			{"l.n desc", "l.n desc, twice"}, {"limit: 3", "limit: 4"}, {", limit: 3", ""}, {"limit: 3", "limit: 3, distinct: true"}, {"collect: list.m, limit: 3", "max: list.m"},
			{"not_null: plus", "not_null: total"}, {"[1, 2]", "[1, 3]"}, {"total > 5", "total > 6"},
		},
		groups: {
			{"n > 1", "n > 2"}, {"m + 1", "m * 2"}, {"m > 2", "m > 3"}, {"sum * 2", "sum * 3"}, {"rows > 3", "rows > 4"}, {"  n:", "  n: n + 1"},
			{"sum: {sum", "sum: {max"}, {"first: {first", "first: {last"}, {"[n]", "[n desc]"}, {"[n]", "[m]"}, {", distinct: true", ""}, {"{collect: m", "{collect: n"},
		},
		union: {
			{"currency: EUR", "currency: GBP"}, {"n > 1", "n > 2"}, {"{x: m}", "{x: n}"}, {"kind: b", "kind: c"}, {"from: s.b", "from: s.c"},
		},
	} {
		before := fingerprintOf(t, text)
		for _, edit := range edits {
			after := strings.Replace(text, edit[0], edit[1], 1)
			if after == text {
				t.Fatalf("%q is not in the definition", edit[0])
			}
			if fingerprintOf(t, after) == before {
				t.Errorf("%q in place of %q leaves the fingerprint as it is", edit[1], edit[0])
			}
		}
	}
}

// What a check is called, and how bad it is, is not stored.
func TestNamesOfChecksAreNotInTheFingerprint(t *testing.T) {
	const text = "version: 1\nview: v\nfrom: s.a\nfields: [id]\nchecks: [{not_null: id}]\n"
	renamed := strings.Replace(text, "{not_null: id}", "{not_null: id, name: known, severity: warn}", 1)
	if fingerprintOf(t, text) != fingerprintOf(t, renamed) {
		t.Error("another name builds the view anew")
	}
}

func fingerprintOf(t *testing.T, text string) string {
	t.Helper()
	schemas := map[string]*relation.Schema{}
	for _, name := range []string{"s.a", "s.b", "s.c"} {
		s := &relation.Schema{Name: name, Key: []int{0}}
		for _, column := range []string{"id", "n", "m"} {
			s.Columns = append(s.Columns, relation.Column{Name: column, Type: relation.TypeOf(relation.Int4), NotNull: column == "id"})
		}
		schemas[name] = s
	}
	definition, found := Parse("v.yaml", []byte(text))
	checked, more := CheckAll([]*Definition{definition}, schemas)
	for _, d := range append(found, more...) {
		if d.Severity == "error" {
			t.Fatalf("%v in\n%s", d, text)
		}
	}
	plan, err := Compile(checked[0])
	if err != nil {
		t.Fatal(err)
	}
	return plan.Fingerprint()
}
