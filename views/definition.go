package views

import "odsd/internal/yamlfile"

// Diagnostic is one finding about a definition.
type Diagnostic = yamlfile.Diagnostic

// Text is a piece of a definition with its place; the zero Text was not written.
type Text struct {
	Value string
	Node  yamlfile.Node
}

// Given says whether the text was written.
func (t Text) Given() bool { return t.Node.Exists() }

// Definition is a view's file as written: every key read and placed, nothing
// resolved yet.
type Definition struct {
	File        string
	Kind        ViewKind
	Name        Text
	Description string
	Owner       Owner
	// Type and Field override the names in GraphQL.
	Type, Field Text
	From        Text
	Alias       Text
	Key         []Text
	Where       Text
	Fields      []*FieldDefinition
	Having      Text
	Indexes     [][]Text
	Checks      []CheckDefinition
	// Access is nil where there is no `access`; without rules there is no reader.
	Access []AccessDefinition
	// Dimensions and Measures of a group-by view.
	Dimensions, Measures []*FieldDefinition
	// Branches of a union; with Conflict, `first`, keys may be in several.
	Branches []*BranchDefinition
	Conflict Text

	file *yamlfile.File
	// failed is set when the file has errors: what remains is checked for
	// further ones, but there is no view of it.
	failed bool
}

// Text is the definition as it was written.
func (d *Definition) Text() string {
	if d.file == nil {
		return ""
	}
	return d.file.Text()
}

// FieldDefinition is one field as written.
type FieldDefinition struct {
	Name        Text
	Kind        FieldKind
	Description string
	Deprecated  string
	// GraphQL overrides the name in GraphQL, As the type.
	GraphQL Text
	As      Text
	// Expr of scalars; not given for a bare name, which is the column of that name.
	Expr      Text
	Bucket    *BucketDefinition    // of dimensions
	Relation  *RelationDefinition  // of `one` and `many`
	Aggregate *AggregateDefinition // of aggregates
	// Declassify is given where what the field is made of may be seen by everyone.
	Declassify Text

	// failed is set when what the field is could not be read.
	failed bool
}

// RelationDefinition is a `one` or a `many` as written.
type RelationDefinition struct {
	From     Text
	Alias    Text
	Join     Text
	Where    Text
	OrderBy  []Text
	Limit    int
	Required bool
	Hidden   bool
	Fields   []*FieldDefinition
}

// AggregateDefinition is an aggregate as written.
type AggregateDefinition struct {
	Func AggregateFunc
	// Path to what is aggregated; of a measure "*" or an expression over a row.
	Path    Text
	Where   Text
	Default Text
	Round   Text // "" where not declared
	// OrderBy of first and last, Limit (0: none) and Distinct of collect.
	OrderBy  []Text
	Limit    int
	Distinct bool
}

// BucketDefinition is a dimension that cuts time into pieces, as written.
type BucketDefinition struct {
	Of       Text // an expression over a row
	Every    Text
	Timezone Text
}

// BranchDefinition is one relation of a union as written.
type BranchDefinition struct {
	From   Text
	Const  []NamedText // columns that are the same in all rows
	Rename []NamedText // by their new names, the relation's own
	Where  Text
}

// NamedText is a named value as written.
type NamedText struct{ Name, Text Text }
