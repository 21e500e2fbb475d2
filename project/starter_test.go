package project

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"odsd/internal/yamlfile"
)

// TestStarter makes a project of the example's databases, with awkward names
// besides, and checks it.
func TestStarter(t *testing.T) {
	var sources []StarterSource
	for _, name := range []string{"crm", "shop"} {
		data, err := os.ReadFile("testdata/starter/" + name + ".yaml")
		if err != nil {
			t.Fatal(err)
		}
		schema, found := ParseSchema(name+".yaml", data)
		if len(found) > 0 {
			t.Fatal(found)
		}
		sources = append(sources, StarterSource{Name: name, Schema: schema})
	}
	sources[0].LeftOut = []LeftOut{{"events", "has no\nprimary key"}}
	sources[0].References = []Reference{
		{Table: "crm.addresses", Columns: []string{"customer_id"}, References: "crm.customers", To: []string{"id"}},
		{Table: "crm.customers", Columns: []string{"referrer_id"}, References: "crm.customers", To: []string{"id"}},
		{Table: "crm.events", Columns: []string{"customer_id"}, References: "crm.customers", To: []string{"id"}},
	}
	sources[1].References = []Reference{
		{Table: "shop.order_items", Columns: []string{"order_id"}, References: "shop.orders", To: []string{"id"}},
		{Table: "shop.returns", Columns: []string{"order_id", "line_no"}, References: "shop.order_items", To: []string{"order_id", "line_no"}},
		{Table: "shop.returns", Columns: []string{"replaced by"}, References: "shop.orders", To: []string{"id"}},
	}
	files, guesses := Starter(sources)
	dir := t.TempDir()
	var got bytes.Buffer
	for _, r := range guesses {
		fmt.Fprintf(&got, "guessed %s\n", r)
	}
	for _, f := range files {
		fmt.Fprintf(&got, "-- %s --\n%s", f.Name, f.Text)
		path := filepath.Join(dir, f.Name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, f.Text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	p, found := Load(dir, nil)
	checked, more := p.Check()
	if found = append(found, more...); len(found) > 0 {
		var text bytes.Buffer
		_ = yamlfile.Print(&text, found)
		t.Error(text.String())
	}
	if len(checked) == 0 {
		t.Error("no views")
	}
	compareGolden(t, "testdata/starter.golden", got.Bytes())
}
