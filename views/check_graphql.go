package views

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"odsd/internal/yamlfile"
)

// FieldName turns a name of the YAML or of a column into the one that GraphQL
// shows: paid_total becomes paidTotal. Leading underscores stay.
func FieldName(name string) string {
	rest := strings.TrimLeft(name, "_")
	leading := name[:len(name)-len(rest)]
	if strings.ToUpper(rest) == rest {
		rest = strings.ToLower(rest) // ORDER_ID
	}
	words := strings.Split(rest, "_")
	for i, w := range words {
		if i == 0 {
			words[i] = lowerFirst(w)
		} else {
			words[i] = UpperFirst(w)
		}
	}
	return leading + strings.Join(words, "")
}

// UpperFirst begins a type's name: customer360 becomes Customer360.
func UpperFirst(s string) string {
	_, size := utf8.DecodeRuneInString(s)
	return strings.ToUpper(s[:size]) + s[size:]
}

func lowerFirst(s string) string {
	_, size := utf8.DecodeRuneInString(s)
	return strings.ToLower(s[:size]) + s[size:]
}

var graphqlName = regexp.MustCompile(`^[_A-Za-z][_0-9A-Za-z]*$`)

// filterWords are what filters have beside fields.
var filterWords = []string{"_and", "_or", "_not", "_some", "_none"}

// legal says why a name cannot be one of GraphQL's; "" when it can.
func legal(name string) string {
	switch {
	case !graphqlName.MatchString(name):
		return "has characters that GraphQL does not allow in names"
	case strings.HasPrefix(name, "__"):
		return "begins with two underscores, which GraphQL keeps for itself"
	case slices.Contains(filterWords, name):
		return "is a word of filters"
	}
	return ""
}

// nameView gives the view and its fields their names in GraphQL.
func (c *checker) nameView() {
	c.view.Field = FieldName(c.def.Name.Value)
	c.view.Type = UpperFirst(c.view.Field)
	fieldAt, typeAt := c.def.Name, c.def.Name
	if c.def.Field.Given() {
		fieldAt, c.view.Field = c.def.Field, c.def.Field.Value
	}
	if c.def.Type.Given() {
		typeAt, c.view.Type = c.def.Type, c.def.Type.Value
	}
	c.nameFields(c.root)
	for _, s := range c.scopes {
		if s != c.root {
			c.nameFields(s)
		}
	}
	if !plainWord.MatchString(c.def.Name.Value) && c.def.Name.Given() {
		c.def.Name.Node.Report(yamlfile.CodeValue, "letters, digits and underscores, and no digit first", "a view cannot be named %q", c.def.Name.Value)
		return
	}
	if len(c.def.Name.Value) > maxNameLength {
		c.def.Name.Node.Report(yamlfile.CodeLimit, "", "the name is longer than %d bytes", maxNameLength)
	}
	if why := legal(c.view.Field); why != "" {
		fieldAt.Node.Report(yamlfile.CodeGraphQL, "name it with `graphql: {field: name}`", "%q %s", c.view.Field, why)
	}
	if why := legal(c.view.Type); why != "" {
		typeAt.Node.Report(yamlfile.CodeGraphQL, "name it with `graphql: {type: Name}`", "%q %s", c.view.Type, why)
	}
	c.nameKey()
}

func (c *checker) nameFields(s *scope) {
	taken := map[string]*fieldState{}
	override := "with `graphql: {field: name}`"
	if c.view.Kind == UnionView {
		override = "with `rename`: {new: old}"
	}
	for _, f := range s.fields {
		at := f.def.Name
		f.field.GraphQL = FieldName(at.Value)
		if f.def.GraphQL.Given() {
			at = f.def.GraphQL
			f.field.GraphQL = at.Value
		}
		if why := legal(f.field.GraphQL); why != "" {
			at.Node.Report(yamlfile.CodeGraphQL, "name it "+override, "%q %s", f.field.GraphQL, why)
			continue
		}
		if first := taken[f.field.GraphQL]; first != nil {
			at.Node.Report(yamlfile.CodeCollision, "give one another name "+override,
				"the fields %q and %q are both %q in GraphQL", first.def.Name.Value, f.def.Name.Value, f.field.GraphQL)
			continue
		}
		taken[f.field.GraphQL] = f
	}
}

// KeyNames are the names in GraphQL of the arguments that look a row up by its
// key: that of the root field which shows it, else one made of the key
// column's own name. Those of dimensions may be null.
func (v *View) KeyNames() []string {
	if len(v.KeyFields) > 0 {
		list := make([]string, len(v.KeyFields))
		for i, ordinal := range v.KeyFields {
			list[i] = v.Nodes[0].Scalars[ordinal].GraphQL
		}
		return list
	}
	list := make([]string, len(v.Key))
	for i, column := range v.Key {
		list[i] = FieldName(v.Occurrences[0].Schema.Columns[column].Name)
		if f := v.fieldShowing(column); f != nil {
			list[i] = f.GraphQL
		}
	}
	return list
}

// nameKey makes sure that the arguments of a lookup by key can be named.
func (c *checker) nameKey() {
	if c.view.Kind != DocumentView || c.root.dead() || len(c.view.Key) == 0 {
		return // the key of others is among the fields, which have names
	}
	root := c.root
	taken := map[string]bool{}
	for i, name := range c.view.KeyNames() {
		column := root.occurrence.Schema.Columns[c.view.Key[i]].Name
		hint := fmt.Sprintf("add a field that shows it: %q: {graphql: {field: name}}", column)
		if why := legal(name); why != "" {
			root.at.Node.Report(yamlfile.CodeGraphQL, hint, "the key column %q: %q %s", column, name, why)
		} else if taken[name] {
			root.at.Node.Report(yamlfile.CodeCollision, hint, "two key columns are %q in GraphQL", name)
		}
		taken[name] = true
	}
}

// typeNames are the names of types and of Query's fields across all views.
type typeNames struct {
	types  map[string]string // and whose they are
	fields map[string]string
}

// builtinTypes are the types that stand in every schema.
var builtinTypes = []string{
	"Query", "Mutation", "Subscription", "Int", "Float", "String", "Boolean", "ID", "BigInt", "Decimal", "DateTime",
	"Date", "Time", "Duration", "JSON", "UUID", "Bytes", "PageInfo", "Order", "ChangeOp", "SourceFreshness", "SourcePosition",
	"IntOps", "FloatOps", "StringOps", "BooleanOps", "BigIntOps", "DecimalOps", "DateTimeOps", "DateOps", "TimeOps", "DurationOps",
	"JSONOps", "UUIDOps", "BytesOps",
	"IntListOps", "FloatListOps", "StringListOps", "BooleanListOps", "BigIntListOps", "DecimalListOps", "DateTimeListOps", "DateListOps",
	"TimeListOps", "DurationListOps", "JSONListOps", "UUIDListOps", "BytesListOps",
}

// Every view has types of these endings, and every list in it of those.
var (
	viewTypes = []string{"", "Connection", "Edge", "Key", "Where", "OrderBy", "GroupBy", "Group", "GroupKey",
		"Sum", "Min", "Max", "Avg", "Change"}
	objectTypes = []string{"", "Where", "OrderBy", "Some"}
	viewFields  = []string{"", "ByKeys", "List", "Aggregate", "Live", "Changes"}
)

func newTypeNames() *typeNames {
	t := &typeNames{types: map[string]string{}, fields: map[string]string{"_freshness": "odsd itself"}}
	for _, name := range builtinTypes {
		t.types[name] = "GraphQL or odsd itself"
	}
	return t
}

// claim takes the names of a view, or reports the first that is taken.
func (t *typeNames) claim(c *checker) {
	view := c.view
	at := c.def.Name
	if c.def.Field.Given() {
		at = c.def.Field
	}
	for _, ending := range viewFields {
		if !claimName(t.fields, view.Field+ending, view.Name, at, "field: name") {
			break
		}
	}
	at = c.def.Name
	if c.def.Type.Given() {
		at = c.def.Type
	}
	for _, ending := range viewTypes {
		if !claimName(t.types, view.Type+ending, view.Name, at, "type: Name") {
			return
		}
	}
	t.claimObjects(c, c.root, view.Type)
}

// claimObjects takes the names of the types of nested objects.
func (t *typeNames) claimObjects(c *checker, s *scope, prefix string) {
	for _, f := range s.fields {
		if f.child == nil {
			continue
		}
		at := f.def.Name
		if f.def.GraphQL.Given() {
			at = f.def.GraphQL
		}
		name := prefix + UpperFirst(f.field.GraphQL)
		for _, ending := range objectTypes {
			if !claimName(t.types, name+ending, c.view.Name, at, "field: name") {
				return
			}
		}
		t.claimObjects(c, f.child, name)
	}
}

func claimName(taken map[string]string, name, view string, at Text, override string) bool {
	owner, found := taken[name]
	if !found {
		taken[name] = "the view " + view
		return true
	}
	if owner == "the view "+view {
		owner = "another part of this view"
	}
	at.Node.Report(yamlfile.CodeCollision, "give it another with `graphql: {"+override+"}`", "the GraphQL name %q is already that of %s", name, owner)
	return false
}

// Names are the names in GraphQL that views take: of Query's fields and of types.
type Names struct{ taken map[string]bool }

// NewNames begins with none taken but what stands in every schema.
func NewNames() *Names { return &Names{taken: map[string]bool{}} }

// Claim takes all names of a view, or none and says so when another has one of them.
// It is for views of which each was checked, though not together.
func (n *Names) Claim(v *View) bool {
	var wanted []string
	for _, ending := range viewFields {
		wanted = append(wanted, "."+v.Field+ending)
	}
	for _, ending := range viewTypes {
		wanted = append(wanted, v.Type+ending)
	}
	wanted = append(wanted, objectNames(v, v.Nodes[0].Fields, v.Type)...)
	for _, name := range wanted {
		if n.taken[name] {
			return false
		}
	}
	for _, name := range wanted {
		n.taken[name] = true
	}
	return true
}

// objectNames are the types of the objects in an object.
func objectNames(v *View, fields []*Field, prefix string) []string {
	var names []string
	for _, f := range fields {
		below := f.Fields
		switch f.Kind {
		case OneField:
		case ManyField:
			below = v.Nodes[f.Node].Fields
		default:
			continue
		}
		name := prefix + UpperFirst(f.GraphQL)
		for _, ending := range objectTypes {
			names = append(names, name+ending)
		}
		names = append(names, objectNames(v, below, name)...)
	}
	return names
}
