package query

import (
	"errors"
	"fmt"

	"github.com/graphql-go/graphql"
	"github.com/graphql-go/graphql/gqlerrors"
	"github.com/graphql-go/graphql/language/ast"
	"github.com/graphql-go/graphql/language/kinds"
	"github.com/graphql-go/graphql/language/visitor"
)

// maxErrors of one request; looking for more would cost more than it tells.
const maxErrors = 10

// validate checks a document against the schema: graphql-go's rules where they
// follow the specification in linear time, ours for values, variables in their
// places, merging and repeated directives.
func (d *document) validate(schema *graphql.Schema, limits Limits) []*Error {
	for _, o := range d.operations {
		if o.Operation != ast.OperationTypeQuery {
			return []*Error{d.failAt(o, failure(ValidationFailed, "", "the schema has no %ss", o.Operation))}
		}
	}
	info := graphql.NewTypeInfo(&graphql.TypeInfoConfig{Schema: schema})
	var errs []*Error
	for _, e := range graphql.VisitUsingRules(schema, info, d.ast, d.rules()) {
		errs = append(errs, d.validationError(e))
	}
	inOrder(errs)
	if len(errs) > maxErrors {
		errs = errs[:maxErrors]
	}
	if len(errs) > 0 {
		return errs
	}
	return d.checkMerging(limits)
}

func (d *document) validationError(e gqlerrors.FormattedError) *Error {
	out := failure(ValidationFailed, "", "%s", e.Message)
	var located *gqlerrors.Error
	if errors.As(e.OriginalError(), &located) {
		for _, p := range located.Positions {
			out.Locations = append(out.Locations, d.locate(p))
		}
	}
	return out
}

func (d *document) rules() []graphql.ValidationRuleFn {
	rules := []graphql.ValidationRuleFn{
		d.valuesRule,
		d.defaultsRule,
		d.variablesRule,
		d.directivesRule,
		graphql.FieldsOnCorrectTypeRule,
		graphql.FragmentsOnCompositeTypesRule,
		graphql.KnownArgumentNamesRule,
		graphql.KnownDirectivesRule,
		graphql.KnownFragmentNamesRule,
		graphql.KnownTypeNamesRule,
		graphql.LoneAnonymousOperationRule,
		graphql.NoUndefinedVariablesRule,
		graphql.NoUnusedFragmentsRule,
		graphql.NoUnusedVariablesRule,
		graphql.PossibleFragmentSpreadsRule,
		graphql.ProvidedNonNullArgumentsRule,
		graphql.ScalarLeafsRule,
		graphql.UniqueArgumentNamesRule,
		graphql.UniqueInputFieldNamesRule,
		graphql.UniqueOperationNamesRule,
		graphql.UniqueVariableNamesRule,
		graphql.VariablesAreInputTypesRule,
	}
	for i := range rules {
		rules[i] = untilEnough(rules[i])
	}
	return rules
}

// untilEnough makes a rule stop once there are errors enough: some look for
// suggestions among all names of the schema for each one.
func untilEnough(rule graphql.ValidationRuleFn) graphql.ValidationRuleFn {
	return func(context *graphql.ValidationContext) *graphql.ValidationRuleInstance {
		guard := func(f visitor.VisitFunc) visitor.VisitFunc {
			if f == nil {
				return nil
			}
			return func(p visitor.VisitFuncParams) (string, any) {
				if len(context.Errors()) >= maxErrors {
					return visitor.ActionBreak, nil
				}
				return f(p)
			}
		}
		instance := rule(context)
		for kind, f := range instance.VisitorOpts.KindFuncMap {
			f.Kind, f.Enter, f.Leave = guard(f.Kind), guard(f.Enter), guard(f.Leave)
			instance.VisitorOpts.KindFuncMap[kind] = f
		}
		return instance
	}
}

func onKind(kind string, f func(ast.Node) string) *graphql.ValidationRuleInstance {
	return &graphql.ValidationRuleInstance{VisitorOpts: &visitor.VisitorOptions{
		KindFuncMap: map[string]visitor.NamedVisitFuncs{
			kind: {Kind: func(p visitor.VisitFuncParams) (string, any) {
				node, _ := p.Node.(ast.Node)
				return f(node), nil
			}},
		},
	}}
}

func report(context *graphql.ValidationContext, node ast.Node, format string, args ...any) {
	context.ReportError(gqlerrors.NewError(fmt.Sprintf(format, args...), []ast.Node{node}, "", nil, nil, nil))
}

// valuesRule: literals given to arguments have the arguments' types. Nulls within a
// filter are left to the request, which tells all of them the same, literal or by
// variable, whether the type allows them or not.
func (d *document) valuesRule(context *graphql.ValidationContext) *graphql.ValidationRuleInstance {
	return onKind(kinds.Argument, func(node ast.Node) string {
		argument, ok := node.(*ast.Argument)
		if definition := context.Argument(); ok && definition != nil {
			if _, _, bad := d.coerceLiteral(definition.Type, argument.Value, nil); bad != nil && !(bad.null && argument.Name.Value == "where") {
				report(context, argument.Value, "argument %q: %s", argument.Name.Value, bad)
			}
		}
		return visitor.ActionSkip
	})
}

// defaultsRule: defaults of variables have the variables' types.
func (d *document) defaultsRule(context *graphql.ValidationContext) *graphql.ValidationRuleInstance {
	return onKind(kinds.VariableDefinition, func(node ast.Node) string {
		definition, ok := node.(*ast.VariableDefinition)
		if input := inputType(context.Schema(), definition.Type); ok && input != nil && definition.DefaultValue != nil {
			if _, _, bad := d.coerceLiteral(input, definition.DefaultValue, nil); bad != nil {
				report(context, definition.DefaultValue, "default of variable $%s: %s", definition.Variable.Name.Value, bad)
			}
		}
		return visitor.ActionSkip
	})
}

// variablesRule: a variable may stand only where its type is allowed; one with
// a default that is not null may stand where null may not.
func (d *document) variablesRule(context *graphql.ValidationContext) *graphql.ValidationRuleInstance {
	return onKind(kinds.OperationDefinition, func(node ast.Node) string {
		operation, _ := node.(*ast.OperationDefinition)
		declared := map[string]*ast.VariableDefinition{}
		for _, v := range operation.VariableDefinitions {
			declared[v.Variable.Name.Value] = v
		}
		for _, usage := range context.RecursiveVariableUsages(operation) {
			definition := declared[usage.Node.Name.Value]
			if definition == nil || usage.Type == nil {
				continue
			}
			given := inputType(context.Schema(), definition.Type)
			if given != nil && !d.allowed(given, definition.DefaultValue, usage.Type) {
				report(context, usage.Node, "variable $%s of type %s stands where %s is expected", usage.Node.Name.Value, given, usage.Type)
			}
		}
		return visitor.ActionNoChange
	})
}

func (d *document) allowed(given graphql.Input, initial ast.Value, place graphql.Input) bool {
	if required, ok := place.(*graphql.NonNull); ok {
		if _, certain := given.(*graphql.NonNull); !certain && initial != nil && !d.isNull(initial) {
			inner, _ := required.OfType.(graphql.Input)
			return narrower(given, inner)
		}
	}
	return narrower(given, place)
}

// narrower says whether every value of type a is one of type b.
func narrower(a, b graphql.Type) bool {
	certainA, isCertainA := a.(*graphql.NonNull)
	certainB, isCertainB := b.(*graphql.NonNull)
	switch {
	case isCertainB:
		return isCertainA && narrower(certainA.OfType, certainB.OfType)
	case isCertainA:
		return narrower(certainA.OfType, b)
	}
	listA, isListA := a.(*graphql.List)
	listB, isListB := b.(*graphql.List)
	if isListA || isListB {
		return isListA && isListB && narrower(listA.OfType, listB.OfType)
	}
	return a == b
}

// directivesRule: no directive stands twice at one place.
func (d *document) directivesRule(context *graphql.ValidationContext) *graphql.ValidationRuleInstance {
	check := func(p visitor.VisitFuncParams) (string, any) {
		seen := map[string]bool{}
		for _, directive := range directivesAt(p.Node) {
			if name := directive.Name.Value; seen[name] {
				report(context, directive, "directive @%s stands twice at one place", name)
			} else {
				seen[name] = true
			}
		}
		return visitor.ActionNoChange, nil
	}
	funcs := map[string]visitor.NamedVisitFuncs{}
	for _, kind := range []string{kinds.OperationDefinition, kinds.Field, kinds.FragmentSpread, kinds.InlineFragment, kinds.FragmentDefinition} {
		funcs[kind] = visitor.NamedVisitFuncs{Kind: check}
	}
	return &graphql.ValidationRuleInstance{VisitorOpts: &visitor.VisitorOptions{KindFuncMap: funcs}}
}

func directivesAt(node any) []*ast.Directive {
	switch node := node.(type) {
	case *ast.OperationDefinition:
		return node.Directives
	case *ast.Field:
		return node.Directives
	case *ast.FragmentSpread:
		return node.Directives
	case *ast.InlineFragment:
		return node.Directives
	case *ast.FragmentDefinition:
		return node.Directives
	}
	return nil
}

// inputType resolves a written type; nil where it is unknown or no input type,
// which other rules report.
func inputType(schema *graphql.Schema, written ast.Type) graphql.Input {
	switch t := written.(type) {
	case *ast.NonNull:
		if inner := inputType(schema, t.Type); inner != nil {
			return graphql.NewNonNull(inner)
		}
	case *ast.List:
		if inner := inputType(schema, t.Type); inner != nil {
			return graphql.NewList(inner)
		}
	case *ast.Named:
		named := schema.Type(t.Name.Value)
		if named != nil && graphql.IsInputType(named) {
			input, _ := named.(graphql.Input)
			return input
		}
	}
	return nil
}
