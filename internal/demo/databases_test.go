package demo_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"odsd/internal/demo"
)

// openTempDir is a temporary folder that the server's user may enter:
// t.TempDir's, made by root, are closed to it.
func openTempDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "odsd-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestDatabasesAreKept(t *testing.T) {
	dir := filepath.Join(openTempDir(t), "kept")
	var progress bytes.Buffer
	start := func() *demo.Databases {
		d, err := demo.StartDatabases(t.Context(), demo.Options{Customers: 40, Seed: 3, Dir: dir, Progress: &progress})
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	d := start()
	if got := len(d.DSNs); got != 4 {
		t.Errorf("%d databases", got)
	}
	if got := one[int](t, d.DSNs[demo.Shop], "select count(*)::int from orders"); got != 200 {
		t.Errorf("%d orders", got)
	}
	identifiers := map[int64]bool{}
	for _, dsn := range d.DSNs {
		identifiers[one[int64](t, dsn, "select system_identifier from pg_control_system()")] = true
	}
	if len(identifiers) != 4 {
		t.Errorf("%d clusters can be told apart", len(identifiers))
	}
	one[bool](t, d.DSNs[demo.Shop], "update orders set note = 'kept' where id = 1 returning true")
	if err := d.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	d = start()
	if got := one[string](t, d.DSNs[demo.Shop], "select note from orders where id = 1"); got != "kept" {
		t.Errorf("note is %q", got)
	}
	if err := d.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(progress.String(), "from before") {
		t.Errorf("progress: %s", &progress)
	}
	// A folder with some of them is refused, and left as it is.
	if err := os.RemoveAll(filepath.Join(dir, demo.CRM)); err != nil {
		t.Fatal(err)
	}
	if _, err := demo.StartDatabases(t.Context(), demo.Options{Customers: 40, Dir: dir}); err == nil || !strings.Contains(err.Error(), "only some") {
		t.Errorf("got %v", err)
	}
}

func TestDatabasesAreRemoved(t *testing.T) {
	d, err := demo.StartDatabases(t.Context(), demo.Options{Customers: 10, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, name := range demo.Names() {
		if _, err := os.Stat(d.Cluster(name).Dir()); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is left", d.Cluster(name).Dir())
		}
	}
}

func TestEnvironment(t *testing.T) {
	got := demo.DSNs{demo.CRM: "a", demo.Shop: "b", demo.Catalog: "c", demo.Shipping: "d"}.Environment()
	if strings.Join(got, " ") != "CRM_DSN=a SHOP_DSN=b CATALOG_DSN=c SHIPPING_DSN=d" {
		t.Errorf("got %v", got)
	}
}
