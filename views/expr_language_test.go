package views

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"testing"

	"odsd/storage/relation"
)

const languageFile = "../docs/language.md"

// TestLanguage evaluates the examples of docs/language.md over the row that it
// shows, and demands one for every function.
func TestLanguage(t *testing.T) {
	text, err := os.ReadFile(languageFile)
	if err != nil {
		t.Fatal(err)
	}
	columns := documentedRow(t, string(text))
	used := map[string]bool{}
	examples := 0
	for scanner := bufio.NewScanner(strings.NewReader(string(text))); scanner.Scan(); {
		source, want, ok := strings.Cut(scanner.Text(), "→")
		if !ok {
			continue
		}
		examples++
		source, want = strings.TrimSpace(source), strings.TrimSpace(want)
		got, _ := evaluate(t, source, columns)
		got = strings.TrimPrefix(documented(got), "problem: ")
		if got != want && !(len(want) > 12 && strings.HasPrefix(got, want)) {
			t.Errorf("%s\n gives %s\n want  %s", source, got, want)
		}
		if e, _ := checkExpr(source, columns); e != nil {
			for name := range functionTable() {
				used[name] = used[name] || strings.Contains(source, name+"(")
			}
		}
	}
	if examples < 100 {
		t.Errorf("only %d examples", examples)
	}
	for _, f := range Functions() {
		if !used[f.Name] {
			t.Errorf("no example for %s", f.Name)
		}
		if f.Summary == "" || !strings.HasPrefix(f.Signature, f.Name+"(") {
			t.Errorf("%s lacks a summary or signature", f.Name)
		}
	}
}

// TestLanguageViews checks the views of docs/language.md together.
func TestLanguageViews(t *testing.T) {
	text, err := os.ReadFile(languageFile)
	if err != nil {
		t.Fatal(err)
	}
	var defs []*Definition
	var found []Diagnostic
	for i, block := range strings.Split(string(text), "```yaml\n")[1:] {
		view, _, closed := strings.Cut(block, "```")
		if !closed {
			t.Fatal("a block of YAML has no end")
		}
		d, problems := Parse(fmt.Sprintf("block %d", i+1), []byte(view))
		defs, found = append(defs, d), append(found, problems...)
	}
	checked, problems := CheckAll(defs, readSchemas(t, "testdata/schemas.txt"))
	for _, p := range append(found, problems...) {
		t.Error(p.Render())
	}
	kinds := map[ViewKind]bool{}
	for _, v := range checked {
		kinds[v.Kind] = true
	}
	if len(checked) != len(defs) || len(kinds) != 3 {
		t.Errorf("%d of %d views, of %d kinds", len(checked), len(defs), len(kinds))
	}
}

// documented is a value as the page shows it: texts in double quotes.
func documented(s string) string {
	if inner, ok := strings.CutPrefix(s, "'"); ok {
		return `"` + strings.TrimSuffix(inner, "'") + `"`
	}
	return s
}

// documentedRow reads the table of columns.
func documentedRow(t *testing.T, text string) row {
	kinds := map[string]relation.Type{"text[]": relation.ArrayOf(relation.Text), "integer[]": relation.ArrayOf(relation.Int4)}
	for k := relation.Bool; k <= relation.Enum; k++ {
		kinds[k.String()] = relation.TypeOf(k)
	}
	var columns row
	table, _, _ := strings.Cut(text, "\n## ")
	for line := range strings.Lines(table) {
		if !strings.HasPrefix(line, "| ") {
			continue
		}
		cells := strings.SplitN(strings.Trim(line, "| \n"), " | ", 3)
		if len(cells) != 3 || cells[0] == "column" {
			continue
		}
		typ, ok := kinds[cells[1]]
		if !ok {
			t.Fatalf("no type %q", cells[1])
		}
		columns = append(columns, cell{cells[0], typ, valueOf(t, typ, cells[2])})
	}
	return columns
}
