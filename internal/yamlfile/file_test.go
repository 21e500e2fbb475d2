package yamlfile

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files anew")

// TestFindings prints, for each testdata/*.yaml, what the structure alone
// gives away, and compares it with the golden file beside it.
func TestFindings(t *testing.T) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no test files", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			f := Parse(filepath.Base(file), data)
			if root, ok := f.Root(); ok {
				readSample(root)
			}
			var got bytes.Buffer
			if err := Print(&got, f.Diagnostics()); err != nil {
				t.Fatal(err)
			}
			compareGolden(t, strings.TrimSuffix(file, ".yaml")+".golden", got.Bytes())
		})
	}
}

// readSample reads a small language that has one key of every kind.
func readSample(n Node) {
	n.Decode("the sample", Keys{
		"version": Version,
		"where":   func(e Entry) { e.Value.Expression("`where`") },
		"limit":   func(e Entry) { e.Value.Int("`limit`", 1, 10) },
		"hidden":  func(e Entry) { e.Value.Bool("`hidden`") },
		"level":   func(e Entry) { e.Value.OneOf("`level`", "error", "warning") },
		"having":  NotBuilt,
		"dsn":     func(e Entry) { e.Value.Reject(CodeValue, "", "the DSN is wrong") },
		"fields": func(e Entry) {
			for _, field := range e.Value.Entries("`fields`") {
				if field.Value.IsMapping() {
					field.Value.Decode("a field", Keys{
						"expr":        func(e Entry) { e.Value.Expression("`expr`") },
						"description": func(e Entry) { e.Value.Text("`description`") },
					})
				}
			}
		},
		"list": func(e Entry) {
			for _, item := range e.Value.Items("`list`") {
				item.Expression("an item")
			}
		},
	}, "version")
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

func TestRefusedWhole(t *testing.T) {
	cases := map[string]struct{ text, code string }{
		"too large":      {strings.Repeat("# a comment\n", MaxSize/12+1), CodeTooLarge},
		"not UTF-8":      {"version: \xff", CodeSyntax},
		"long line":      {"a: " + strings.Repeat("x", maxLine), CodeTooLarge},
		"empty":          {"", CodeSyntax},
		"comments":       {"# nothing\n", CodeSyntax},
		"too deep":       {strings.Repeat("[", 200) + strings.Repeat("]", 200), CodeTooLarge},
		"far too deep":   {strings.Repeat("[\n", 20000), CodeSyntax},
		"two documents":  {"version: 1\n---\nversion: 1\n", CodeSyntax},
		"unknown anchor": {"version: *a\n", CodeAlias},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			found := Parse("x.yaml", []byte(c.text)).Diagnostics()
			if len(found) == 0 || found[0].Code != c.code {
				t.Errorf("want %s, got %v", c.code, found)
			}
		})
	}
}

// An alias bomb is refused where its first alias stands, never expanded.
func TestAliasBomb(t *testing.T) {
	var b strings.Builder
	b.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for i := 1; i < 30; i++ {
		fmt.Fprintf(&b, "a%d: &a%d [*a%d, *a%d, *a%d]\n", i, i, i-1, i-1, i-1)
	}
	found := Parse("bomb.yaml", []byte(b.String())).Diagnostics()
	if len(found) != 30+29*3 {
		t.Errorf("want every anchor and alias reported once, got %d", len(found))
	}
}

func TestOffsets(t *testing.T) {
	cases := []struct{ name, text, part string }{
		{"plain", "where: a == totl", "totl"},
		{"plain after wide characters", "where: \"ä ö\" + totl", ""},
		{"single quoted", "where: 'a == ''x'' and totl'", "totl"},
		{"double quoted", `where: "a == \"x\" and totl"`, "totl"},
		{"double quoted unicode", `where: "\u00e4\U0001F600 totl"`, "totl"},
		{"double quoted over lines", "where: \"a and\\\n   \\ totl\"", "totl"},
		{"plain over lines", "where: a and\n  b and\n\n  totl", "totl"},
		{"literal", "where: | # note\n  a and\n    totl\n", "totl"},
		{"folded", "where: >-\n  a and\n  b\n\n  or totl\n", "totl"},
		{"flow", "x: {where: a + totl, b: c}", "totl"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			f := Parse("x.yaml", []byte(c.text))
			root, ok := f.Root()
			if !ok {
				if c.part == "" {
					return
				}
				t.Fatal(f.Diagnostics())
			}
			value := root.Entries("x")[0].Value
			if value.IsMapping() {
				value = value.Entries("x")[0].Value
			}
			at := strings.Index(value.Value(), c.part)
			value.ReportWithin(at, len(c.part), CodeName, "", "found")
			d := f.Diagnostics()[0]
			line := []rune(f.line(d.Line))
			if got := string(line[d.Col-1 : d.Col-1+d.Length]); got != c.part {
				t.Errorf("points at %q of line %d, want %q", got, d.Line, c.part)
			}
		})
	}
}

func TestSecretsAreBlotted(t *testing.T) {
	for _, line := range []string{
		"dsn: postgres://odsd:hunter2@db/shop",
		"x: {dsn: \"host=db password=hunter2 user=odsd\", b: c}",
		"y: host=db password='hunter2' user=odsd",
		"  - postgresql://a:hunter2@h/d",
		"dsn: hunter2",
		"dsn: hunter2, or {hunter2}",
		"x: {y: z, dsn: hunter2}",
		"x: {'dsn': 'hunter2', y: z}",
		"dsn: \"hunter2",
		"x: {dsn: host=db password=hun,ter2hunter2, y: z}",
	} {
		if got := blot(line); strings.Contains(got, "hunter2") || characters(got) != characters(line) {
			t.Errorf("%q shows as %q", line, got)
		}
	}
	if got := blot("x: {dsn: \"${SHOP_DSN}\", slot: odsd}"); got != "x: {dsn: *${SHOP_DSN}*, slot: odsd}" {
		t.Errorf("what is no secret stays readable: %q", got)
	}
	if got := blot("dsn: ${SHOP_DSN}"); got != "dsn: ${SHOP_DSN}" {
		t.Errorf("the name of a variable is no secret: %q", got)
	}
}

func TestNearest(t *testing.T) {
	for _, c := range []struct{ name, want string }{
		{"totl", "total"}, {"toatl", "total"}, {"id", ""}, {"zzz", ""}, {"Total", "total"},
	} {
		if got := Nearest(c.name, []string{"total", "status", "placed_at"}); got != c.want {
			t.Errorf("Nearest(%q) = %q, want %q", c.name, got, c.want)
		}
	}
}

func TestEveryCodeIsExplained(t *testing.T) {
	for _, code := range Codes() {
		if e, ok := Explain(code); !ok || e.Title == "" || e.Text == "" {
			t.Errorf("%s has no explanation", code)
		}
	}
	if _, ok := Explain("E999"); ok {
		t.Error("E999 explained")
	}
}

func FuzzParse(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.yaml")
	for _, file := range files {
		data, _ := os.ReadFile(file)
		f.Add(data)
	}
	f.Add([]byte("where: >-\n a\n\n  b # c\n"))
	f.Add([]byte("a: \"\\\n  x\\u12\""))
	f.Fuzz(func(t *testing.T, data []byte) {
		file := Parse("x.yaml", data)
		if root, ok := file.Root(); ok {
			readSample(root)
			pointEverywhere(file, root)
		}
		for _, d := range file.Diagnostics() {
			if d.Line < 1 || d.Col < 1 || d.Length < 0 {
				t.Errorf("no place: %+v", d)
			}
			if d.Render() == "" {
				t.Error("empty finding")
			}
		}
	})
}

func pointEverywhere(f *File, n Node) {
	if n.IsScalar() {
		n.ReportWithin(len(n.Value())/2, 1, CodeName, "", "here")
	}
	for _, child := range n.n.Content {
		pointEverywhere(f, Node{f, child})
	}
}
