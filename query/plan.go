package query

import (
	"github.com/graphql-go/graphql"
	"github.com/graphql-go/graphql/language/ast"

	"odsd/storage/relation"
)

// operation is a compiled operation: data that the executor follows, without
// names to look up or conditions to decide.
type operation struct {
	roots       []*rootStep
	consistency []argument // waitFor, maxStaleness, timeout as given in the directive
	sources     []string   // of all views it reads
	lists       []listArguments
}

// rootStep answers one field of Query.
type rootStep struct {
	response string // its name in the reply
	prefix   []byte // `"name":`
	kind     rootKind
	view     int
	nullable bool
	args     []argument
	document *selection   // byKey, byKeys
	page     []*pageStep  // list
	counted  bool         // list: totalCount is asked for
	next     bool         // list: hasNextPage is
	listing  []*leafStep  // _freshness
	fields   []*ast.Field // introspection, fragments put in place
}

// selection writes one object of a document from its row.
type selection struct {
	steps []step
	lists bool // some step moves the cursor away from the row
}

// step writes one field. Its prefix holds the comma or the brace before it.
type step struct {
	prefix   []byte
	kind     fieldKind
	required bool
	column   int // scalar: where its value stands; one: the column that tells whether there is one, or -1
	write    writer
	object   *selection // one, many
	list     *nodeLayout
	// arguments of a many: which of the operation's lists it is.
	arguments int
}

// listArguments is what a request wants of a list in a document, nil where it
// says nothing.
type listArguments struct {
	name                  string // dotted path of fields below Query, as named in the reply
	path                  []any  // of errors about the arguments
	list                  *nodeLayout
	object                *objectType // of its rows
	limit, where, orderBy *argument
}

// pageStep writes one field of a connection.
type pageStep struct {
	prefix   []byte
	kind     fieldKind
	document *selection  // nodes
	leaves   []*leafStep // edges, pageInfo
}

// leafStep writes one field of an edge, a page info or a source's freshness.
type leafStep struct {
	prefix   []byte
	kind     fieldKind
	document *selection // an edge's node
}

// argument is an argument as it was written: its value is known once the
// variables are.
type argument struct {
	name  string
	value ast.Value
	input graphql.Input
}

// given is an evaluated argument: absent, null, or a value.
type given struct {
	value   any
	present bool
}

func (g given) isNull() bool { return !g.present || g.value == nil }

// text of an argument that is a String.
func (g given) text() string {
	v, _ := g.value.(relation.Value)
	return v.Str()
}

// number of an argument that is an Int.
func (g given) number() int64 {
	v, _ := g.value.(relation.Value)
	return v.Int()
}
