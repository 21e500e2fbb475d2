package fileschema_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"odsd/internal/yamlfile"
	"odsd/project"
	"odsd/project/fileschema"
	"odsd/views"
)

// stray is a key that no mapping knows.
const stray = "stray_key"

// TestKeysAreTheDecoders asks the strict decoder, wherever a value stands in files that
// use every key, which keys a mapping in its place may have. The schema has the same.
func TestKeysAreTheDecoders(t *testing.T) {
	p := copyProject(t, "testdata/all")
	seen := map[*fileschema.Schema]bool{}
	p.each(t, func(f sample) {
		visit(f.root, f.kind.Schema, f.kind.Schema, func(n *yaml.Node, s, root *fileschema.Schema) {
			if s != nil {
				seen[s] = true
			}
			restore := put(n)
			want := strings.Join(knownKeys(s), ",")
			got := ""
			for _, d := range p.findings(t, f) {
				if d.Known != "" {
					got = d.Known
				}
			}
			restore()
			if got != want {
				t.Errorf("%s:%d: a mapping here may have\n the decoder: %s\n the schema:  %s", f.name, n.Line, got, want)
			}
		})
	})
	for _, k := range p.kinds {
		everyProperty(k.Schema, func(path string, s *fileschema.Schema) {
			if s.Not == nil && !seen[s] {
				t.Errorf("no file in testdata/all has %s of %s: what may stand there was not compared", path, k.Name)
			}
		})
	}
}

// put makes a mapping with a stray key of a node, or gives one to the mapping
// that it is; calling restore undoes that.
func put(n *yaml.Node) (restore func()) {
	before := *n
	key, value := &yaml.Node{Kind: yaml.ScalarNode, Value: stray}, &yaml.Node{Kind: yaml.ScalarNode, Value: "1"}
	if n.Kind == yaml.MappingNode {
		n.Content = append(slices.Clone(n.Content), key, value)
	} else {
		*n = yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{key, value}}
	}
	return func() { *n = before }
}

// knownKeys of a mapping; none where its keys are the user's, or nothing may be one.
func knownKeys(s *fileschema.Schema) []string {
	if s == nil || s.Others != false || !slices.Contains(s.Type, "object") {
		return nil
	}
	keys := make([]string, 0, len(s.Properties))
	for k := range s.Properties {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// TestMarksAreTheDecoders changes files in small ways, one at a time: what the schema
// marks the decoder refuses, and what the decoder refuses for its keys the schema marks.
func TestMarksAreTheDecoders(t *testing.T) {
	p := copyProject(t, "testdata/all")
	compiled := compileAll(t)
	count := 0
	// refused looks whether what the schema calls not built is that to the decoder.
	refused := func(f sample, n *yaml.Node, key string) {
		if !slices.ContainsFunc(p.findings(t, f), func(d yamlfile.Diagnostic) bool {
			return d.Code == yamlfile.CodeNotBuilt || d.Code == yamlfile.CodeCheck
		}) {
			t.Errorf("%s:%d: %s is built, and the schema says that it is not", f.name, n.Line, key)
		}
	}
	p.each(t, func(f sample) {
		try := func(n *yaml.Node, what string) {
			count++
			invalid := compiled[f.kind.Name].Validate(plain(t, f.root))
			found := decoded(t, f)
			if found == nil || invalid != nil && !yamlfile.HasErrors(found) {
				found = p.findings(t, f) // what else the project knows against it
			}
			switch {
			case invalid != nil && !yamlfile.HasErrors(found):
				t.Errorf("%s:%d: %s: the schema marks what the decoder takes: %v", f.name, n.Line, what, invalid)
			case invalid == nil && slices.ContainsFunc(found, aboutKeys):
				t.Errorf("%s:%d: %s: the schema does not mark: %v", f.name, n.Line, what, found)
			}
		}
		visit(f.root, f.kind.Schema, f.kind.Schema, func(n *yaml.Node, s, _ *fileschema.Schema) {
			if s == nil {
				return // in rows and documents: what they hold is the tables' affair
			}
			restore := put(n)
			try(n, "a stray key")
			restore()
			for _, c := range changes {
				before := *n
				*n = c.node
				try(&before, c.what)
				*n = before
			}
			if n.Kind != yaml.MappingNode {
				return
			}
			before := *n
			for i := 0; i < len(before.Content); i += 2 {
				n.Content = slices.Delete(slices.Clone(before.Content), i, i+2)
				try(&before, "without "+before.Content[i].Value)
			}
			for _, key := range knownKeys(s) {
				n.Content = append(slices.Clone(before.Content), scalar(key), scalar("id"))
				if !hasKey(&before, key) {
					try(&before, "with "+key)
					if s.Properties[key].Not != nil {
						refused(f, &before, key)
					}
				}
			}
			*n = before
		})
	})
	t.Logf("%d changes", count)
	if count < 2000 {
		t.Errorf("only %d changes", count)
	}
}

// changes are values that a value is replaced by.
var changes = []struct {
	what string
	node yaml.Node
}{
	{"nothing", yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"}},
	{"a word", *scalar("id")},
	{"true", *scalar("true")},
	{"a number", *scalar("3")},
	{"a negative number", *scalar("-3")},
	{"a fraction", *scalar("1.5")},
	{"an empty text", yaml.Node{Kind: yaml.ScalarNode, Style: yaml.DoubleQuotedStyle}},
	{"digits in quotes", yaml.Node{Kind: yaml.ScalarNode, Style: yaml.DoubleQuotedStyle, Value: "3"}},
	{"a list", yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{scalar("id")}}},
	{"an empty list", yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}},
	{"an empty mapping", yaml.Node{Kind: yaml.MappingNode, Style: yaml.FlowStyle}},
}

func scalar(text string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Value: text} }

func hasKey(n *yaml.Node, key string) bool {
	for i := 0; i < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return true
		}
	}
	return false
}

// aboutKeys are findings that a schema can be asked to make.
func aboutKeys(d yamlfile.Diagnostic) bool {
	switch d.Code {
	case yamlfile.CodeUnknownKey, yamlfile.CodeMissingKey, yamlfile.CodeNotBuilt, yamlfile.CodeShape, yamlfile.CodeVersion:
		return true
	}
	return false
}

// copied is a project of which one file at a time is changed.
type copied struct {
	dir   string
	kinds []fileschema.Kind
}

type sample struct {
	name string
	kind fileschema.Kind
	root *yaml.Node
}

func copyProject(t *testing.T, from string) copied {
	t.Helper()
	c := copied{dir: t.TempDir(), kinds: fileschema.Kinds()}
	if err := os.CopyFS(c.dir, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	for _, d := range findings(c.dir) {
		if d.Severity != yamlfile.Error {
			continue // as that rules of access are not enforced yet
		}
		t.Fatalf("%s is no good sample: %v", from, d)
	}
	return c
}

// each calls use with every file; its text is as before afterwards.
func (c copied) each(t *testing.T, use func(sample)) {
	t.Helper()
	for _, k := range c.kinds {
		names, err := filepath.Glob(filepath.Join(c.dir, k.Files))
		if err != nil || len(names) == 0 {
			t.Fatalf("%s: no file, %v", k.Files, err)
		}
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			local, _ := filepath.Rel(c.dir, name)
			use(sample{local, k, parse(t, text)})
			if err := os.WriteFile(name, text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// findings of the file as it is now, in its project.
func (c copied) findings(t *testing.T, f sample) []yamlfile.Diagnostic {
	t.Helper()
	if err := os.WriteFile(filepath.Join(c.dir, f.name), text(t, f.root), 0o600); err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(findings(c.dir), func(d yamlfile.Diagnostic) bool { return d.File != filepath.ToSlash(f.name) })
}

// decoded are the findings of the file alone, where it can be read alone; nil where not.
func decoded(t *testing.T, f sample) []yamlfile.Diagnostic {
	t.Helper()
	none := []yamlfile.Diagnostic{}
	switch f.kind.Name {
	case "view":
		_, found := views.Parse(f.name, text(t, f.root))
		return append(none, found...)
	case "schema":
		_, found := project.ParseSchema(f.name, text(t, f.root))
		return append(none, found...)
	}
	return nil
}

func text(t *testing.T, n *yaml.Node) []byte {
	t.Helper()
	text, err := yaml.Marshal(n)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func findings(dir string) []yamlfile.Diagnostic {
	p, found := project.Load(dir, nil)
	checked, more := p.Check()
	found = append(found, more...)
	_, more = p.CheckTests(checked)
	return append(found, more...)
}

func parse(t *testing.T, text []byte) *yaml.Node {
	t.Helper()
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil || len(document.Content) != 1 {
		t.Fatalf("not YAML: %v", err)
	}
	return document.Content[0]
}

// visit calls do with every value below a node and the schema of its place, nil
// where that says nothing of it.
func visit(n *yaml.Node, s, root *fileschema.Schema, do func(*yaml.Node, *fileschema.Schema, *fileschema.Schema)) {
	if s != nil && s.Ref != "" {
		s = root.Definitions[strings.TrimPrefix(s.Ref, "#/definitions/")]
	}
	do(n, s, root)
	if s == nil {
		return
	}
	switch n.Kind {
	case yaml.SequenceNode:
		for _, item := range n.Content {
			visit(item, s.Items, root, do)
		}
	case yaml.MappingNode:
		for i := 0; i < len(n.Content); i += 2 {
			child := s.Properties[n.Content[i].Value]
			if others, ok := s.Others.(*fileschema.Schema); ok && child == nil {
				child = others
			}
			visit(n.Content[i+1], child, root, do)
		}
	}
}

// everyProperty walks a schema's keys, definitions included.
func everyProperty(s *fileschema.Schema, do func(path string, s *fileschema.Schema)) {
	var walk func(path string, s *fileschema.Schema)
	walk = func(path string, s *fileschema.Schema) {
		if s == nil {
			return
		}
		for name, child := range s.Properties {
			do(path+"."+name, child)
			walk(path+"."+name, child)
		}
		walk(path+"[]", s.Items)
		if others, ok := s.Others.(*fileschema.Schema); ok {
			walk(path+".*", others)
		}
		for name, child := range s.Definitions {
			walk(name, child)
		}
	}
	walk("", s)
}

// plain is a YAML node as the values that JSON has, by the rules of YAML 1.2,
// which editors' servers go by.
func plain(t *testing.T, n *yaml.Node) any {
	t.Helper()
	switch n.Kind {
	case yaml.MappingNode:
		object := map[string]any{}
		for i := 0; i < len(n.Content); i += 2 {
			object[n.Content[i].Value] = plain(t, n.Content[i+1])
		}
		return object
	case yaml.SequenceNode:
		items := []any{}
		for _, item := range n.Content {
			items = append(items, plain(t, item))
		}
		return items
	}
	if n.Style != 0 {
		return n.Value
	}
	switch n.Value {
	case "", "~", "null", "Null", "NULL":
		return nil
	case "true", "True", "TRUE":
		return true
	case "false", "False", "FALSE":
		return false
	}
	if v, err := jsonschema.UnmarshalJSON(strings.NewReader(n.Value)); err == nil {
		switch v.(type) {
		case fmt.Stringer: // a number
			return v
		}
	}
	return n.Value
}

func compileAll(t *testing.T) map[string]*jsonschema.Schema {
	t.Helper()
	compiled := map[string]*jsonschema.Schema{}
	for _, k := range fileschema.Kinds() {
		text, err := k.Text()
		if err != nil {
			t.Fatal(err)
		}
		document, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
		if err != nil {
			t.Fatal(err)
		}
		c := jsonschema.NewCompiler()
		if err := c.AddResource(k.FileName(), document); err != nil {
			t.Fatal(err)
		}
		if compiled[k.Name], err = c.Compile(k.FileName()); err != nil {
			t.Fatal(err) // not a schema of draft 7
		}
	}
	return compiled
}
