package project

import (
	"odsd/internal/yamlfile"
	"odsd/storage/relation"
	"odsd/views"
)

// ViewTest is one test of a view: rows, and the documents that they make.
type ViewTest struct {
	File, Name string
	View       *views.View
	// Given are inserts: the rows that there are before the first step.
	Given []RowChange
	// Expect is what the given rows make; nil where it is not said.
	Expect *Expectation
	Steps  []TestStep
}

// TestStep changes rows, and says what the documents are then.
type TestStep struct {
	// Changes in the order of the file.
	Changes []RowChange
	Expect  *Expectation // nil: not said
}

// RowChange is one row before and after: no Old is an insert, no New a delete.
// Both are whole rows; an update leaves the key alone.
type RowChange struct {
	Schema   *relation.Schema
	Old, New []relation.Value
}

// Expectation is all documents of the view at one moment.
type Expectation struct {
	// Exact: a field that is not listed is a difference too.
	Exact     bool
	Documents []*ExpectedDocument
}

// ExpectedDocument lists the fields of a document, of a `one` or of a list's
// entry that are to be compared.
type ExpectedDocument struct {
	// Key of a root's document; nil where the test does not name all of its
	// fields, and in lists: then it is told by its place.
	Key    []relation.Value
	Fields []ExpectedField
}

// ExpectedField is a field with what it should hold, by the field's kind.
type ExpectedField struct {
	Field *views.Field
	Value relation.Value
	One   *ExpectedDocument // nil: null
	Many  []*ExpectedDocument
}

// testFile is a file of tests/ as read, to be checked once views are.
type testFile struct {
	root yamlfile.Node
	file *yamlfile.File
}

func (l *loader) readTests(name string, data []byte) {
	if root, file, ok := l.parse(name, data); ok {
		l.project.tests = append(l.project.tests, testFile{root, file})
	}
}

// CheckTests reads the view tests in the terms of the checked views. Tests of a
// view that has errors are passed over, since the view's own errors say enough.
func (p *Project) CheckTests(checked []*views.View) ([]*ViewTest, []yamlfile.Diagnostic) {
	byName := make(map[string]*views.View, len(checked))
	for _, v := range checked {
		byName[v.Name] = v
	}
	var tests []*ViewTest
	var found []yamlfile.Diagnostic
	for _, f := range p.tests {
		r := testReader{project: p, views: byName, file: f.file.Name}
		r.read(f.root)
		tests = append(tests, r.tests...)
		found = append(found, f.file.Take()...)
	}
	return tests, yamlfile.Sort(found)
}
