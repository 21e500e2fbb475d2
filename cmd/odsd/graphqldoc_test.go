package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"odsd/engine/memory"
	"odsd/project"
	"odsd/query"
	"odsd/storage"
	"odsd/storage/relation"
	"odsd/views"
)

const graphqlFile = "../../docs/graphql.md"

var (
	documentedRows  = regexp.MustCompile("(?s)```yaml\n(.*?)```")
	documentedQuery = regexp.MustCompile("(?s)```graphql\n(.*?)```\n(?:```variables\n(.*?)```\n)?(```json\n(.*?)```)?")
	documentedCode  = regexp.MustCompile("(?m)^\\| `([A-Z_]+)` \\|")
)

// TestGraphQLDocument asks the queries of docs/graphql.md, over the rows that it
// shows and the views of the examples; the replies are those that it shows. Queries without
// a reply are valid. -rewrite makes the replies true.
func TestGraphQLDocument(t *testing.T) {
	text, err := os.ReadFile(graphqlFile)
	if err != nil {
		t.Fatal(err)
	}
	service, plans := exampleService(t, string(documentedRows.FindSubmatch(text)[1]))
	rewritten, asked := string(text), 0
	for _, match := range documentedQuery.FindAllSubmatch(text, -1) {
		asked++
		request := &query.Request{Query: string(match[1])}
		if len(match[2]) > 0 {
			decoder := json.NewDecoder(bytes.NewReader(match[2]))
			decoder.UseNumber()
			if err := decoder.Decode(&request.Variables); err != nil {
				t.Fatal(err)
			}
		}
		if len(match[3]) == 0 {
			if _, err := query.Explain(plans, query.DefaultLimits(), request); err != nil {
				t.Errorf("%s: %v", request.Query, err)
			}
			continue
		}
		reply := replyOf(t, service.Execute(t.Context(), request, nil))
		if *rewrite {
			whole := string(match[0])
			rewritten = strings.Replace(rewritten, whole, strings.Replace(whole, string(match[3]), "```json\n"+layout(t, reply, "", 110)+"\n```", 1), 1)
			continue
		}
		want, err := decodeOrdered(match[4])
		if err != nil {
			t.Errorf("%s: the reply is no JSON: %v", request.Query, err)
			continue
		}
		if !reflect.DeepEqual(reply, want) {
			t.Errorf("%s\nis answered with\n%s\ndocs/graphql.md has\n%s", request.Query, layout(t, reply, "", 110), match[4])
		}
	}
	if asked < 12 {
		t.Errorf("only %d queries", asked)
	}
	if *rewrite {
		if err := os.WriteFile(graphqlFile, []byte(rewritten), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestGraphQLDocumentListsCodes: every code that a reply can have, and no other.
func TestGraphQLDocumentListsCodes(t *testing.T) {
	text, err := os.ReadFile(graphqlFile)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range documentedCode.FindAllSubmatch(text, -1) {
		got = append(got, string(m[1]))
	}
	want := []string{}
	for _, code := range []query.Code{
		query.ParseFailed, query.ValidationFailed, query.BadUserInput, query.Forbidden, query.ViewNotReady, query.StaleRead,
		query.WaitTimeout, query.ScanLimit, query.TooComplex, query.Timeout, query.Internal,
	} {
		want = append(want, string(code))
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("docs/graphql.md lists %v, want %v", got, want)
	}
}

// exampleService answers by the views of the examples over rows given as in a view test.
func exampleService(t *testing.T, given string) (*query.Service, []*views.Plan) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "examples")
	if err := unpackExamples(dir); err != nil {
		t.Fatal(err)
	}
	test := "version: 1\ntests:\n - name: rows\n   view: customer_360\n   expect: []\n   given:\n" + indent(given, "    ")
	writeFiles(t, dir, map[string]string{"tests/rows.yaml": test})
	p, found := project.Load(dir, nil)
	checked, more := p.Check()
	found = append(found, more...)
	tests, more := p.CheckTests(checked)
	for _, d := range append(found, more...) {
		t.Fatal(d)
	}
	rows := map[string][][]relation.Value{}
	for _, test := range tests {
		if test.Name == "rows" {
			for _, c := range test.Given {
				rows[c.Schema.Name] = append(rows[c.Schema.Name], c.New)
			}
		}
	}
	tables := map[string][]*relation.Schema{}
	for name, s := range p.Schemas {
		source, _, _ := strings.Cut(name, ".")
		tables[source] = append(tables[source], s)
	}
	o := memory.Options{FS: storage.MemoryFS(), Views: checked}
	for name, schemas := range tables {
		o.Sources = append(o.Sources, memory.NewSource(name, schemas, func(table string) [][]relation.Value { return rows[table] }))
	}
	e, err := memory.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := e.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	plans, _ := compileViews(checked)
	return query.New(query.Options{Backend: &backend{engine: e.Engine}, CursorKey: make([]byte, 32)}), plans
}

func indent(text, by string) string {
	return by + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n"+by) + "\n"
}

// replyOf leaves out the extensions, which are another each time.
func replyOf(t *testing.T, reply *query.Reply) any {
	t.Helper()
	decoded, err := decodeOrdered(reply.Body)
	if err != nil {
		t.Fatal(err)
	}
	var shown object
	for _, m := range decoded.(object) {
		if m.name != "extensions" {
			shown = append(shown, m)
		}
	}
	return shown
}

// layout breaks JSON into lines where it would be wider than that.
func layout(t *testing.T, v any, margin string, width int) string {
	t.Helper()
	var compact bytes.Buffer
	if err := appendCompact(&compact, v); err != nil {
		t.Fatal(err)
	}
	if compact.Len()+len(margin) <= width {
		return compact.String()
	}
	var parts []string
	inner := margin + "  "
	switch v := v.(type) {
	case object:
		for _, m := range v {
			parts = append(parts, fmt.Sprintf("%s%q: %s", inner, m.name, layout(t, m.value, inner, width)))
		}
		return "{\n" + strings.Join(parts, ",\n") + "\n" + margin + "}"
	case []any:
		for _, item := range v {
			parts = append(parts, inner+layout(t, item, inner, width))
		}
		return "[\n" + strings.Join(parts, ",\n") + "\n" + margin + "]"
	}
	return compact.String()
}
