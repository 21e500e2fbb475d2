package reference

import (
	"odsd/storage/relation"
	"odsd/views"
)

// Document is what a view shows for one row: of the root, of a list, or of a
// `one`.
type Document struct {
	// Key identifies the document in its view or the row in its list; nil in a
	// `one`.
	Key []relation.Value
	// Fields in the order of the YAML, hidden lists left out.
	Fields []Field
	// Scalars of a root's row by ordinal, as a view above reads them: the row of
	// the relation that this view is to it. Nil in lists and `one`s.
	Scalars []relation.Value
}

// Field is one field of a document. Kind says which of Value, One and Many holds it.
type Field struct {
	Name string
	Kind views.FieldKind
	// Value of scalars and aggregates; an Error value where there is no result.
	Value relation.Value
	One   *Document   // nil: no match
	Many  []*Document // in order, at most the list's `limit`
}

// Field finds a field by name; nil when there is none.
func (d *Document) Field(name string) *Field {
	for i := range d.Fields {
		if d.Fields[i].Name == name {
			return &d.Fields[i]
		}
	}
	return nil
}

// show makes the document of an instance.
func (r *run) show(in *instance) *Document {
	code := &r.nodes[in.node]
	d := &Document{
		Key:    columnsOf(in.env.Rows[code.Own], code.Key),
		Fields: r.showFields(in, code.Fields),
	}
	if in.node == 0 {
		d.Scalars = in.env.Fields
	}
	return d
}

// showRow makes the document of a group or of a row of a union, which are all
// scalars and identified by some of them.
func (r *run) showRow(fields []relation.Value) *Document {
	in := &instance{env: views.Env{Fields: fields}}
	return &Document{
		Key:     columnsOf(fields, r.view.KeyFields),
		Fields:  r.showFields(in, r.nodes[0].Fields),
		Scalars: fields,
	}
}

func (r *run) showFields(in *instance, fields []*views.Field) []Field {
	shown := make([]Field, 0, len(fields))
	for _, f := range fields {
		s := Field{Name: f.Name, Kind: f.Kind}
		switch f.Kind {
		case views.OneField:
			if in.env.Rows[f.Occurrence] != nil {
				s.One = &Document{Fields: r.showFields(in, f.Fields)}
			}
		case views.ManyField:
			if r.nodes[f.Node].Hidden {
				continue
			}
			s.Many = r.showList(in, f.Node)
		default:
			s.Value = in.env.Fields[f.Ordinal]
		}
		shown = append(shown, s)
	}
	return shown
}

func (r *run) showList(in *instance, node int) []*Document {
	list := in.lists[node]
	if limit := r.nodes[node].Limit; limit > 0 && len(list) > limit {
		list = list[:limit]
	}
	shown := make([]*Document, 0, len(list))
	for _, below := range list {
		shown = append(shown, r.show(below))
	}
	return shown
}
