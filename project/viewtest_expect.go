package project

import (
	"odsd/internal/yamlfile"
	"odsd/storage/relation"
	"odsd/views"
)

// documentReader reads expected documents in the terms of a view.
type documentReader struct {
	view  *views.View
	exact bool
}

func (r documentReader) read(n yamlfile.Node) *Expectation {
	e := &Expectation{Exact: r.exact}
	keys := r.keyFields()
	for _, item := range n.Items("`expect`") {
		d := r.document(item, r.view.Nodes[0].Fields)
		d.Key = keyOf(d, keys)
		e.Documents = append(e.Documents, d)
	}
	return e
}

// keyFields are the root's fields that show the view's key, in its order; nil
// where not all of it is shown.
func (r documentReader) keyFields() []*views.Field {
	root := r.view.Nodes[0]
	if len(r.view.KeyFields) > 0 { // groups, unions
		fields := make([]*views.Field, len(r.view.KeyFields))
		for i, ordinal := range r.view.KeyFields {
			fields[i] = root.Scalars[ordinal]
		}
		return fields
	}
	fields := make([]*views.Field, len(r.view.Key))
	for i, column := range r.view.Key {
		for _, f := range root.Fields {
			if f.Kind == views.ScalarField && f.Expr.Op == views.OpColumn && f.Expr.Occurrence == root.Own && f.Expr.Column == column {
				fields[i] = f
			}
		}
		if fields[i] == nil {
			return nil
		}
	}
	return fields
}

func keyOf(d *ExpectedDocument, keys []*views.Field) []relation.Value {
	var key []relation.Value
	for _, k := range keys {
		for _, f := range d.Fields {
			if f.Field == k {
				key = append(key, f.Value)
			}
		}
	}
	if len(key) < len(keys) {
		return nil
	}
	return key
}

func (r documentReader) document(n yamlfile.Node, fields []*views.Field) *ExpectedDocument {
	d := &ExpectedDocument{}
	for _, e := range n.Entries("a document") {
		field := r.field(e.Key, fields)
		if field == nil {
			continue
		}
		expected := ExpectedField{Field: field}
		switch field.Kind {
		case views.OneField:
			if !e.Value.IsEmpty() {
				expected.One = r.document(e.Value, field.Fields)
			}
		case views.ManyField:
			for _, item := range e.Value.Items("`" + field.Name + "`") {
				expected.Many = append(expected.Many, r.document(item, r.view.Nodes[field.Node].Fields))
			}
		default:
			var ok bool
			if expected.Value, ok = readValue(e.Value, field.Type, nil, false); !ok {
				continue
			}
		}
		d.Fields = append(d.Fields, expected)
	}
	return d
}

// field finds a field that the document shows.
func (r documentReader) field(name yamlfile.Node, fields []*views.Field) *views.Field {
	var names []string
	for _, f := range fields {
		if f.Kind == views.ManyField && r.view.Nodes[f.Node].Hidden {
			continue
		}
		if f.Name == name.Value() {
			return f
		}
		names = append(names, f.Name)
	}
	name.Report(yamlfile.CodeName, yamlfile.DidYouMean(name.Value(), names), "no field %q in this document", name.Value())
	return nil
}
