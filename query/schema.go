package query

import (
	"fmt"
	"slices"
	"strings"

	"github.com/graphql-go/graphql"

	"odsd/storage/encoding"
	"odsd/storage/relation"
	"odsd/views"
)

// schema is the GraphQL schema of one set of views, and beside it what the
// compiler needs to know of each field: where it lies in the store.
type schema struct {
	generation uint64
	graphql    graphql.Schema
	roots      map[string]*rootField
	views      []*viewSchema // by place in Reading.Views; nil for one left out
	freshness  *objectType
}

// viewSchema is one view in the schema.
type viewSchema struct {
	plan     *views.Plan
	root     *objectType
	nodes    []*nodeLayout // by node id
	key      []keyColumn
	keyParts []accessPart   // of the root's key
	indexes  [][]accessPart // of each declared index
	sources  []string       // whose rows it is made of, views below it included
	identity string         // what cursors of its list are bound to
}

// keyColumn is one argument of a lookup by key.
type keyColumn struct {
	name string // of the argument
	kind relation.Type
	// printed keys are given as PostgreSQL prints them, for types without a scalar.
	printed bool
	// nullable: null, or nothing, is a key of its own.
	nullable bool
}

// nodeLayout is how the rows of a plan's node lie in the store.
type nodeLayout struct {
	node     byte
	slot     byte
	row      *encoding.Layout
	key      []part
	order    []part // the parts that stand before the key, in the path or in the order keyspace
	indexed  bool   // the order is kept in the order keyspace
	limit    int    // of the definition; 0 for none
	children bool
}

type part struct {
	kind relation.Type
	part encoding.Part
}

// rootKind says what a field of Query does.
type rootKind uint8

const (
	byKeyRoot rootKind = iota
	byKeysRoot
	listRoot
	freshnessRoot
	introspectionRoot
	typenameRoot
)

type rootField struct {
	kind     rootKind
	view     int
	nullable bool
	object   *objectType // of documents or connections
	args     map[string]graphql.Input
}

// fieldKind says what a field below Query does.
type fieldKind uint8

const (
	typenameField fieldKind = iota
	scalarField
	oneField
	manyField
	nodesField // of a connection, as those below
	edgesField
	pageInfoField
	totalField
	cursorField // of an edge
	nodeField
	hasNextField // of a page info
	hasPreviousField
	startCursorField
	endCursorField
	sourceField // of a source's freshness
	lsnField
	committedField
	lagField
	stateField
)

type objectType struct {
	name   string
	fields map[string]*objectField
	// What filters and orders of such objects are written as; nil for none.
	where, orderBy, some *graphql.InputObject
}

type objectField struct {
	kind     fieldKind
	name     string        // as the definition has it
	scalar   string        // of its values, or of an array's elements
	stored   relation.Type // of its column
	args     map[string]graphql.Input
	column   int
	write    writer
	required bool // never null
	present  int  // of a `one`: the column that tells whether there is one, -1 if there always is
	object   *objectType
	list     *nodeLayout
}

// SchemaProblem is a view that could not be made part of the schema.
type SchemaProblem struct {
	View    string
	Message string
}

// CheckSchema says which views cannot stand beside each other in one GraphQL
// schema, because two of their names collide.
func CheckSchema(list []*views.Plan) []SchemaProblem {
	served := make([]*ServedView, len(list))
	for i, p := range list {
		served[i] = &ServedView{Plan: p, State: Ready}
	}
	_, problems, err := buildSchema(0, served)
	if err != nil {
		problems = append(problems, SchemaProblem{Message: err.Error()})
	}
	return problems
}

// buildSchema makes the schema of the views. One whose names collide with those
// before it is left out and reported.
func buildSchema(generation uint64, list []*ServedView) (*schema, []SchemaProblem, error) {
	b := newBuilder()
	var problems []SchemaProblem
	s := &schema{generation: generation, roots: b.roots, views: make([]*viewSchema, len(list)), freshness: b.freshness}
	for i, served := range list {
		view, err := b.view(i, served.Plan)
		if err != nil {
			problems = append(problems, SchemaProblem{View: served.Plan.View.Name, Message: err.Error()})
			continue
		}
		s.views[i] = view
	}
	for i, view := range s.views {
		if view != nil {
			view.sources = sourcesOf(list, i)
		}
	}
	consistency, position := b.consistency()
	var err error
	s.graphql, err = graphql.NewSchema(graphql.SchemaConfig{
		Query:      graphql.NewObject(graphql.ObjectConfig{Name: "Query", Fields: b.query}),
		Directives: []*graphql.Directive{graphql.IncludeDirective, graphql.SkipDirective, graphql.DeprecatedDirective, consistency},
		Types:      []graphql.Type{position},
	})
	if err != nil {
		return nil, problems, fmt.Errorf("building the GraphQL schema: %w", err)
	}
	for _, field := range s.graphql.QueryType().Fields() {
		b.sortArguments(field.Name, field.Args)
	}
	return s, problems, nil
}

// sourcesOf lists the sources of view i: of its relations and, where a relation
// is a view, of that one's.
func sourcesOf(list []*ServedView, i int) []string {
	var sources []string
	seen := map[string]bool{}
	var visit func(p *views.Plan)
	visit = func(p *views.Plan) {
		for _, o := range p.View.Occurrences {
			source, _, isTable := strings.Cut(o.Schema.Name, ".")
			switch {
			case seen[source]:
			case isTable:
				seen[source] = true
				sources = append(sources, source)
			default:
				seen[source] = true
				for _, other := range list {
					if other.Plan.View.Name == o.Schema.Name {
						visit(other.Plan)
					}
				}
			}
		}
	}
	visit(list[i].Plan)
	slices.Sort(sources)
	return sources
}

// rowVersion is the layout of stored rows that this package reads.
const rowVersion = 1

func layoutsOf(p *views.Plan) []*nodeLayout {
	layouts := make([]*nodeLayout, len(p.Nodes))
	for i, n := range p.Nodes {
		l := &nodeLayout{
			node:     byte(n.Node),
			slot:     n.Slot,
			row:      encoding.NewLayout(rowVersion, n.Types()),
			indexed:  len(n.Order) > 0 && !n.OrderInPath,
			children: len(n.Children) > 0,
			limit:    p.View.Nodes[n.Node].Limit,
		}
		for _, t := range n.KeyParts {
			l.key = append(l.key, part{kind: t})
		}
		for o, term := range n.Order {
			order := part{part: encoding.Part{Desc: term.Desc, NullsFirst: term.NullsFirst}}
			if o < len(n.OrderColumns) {
				order.kind = n.Columns[n.OrderColumns[o]].Type
			}
			l.order = append(l.order, order)
		}
		layouts[i] = l
	}
	return layouts
}
