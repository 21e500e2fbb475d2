package project

import (
	"slices"

	"odsd/internal/yamlfile"
	"odsd/storage/relation"
	"odsd/views"
)

// testReader reads the tests of one file.
type testReader struct {
	project *Project
	views   map[string]*views.View
	file    string
	tests   []*ViewTest
	names   []string
}

func (r *testReader) read(root yamlfile.Node) {
	root.Decode("a file of tests", yamlfile.Keys{
		"version": yamlfile.Version,
		"tests": func(e yamlfile.Entry) {
			for _, item := range e.Value.Items("`tests`") {
				r.readTest(item)
			}
		},
	}, "version", "tests")
}

// readTest gathers the parts of a test first: the rows and documents can be
// read only once the view is known.
func (r *testReader) readTest(n yamlfile.Node) {
	test := &ViewTest{File: r.file}
	var given, expect, steps yamlfile.Node
	exact, known := false, true
	n.Decode("a test", yamlfile.Keys{
		"name": func(e yamlfile.Entry) {
			test.Name, _ = e.Value.Text("`name`")
			if slices.Contains(r.names, test.Name) && test.Name != "" {
				e.Value.Report(yamlfile.CodeTwice, "", "a test of the name %q is above", test.Name)
			}
			r.names = append(r.names, test.Name)
		},
		"view":   func(e yamlfile.Entry) { test.View, known = r.readView(e) },
		"given":  func(e yamlfile.Entry) { given = e.Value },
		"expect": func(e yamlfile.Entry) { expect = e.Value },
		"exact":  func(e yamlfile.Entry) { exact, _ = e.Value.Bool("`exact`") },
		"steps":  func(e yamlfile.Entry) { steps = e.Value },
	}, "name", "view")
	if !expect.Exists() && !steps.Exists() && !n.Bad() {
		n.Report(yamlfile.CodeMissingKey, "", "the test expects nothing: it has no `expect`")
	}
	if test.View == nil || !known {
		return
	}
	rows := &testRows{project: r.project, rows: map[string][]relation.Value{}}
	if given.Exists() {
		test.Given = rows.readRows(given, "`given`", rows.insert)
	}
	documents := documentReader{view: test.View, exact: exact}
	if expect.Exists() {
		test.Expect = documents.read(expect)
	}
	if steps.Exists() {
		for _, step := range steps.Items("`steps`") {
			test.Steps = append(test.Steps, readStep(step, rows, documents))
		}
	}
	r.tests = append(r.tests, test)
}

// readView finds the view; known is false where the project has none of that name.
func (r *testReader) readView(e yamlfile.Entry) (v *views.View, known bool) {
	name, ok := e.Value.Text("`view`")
	if !ok {
		return nil, false
	}
	if v := r.views[name]; v != nil {
		return v, true
	}
	var names []string
	for _, d := range r.project.Definitions {
		names = append(names, d.Name.Value)
	}
	if !slices.Contains(names, name) {
		e.Value.Report(yamlfile.CodeRelation, yamlfile.DidYouMean(name, names), "no view %q", name)
		return nil, false
	}
	return nil, true
}

func readStep(n yamlfile.Node, rows *testRows, documents documentReader) TestStep {
	var step TestStep
	change := func(read func(*relation.Schema, yamlfile.Node) (RowChange, bool)) func(yamlfile.Entry) {
		return func(e yamlfile.Entry) {
			step.Changes = append(step.Changes, rows.readRows(e.Value, "`"+e.Key.Value()+"`", read)...)
		}
	}
	n.Decode("a step", yamlfile.Keys{
		"insert": change(rows.insert),
		"update": change(rows.update),
		"delete": change(rows.delete),
		"expect": func(e yamlfile.Entry) { step.Expect = documents.read(e.Value) },
	})
	return step
}
