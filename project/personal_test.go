package project

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"odsd/internal/yamlfile"
)

// folder writes a project.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const personalSource = `version: 1
source: crm
postgres: {dsn: postgres://localhost/crm}
tables:
  people: {columns: {email: {pii: email}, phnoe: {pii: phone}}}
`

const personalSchema = `version: 1
schema: crm
tables:
  people:
    rows: 3000000
    columns:
      id: {type: bigint, not_null: true}
      email: {type: text}
      phone: {type: text}
    key: [id]
`

// What a source marks as personal is so in its views, whatever told of the
// table's columns; a mark of a column that is not there is an error.
func TestPersonalColumns(t *testing.T) {
	p, found := Load(folder(t, map[string]string{
		"odsd.yaml": "version: 1\n", "sources/crm.yaml": personalSource, "schema/crm.yaml": personalSchema,
		"views/open.yaml": "version: 1\nview: open\nfrom: crm.people\nfields: [id, email, phone]\n",
	}), variables(nil))
	if len(found) != 1 || found[0].Code != yamlfile.CodeName || !strings.Contains(found[0].Hint, `"phone"`) {
		t.Errorf("found %v", found)
	}
	live := *p.Schemas["crm.people"]
	if live.Rows != 3_000_000 {
		t.Errorf("%d rows", live.Rows)
	}
	p.Schemas["crm.people"] = &live
	checked, found := p.Check()
	if len(checked) != 1 || len(found) != 1 || found[0].Code != yamlfile.CodePersonal || !strings.Contains(found[0].Message, "crm.people.email") {
		t.Errorf("%d views, found %v", len(checked), found)
	}
	if live.Columns[1].PII != "" {
		t.Error("the schemas given are written to")
	}
}

// A view whose rules of access are not enforced is not served, nor is anything
// that stands on it.
func TestAccessIsNotServed(t *testing.T) {
	view := func(name, from, more string) string {
		return "version: 1\nview: " + name + "\nfrom: " + from + "\nfields: [id, phone]\n" + more
	}
	p, _ := Load(folder(t, map[string]string{
		"odsd.yaml": "version: 1\n", "sources/crm.yaml": strings.ReplaceAll(personalSource, ", phnoe: {pii: phone}", ""), "schema/crm.yaml": personalSchema,
		"views/a.yaml": view("ruled", "crm.people", "access: [{roles: [support], fields: '*'}]\n"),
		"views/b.yaml": view("above", "ruled", ""),
		"views/c.yaml": view("top", "above", ""),
		"views/d.yaml": view("nobody", "crm.people", "access: []\n"),
		"views/e.yaml": view("everybody", "crm.people", ""),
	}), variables(nil))
	checked, found := p.Check()
	if len(checked) != 5 || yamlfile.HasErrors(found) {
		t.Fatalf("%d views, found %v", len(checked), found)
	}
	served, found := p.CheckToServe(p.Schemas)
	if len(served) != 1 || served[0].Name != "everybody" {
		t.Errorf("served are %v", served)
	}
	refused := 0
	for _, d := range found {
		if d.Severity == yamlfile.Error && d.Code == yamlfile.CodeNotBuilt {
			refused++
		}
	}
	if refused != 4 {
		t.Errorf("%d views are refused: %v", refused, found)
	}
}

// A schema file says roughly how many rows a table has, so that it stands still.
func TestRowsRoughly(t *testing.T) {
	for rows, want := range map[int64]int64{0: 0, 9_999: 0, 10_000: 10_000, 14_999: 10_000, 15_000: 20_000, 96_000_000: 100_000_000, 1_234_567: 1_000_000} {
		if got := roughly(rows); got != want {
			t.Errorf("%d rows are written as %d, want %d", rows, got, want)
		}
	}
}
