package query

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/graphql-go/graphql"

	"odsd/views"
)

// SDL is the GraphQL schema of these views in the schema definition language, as
// introspection would tell it: types by name, fields by name, arguments in the
// order in which they are declared. It reads no store.
func SDL(plans []*views.Plan) (string, error) {
	s, err := offlineSchema(plans)
	if err != nil {
		return "", err
	}
	p := &sdlPrinter{}
	for _, d := range s.graphql.Directives() {
		p.directive(d)
	}
	types := s.graphql.TypeMap()
	for _, name := range sortedNames(types) {
		p.define(types[name])
	}
	return p.String(), nil
}

// offlineSchema makes the schema of views as if all of them were ready.
func offlineSchema(plans []*views.Plan) (*schema, error) {
	served := make([]*ServedView, len(plans))
	for i, p := range plans {
		served[i] = &ServedView{Plan: p, State: Ready}
	}
	s, problems, err := buildSchema(0, served)
	if err != nil {
		return nil, err
	}
	for _, p := range problems {
		err = errors.Join(err, fmt.Errorf("view %s: %s", p.View, p.Message))
	}
	return s, err
}

// sdlPrinter writes definitions one below the other, an empty line between them.
type sdlPrinter struct{ strings.Builder }

// specified are the directives and scalars that GraphQL itself defines.
func specified(name string) bool {
	switch name {
	case "include", "skip", "deprecated", "specifiedBy", "Int", "Float", "String", "Boolean", "ID":
		return true
	}
	return strings.HasPrefix(name, "__")
}

func (p *sdlPrinter) begin(description string) {
	if p.Len() > 0 {
		p.WriteByte('\n')
	}
	p.description("", description)
}

func (p *sdlPrinter) directive(d *graphql.Directive) {
	if specified(d.Name) {
		return
	}
	p.begin(d.Description)
	p.WriteString("directive @" + d.Name)
	p.arguments("", d.Args)
	p.WriteString(" on " + strings.Join(d.Locations, " | ") + "\n")
}

func (p *sdlPrinter) define(t graphql.Type) {
	if specified(t.Name()) {
		return
	}
	p.begin(t.Description())
	switch t := t.(type) {
	case *graphql.Scalar:
		p.WriteString("scalar " + t.Name() + "\n")
	case *graphql.Object:
		p.object(t)
	case *graphql.InputObject:
		p.input(t)
	case *graphql.Enum:
		p.enum(t)
	}
}

func (p *sdlPrinter) object(t *graphql.Object) {
	p.WriteString("type " + t.Name() + " {\n")
	fields := t.Fields()
	for i, name := range sortedNames(fields) {
		f := fields[name]
		p.member(i, f.Description)
		p.WriteString("  " + name)
		p.arguments("  ", f.Args)
		p.WriteString(": " + f.Type.String())
		p.deprecated(f.DeprecationReason)
		p.WriteByte('\n')
	}
	p.WriteString("}\n")
}

func (p *sdlPrinter) input(t *graphql.InputObject) {
	p.WriteString("input " + t.Name() + " {\n")
	fields := t.Fields()
	for i, name := range sortedNames(fields) {
		f := fields[name]
		p.member(i, f.Description())
		p.WriteString("  " + name + ": " + f.Type.String() + defaultOf(f.DefaultValue) + "\n")
	}
	p.WriteString("}\n")
}

func (p *sdlPrinter) enum(t *graphql.Enum) {
	p.WriteString("enum " + t.Name() + " {\n")
	values := slices.Clone(t.Values())
	slices.SortFunc(values, func(a, b *graphql.EnumValueDefinition) int { return strings.Compare(a.Name, b.Name) })
	for i, v := range values {
		p.member(i, v.Description)
		p.WriteString("  " + v.Name)
		p.deprecated(v.DeprecationReason)
		p.WriteByte('\n')
	}
	p.WriteString("}\n")
}

// member sets a described member off from the one before.
func (p *sdlPrinter) member(i int, description string) {
	if i > 0 && description != "" {
		p.WriteByte('\n')
	}
	p.description("  ", description)
}

// arguments stand on one line where none is described.
func (p *sdlPrinter) arguments(indent string, args []*graphql.Argument) {
	if len(args) == 0 {
		return
	}
	described := slices.ContainsFunc(args, func(a *graphql.Argument) bool { return a.Description() != "" })
	p.WriteByte('(')
	for i, a := range args {
		written := a.Name() + ": " + a.Type.String() + defaultOf(a.DefaultValue)
		switch {
		case described:
			p.WriteByte('\n')
			if i > 0 && a.Description() != "" {
				p.WriteByte('\n')
			}
			p.description(indent+"  ", a.Description())
			p.WriteString(indent + "  " + written)
		case i > 0:
			p.WriteString(", " + written)
		default:
			p.WriteString(written)
		}
	}
	if described {
		p.WriteString("\n" + indent)
	}
	p.WriteByte(')')
}

func (p *sdlPrinter) deprecated(reason string) {
	if reason != "" {
		p.WriteString(" @deprecated(reason: " + quoted(reason) + ")")
	}
}

// description writes a block string, or a quoted one for what a block string
// would change: it takes indentation and outer empty lines away.
func (p *sdlPrinter) description(indent, text string) {
	if text == "" {
		return
	}
	if !plainBlock(text) {
		p.WriteString(indent + quoted(text) + "\n")
		return
	}
	if len(text) < 70 && !strings.Contains(text, "\n") && !strings.HasSuffix(text, `"`) && !strings.HasSuffix(text, `\`) {
		p.WriteString(indent + `"""` + strings.ReplaceAll(text, `"""`, `\"""`) + `"""` + "\n")
		return
	}
	p.WriteString(indent + `"""` + "\n")
	for line := range strings.SplitSeq(strings.ReplaceAll(text, `"""`, `\"""`), "\n") {
		if line != "" {
			p.WriteString(indent + line)
		}
		p.WriteByte('\n')
	}
	p.WriteString(indent + `"""` + "\n")
}

func plainBlock(text string) bool {
	if strings.TrimSpace(text) != text {
		return false
	}
	for line := range strings.SplitSeq(text, "\n") {
		if line != "" && strings.Trim(line, " \t") != line {
			return false
		}
	}
	return !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' && r != '\n' || r == 0x7f })
}

// quoted is a string literal of GraphQL, whose escapes are JSON's.
func quoted(text string) string { return string(appendString(nil, text)) }

// defaultOf writes a default value; those of the schema are numbers and texts.
func defaultOf(value any) string {
	switch value := value.(type) {
	case int:
		return " = " + strconv.Itoa(value)
	case string:
		return " = " + quoted(value)
	}
	return ""
}

func sortedNames[T any](fields map[string]T) []string {
	names := make([]string, 0, len(fields))
	for name := range fields {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
