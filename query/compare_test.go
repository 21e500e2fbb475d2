package query

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/graphql-go/graphql"

	"odsd/storage/relation"
	"odsd/views"
)

// What of a schema's changes breaks clients: anything that a request may name and that
// goes, and anything that it gets and that is less certain.
func TestCompareTellsWhatBreaks(t *testing.T) {
	base := `
fields:
  id:
  name:
  total:
  items: {many: shop.items, join: items.thing_id == things.id, fields: [id]}
`
	for _, c := range []struct{ name, after, want string }{
		{"nothing", base, ""},
		{"a field goes", strings.Replace(base, "  name:\n", "", 1), "! Things.name is gone; ! ThingsOrderBy.name is gone; ! ThingsWhere.name is gone"},
		{"a field comes", base + "  more: total\n", "Things.more is new; ThingsOrderBy.more is new; ThingsWhere.more is new"},
		{
			"a field has another type", strings.Replace(base, "  total:\n", "  total: name\n", 1),
			"! Things.total is String, was Int; ! ThingsWhere.total is StringOps, was IntOps",
		},
		{
			"a list goes", strings.SplitAfter(base, "total:\n")[0],
			"! Things.items is gone; ! ThingsWhere.items is gone",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			changes, err := Compare([]*views.Plan{thingsPlan(t, base)}, []*views.Plan{thingsPlan(t, c.after)})
			if err != nil {
				t.Fatal(err)
			}
			var told []string
			for _, change := range changes {
				told = append(told, strings.TrimSpace(map[bool]string{true: "! "}[change.Breaking]+change.What))
			}
			if got := strings.Join(told, "; "); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if !slices.IsSortedFunc(changes, func(a, b SchemaChange) int { return strings.Compare(fmt.Sprint(b.Breaking), fmt.Sprint(a.Breaking)) }) {
				t.Error("breaking changes do not come first")
			}
		})
	}
}

func thingsPlan(t *testing.T, fields string) *views.Plan {
	t.Helper()
	d, problems := views.Parse("things.yaml", []byte("version: 1\nview: things\nfrom: shop.things\n"+strings.TrimPrefix(fields, "\n")))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	integer := relation.Type{Kind: relation.Int4}
	checked, problems := views.CheckAll([]*views.Definition{d}, map[string]*relation.Schema{
		"shop.things": {Name: "shop.things", Key: []int{0}, Columns: []relation.Column{
			{Name: "id", Type: integer, NotNull: true}, {Name: "name", Type: relation.Type{Kind: relation.Text}}, {Name: "total", Type: integer},
		}},
		"shop.items": {Name: "shop.items", Key: []int{0}, Columns: []relation.Column{
			{Name: "id", Type: integer, NotNull: true}, {Name: "thing_id", Type: integer},
		}},
	})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	plan, err := views.Compile(checked[0])
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// A type may take another's place in a reply when it promises at least as much, in a
// request when it asks for at most as much.
func TestReadableTypes(t *testing.T) {
	text, list := graphql.Type(graphql.String), func(of graphql.Type) graphql.Type { return graphql.NewList(of) }
	sure := func(of graphql.Type) graphql.Type { return graphql.NewNonNull(of) }
	for _, c := range []struct {
		old, now graphql.Type
		want     bool
	}{
		{text, sure(text), true},
		{sure(text), text, false},
		{list(text), list(sure(text)), true},
		{list(sure(text)), list(text), false},
		{sure(list(text)), sure(list(sure(text))), true},
		{text, list(text), false},
		{text, graphql.Int, false},
	} {
		if got := readable(c.old, c.now); got != c.want {
			t.Errorf("%s in the place of %s: %v", c.now, c.old, got)
		}
		if got := accepting(c.now, c.old); got != c.want {
			t.Errorf("an argument of %s in the place of %s: %v", c.old, c.now, got)
		}
	}
}
