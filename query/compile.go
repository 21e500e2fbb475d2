package query

import (
	"slices"
	"strings"

	"github.com/graphql-go/graphql"
	"github.com/graphql-go/graphql/language/ast"

	"odsd/storage/relation"
)

// compiler lowers one validated operation to its plan. Conditions of @skip and
// @include are decided here: a plan serves the requests with one outcome of them.
type compiler struct {
	*document
	schema    *schema
	variables map[string]any
	views     map[int]bool
	lists     []listArguments
	path      []pathStep // down to the object at hand
}

// pathStep is the name of a field in the reply, and whether its value is a list.
type pathStep struct {
	name string
	list bool
}

// enter goes down into a field, until the function that it gives is called.
func (c *compiler) enter(g *fieldGroup, list bool) (leave func()) {
	c.path = append(c.path, pathStep{g.response, list})
	return func() { c.path = c.path[:len(c.path)-1] }
}

// place is where a list of a document stands: its dotted name, and the path of errors about
// its arguments, which ends before the first entry of a list: it is wrong for all of them.
func (c *compiler) place(response string) (name string, path []any) {
	var names []string
	within := false
	for _, step := range append(slices.Clip(c.path), pathStep{name: response}) {
		names = append(names, step.name)
		if !within {
			path = append(path, step.name)
		}
		within = within || step.list
	}
	return strings.Join(names, "."), path
}

func (d *document) compile(s *schema, o *ast.OperationDefinition, variables map[string]any) *operation {
	c := compiler{document: d, schema: s, variables: variables, views: map[int]bool{}}
	out := &operation{consistency: c.consistencyOf(o)}
	for i, group := range d.collect([]*ast.SelectionSet{o.SelectionSet}, c.included) {
		out.roots = append(out.roots, c.root(i, group))
	}
	out.lists = c.lists
	for view := range c.views {
		for _, source := range s.views[view].sources {
			if !slices.Contains(out.sources, source) {
				out.sources = append(out.sources, source)
			}
		}
	}
	slices.Sort(out.sources)
	return out
}

// included decides @skip and @include; validation has seen to their form.
func (c *compiler) included(directives []*ast.Directive) bool {
	for _, directive := range directives {
		name := directive.Name.Value
		if name != "skip" && name != "include" {
			continue
		}
		for _, a := range directive.Arguments {
			value, _, _ := c.coerceLiteral(graphql.Boolean, a.Value, c.variables)
			condition, _ := value.(relation.Value)
			if condition.True() == (name == "skip") {
				return false
			}
		}
	}
	return true
}

// conditionVariables lists the variables that decide @skip and @include
// anywhere in the document.
func (d *document) conditionVariables() []string {
	var names []string
	note := func(directives []*ast.Directive) {
		for _, directive := range directives {
			for _, a := range directive.Arguments {
				v, ok := a.Value.(*ast.Variable)
				if ok && directive.Name.Value != "consistency" && !slices.Contains(names, v.Name.Value) {
					names = append(names, v.Name.Value)
				}
			}
		}
	}
	for _, o := range d.operations {
		eachDirectives(o.SelectionSet, note)
	}
	for _, f := range d.fragments {
		eachDirectives(f.SelectionSet, note)
	}
	slices.Sort(names)
	return names
}

func eachDirectives(set *ast.SelectionSet, visit func([]*ast.Directive)) {
	if set == nil {
		return
	}
	for _, selection := range set.Selections {
		switch s := selection.(type) {
		case *ast.Field:
			visit(s.Directives)
			eachDirectives(s.SelectionSet, visit)
		case *ast.InlineFragment:
			visit(s.Directives)
			eachDirectives(s.SelectionSet, visit)
		case *ast.FragmentSpread:
			visit(s.Directives)
		}
	}
}

func (c *compiler) consistencyOf(o *ast.OperationDefinition) []argument {
	for _, directive := range o.Directives {
		if directive.Name.Value != "consistency" {
			continue
		}
		var args []argument
		for _, definition := range c.schema.graphql.Directive("consistency").Args {
			if a := argumentNamed(directive.Arguments, definition.Name()); a != nil {
				args = append(args, argument{name: definition.Name(), value: a.Value, input: definition.Type})
			}
		}
		return args
	}
	return nil
}

func argumentNamed(args []*ast.Argument, name string) *ast.Argument {
	for _, a := range args {
		if a.Name.Value == name {
			return a
		}
	}
	return nil
}

// prefixOf is what stands before a field's value: the object's brace or a comma, and the name.
func prefixOf(i int, response string) []byte {
	prefix := []byte{','}
	if i == 0 {
		prefix[0] = '{'
	}
	return append(appendString(prefix, response), ':')
}

func typenamePrefix(i int, response, typeName string) []byte {
	return appendString(prefixOf(i, response), typeName)
}

func (c *compiler) root(i int, g *fieldGroup) *rootStep {
	name := g.name()
	step := &rootStep{response: g.response, prefix: prefixOf(i, g.response), view: -1}
	switch {
	case name == "__typename":
		step.kind, step.prefix = typenameRoot, typenamePrefix(i, g.response, "Query")
		return step
	case isIntrospection(name):
		step.kind, step.nullable = introspectionRoot, true
		step.fields = []*ast.Field{c.flatten(g)}
		return step
	}
	field := c.schema.roots[name]
	step.kind, step.view, step.nullable = field.kind, field.view, field.nullable
	for _, a := range g.fields[0].Arguments {
		step.args = append(step.args, argument{name: a.Name.Value, value: a.Value, input: field.args[a.Name.Value]})
	}
	if field.view >= 0 {
		c.views[field.view] = true
	}
	switch field.kind {
	case byKeyRoot, byKeysRoot:
		step.document = c.selection(field.object, g, field.kind == byKeysRoot)
	case listRoot:
		step.page = c.page(field.object, g)
		for _, p := range step.page {
			step.counted = step.counted || p.kind == totalField
			step.next = step.next || slices.ContainsFunc(p.leaves, func(l *leafStep) bool { return l.kind == hasNextField })
		}
	case freshnessRoot:
		step.listing = c.leaves(field.object, g)
	}
	return step
}

// selection compiles the fields of an object, or of each in a list of them.
func (c *compiler) selection(object *objectType, g *fieldGroup, list bool) *selection {
	defer c.enter(g, list)()
	out := &selection{}
	for i, sub := range c.collect(g.selections(), c.included) {
		s := c.step(i, object, sub)
		out.lists = out.lists || s.kind == manyField || (s.object != nil && s.object.lists)
		out.steps = append(out.steps, s)
	}
	return out
}

func (c *compiler) step(i int, object *objectType, g *fieldGroup) step {
	if g.name() == "__typename" {
		return step{kind: typenameField, prefix: typenamePrefix(i, g.response, object.name)}
	}
	field := object.fields[g.name()]
	out := step{prefix: prefixOf(i, g.response), kind: field.kind, required: field.required, column: field.column, write: field.write, list: field.list}
	switch field.kind {
	case oneField:
		out.column = field.present
		out.object = c.selection(field.object, g, false)
	case manyField:
		out.arguments = len(c.lists)
		name, path := c.place(g.response)
		c.lists = append(c.lists, listArguments{
			name: name, path: path, list: field.list, object: field.object,
			limit: listArgument(field, g, "limit"), where: listArgument(field, g, "where"), orderBy: listArgument(field, g, "orderBy"),
		})
		out.object = c.selection(field.object, g, true)
	}
	return out
}

func listArgument(field *objectField, g *fieldGroup, name string) *argument {
	a := argumentNamed(g.fields[0].Arguments, name)
	if a == nil {
		return nil
	}
	return &argument{name: name, value: a.Value, input: field.args[name]}
}

func (c *compiler) page(object *objectType, g *fieldGroup) []*pageStep {
	defer c.enter(g, false)()
	var steps []*pageStep
	for i, sub := range c.collect(g.selections(), c.included) {
		if sub.name() == "__typename" {
			steps = append(steps, &pageStep{kind: typenameField, prefix: typenamePrefix(i, sub.response, object.name)})
			continue
		}
		field := object.fields[sub.name()]
		step := &pageStep{kind: field.kind, prefix: prefixOf(i, sub.response)}
		switch field.kind {
		case nodesField:
			step.document = c.selection(field.object, sub, true)
		case edgesField, pageInfoField:
			step.leaves = c.leaves(field.object, sub)
		}
		steps = append(steps, step)
	}
	return steps
}

func (c *compiler) leaves(object *objectType, g *fieldGroup) []*leafStep {
	defer c.enter(g, true)()
	var steps []*leafStep
	for i, sub := range c.collect(g.selections(), c.included) {
		if sub.name() == "__typename" {
			steps = append(steps, &leafStep{kind: typenameField, prefix: typenamePrefix(i, sub.response, object.name)})
			continue
		}
		field := object.fields[sub.name()]
		step := &leafStep{kind: field.kind, prefix: prefixOf(i, sub.response)}
		if field.kind == nodeField {
			step.document = c.selection(field.object, sub, false)
		}
		steps = append(steps, step)
	}
	return steps
}
