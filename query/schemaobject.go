package query

import (
	"fmt"

	"github.com/graphql-go/graphql"

	"odsd/storage/relation"
	"odsd/views"
)

// objectBuilder makes the object types of one view's documents.
type objectBuilder struct {
	*builder
	plan *views.Plan
	view *viewSchema
}

// object makes the type of a node's rows or of a `one` inlined in them.
func (o *objectBuilder) object(name, description string, node int, fields []*views.Field) (*graphql.Object, *objectType, error) {
	if err := o.claim(o.plan.View, name, name+"Where", name+"OrderBy"); err != nil {
		return nil, nil, err
	}
	out := &objectType{name: name, fields: map[string]*objectField{}}
	shown := graphql.Fields{}
	for _, f := range fields {
		if f.Kind == views.ManyField && o.plan.View.Nodes[f.Node].Hidden {
			continue
		}
		t, field, err := o.field(name, node, f)
		if err != nil {
			return nil, nil, err
		}
		if _, twice := shown[f.GraphQL]; twice {
			return nil, nil, fmt.Errorf("two fields of %s have the GraphQL name %q", name, f.GraphQL)
		}
		args := field.listArguments()
		field.args = inputsOf(args)
		shown[f.GraphQL] = &graphql.Field{Type: t, Description: o.description(f), DeprecationReason: f.Deprecated, Args: args}
		out.fields[f.GraphQL] = field
	}
	object := graphql.NewObject(graphql.ObjectConfig{Name: name, Description: description, Fields: shown})
	// An object that graphql-go refuses would spoil the whole schema.
	if object.Fields(); object.Error() != nil {
		return nil, nil, fmt.Errorf("type %s: %w", name, object.Error())
	}
	for _, f := range object.Fields() {
		sortByNames(f.Args, []string{"where", "orderBy", "limit"})
	}
	o.filters(out, fields)
	return object, out, nil
}

// description of a field; a plain column has its comment at the source where
// the definition says nothing.
func (o *objectBuilder) description(f *views.Field) string {
	if f.Description == "" && f.Expr != nil && f.Expr.Op == views.OpColumn {
		return o.plan.View.Occurrences[f.Expr.Occurrence].Schema.Columns[f.Expr.Column].Description
	}
	return f.Description
}

func (f *objectField) listArguments() graphql.FieldConfigArgument {
	if f.kind != manyField {
		return nil
	}
	args := queryArguments(f.object)
	args["limit"] = &graphql.ArgumentConfig{Type: graphql.Int, Description: "How many at most; the definition's own limit stays."}
	return args
}

func (o *objectBuilder) field(parent string, node int, f *views.Field) (graphql.Output, *objectField, error) {
	switch f.Kind {
	case views.OneField:
		return o.one(parent, node, f)
	case views.ManyField:
		t, object, err := o.object(parent+upperFirst(f.GraphQL), f.Description, f.Node, o.plan.View.Nodes[f.Node].Fields)
		if err != nil {
			return nil, nil, err
		}
		if err := o.claim(o.plan.View, object.name+"Some"); err != nil {
			return nil, nil, err
		}
		someFilter(object)
		return listOf(t), &objectField{kind: manyField, name: f.Name, object: object, list: o.view.nodes[f.Node], required: true}, nil
	}
	// A count is shown as an Int, whatever it is stored as.
	as := f.As
	if f.Aggregate != nil && (f.Aggregate.Func == views.Count || f.Aggregate.Func == views.CountDistinct) {
		as = scalarInt
	}
	t := o.scalarType(f.Type, as)
	if !f.Nullable {
		t = required(t)
	}
	shown := f.Type.Kind
	if shown == relation.Array {
		shown = f.Type.Elem
	}
	return t, &objectField{
		kind: scalarField, name: f.Name, column: f.Ordinal, write: writerOf(f.Type, as), required: !f.Nullable,
		stored: f.Type, scalar: scalarOf(shown, as),
	}, nil
}

func (o *objectBuilder) scalarType(t relation.Type, as string) graphql.Output {
	if t.Kind == relation.Array {
		return graphql.NewList(o.scalar(scalarOf(t.Elem, as)))
	}
	return o.scalar(scalarOf(t.Kind, as))
}

func (o *objectBuilder) one(parent string, node int, f *views.Field) (graphql.Output, *objectField, error) {
	t, object, err := o.object(parent+upperFirst(f.GraphQL), f.Description, node, f.Fields)
	if err != nil {
		return nil, nil, err
	}
	field := &objectField{kind: oneField, name: f.Name, object: object, present: -1}
	for i, c := range o.plan.Nodes[node].Columns {
		if c.From == views.FromPresent && c.Ordinal == f.Occurrence {
			field.present = i
		}
	}
	if o.plan.View.Occurrences[f.Occurrence].Required {
		field.required = true
		return required(t), field, nil
	}
	return t, field, nil
}
