package views

import (
	"slices"
	"strings"

	"odsd/internal/yamlfile"
	"odsd/storage/relation"
)

// project checks definitions in the order in which their views can be
// computed: what a view stands on comes before it.
type project struct {
	schemas map[string]*relation.Schema
	defs    []*Definition          // by name
	byName  map[string]*Definition // the first of each name
	states  map[*Definition]resolution
	path    []*Definition // being checked, for cycles
	inputs  map[*Definition]*input
	types   *typeNames
	// personal are the traces of the root's Scalars, of views that were checked.
	personal map[*View][]*trace
	checked  []*View
	found    []Diagnostic
}

// input is a view as the relation that views above it stand on.
type input struct {
	view   *View
	schema *relation.Schema // nil where the view does not show its key
	hidden string           // the key column that it does not show
}

// visit checks a definition after those that it stands on.
func (p *project) visit(d *Definition) {
	p.states[d] = resolving
	p.path = append(p.path, d)
	cycle := false
	for _, name := range d.relations() {
		below := p.viewNamed(name.Value)
		if below == nil {
			continue
		}
		if p.states[below] == unresolved {
			p.visit(below)
		}
		if p.states[below] == resolving && !cycle {
			cycle = true
			name.Node.Report(yamlfile.CodeCycle, "a view cannot stand on itself: read a table in its place", "views need each other: %s", p.cycle(below))
		}
	}
	p.path = p.path[:len(p.path)-1]
	if p.check(d) {
		p.states[d] = resolved
	} else {
		p.states[d] = broken
	}
}

// viewNamed is the definition that a relation's name means; nil for a table.
func (p *project) viewNamed(name string) *Definition {
	if p.schemas[name] != nil || name == "" {
		return nil
	}
	return p.byName[name]
}

func (p *project) cycle(from *Definition) string {
	names := []string{}
	for _, d := range p.path[slices.Index(p.path, from):] {
		names = append(names, d.Name.Value)
	}
	return strings.Join(append(names, from.Name.Value), " → ")
}

func (p *project) check(d *Definition) bool {
	first := p.byName[d.Name.Value]
	twice := d.Name.Given() && first != d
	if twice {
		d.Name.Node.Report(yamlfile.CodeTwice, "", "the view %q is already defined in %s", d.Name.Value, first.File)
	}
	c := newChecker(d, p)
	view := c.check()
	if view.Type != "" && !twice {
		p.types.claim(c)
	}
	problems := d.file.Take()
	if !d.failed && !yamlfile.HasErrors(problems) {
		c.followPersonal()
		c.advise()
		problems = append(problems, d.file.Take()...)
	}
	p.found = append(p.found, problems...)
	if d.failed || yamlfile.HasErrors(problems) {
		return false
	}
	p.checked = append(p.checked, view)
	p.inputs[d] = asInput(view)
	return true
}

// relations are all that a definition names as an input.
func (d *Definition) relations() []Text {
	list := []Text{d.From}
	for _, b := range d.Branches {
		list = append(list, b.From)
	}
	var add func([]*FieldDefinition)
	add = func(fields []*FieldDefinition) {
		for _, f := range fields {
			if f.Relation != nil {
				list = append(list, f.Relation.From)
				add(f.Relation.Fields)
			}
		}
	}
	add(d.Fields)
	return list
}

// asInput makes the relation that a view is to views above: a column for each
// of the root's Scalars, so that ordinals are the same.
func asInput(v *View) *input {
	in := &input{view: v}
	root := v.Nodes[0]
	schema := &relation.Schema{Name: v.Name, Description: v.Description, Columns: make([]relation.Column, len(root.Scalars))}
	for i, f := range root.Scalars {
		schema.Columns[i] = v.columnOf(f)
	}
	if v.Kind != DocumentView {
		schema.Key = v.KeyFields
		in.schema = schema
		return in
	}
	from := v.Occurrences[0].Schema
	for _, column := range v.Key {
		field := v.fieldShowing(column)
		if field == nil {
			in.hidden = from.Columns[column].Name
			return in
		}
		schema.Key = append(schema.Key, field.Ordinal)
	}
	in.schema = schema
	for _, key := range append([][]int{from.Key}, from.Unique...) {
		if shown := v.shownKey(key); shown != nil && !slices.Equal(shown, schema.Key) {
			schema.Unique = append(schema.Unique, shown)
		}
	}
	return in
}

// columnOf is a field as a column of the view's relation. Fields inside a `one`
// have dotted names, by which nothing can reach them.
func (v *View) columnOf(f *Field) relation.Column {
	column := relation.Column{Name: f.Name, Type: f.Type, NotNull: !f.Nullable, Description: f.Description}
	if f.Within != 0 {
		column.Name, column.NotNull = v.Occurrences[f.Within].Alias+"."+f.Name, false
	}
	if e := f.Expr; e != nil && e.Op == OpColumn {
		column.Labels = v.Occurrences[e.Occurrence].Schema.Columns[e.Column].Labels
	}
	return column
}

// fieldShowing finds the root field that shows a column of the root relation
// as it is, the one of its name before others; nil when there is none.
func (v *View) fieldShowing(column int) *Field {
	var shown *Field
	name := v.Occurrences[0].Schema.Columns[column].Name
	for _, f := range v.Nodes[0].Fields {
		if f.Expr == nil || f.Expr.Op != OpColumn || f.Expr.Occurrence != 0 || f.Expr.Column != column {
			continue
		}
		if shown = f; f.Name == name {
			break
		}
	}
	return shown
}

// shownKey gives the fields that show a unique key of the root relation; nil
// where one of its columns is not shown, or might be null.
func (v *View) shownKey(key []int) []int {
	var fields []int
	for _, column := range key {
		f := v.fieldShowing(column)
		if f == nil || f.Nullable {
			return nil
		}
		fields = append(fields, f.Ordinal)
	}
	return fields
}
