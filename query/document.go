package query

import (
	"errors"
	"strings"

	"github.com/graphql-go/graphql/gqlerrors"
	"github.com/graphql-go/graphql/language/ast"
	"github.com/graphql-go/graphql/language/parser"
	"github.com/graphql-go/graphql/language/source"
)

// document is a parsed request text within its budgets and free of fragment
// cycles, so that passes over it may recurse.
type document struct {
	*lexed
	ast        *ast.Document
	operations []*ast.OperationDefinition
	fragments  map[string]*ast.FragmentDefinition
}

// parse turns text into a document. The order matters: graphql-go's parser sees
// only text within the lexer's budgets, and everything else only documents
// without cycles.
func parse(text string, limits Limits) (*document, *Error) {
	lexed, err := lex(text, limits)
	if err != nil {
		return nil, err
	}
	tree, problem := parser.Parse(parser.ParseParams{
		Source:  &source.Source{Body: lexed.text, Name: "request"},
		Options: parser.ParseOptions{NoSource: true},
	})
	if problem != nil {
		return nil, syntaxError(lexed, problem)
	}
	d := &document{lexed: lexed, ast: tree, fragments: map[string]*ast.FragmentDefinition{}}
	if err := d.gather(limits); err != nil {
		return nil, err
	}
	if err := d.count(limits); err != nil {
		return nil, err
	}
	if name := cyclicFragment(d); name != "" {
		return nil, d.failAt(d.fragments[name], failure(TooComplex, "", "fragment %q spreads itself, directly or through others", name))
	}
	return d, nil
}

// syntaxError takes the reason out of graphql-go's message, which also draws the source.
func syntaxError(l *lexed, problem error) *Error {
	message := problem.Error()
	if _, rest, ok := strings.Cut(message, ") "); ok {
		message = rest
	}
	message, _, _ = strings.Cut(message, "\n")
	e := failure(ParseFailed, "", "%s", message)
	var syntax *gqlerrors.Error
	if errors.As(problem, &syntax) && len(syntax.Positions) > 0 {
		e.Locations = []Location{l.locate(syntax.Positions[0])}
	}
	return e
}

func (d *document) failAt(node ast.Node, e *Error) *Error {
	if loc := node.GetLoc(); loc != nil {
		e.Locations = []Location{d.locate(loc.Start)}
	}
	return e
}

func (d *document) gather(limits Limits) *Error {
	for _, definition := range d.ast.Definitions {
		switch def := definition.(type) {
		case *ast.OperationDefinition:
			d.operations = append(d.operations, def)
			if len(def.VariableDefinitions) > limits.Variables {
				return d.failAt(def, failure(TooComplex, "", "an operation has more than %d variables", limits.Variables))
			}
		case *ast.FragmentDefinition:
			if _, twice := d.fragments[def.Name.Value]; twice {
				return d.failAt(def, failure(ValidationFailed, "", "there are two fragments named %q", def.Name.Value))
			}
			d.fragments[def.Name.Value] = def
		default:
			return d.failAt(definition, failure(ValidationFailed, "", "a request holds operations and fragments only"))
		}
	}
	if len(d.operations) > limits.Operations {
		return failure(TooComplex, "", "the document has more than %d operations", limits.Operations)
	}
	if len(d.fragments) > limits.Fragments {
		return failure(TooComplex, "", "the document has more than %d fragments", limits.Fragments)
	}
	if len(d.operations) == 0 {
		return failure(ValidationFailed, "", "the document has no operation")
	}
	return nil
}

// tally counts what a document holds, fragments where they stand.
type tally struct{ fields, aliases, directives, spreads int }

func (d *document) count(limits Limits) *Error {
	var t tally
	for _, o := range d.operations {
		t.directives += len(o.Directives)
		t.selections(o.SelectionSet)
	}
	for _, f := range d.fragments {
		t.directives += len(f.Directives)
		t.selections(f.SelectionSet)
	}
	switch {
	case t.fields > limits.Fields:
		return failure(TooComplex, "", "the document has more than %d fields", limits.Fields)
	case t.aliases > limits.Aliases:
		return failure(TooComplex, "", "the document has more than %d aliases", limits.Aliases)
	case t.directives > limits.Directives:
		return failure(TooComplex, "", "the document has more than %d directives", limits.Directives)
	case t.spreads > limits.Fields:
		return failure(TooComplex, "", "the document has more than %d fragment spreads", limits.Fields)
	}
	return nil
}

func (t *tally) selections(set *ast.SelectionSet) {
	if set == nil {
		return
	}
	for _, selection := range set.Selections {
		switch s := selection.(type) {
		case *ast.Field:
			t.fields++
			t.directives += len(s.Directives)
			if s.Alias != nil {
				t.aliases++
			}
			t.selections(s.SelectionSet)
		case *ast.InlineFragment:
			t.spreads++
			t.directives += len(s.Directives)
			t.selections(s.SelectionSet)
		case *ast.FragmentSpread:
			t.spreads++
			t.directives += len(s.Directives)
		}
	}
}

// cyclicFragment names a fragment on a cycle, or "". It takes away, again and
// again, fragments that nothing left spreads: linear, and no recursion on input.
func cyclicFragment(d *document) string {
	spreads := map[string][]string{}
	spreadBy := map[string]int{}
	for name, f := range d.fragments {
		spreads[name] = spreadNames(f.SelectionSet, nil)
		for _, to := range spreads[name] {
			spreadBy[to]++
		}
	}
	var free []string
	for name := range d.fragments {
		if spreadBy[name] == 0 {
			free = append(free, name)
		}
	}
	left := len(d.fragments)
	for ; len(free) > 0; left-- {
		name := free[len(free)-1]
		free = free[:len(free)-1]
		for _, to := range spreads[name] {
			if spreadBy[to]--; spreadBy[to] == 0 && d.fragments[to] != nil {
				free = append(free, to)
			}
		}
	}
	if left == 0 {
		return ""
	}
	first := ""
	for name := range d.fragments {
		if spreadBy[name] > 0 && (first == "" || name < first) {
			first = name
		}
	}
	return first
}

func spreadNames(set *ast.SelectionSet, names []string) []string {
	if set == nil {
		return names
	}
	for _, selection := range set.Selections {
		switch s := selection.(type) {
		case *ast.Field:
			names = spreadNames(s.SelectionSet, names)
		case *ast.InlineFragment:
			names = spreadNames(s.SelectionSet, names)
		case *ast.FragmentSpread:
			names = append(names, s.Name.Value)
		}
	}
	return names
}
