package views

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"odsd/internal/yamlfile"
	"odsd/storage/relation"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files anew")

// TestCheck checks each folder of testdata/check as a project's views, against
// testdata/schemas.txt, and compares all findings and the views that came out
// with the folder's golden file.
func TestCheck(t *testing.T) {
	folders, err := filepath.Glob("testdata/check/*")
	if err != nil || len(folders) == 0 {
		t.Fatal("no tests", err)
	}
	schemas := readSchemas(t, "testdata/schemas.txt")
	for _, folder := range folders {
		t.Run(filepath.Base(folder), func(t *testing.T) {
			files, err := filepath.Glob(folder + "/*.yaml")
			if err != nil || len(files) == 0 {
				t.Fatal("no views", err)
			}
			var defs []*Definition
			var found []Diagnostic
			for _, file := range files {
				data, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				d, problems := Parse(filepath.Base(file), data)
				defs, found = append(defs, d), append(found, problems...)
			}
			checked, problems := CheckAll(defs, schemas)
			var got bytes.Buffer
			if err := yamlfile.Print(&got, yamlfile.Sort(append(found, problems...))); err != nil {
				t.Fatal(err)
			}
			for _, p := range append(found, problems...) {
				if _, ok := yamlfile.Explain(p.Code); !ok {
					t.Errorf("the code %s is not explained", p.Code)
				}
			}
			for _, v := range checked {
				got.WriteString(dump(v))
				compiles(t, v)
			}
			compareGolden(t, filepath.Join(folder, "golden.txt"), got.Bytes())

			again, repeated := CheckAll(defs, schemas)
			if len(again) != len(checked) || len(repeated) != len(problems) {
				t.Errorf("checked twice: %d views and %d findings, then %d and %d", len(checked), len(problems), len(again), len(repeated))
			}
		})
	}
}

// compiles demands that a checked view can be lowered.
func compiles(t *testing.T, v *View) {
	t.Helper()
	if _, err := Compile(v); err != nil {
		t.Errorf("a checked view does not compile: %v", err)
	}
}

func compareGolden(t *testing.T, golden string, got []byte) {
	t.Helper()
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

// readSchemas reads relations, one a paragraph: the name, its key and unique
// keys, then a column a line, with ! where it is not null.
func readSchemas(t *testing.T, file string) map[string]*relation.Schema {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	schemas := map[string]*relation.Schema{}
	var s *relation.Schema
	keys := map[*relation.Schema]string{}
	for line := range strings.Lines(string(data)) {
		line = strings.TrimRight(line, "\n")
		if text, isColumn := strings.CutPrefix(line, "  "); isColumn {
			s.Columns = append(s.Columns, testColumn(t, text))
			continue
		}
		name, rest, _ := strings.Cut(line, " ")
		s = &relation.Schema{Name: name}
		rest, rows, _ := strings.Cut(rest, " rows ")
		s.Rows, _ = strconv.ParseInt(rows, 10, 64)
		schemas[name] = s
		keys[s] = rest
	}
	for s, rest := range keys {
		for part := range strings.SplitSeq(strings.ReplaceAll(rest, "unique ", "|"), "|") {
			part, isKey := strings.CutPrefix(strings.TrimSpace(part), "key ")
			var columns []int
			for name := range strings.SplitSeq(part, ",") {
				if column := s.Column(name); column >= 0 {
					columns = append(columns, column)
				}
			}
			switch {
			case isKey:
				s.Key = columns
			case len(columns) > 0:
				s.Unique = append(s.Unique, columns)
			}
		}
	}
	return schemas
}

func testColumn(t *testing.T, text string) relation.Column {
	t.Helper()
	text, pii, _ := strings.Cut(text, " pii:")
	text, notNull := strings.CutSuffix(text, "!")
	for at := range len(text) { // names may hold blanks: the type is the longest end that is one
		if text[at] != ' ' {
			continue
		}
		typ, ok := relation.ParseType(text[at+1:], func(name string) (relation.Type, bool) {
			if name == "citext" {
				return relation.TypeOf(relation.Text), true
			}
			return relation.TypeOf(relation.Enum), name == "order_status" || name == "address_kind"
		})
		if ok {
			return relation.Column{Name: text[:at], Type: typ, NotNull: notNull, PII: pii}
		}
	}
	t.Fatalf("no type in %q", text)
	return relation.Column{}
}

// viewBelow is a view that others can stand on.
const viewBelow = `version: 1
view: all_orders
key: [shop, id]
union:
  - {from: shop_de.orders, const: {shop: de, currency: EUR}}
  - {from: shop_us.orders, const: {shop: us, currency: USD}, rename: {total: amount}}
`

func FuzzParse(f *testing.F) {
	files, _ := filepath.Glob("testdata/check/*/*.yaml")
	for _, file := range files {
		data, _ := os.ReadFile(file)
		f.Add(data)
	}
	data, err := os.ReadFile("testdata/schemas.txt")
	if err != nil || len(data) == 0 {
		f.Fatal("no schemas", err)
	}
	var schemas map[string]*relation.Schema
	f.Fuzz(func(t *testing.T, data []byte) {
		if schemas == nil {
			schemas = readSchemas(t, "testdata/schemas.txt")
		}
		d, found := Parse("x.yaml", data)
		below, _ := Parse("below.yaml", []byte(viewBelow))
		checked, more := CheckAll([]*Definition{d, below}, schemas)
		checked = slices.DeleteFunc(checked, func(v *View) bool { return v.File != "x.yaml" })
		if len(checked) > 0 && (yamlfile.HasErrors(found) || yamlfile.HasErrors(more)) {
			t.Error("a view in spite of errors")
		}
		for _, v := range checked {
			compiles(t, v)
		}
		for _, p := range append(found, more...) {
			if p.Line < 1 || p.Col < 1 || p.Message == "" {
				t.Errorf("no place or message: %+v", p)
			}
		}
	})
}
