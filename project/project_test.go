package project

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"odsd/internal/yamlfile"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files anew")

// variables is an environment for tests.
func variables(set map[string]string) Env {
	return func(name string) (string, bool) {
		value, ok := set[name]
		return value, ok
	}
}

// One run over a folder with many mistakes names every one of them.
func TestBroken(t *testing.T) {
	p, found := Load("testdata/broken", variables(nil))
	checked, more := p.Check()
	found = append(found, more...)
	found = append(found, p.Resolve(variables(nil))...)
	var got bytes.Buffer
	if err := yamlfile.Print(&got, yamlfile.Sort(found)); err != nil {
		t.Fatal(err)
	}
	for _, v := range checked {
		fmt.Fprintf(&got, "view %s stands\n", v.Name)
	}
	if strings.Contains(got.String(), "hunter2") {
		t.Error("a password is shown")
	}
	for _, d := range found {
		if _, ok := yamlfile.Explain(d.Code); !ok {
			t.Errorf("the code %s is not explained", d.Code)
		}
	}
	compareGolden(t, "testdata/broken.golden", got.Bytes())
}

func TestGood(t *testing.T) {
	env := variables(map[string]string{"DATA": "/var/lib/odsd", "CRM_DSN": "postgres://odsd@crm/crm"})
	p, found := Load("testdata/good", env)
	if len(found) > 0 {
		t.Fatal(found)
	}
	checked, found := p.Check()
	if len(found) > 0 || len(checked) != 1 {
		t.Fatal(len(checked), found)
	}
	if found := p.Resolve(env); len(found) > 0 {
		t.Fatal(found)
	}
	var got bytes.Buffer
	fmt.Fprintf(&got, "%+v\n", p.Config)
	for _, s := range p.Sources {
		fmt.Fprintf(&got, "%s: %s, slot %s, publication %s, %s, %+v, tables %v (all %t), owner %s\n",
			s.Name, s.DSN, s.Slot, s.Publication, s.Timezone, s.Freshness, s.Tables, s.AllTables(), s.Owner.Team)
	}
	for _, name := range []string{"crm.customers", "shop.orders", "shop.order_items", "shop.billing.invoices"} {
		s := p.Schemas[name]
		fmt.Fprintf(&got, "%s key %v unique %v\n", s.Name, s.Key, s.Unique)
		for _, c := range s.Columns {
			fmt.Fprintf(&got, "  %s %s kind %s scale %d not null %t\n", c.Name, c.Type, c.Type.Kind, c.Type.Scale, c.NotNull)
		}
	}
	if p.Schemas["shop.unlisted"] != nil {
		t.Error("a table that is not captured is known to views")
	}
	compareGolden(t, "testdata/good.golden", got.Bytes())
}

// A check needs no variable to be set; a run names each that is missing.
func TestVariables(t *testing.T) {
	p, found := Load("testdata/good", nil)
	if len(found) > 0 {
		t.Fatal(found)
	}
	if _, found := p.Check(); len(found) > 0 {
		t.Fatal(found)
	}
	if found := p.Resolve(variables(nil)); len(found) != 1 || !strings.Contains(found[0].Message, "CRM_DSN") {
		t.Errorf("want the one missing variable named, got %v", found)
	}
	if _, found := Load("testdata/good", variables(nil)); len(found) != 1 || !strings.Contains(found[0].Message, "DATA") {
		t.Errorf("want the one missing variable named, got %v", found)
	}
}

func TestNoProject(t *testing.T) {
	_, found := Load(t.TempDir(), nil)
	if len(found) != 1 || found[0].File != "odsd.yaml" || found[0].Code != yamlfile.CodeLayout {
		t.Errorf("got %v", found)
	}
}

func TestDefaults(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "odsd.yaml"), []byte("version: 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p, found := Load(dir, nil)
	want := Config{DataDir: filepath.Join(dir, "data"), Listen: "127.0.0.1:8420", AdminListen: "127.0.0.1:8421"}
	if len(found) > 0 || p.Config != want {
		t.Errorf("got %+v, %v", p.Config, found)
	}
}

func TestListeners(t *testing.T) {
	cases := []struct {
		address  string
		insecure bool
		refused  bool
	}{
		{"127.0.0.1:8420", false, false}, {"127.3.4.5:0", false, false}, {"[::1]:8420", false, false}, {"localhost:1", false, false},
		{"[::ffff:127.0.0.1]:1", false, false},
		{":8420", false, true}, {"0.0.0.0:8420", false, true}, {"[::]:1", false, true}, {"10.0.0.1:1", false, true}, {"db.example:1", false, true},
		{"localhost.example:1", false, true}, {"0.0.0.0:8420", true, false}, {":8420", true, false},
		{"127.0.0.1", true, true}, {"127.0.0.1:http", true, true}, {"127.0.0.1:65536", true, true}, {"", true, true},
	}
	for _, c := range cases {
		if problem, _ := CheckListener(c.address, c.insecure); (problem != "") != c.refused {
			t.Errorf("%q insecure %t: %q", c.address, c.insecure, problem)
		}
	}
}

func TestDuration(t *testing.T) {
	for text, ok := range map[string]bool{"10s": true, "1d": true, "1h30m": true, "0s": false, "-1s": false, "10": false, "d": false, "1.5d": false} {
		f := yamlfile.Parse("x.yaml", []byte("a: "+text))
		root, _ := f.Root()
		if d := duration(root.Entries("x")[0]); (d > 0) != ok {
			t.Errorf("%q is %s", text, d)
		}
	}
}

// What is written reads back the same, and is written the same again.
func TestSchemaRoundTrip(t *testing.T) {
	for _, name := range []string{"crm", "shop"} {
		data, err := os.ReadFile("testdata/good/schema/" + name + ".yaml")
		if err != nil {
			t.Fatal(err)
		}
		s, found := ParseSchema(name+".yaml", data)
		if len(found) > 0 {
			t.Fatal(found)
		}
		if got := s.Format(); !bytes.Equal(got, data) {
			t.Errorf("%s is written as\n%s", name, got)
		}
	}
}

func compareGolden(t *testing.T, golden string, got []byte) {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	got = bytes.ReplaceAll(got, []byte(dir), []byte("DIR"))
	if *rewrite {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs (rewrite it with -rewrite); got\n%s", golden, got)
	}
}

// A daemon that runs is told of every change that needs a new start.
func TestWhatAFileSaysOfCaptureMakesItAnother(t *testing.T) {
	const text = `version: 1
source: shop
postgres: {dsn: x, slot: a, publication: b, timezone: UTC, heartbeat: 10s, max_slot_wal: 1GiB, on_slot_loss: halt}
freshness: {warn_after: 1s, error_after: 2s}
tables: {orders: {columns: {note: {exclude: true}, phone: {mask: last4}}}}
`
	read := func(text string) *Source {
		dir := t.TempDir()
		if err := os.MkdirAll(filepath.Join(dir, "sources"), 0o700); err != nil {
			t.Fatal(err)
		}
		for name, text := range map[string]string{"odsd.yaml": "version: 1\n", "sources/shop.yaml": text} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		p, _ := Load(dir, variables(nil))
		p.Resolve(variables(nil))
		return p.Source("shop")
	}
	if !read(text).Same(read(text)) {
		t.Error("a file differs from itself")
	}
	for _, change := range [][2]string{
		{"dsn: x", "dsn: y"}, {"slot: a", "slot: c"}, {"publication: b", "publication: c"}, {"UTC", "Europe/Berlin"}, {"10s", "11s"},
		{"1GiB", "2GiB"}, {"halt", "resync"}, {"warn_after: 1s", "warn_after: 2s"}, {"orders:", "items:"}, {"exclude: true", "mask: hash"},
		{"last4", "hash"}, {"phone:", "mobile:"},
	} {
		if read(text).Same(read(strings.Replace(text, change[0], change[1], 1))) {
			t.Errorf("%s for %s changes nothing", change[1], change[0])
		}
	}
}
