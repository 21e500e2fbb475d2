package views

import (
	"cmp"
	"slices"
	"strings"

	"odsd/internal/yamlfile"
	"odsd/storage/relation"
)

// Limits of a view. Slots, nodes, accumulators, indexes and checks are numbered by a
// byte in the store.
const (
	maxDepth        = 32
	maxNodes        = 250
	maxOccurrences  = 1000
	maxNodeFields   = 1000
	maxAggregates   = 250
	maxIndexes      = 250
	maxIndexFields  = 16
	maxChecks       = 250
	maxNameLength   = 128
	maxDefaultRound = 1000
	maxBranches     = 250
	maxInlined      = 10_000
)

// CheckAll resolves and types definitions against the schemas of the relations
// they stand on, by relation name. It gives the views without errors, in the
// order in which they can be computed, and all findings, by place: a bad view
// never stops the others.
func CheckAll(defs []*Definition, schemas map[string]*relation.Schema) ([]*View, []Diagnostic) {
	defs = slices.Clone(defs)
	slices.SortStableFunc(defs, func(a, b *Definition) int {
		return cmp.Or(strings.Compare(a.Name.Value, b.Name.Value), strings.Compare(a.File, b.File))
	})
	p := &project{schemas: schemas, defs: defs, byName: make(map[string]*Definition, len(defs)),
		states: map[*Definition]resolution{}, inputs: map[*Definition]*input{}, personal: map[*View][]*trace{}, types: newTypeNames()}
	for _, d := range defs {
		if p.byName[d.Name.Value] == nil {
			p.byName[d.Name.Value] = d
		}
	}
	for _, d := range defs {
		if p.states[d] == unresolved {
			p.visit(d)
		}
	}
	return p.checked, yamlfile.Sort(p.found)
}

// checker works on one view. Whatever it cannot resolve it reports once and
// leaves out; what leans on that is then passed over without a word.
type checker struct {
	def     *Definition
	project *project
	view    *View
	root    *scope   // the view's own fields
	scopes  []*scope // by occurrence
	aliases map[string]*scope
	refused map[string][]*scope // rows whose alias was taken already
	path    []*fieldState       // fields being resolved, for cycles
	// unusable are the views that were reported as no inputs.
	unusable map[*Definition]bool
	// aggregates counted over the whole view.
	aggregates int
}

func newChecker(d *Definition, p *project) *checker {
	return &checker{
		def: d, project: p, aliases: map[string]*scope{}, refused: map[string][]*scope{}, unusable: map[*Definition]bool{},
		view: &View{Kind: d.Kind, Name: d.Name.Value, Description: d.Description, Owner: d.Owner, File: d.File, Text: d.Text()},
	}
}

func (c *checker) check() *View {
	switch {
	case c.def.Kind == UnionView && len(c.def.Branches) > 0:
		c.checkUnion()
	case c.def.From.Given():
		c.checkRows()
	}
	return c.view // nothing in it where the file has no inputs, which was reported
}

// checkRows checks a view over the rows of one relation: documents or groups.
func (c *checker) checkRows() {
	c.buildRoot()
	for _, s := range c.scopes {
		c.checkRelation(s)
	}
	for _, s := range c.scopes {
		for _, f := range s.fields {
			c.resolve(f)
		}
	}
	for _, n := range c.view.Nodes {
		c.orderEvaluation(n)
	}
	c.checkHaving()
	if c.view.Kind == DocumentView {
		c.checkKey()
	} else {
		c.checkDimensions()
	}
	c.checkIndexes()
	c.checkChecks()
	c.checkAccess()
	c.nameView()
}

// scope is one object of the document: the fields over an occurrence's row.
type scope struct {
	occurrence *Occurrence
	parent     *scope
	depth      int
	where      Text
	join       Text
	orderBy    []Text
	// at is where the relation is named.
	at     Text
	fields []*fieldState
	byName map[string]*fieldState
	// input is the view that the relation is, nil for a table.
	input *View
}

// column finds a column that may be named: of a view, the fields inside its
// `one`s are not.
func (s *scope) column(name string) int {
	for i := range s.occurrence.Schema.Columns {
		if s.occurrence.Schema.Columns[i].Name == name && s.shows(i) {
			return i
		}
	}
	return -1
}

func (s *scope) shows(column int) bool {
	return s.input == nil || s.input.Nodes[0].Scalars[column].Within == 0
}

// columns are the names of all columns that may be named.
func (s *scope) columns() []string {
	var names []string
	for i := range s.occurrence.Schema.Columns {
		if s.shows(i) {
			names = append(names, s.occurrence.Schema.Columns[i].Name)
		}
	}
	return names
}

// dead says that the relation is unknown, which was reported: nothing can be
// said about names of it.
func (s *scope) dead() bool { return s.occurrence.Schema == nil }

func (s *scope) node(c *checker) *Node { return c.view.Nodes[s.occurrence.Node] }

// relation is the name of the relation, for messages.
func (s *scope) relation() string { return s.at.Value }

// fieldState is a field on its way from written to typed.
type fieldState struct {
	def   *FieldDefinition
	field *Field
	scope *scope
	child *scope // of `one` and `many`
	state resolution
	role  groupRole
}

type resolution uint8

const (
	unresolved resolution = iota
	resolving
	resolved
	broken
)
