package query

import (
	"encoding/json"
	"fmt"
	"sort"
	"strings"

	"github.com/graphql-go/graphql"
	"github.com/graphql-go/graphql/language/ast"

	"odsd/storage/relation"
)

// An input value is nil for null, a relation.Value for a scalar, []any for a
// list, map[string]any for an input object. What was not given is not there at
// all: null and absent are two things.

// variable is one variable of an operation.
type variable struct {
	name       string
	input      graphql.Input
	required   bool
	initial    any // coerced default
	hasInitial bool
}

// problem says why a value does not fit its place: where in the value, and what was expected.
type problem struct {
	path    string
	message string
	null    bool // it is a null where there may be none
}

func (p *problem) String() string {
	if p.path == "" {
		return p.message
	}
	return strings.TrimPrefix(p.path, ".") + ": " + p.message
}

func mismatch(format string, args ...any) *problem {
	return &problem{message: fmt.Sprintf(format, args...)}
}

func nullMismatch(t graphql.Input) *problem {
	return &problem{message: fmt.Sprintf("expected %s, found null", t), null: true}
}

func (p *problem) in(step string) *problem {
	p.path = step + p.path
	return p
}

func (p *problem) at(i int) *problem { return p.in(fmt.Sprintf("[%d]", i)) }

// coerceLiteral turns a literal into an input value of type t. Variables within
// are taken from variables; where that is nil they are accepted unseen, for
// another rule looks at their types. present is false for a variable that was not given.
func (d *document) coerceLiteral(t graphql.Input, v ast.Value, variables map[string]any) (value any, present bool, bad *problem) {
	if name, ok := v.(*ast.Variable); ok {
		if variables == nil {
			return nil, true, nil
		}
		value, present = variables[name.Name.Value]
		if _, required := t.(*graphql.NonNull); required && present && value == nil {
			return nil, true, nullMismatch(t)
		}
		return value, present, nil
	}
	if d.isNull(v) {
		if _, required := t.(*graphql.NonNull); required {
			return nil, true, nullMismatch(t)
		}
		return nil, true, nil
	}
	switch t := t.(type) {
	case *graphql.NonNull:
		inner, _ := t.OfType.(graphql.Input)
		return d.coerceLiteral(inner, v, variables)
	case *graphql.List:
		value, bad = d.coerceListLiteral(t, v, variables)
	case *graphql.InputObject:
		value, bad = d.coerceObjectLiteral(t, v, variables)
	case *graphql.Scalar:
		value, bad = coerceScalarLiteral(t, v)
	case *graphql.Enum:
		name, ok := v.(*ast.EnumValue)
		if !ok {
			return nil, true, mismatch("expected %s, a name without quotes, as %s", t, t.Values()[0].Name)
		}
		value, bad = coerceEnum(t, name.Value)
	default:
		bad = mismatch("a value of type %s cannot be given", t)
	}
	return value, true, bad
}

func (d *document) coerceListLiteral(t *graphql.List, v ast.Value, variables map[string]any) (any, *problem) {
	inner, _ := t.OfType.(graphql.Input)
	list, ok := v.(*ast.ListValue)
	if !ok { // one value stands for a list of one
		value, _, bad := d.coerceLiteral(inner, v, variables)
		return []any{value}, bad
	}
	values := make([]any, 0, len(list.Values))
	for i, item := range list.Values {
		value, present, bad := d.coerceLiteral(inner, item, variables)
		if _, required := inner.(*graphql.NonNull); required && !present {
			bad = mismatch("expected %s, found a variable without a value", inner)
		}
		if bad != nil {
			return nil, bad.at(i)
		}
		values = append(values, value)
	}
	return values, nil
}

func (d *document) coerceObjectLiteral(t *graphql.InputObject, v ast.Value, variables map[string]any) (any, *problem) {
	object, ok := v.(*ast.ObjectValue)
	if !ok {
		return nil, mismatch("expected %s, an object", t)
	}
	given := make(map[string]any, len(object.Fields))
	fields := t.Fields()
	for _, f := range object.Fields {
		field := fields[f.Name.Value]
		if field == nil {
			return nil, mismatch("%s has no field %q", t, f.Name.Value)
		}
		value, present, bad := d.coerceLiteral(field.Type, f.Value, variables)
		if bad != nil {
			return nil, bad.in("." + f.Name.Value)
		}
		if present {
			given[f.Name.Value] = value
		}
	}
	return complete(t, given)
}

// complete checks that an input object has all fields that it must have.
func complete(t *graphql.InputObject, given map[string]any) (any, *problem) {
	var lacking []string
	for name, field := range t.Fields() {
		if _, ok := given[name]; ok {
			continue
		}
		if _, required := field.Type.(*graphql.NonNull); required {
			lacking = append(lacking, name)
		}
	}
	if len(lacking) > 0 {
		sort.Strings(lacking)
		return nil, mismatch("%s needs the field %q", t, lacking[0])
	}
	return given, nil
}

func coerceEnum(t *graphql.Enum, name string) (any, *problem) {
	for _, v := range t.Values() {
		if v.Name == name {
			return relation.OfString(relation.Enum, name), nil
		}
	}
	return nil, mismatch("%s has no value %s", t, name)
}

func coerceScalarLiteral(t *graphql.Scalar, v ast.Value) (any, *problem) {
	var value relation.Value
	ok := false
	found := "such a value"
	switch v := v.(type) {
	case *ast.IntValue:
		value, ok = parseScalar(t.Name(), integerForm, v.Value)
		found = "a number"
	case *ast.FloatValue:
		// A literal with a point is a number with a fraction, unlike JSON's.
		if t.Name() != scalarInt && t.Name() != scalarBigInt {
			value, ok = parseScalar(t.Name(), fractionForm, v.Value)
		}
		found = "a number with a fraction"
	case *ast.StringValue:
		value, ok = parseScalar(t.Name(), stringForm, v.Value)
		found = "a string"
	case *ast.BooleanValue:
		value, ok = parseScalar(t.Name(), booleanForm, fmt.Sprint(v.Value))
		found = "a boolean"
	case *ast.EnumValue:
		found = "a name without quotes"
	case *ast.ListValue:
		found = "a list"
	case *ast.ObjectValue:
		found = "an object"
	}
	if !ok {
		return nil, scalarMismatch(t.Name(), found)
	}
	return value, nil
}

func scalarMismatch(scalar, found string) *problem {
	example := map[string]string{
		scalarBigInt: `"42"`, scalarDecimal: `"19.90"`, scalarUUID: `"123e4567-e89b-12d3-a456-426614174000"`,
		scalarDateTime: `"2024-01-02T03:04:05Z"`, scalarDate: `"2024-01-02"`, scalarTime: `"03:04:05"`,
		scalarDuration: `"P1DT2H"`, scalarBytes: `base64`,
	}[scalar]
	if example != "" {
		return mismatch("found %s, expected %s (as %s)", found, scalar, example)
	}
	return mismatch("found %s, expected %s", found, scalar)
}

// coerceVariables checks the request's variables against their declarations.
func coerceVariables(declared []variable, given map[string]any) (map[string]any, *Error) {
	values := make(map[string]any, len(declared))
	for _, v := range declared {
		raw, ok := given[v.name]
		switch {
		case !ok && v.hasInitial:
			values[v.name] = v.initial
			continue
		case !ok && v.required:
			return nil, failure(BadUserInput, "", "variable $%s of type %s has no value", v.name, v.input)
		case !ok:
			continue
		}
		value, bad := coerceJSON(v.input, raw)
		if bad != nil {
			return nil, failure(BadUserInput, "", "variable $%s: %s", v.name, bad)
		}
		values[v.name] = value
	}
	return values, nil
}

// coerceJSON turns decoded JSON, numbers as json.Number, into an input value.
func coerceJSON(t graphql.Input, raw any) (any, *problem) {
	if required, ok := t.(*graphql.NonNull); ok {
		if raw == nil {
			return nil, nullMismatch(t)
		}
		inner, _ := required.OfType.(graphql.Input)
		return coerceJSON(inner, raw)
	}
	if raw == nil {
		return nil, nil
	}
	switch t := t.(type) {
	case *graphql.List:
		return coerceJSONList(t, raw)
	case *graphql.InputObject:
		return coerceJSONObject(t, raw)
	case *graphql.Scalar:
		return coerceJSONScalar(t, raw)
	case *graphql.Enum:
		name, ok := raw.(string)
		if !ok {
			return nil, mismatch("expected %s, a string, as %q", t, t.Values()[0].Name)
		}
		return coerceEnum(t, name)
	}
	return nil, mismatch("a value of type %s cannot be given", t)
}

func coerceJSONList(t *graphql.List, raw any) (any, *problem) {
	inner, _ := t.OfType.(graphql.Input)
	list, ok := raw.([]any)
	if !ok {
		value, bad := coerceJSON(inner, raw)
		return []any{value}, bad
	}
	values := make([]any, 0, len(list))
	for i, item := range list {
		value, bad := coerceJSON(inner, item)
		if bad != nil {
			return nil, bad.at(i)
		}
		values = append(values, value)
	}
	return values, nil
}

func coerceJSONObject(t *graphql.InputObject, raw any) (any, *problem) {
	object, ok := raw.(map[string]any)
	if !ok {
		return nil, mismatch("expected %s, an object", t)
	}
	given := make(map[string]any, len(object))
	names := make([]string, 0, len(object))
	for name := range object {
		names = append(names, name)
	}
	sort.Strings(names) // so that of several mistakes the same one is told
	for _, name := range names {
		field := t.Fields()[name]
		if field == nil {
			return nil, mismatch("%s has no field %q", t, name)
		}
		value, bad := coerceJSON(field.Type, object[name])
		if bad != nil {
			return nil, bad.in("." + name)
		}
		given[name] = value
	}
	return complete(t, given)
}

func coerceJSONScalar(t *graphql.Scalar, raw any) (any, *problem) {
	var value relation.Value
	ok := false
	found := "a list or an object"
	switch raw := raw.(type) {
	case json.Number:
		form := integerForm
		if strings.ContainsAny(raw.String(), ".eE") {
			form = fractionForm
		}
		value, ok = parseScalar(t.Name(), form, raw.String())
		found = "a number"
	case string:
		value, ok = parseScalar(t.Name(), stringForm, raw)
		found = "a string"
	case bool:
		value, ok = parseScalar(t.Name(), booleanForm, fmt.Sprint(raw))
		found = "a boolean"
	}
	if !ok {
		return nil, scalarMismatch(t.Name(), found)
	}
	return value, nil
}
