package views

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// Explanations of the views that the checker is tested with, of every kind.
func TestExplain(t *testing.T) {
	for _, folder := range []string{"customer_360", "aggregates", "shapes", "groups", "having", "kinds", "ranked"} {
		t.Run(folder, func(t *testing.T) {
			files, err := filepath.Glob(filepath.Join("testdata/check", folder, "*.yaml"))
			if err != nil || len(files) == 0 {
				t.Fatal("no views", err)
			}
			var defs []*Definition
			for _, file := range files {
				data, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				d, _ := Parse(filepath.Base(file), data)
				defs = append(defs, d)
			}
			checked, _ := CheckAll(defs, readSchemas(t, "testdata/schemas.txt"))
			explained := map[string]string{}
			for _, v := range checked {
				plan, err := Compile(v)
				if err != nil {
					t.Fatal(err)
				}
				explained[v.Name] = plan.Explain().String()
			}
			var got []byte
			for _, name := range slices.Sorted(maps.Keys(explained)) {
				got = append(append(got, explained[name]...), '\n')
			}
			compareGolden(t, filepath.Join("testdata/explain", folder+".golden"), got)
		})
	}
}
