package views

import (
	"cmp"
	"slices"
	"strings"

	"odsd/internal/yamlfile"
	"odsd/storage/relation"
)

// Limits of a view. Slots, nodes, accumulators and indexes are numbered by a
// byte in the store.
const (
	maxDepth        = 32
	maxNodes        = 250
	maxOccurrences  = 1000
	maxNodeFields   = 1000
	maxAggregates   = 250
	maxIndexes      = 250
	maxIndexFields  = 16
	maxNameLength   = 128
	maxDefaultRound = 1000
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
	names := make(map[string]*Definition, len(defs))
	types := newTypeNames()
	var checked []*View
	var found []Diagnostic
	for _, d := range defs {
		first, twice := names[d.Name.Value]
		if twice && d.Name.Given() {
			d.Name.Node.Report(yamlfile.CodeTwice, "", "the view %q is already defined in %s", d.Name.Value, first.File)
		}
		names[d.Name.Value] = d
		c := newChecker(d, schemas, defs)
		view := c.check()
		if view.Type != "" && !twice {
			types.claim(c)
		}
		problems := d.file.Take()
		found = append(found, problems...)
		if !d.failed && !yamlfile.HasErrors(problems) {
			checked = append(checked, view)
		}
	}
	return checked, yamlfile.Sort(found)
}

// checker works on one view. Whatever it cannot resolve it reports once and
// leaves out; what leans on that is then passed over without a word.
type checker struct {
	def     *Definition
	schemas map[string]*relation.Schema
	views   []*Definition
	view    *View
	scopes  []*scope // by occurrence
	aliases map[string]*scope
	refused map[string][]*scope // rows whose alias was taken already
	path    []*fieldState       // fields being resolved, for cycles
	// aggregates counted over the whole view.
	aggregates int
}

func newChecker(d *Definition, schemas map[string]*relation.Schema, defs []*Definition) *checker {
	return &checker{
		def: d, schemas: schemas, views: defs, aliases: map[string]*scope{}, refused: map[string][]*scope{},
		view: &View{Name: d.Name.Value, Description: d.Description, Owner: d.Owner, File: d.File},
	}
}

func (c *checker) check() *View {
	if !c.def.From.Given() {
		return c.view // a union or a group, or no view at all: said already
	}
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
	c.checkKey()
	c.checkIndexes()
	c.checkChecks()
	c.nameView()
	return c.view
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
}

type resolution uint8

const (
	unresolved resolution = iota
	resolving
	resolved
	broken
)
