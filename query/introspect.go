package query

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/graphql-go/graphql"
	"github.com/graphql-go/graphql/gqlerrors"
	"github.com/graphql-go/graphql/language/ast"

	"odsd/storage/relation"
)

// Introspection is the one thing that graphql-go executes. What it gets is
// rewritten first: fragments put in place, conditions decided, variables
// replaced by their values, so that its size is known and bounded. A reply
// still multiplies with each list of types or fields inside another, hence the
// bound on those.
const maxIntrospectionLists = 2

// checkIntrospection refuses fields of types of fields of types …
func (d *document) checkIntrospection() *Error {
	for _, o := range d.operations {
		for _, g := range d.collect([]*ast.SelectionSet{o.SelectionSet}, nil) {
			if !isIntrospection(g.name()) {
				continue
			}
			if f := d.deepIntrospection(g, 0); f != nil {
				return d.failAt(f, failure(TooComplex, "ask for one type at a time with __type(name:)", "introspection nests lists of types and fields too deeply"))
			}
		}
	}
	return nil
}

func (d *document) deepIntrospection(g *fieldGroup, lists int) *ast.Field {
	switch g.name() {
	case "types", "fields", "interfaces", "possibleTypes", "inputFields":
		if lists++; lists > maxIntrospectionLists {
			return g.fields[0]
		}
	}
	for _, sub := range d.collect(g.selections(), nil) {
		if f := d.deepIntrospection(sub, lists); f != nil {
			return f
		}
	}
	return nil
}

// flatten makes one field of a group, without fragments and directives below.
func (c *compiler) flatten(g *fieldGroup) *ast.Field {
	first := g.fields[0]
	out := ast.NewField(&ast.Field{Name: first.Name, Alias: first.Alias, Arguments: first.Arguments, Loc: first.Loc})
	sets := g.selections()
	if len(sets) == 0 {
		return out
	}
	var selections []ast.Selection
	for _, sub := range c.collect(sets, c.included) {
		selections = append(selections, c.flatten(sub))
	}
	if len(selections) == 0 {
		// Everything was skipped; the executor wants a field all the same.
		selections = append(selections, ast.NewField(&ast.Field{Name: ast.NewName(&ast.Name{Value: "__typename"}), Alias: ast.NewName(&ast.Name{Value: nothing}), Loc: first.Loc}))
	}
	out.SelectionSet = ast.NewSelectionSet(&ast.SelectionSet{Selections: selections})
	return out
}

// nothing is the response name of a field that is asked for and not shown.
const nothing = "__nothing"

// introspect answers flattened fields with variables put in and appends the
// reply's value of the one field.
func (d *document) introspect(dst []byte, s *schema, field *ast.Field, variables map[string]any) ([]byte, *Error) {
	bound := d.bind(field, variables)
	set := ast.NewSelectionSet(&ast.SelectionSet{Selections: []ast.Selection{bound}})
	operation := ast.NewOperationDefinition(&ast.OperationDefinition{Operation: ast.OperationTypeQuery, SelectionSet: set})
	// It runs in a goroutine of its own, which a context would leave behind.
	result := graphql.Execute(graphql.ExecuteParams{
		Schema: s.graphql,
		AST:    ast.NewDocument(&ast.Document{Definitions: []ast.Node{operation}}),
	})
	if len(result.Errors) > 0 {
		return dst, internal(fmt.Errorf("introspection: %w", gqlerrors.FormattedError(result.Errors[0])))
	}
	data, _ := result.Data.(map[string]any)
	return appendIntrospection(dst, bound, data[responseName(bound)])
}

func responseName(f *ast.Field) string {
	if f.Alias != nil {
		return f.Alias.Value
	}
	return f.Name.Value
}

// bind replaces variables by literals and takes out arguments that are null,
// which mean the same here as arguments not given.
func (d *document) bind(f *ast.Field, variables map[string]any) *ast.Field {
	out := ast.NewField(&ast.Field{Name: f.Name, Alias: f.Alias, Loc: f.Loc})
	for _, a := range f.Arguments {
		var input graphql.Input = graphql.String
		if a.Name.Value == "includeDeprecated" {
			input = graphql.Boolean
		}
		value, _, bad := d.coerceLiteral(input, a.Value, variables)
		scalar, ok := value.(relation.Value)
		if bad != nil || !ok {
			continue
		}
		out.Arguments = append(out.Arguments, ast.NewArgument(&ast.Argument{Name: a.Name, Value: literalOf(scalar)}))
	}
	if f.SelectionSet == nil {
		return out
	}
	out.SelectionSet = ast.NewSelectionSet(&ast.SelectionSet{})
	for _, sub := range f.SelectionSet.Selections {
		if field, ok := sub.(*ast.Field); ok {
			out.SelectionSet.Selections = append(out.SelectionSet.Selections, d.bind(field, variables))
		}
	}
	return out
}

func literalOf(v relation.Value) ast.Value {
	if v.Kind() == relation.Bool {
		return ast.NewBooleanValue(&ast.BooleanValue{Value: v.Bool()})
	}
	return ast.NewStringValue(&ast.StringValue{Value: v.Str()})
}

// appendIntrospection writes what graphql-go found, in the order asked for and
// with lists of named things sorted: it keeps them in maps.
func appendIntrospection(dst []byte, f *ast.Field, value any) ([]byte, *Error) {
	switch value := value.(type) {
	case map[string]any:
		return appendIntrospected(dst, f, value)
	case []any:
		if name := nameBelow(f); name != "" && f.Name.Value != "args" {
			slices.SortStableFunc(value, func(a, b any) int { return strings.Compare(nameIn(a, name), nameIn(b, name)) })
		}
		dst = append(dst, '[')
		for i, item := range value {
			if i > 0 {
				dst = append(dst, ',')
			}
			var err *Error
			if dst, err = appendIntrospection(dst, f, item); err != nil {
				return dst, err
			}
		}
		return append(dst, ']'), nil
	}
	if value == "" && f.Name.Value == "description" {
		value = nil
	}
	raw, err := json.Marshal(value)
	if err != nil {
		return dst, internal(fmt.Errorf("introspection: %w", err))
	}
	return append(dst, raw...), nil
}

func appendIntrospected(dst []byte, f *ast.Field, object map[string]any) ([]byte, *Error) {
	dst = append(dst, '{')
	first := true
	for _, selection := range f.SelectionSet.Selections {
		sub, ok := selection.(*ast.Field)
		if !ok || responseName(sub) == nothing {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(appendString(dst, responseName(sub)), ':')
		var err *Error
		if dst, err = appendIntrospection(dst, sub, object[responseName(sub)]); err != nil {
			return dst, err
		}
	}
	return append(dst, '}'), nil
}

// nameBelow is the response name of the field `name` in f's selection, or "".
func nameBelow(f *ast.Field) string {
	if f.SelectionSet == nil {
		return ""
	}
	for _, selection := range f.SelectionSet.Selections {
		if sub, ok := selection.(*ast.Field); ok && sub.Name.Value == "name" {
			return responseName(sub)
		}
	}
	return ""
}

func nameIn(item any, name string) string {
	object, _ := item.(map[string]any)
	text, _ := object[name].(string)
	return text
}
