package query

import (
	"fmt"
	"slices"

	"github.com/graphql-go/graphql"

	"odsd/views"
)

// SchemaChange is one difference between two GraphQL schemas.
type SchemaChange struct {
	// Breaking changes make requests that were valid invalid, or their replies different
	// in shape.
	Breaking bool   `json:"breaking"`
	What     string `json:"what"`
}

// Compare tells what changes in the GraphQL schema when these views take the place of
// those: the breaking changes first, each part by name.
func Compare(before, after []*views.Plan) ([]SchemaChange, error) {
	old, err := offlineSchema(before)
	if err != nil {
		return nil, err
	}
	now, err := offlineSchema(after)
	if err != nil {
		return nil, err
	}
	c := &comparison{}
	oldTypes, newTypes := old.graphql.TypeMap(), now.graphql.TypeMap()
	for _, name := range sortedNames(oldTypes) {
		// A type comes and goes with the fields that are of it, which are told.
		if newTypes[name] != nil {
			c.compareType(name, oldTypes[name], newTypes[name])
		}
	}
	slices.SortStableFunc(c.changes, func(a, b SchemaChange) int {
		switch {
		case a.Breaking == b.Breaking:
			return 0
		case a.Breaking:
			return -1
		}
		return 1
	})
	return c.changes, nil
}

type comparison struct{ changes []SchemaChange }

func (c *comparison) breaking(format string, args ...any) {
	c.changes = append(c.changes, SchemaChange{Breaking: true, What: fmt.Sprintf(format, args...)})
}

func (c *comparison) harmless(format string, args ...any) {
	c.changes = append(c.changes, SchemaChange{What: fmt.Sprintf(format, args...)})
}

func (c *comparison) compareType(name string, old, now graphql.Type) {
	switch old := old.(type) {
	case *graphql.Object:
		if now, ok := now.(*graphql.Object); ok {
			c.compareObject(name, old.Fields(), now.Fields())
			return
		}
	case *graphql.InputObject:
		if now, ok := now.(*graphql.InputObject); ok {
			c.compareInput(name, old.Fields(), now.Fields())
			return
		}
	case *graphql.Enum:
		if now, ok := now.(*graphql.Enum); ok {
			c.compareEnum(name, old, now)
			return
		}
	case *graphql.Scalar:
		if _, ok := now.(*graphql.Scalar); ok {
			return
		}
	}
	c.breaking("type %s is of another kind", name)
}

func (c *comparison) compareObject(name string, old, now graphql.FieldDefinitionMap) {
	for _, field := range sortedNames(old) {
		if now[field] == nil {
			c.breaking("%s.%s is gone", name, field)
			continue
		}
		c.compareTypes(name+"."+field, old[field].Type, now[field].Type, readable)
		c.compareArguments(name+"."+field, old[field].Args, now[field].Args)
	}
	for _, field := range sortedNames(now) {
		if old[field] == nil {
			c.harmless("%s.%s is new", name, field)
		}
	}
}

func (c *comparison) compareArguments(field string, old, now []*graphql.Argument) {
	find := func(list []*graphql.Argument, name string) *graphql.Argument {
		for _, a := range list {
			if a.Name() == name {
				return a
			}
		}
		return nil
	}
	for _, a := range old {
		at := fmt.Sprintf("%s(%s:)", field, a.Name())
		if other := find(now, a.Name()); other != nil {
			c.compareTypes(at, a.Type, other.Type, accepting)
		} else {
			c.breaking("argument %s is gone", at)
		}
	}
	for _, a := range now {
		if find(old, a.Name()) != nil {
			continue
		}
		at := fmt.Sprintf("%s(%s:)", field, a.Name())
		if mandatory(a.Type) && a.DefaultValue == nil {
			c.breaking("argument %s is new and required", at)
		} else {
			c.harmless("argument %s is new", at)
		}
	}
}

func (c *comparison) compareInput(name string, old, now graphql.InputObjectFieldMap) {
	for _, field := range sortedNames(old) {
		if now[field] == nil {
			c.breaking("%s.%s is gone", name, field)
			continue
		}
		c.compareTypes(name+"."+field, old[field].Type, now[field].Type, accepting)
	}
	for _, field := range sortedNames(now) {
		switch {
		case old[field] != nil:
		case mandatory(now[field].Type) && now[field].DefaultValue == nil:
			c.breaking("%s.%s is new and required", name, field)
		default:
			c.harmless("%s.%s is new", name, field)
		}
	}
}

func (c *comparison) compareEnum(name string, old, now *graphql.Enum) {
	has := func(e *graphql.Enum, value string) bool {
		return slices.ContainsFunc(e.Values(), func(v *graphql.EnumValueDefinition) bool { return v.Name == value })
	}
	for _, v := range old.Values() {
		if !has(now, v.Name) {
			c.breaking("%s.%s is gone", name, v.Name)
		}
	}
	for _, v := range now.Values() {
		if !has(old, v.Name) {
			c.harmless("%s.%s is new", name, v.Name)
		}
	}
}

// compareTypes compares what stands in one place, of which safe tells whether the new
// may take the place of the old.
func (c *comparison) compareTypes(at string, old, now graphql.Type, safe func(old, now graphql.Type) bool) {
	if old.String() == now.String() {
		return
	}
	if safe(old, now) {
		c.harmless("%s is %s, was %s", at, now, old)
		return
	}
	c.breaking("%s is %s, was %s", at, now, old)
}

// readable says that whoever reads the old can read the new.
func readable(old, now graphql.Type) bool {
	if n, ok := now.(*graphql.NonNull); ok {
		if o, ok := old.(*graphql.NonNull); ok {
			old = o.OfType
		}
		return readable(old, n.OfType)
	}
	o, isList := old.(*graphql.List)
	n, bothLists := now.(*graphql.List)
	if isList && bothLists {
		return readable(o.OfType, n.OfType)
	}
	return old.String() == now.String()
}

// accepting says that whatever the old takes the new takes.
func accepting(old, now graphql.Type) bool { return readable(now, old) }

func mandatory(t graphql.Type) bool {
	_, nonNull := t.(*graphql.NonNull)
	return nonNull
}
