package fileschema_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"odsd/project/fileschema"
	"odsd/views"
)

// TestExamplesAreValid: nothing in the example project is marked.
func TestExamplesAreValid(t *testing.T) {
	compiled := compileAll(t)
	count := 0
	for _, dir := range []string{"../../examples", "../testdata/good", "testdata/all"} {
		for _, k := range fileschema.Kinds() {
			names, err := filepath.Glob(filepath.Join(dir, k.Files))
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range names {
				count++
				text, err := os.ReadFile(name)
				if err != nil {
					t.Fatal(err)
				}
				if err := compiled[k.Name].Validate(plain(t, parse(t, text))); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
		}
	}
	if count < 30 {
		t.Errorf("only %d files", count)
	}
}

// TestMistakesAreMarked: what people get wrong is marked, at its place.
func TestMistakesAreMarked(t *testing.T) {
	const view = "version: 1\nview: v\nfrom: s.t\n"
	compiled := compileAll(t)
	for _, test := range []struct{ kind, text, place string }{
		{"odsd", "data_dir: ./data\n", ""},
		{"odsd", "version: 2\n", "/version"},
		{"odsd", "version: 1\ndatadir: ./data\n", ""},
		{"odsd", "version: 1\nauth: {}\n", "/auth"},
		{"odsd", "version: 1\ninsecure: yes\n", "/insecure"},
		{"odsd", "version: 1\nlimits: {max_depth: 0}\n", "/limits/max_depth"},
		{"source", "version: 1\nsource: Shop\npostgres: {dsn: x}\ntables: {a: }\n", "/source"},
		{"source", "version: 1\nsource: shop\npostgres: {slot: x}\ntables: {a: }\n", "/postgres"},
		{"source", "version: 1\nsource: shop\npostgres: {dsn: x, heartbeat: 10s, on_slot_loss: shrug}\ntables: {a: }\n", "/postgres/on_slot_loss"},
		{"source", "version: 1\nsource: shop\npostgres: {dsn: x}\ntables: orders\n", "/tables"},
		{"source", "version: 1\nsource: shop\npostgres: {dsn: x}\ntables: {a: {columns: {b: {mask: first4}}}}\n", "/tables/a/columns/b/mask"},
		{"source", "version: 1\nsource: shop\npostgres: {dsn: x}\n", ""},
		{"view", view, ""},
		{"view", view + "fields: id\n", "/fields"},
		{"view", view + "fields: {}\n", "/fields"},
		{"view", view + "fields: {a: {one: s.u, fields: [b]}}\n", "/fields/a"},
		{"view", view + "fields: {a: {many: s.u, join: u.id == t.id}}\n", "/fields/a"},
		{"view", view + "fields: {a: {one: s.u, many: s.w, join: x == y, fields: [b]}}\n", "/fields/a"},
		{"view", view + "fields: {a: {summ: b.c}}\n", "/fields/a"},
		{"view", view + "fields: {a: {expr: b, limit: 3}}\n", "/fields/a"},
		{"view", view + "fields: {a: {first: b.c}}\n", "/fields/a"},
		{"view", view + "fields: {a: {sum: b.c, order_by: [c]}}\n", "/fields/a"},
		{"view", view + "fields: {a: {collect: b.c, distinct: often}}\n", "/fields/a/distinct"},
		{"view", view + "fields: {a: {many: s.u, join: x == y, limit: 0, fields: [b]}}\n", "/fields/a/limit"},
		{"view", view + "fields: {a: {many: s.u, join: x == y, fields: {b: {graphql: {as: Real}}}}}\n", "/fields/a/fields/b/graphql/as"},
		{"view", view + "fields: [a]\nmeasures: {n: {count: '*'}}\n", ""},
		{"view", view + "fields: [a]\naccess: [{roles: [b]}]\n", "/access/0"},
		{"view", view + "fields: [a]\nindexes: [a]\n", "/indexes/0"},
		{"view", view + "fields: [a]\nchecks: [{not_null: a, accepted_values: {a: [b]}}]\n", "/checks/0"},
		{"view", view + "fields: [a]\nconflict: first\n", ""},
		{"view", view + "group_by: {d: {bucket: at, every: 1d}}\n", "/group_by/d"},
		{"view", view + "group_by: [a]\nmeasures: {n: }\n", "/measures/n"},
		{"view", "version: 1\nview: v\nunion: [{from: s.t}]\n", ""},
		{"view", "version: 1\nview: v\nkey: id\nunion: []\n", "/union"},
		{"view", "version: 1\nview: v\nkey: id\nfrom: s.t\nunion: [{from: s.t}]\n", ""},
		{"tests", "version: 1\ntests: [{name: a, view: v}]\n", "/tests/0"},
		{"tests", "version: 1\ntests: [{name: a, view: v, expects: []}]\n", "/tests/0"},
		{"tests", "version: 1\ntests: [{name: a, view: v, given: {s.t: {id: 1}}, expect: []}]\n", "/tests/0/given/s.t"},
		{"schema", "version: 1\nschema: s\ntables: {t: {columns: {id: {}}}}\n", "/tables/t/columns/id"},
	} {
		err := compiled[test.kind].Validate(plain(t, parse(t, []byte(test.text))))
		if err == nil || !strings.Contains(err.Error(), "at '"+test.place+"'") {
			t.Errorf("%s: %q is to be marked at %q, got %v", test.kind, test.text, test.place, err)
		}
	}
}

// TestBrokenFilesAreMarked: of the files that show what the checker finds, those
// are marked whose keys or shapes it refuses, and no others that it can read.
func TestBrokenFilesAreMarked(t *testing.T) {
	compiled := compileAll(t)
	names, err := filepath.Glob("../../views/testdata/check/*/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	marked, good := 0, 0
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		_, found := views.Parse(name, text)
		var document yaml.Node
		if yaml.Unmarshal(text, &document) != nil {
			if len(found) == 0 {
				t.Errorf("%s is not YAML and not refused", name)
			}
			continue // an editor says so without a schema
		}
		invalid := compiled["view"].Validate(plain(t, parse(t, text)))
		switch refused := slices.ContainsFunc(found, aboutKeys); {
		case refused && invalid == nil:
			t.Errorf("%s: not marked: %v", name, found)
		case invalid != nil && len(found) == 0:
			t.Errorf("%s: the checker reads it: %v", name, invalid)
		case invalid != nil:
			marked++
		default:
			good++
		}
	}
	if marked < 10 || good < 20 {
		t.Errorf("%d files marked, %d not", marked, good)
	}
	for file, kind := range map[string]string{"odsd.yaml": "odsd", "sources/crm.yaml": "source", "schema/crm.yaml": "schema", "views/customer.yaml": "view"} {
		text, err := os.ReadFile(filepath.Join("../testdata/broken", file))
		if err != nil {
			t.Fatal(err)
		}
		if compiled[kind].Validate(plain(t, parse(t, text))) == nil {
			t.Errorf("%s: nothing is marked", file)
		}
	}
}

// TestKeysAreExplained: each key has a text to show beside it.
func TestKeysAreExplained(t *testing.T) {
	for _, k := range fileschema.Kinds() {
		if k.Schema.AnyOf != nil || k.Schema.Title == "" || k.Schema.Description == "" {
			t.Errorf("%s: alternatives at the top, or no title and description", k.Name)
		}
		everyProperty(k.Schema, func(path string, s *fileschema.Schema) {
			if s.Description == "" {
				t.Errorf("%s: %s has no description", k.Name, path)
			}
		})
	}
}
