package views

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"odsd/internal/yamlfile"
	"odsd/storage/relation"
)

// The first pass makes the tree: occurrences, nodes and fields with their ids,
// parents before children, so that names can be resolved in any order after.

var plainWord = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// reservedWords cannot be aliases: the language of expressions has them.
var reservedWords = []string{"and", "or", "not", "in", "nil", "true", "false", "let", "if", "else", "contains", "matches", "startsWith", "endsWith"}

func (c *checker) buildRoot() {
	o := &Occurrence{Kind: RootOccurrence, Parent: -1}
	s := &scope{occurrence: o, at: c.def.From, where: c.def.Where, depth: 1}
	n := &Node{Parent: -1}
	c.view.Nodes = append(c.view.Nodes, n)
	c.root = s
	c.addOccurrence(s, c.def.Alias)
	if c.view.Kind == GroupView {
		c.addGroupFields(s, n)
		return
	}
	c.addFields(s, n, c.def.Fields, &n.Fields)
}

// addOccurrence gives a scope its id, relation and alias.
func (c *checker) addOccurrence(s *scope, alias Text) {
	o := s.occurrence
	o.ID = len(c.view.Occurrences)
	c.view.Occurrences = append(c.view.Occurrences, o)
	c.scopes = append(c.scopes, s)
	o.Schema, s.input = c.findRelation(s.at)
	at := s.at
	o.Alias = s.at.Value[strings.LastIndexByte(s.at.Value, '.')+1:]
	if alias.Given() {
		at, o.Alias = alias, alias.Value
	}
	c.claimAlias(s, at)
	if len(c.view.Occurrences) == maxOccurrences+1 {
		s.at.Node.Report(yamlfile.CodeLimit, "", "the view uses more than %d relations", maxOccurrences)
	}
}

func (c *checker) claimAlias(s *scope, at Text) {
	alias := s.occurrence.Alias
	if !at.Given() {
		return // the relation's name is missing, which was reported
	}
	if !plainWord.MatchString(alias) || slices.Contains(reservedWords, alias) {
		at.Node.Report(yamlfile.CodeRowAlias, "give it one: `as: word`", "%q cannot be an alias in expressions", alias)
		return
	}
	if first, taken := c.aliases[alias]; taken {
		at.Node.Report(yamlfile.CodeRowAlias, fmt.Sprintf("give this one its own: `as: %s_2`", alias),
			"the alias %q is already that of line %d", alias, first.at.Node.Line())
		c.refused[alias] = append(c.refused[alias], s)
		return
	}
	c.aliases[alias] = s
}

// findRelation looks a relation up as views name it. Nil when there is none,
// which is reported here.
func (c *checker) findRelation(name Text) (*relation.Schema, *View) {
	if !name.Given() {
		return nil, nil
	}
	if schema := c.project.schemas[name.Value]; schema != nil {
		return schema, nil
	}
	parts := strings.Split(name.Value, ".")
	if len(parts) == 3 && parts[1] == "public" {
		if schema := c.project.schemas[parts[0]+"."+parts[2]]; schema != nil {
			return schema, nil
		}
	}
	if d := c.project.viewNamed(name.Value); d != nil {
		return c.findView(name, d)
	}
	name.Node.Report(yamlfile.CodeRelation, c.relationHint(name.Value), "no relation %q", name.Value)
	return nil, nil
}

// findView finds the relation that a view is. One that has errors, or does not
// show its key, is reported once for each view above it.
func (c *checker) findView(name Text, d *Definition) (*relation.Schema, *View) {
	in := c.project.inputs[d]
	switch {
	case in != nil && in.schema != nil:
		return in.schema, in.view
	case c.unusable[d] || c.project.states[d] == resolving:
		return nil, nil // a cycle was reported where it closes
	case in != nil:
		name.Node.Report(yamlfile.CodeInput, fmt.Sprintf("add to %s the field %q: {expr: %s}", name.Value, in.hidden, in.hidden),
			"the view %q does not show its key column %q, so nothing can stand on it", name.Value, in.hidden)
	default:
		name.Node.Report(yamlfile.CodeInput, "", "the view %q has errors, so nothing can stand on it", name.Value)
	}
	c.unusable[d] = true
	return nil, nil
}

func (c *checker) relationHint(name string) string {
	var known []string
	for relation := range c.project.schemas {
		known = append(known, relation)
	}
	for view := range c.project.byName {
		if view != c.def.Name.Value {
			known = append(known, view)
		}
	}
	if hint := yamlfile.DidYouMean(name, known); hint != "" {
		return hint
	}
	if !strings.Contains(name, ".") {
		for _, relation := range slices.Sorted(slices.Values(known)) {
			if strings.HasSuffix(relation, "."+name) {
				return `did you mean "` + relation + `"?`
			}
		}
		return "tables are named source.table, and there is no view of this name"
	}
	return "the tables that are known stand in schema/*.yaml"
}

// addFields makes the fields of a scope, whose rows lie in node, and everything below.
func (c *checker) addFields(s *scope, node *Node, defs []*FieldDefinition, into *[]*Field) {
	if s.byName == nil {
		s.byName = make(map[string]*fieldState, len(defs))
	}
	for _, def := range defs {
		if def.Name.Node.Bad() {
			continue
		}
		f := &fieldState{def: def, scope: s, field: &Field{
			Name: def.Name.Value, Kind: def.Kind, Description: def.Description, Deprecated: def.Deprecated,
			Within: s.occurrence.ID, Nullable: true,
		}}
		s.fields = append(s.fields, f)
		s.byName[def.Name.Value] = f
		*into = append(*into, f.field)
		if len(def.Name.Value) > maxNameLength {
			def.Name.Node.Report(yamlfile.CodeLimit, "", "the name is longer than %d bytes", maxNameLength)
		}
		switch def.Kind {
		case OneField:
			c.addOne(f, node)
		case ManyField:
			c.addMany(f, node)
		default:
			c.addScalar(f, node)
		}
	}
}

func (c *checker) addScalar(f *fieldState, node *Node) {
	f.field.Ordinal = len(node.Scalars)
	node.Scalars = append(node.Scalars, f.field)
	if len(node.Scalars) == maxNodeFields+1 {
		f.def.Name.Node.Report(yamlfile.CodeLimit, "", "more than %d fields in one node", maxNodeFields)
	}
	if f.def.Kind == AggregateField {
		if c.aggregates++; c.aggregates == maxAggregates+1 {
			f.def.Name.Node.Report(yamlfile.CodeLimit, "", "more than %d aggregates in one view", maxAggregates)
		}
	}
}

func (c *checker) addOne(f *fieldState, node *Node) {
	r := f.def.Relation
	o := &Occurrence{Kind: OneOccurrence, Parent: f.scope.occurrence.ID, Node: node.ID}
	if r != nil {
		o.Required = r.Required
	}
	if !c.descend(f, o) {
		return
	}
	f.field.Occurrence = o.ID
	f.field.Nullable = !o.Required
	f.scope.occurrence.Ones = append(f.scope.occurrence.Ones, o.ID)
	c.addFields(f.child, node, r.Fields, &f.field.Fields)
}

func (c *checker) addMany(f *fieldState, node *Node) {
	o := &Occurrence{Kind: ManyOccurrence, Parent: f.scope.occurrence.ID, Node: len(c.view.Nodes)}
	if !c.descend(f, o) {
		return
	}
	r := f.def.Relation
	n := &Node{ID: o.Node, Name: c.dotted(f), Parent: node.ID, Own: o.ID, Limit: r.Limit, Hidden: r.Hidden}
	if o.Schema != nil {
		n.Key = o.Schema.Key
		if len(n.Key) == 0 {
			r.From.Node.Report(yamlfile.CodeKey, "", "%s has no primary key", r.From.Value)
		}
	}
	c.view.Nodes = append(c.view.Nodes, n)
	if len(c.view.Nodes) == maxNodes+1 {
		f.def.Name.Node.Report(yamlfile.CodeLimit, "", "more than %d lists in one view", maxNodes)
	}
	f.field.Node = n.ID
	f.field.Nullable = false
	c.addFields(f.child, n, r.Fields, &n.Fields)
}

// descend makes the scope of a `one` or `many`; false where it cannot be.
func (c *checker) descend(f *fieldState, o *Occurrence) bool {
	r := f.def.Relation
	if r == nil {
		f.state = broken
		return false
	}
	if f.scope.depth == maxDepth {
		f.def.Name.Node.Report(yamlfile.CodeLimit, "", "nested deeper than %d levels", maxDepth)
		f.state = broken
		return false
	}
	f.child = &scope{occurrence: o, parent: f.scope, depth: f.scope.depth + 1,
		at: r.From, where: r.Where, join: r.Join, orderBy: r.OrderBy}
	c.addOccurrence(f.child, r.Alias)
	return true
}

// dotted is the path of field names that leads to a field.
func (c *checker) dotted(f *fieldState) string {
	name := f.def.Name.Value
	for s := f.scope; s.parent != nil; s = s.parent {
		for _, above := range s.parent.fields {
			if above.child == s {
				name = above.def.Name.Value + "." + name
			}
		}
	}
	return name
}
