package views

import (
	"regexp"
	"strconv"

	"odsd/internal/yamlfile"
	"odsd/storage/relation"
)

// branchState is a branch of a union on its way from written to typed.
type branchState struct {
	def    *BranchDefinition
	scope  *scope
	branch *Branch
	// names of its columns in the union, in order, each with what it is and where
	// it was named.
	names   []string
	columns map[string]*Expr
	places  map[string]Text
	missing []string // new names of columns that the relation does not have
}

// checkUnion checks a view of the rows of several relations.
func (c *checker) checkUnion() {
	node := &Node{Parent: -1}
	c.view.Nodes = []*Node{node}
	if len(c.def.Branches) > maxBranches {
		c.def.Branches[maxBranches].From.Node.Report(yamlfile.CodeLimit, "make a union of unions", "more than %d branches in one union", maxBranches)
		return
	}
	branches := make([]*branchState, len(c.def.Branches))
	sound := true
	for i, def := range c.def.Branches {
		branches[i] = c.checkBranch(def)
		sound = sound && !branches[i].scope.dead()
	}
	c.root = &scope{occurrence: &Occurrence{Kind: RootOccurrence, Parent: -1, Schema: &relation.Schema{Name: c.def.Name.Value}},
		at: c.def.Name, depth: 1, byName: map[string]*fieldState{}}
	if sound {
		c.unionFields(branches, node)
		c.orderEvaluation(node)
		c.unionKey(branches)
		c.checkIndexes()
		c.checkChecks()
		c.checkAccess()
	}
	c.nameView()
}

// checkBranch makes the occurrence of a branch, and its columns. Aliases are
// the branch's own: two branches may be tables of one name.
func (c *checker) checkBranch(def *BranchDefinition) *branchState {
	s := &scope{at: def.From, depth: 1, where: def.Where, occurrence: &Occurrence{Kind: RootOccurrence, Parent: -1}}
	c.aliases = map[string]*scope{}
	c.addOccurrence(s, Text{})
	b := &branchState{def: def, scope: s, columns: map[string]*Expr{}, places: map[string]Text{},
		branch: &Branch{Occurrence: s.occurrence.ID}}
	c.view.Branches = append(c.view.Branches, b.branch)
	if s.dead() {
		return b
	}
	if s.where.Given() {
		v := &visible{c: c, what: "`where` of a branch", row: s, sees: only(s)}
		b.branch.Where = v.condition(s.where)
	}
	for _, constant := range def.Const {
		b.add(constant.Name, constantOf(constant.Text))
	}
	c.addColumns(b)
	return b
}

// addColumns adds the relation's columns, renamed where the branch says so.
func (c *checker) addColumns(b *branchState) {
	renamed := map[int][]Text{}
	v := &visible{c: c, what: "`rename`", row: b.scope, sees: only(b.scope)}
	for _, r := range b.def.Rename {
		column := b.scope.column(r.Text.Value)
		if column < 0 {
			p := v.unknownColumn(b.scope, r.Text.Value, nil)
			if swapped := b.scope.column(r.Name.Value); swapped >= 0 && p.Hint == "" {
				p.Hint = "`rename` is {new: old}"
			}
			r.Text.Node.Report(yamlfile.CodeName, p.Hint, "%s", p.Message)
			b.missing = append(b.missing, r.Name.Value)
			continue
		}
		renamed[column] = append(renamed[column], r.Name)
	}
	for i, column := range b.scope.occurrence.Schema.Columns {
		switch names := renamed[i]; {
		case !b.scope.shows(i):
		case len(names) > 0:
			for _, name := range names {
				b.add(name, columnRef(b.scope, i))
			}
		default:
			b.add(Text{column.Name, b.def.From.Node}, columnRef(b.scope, i))
		}
	}
}

// add gives the branch a column; each name stands for one.
func (b *branchState) add(name Text, e *Expr) {
	first, taken := b.places[name.Value]
	if !taken {
		b.names = append(b.names, name.Value)
		b.columns[name.Value], b.places[name.Value] = e, name
		return
	}
	at := first // what the file says, rather than where the relation is named
	if at.Node == b.def.From.Node {
		at = name
	}
	at.Node.Report(yamlfile.CodeUnion, "`rename` gives a column of the relation another name: {new: old}",
		"this branch has two columns %q", name.Value)
}

var plainNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?$`)

// constantOf types a constant by how YAML writes it: true and false, numbers,
// and texts; what is in quotes is a text.
func constantOf(t Text) *Expr {
	switch plain := !t.Node.IsQuoted(); {
	case plain && (t.Value == "true" || t.Value == "false"):
		return constant(relation.TypeOf(relation.Bool), relation.OfBool(t.Value == "true"))
	case plain && len(t.Value) <= maxLiteralDigits && plainNumber.MatchString(t.Value):
		if i, err := strconv.ParseInt(t.Value, 10, 64); err == nil {
			return integerConstant(i)
		}
		if v, err := relation.ParseDecimal(t.Value); err == nil {
			return constant(relation.TypeOf(relation.Decimal), v)
		}
	}
	return constant(relation.TypeOf(relation.Text), relation.OfText(t.Value))
}

// unionFields makes the union's columns: every name of any branch, in the order
// in which they first occur.
func (c *checker) unionFields(branches []*branchState, node *Node) {
	for _, b := range branches {
		for _, name := range b.names {
			if c.root.byName[name] == nil {
				c.addUnionField(branches, b.places[name], node)
			}
		}
	}
}

func (c *checker) addUnionField(branches []*branchState, at Text, node *Node) {
	name := at.Value
	f := &fieldState{def: &FieldDefinition{Name: at, Kind: ScalarField}, scope: c.root,
		field: &Field{Name: name, Kind: ScalarField}, state: resolved}
	c.root.fields = append(c.root.fields, f)
	c.root.byName[name] = f
	node.Fields = append(node.Fields, f.field)
	c.addScalar(f, node)
	typ, ok := c.unifyColumn(branches, name)
	if !ok {
		f.state = broken
	}
	f.field.Type = typ
	for _, b := range branches {
		e := b.columns[name]
		if e != nil && ok {
			if e, ok = b.convert(name, e, typ); !ok {
				f.state = broken
			}
		}
		b.branch.Columns = append(b.branch.Columns, e)
		f.field.Nullable = f.field.Nullable || e == nil || !c.alwaysThere(e, typ)
		if e != nil && e.Op == OpColumn && f.field.Description == "" {
			f.field.Description = b.scope.occurrence.Schema.Columns[e.Column].Description
		}
	}
}

// alwaysThere says that a branch always has a value to show in a column.
func (c *checker) alwaysThere(e *Expr, t relation.Type) bool {
	switch t.Kind.Family() {
	case relation.DateFamily, relation.TimestampFamily, relation.FloatFamily, relation.JSONFamily:
		return false // see certain
	}
	e = uncast(e)
	return e.Op == OpConst || e.Op == OpColumn && c.scopes[e.Occurrence].occurrence.Schema.Columns[e.Column].NotNull
}

// unifyColumn finds the type of a column. Constants take on the type of the
// columns that they stand beside, where a literal would.
func (c *checker) unifyColumn(branches []*branchState, name string) (relation.Type, bool) {
	t := relation.TypeOf(relation.Null)
	var first *branchState
	for _, constants := range []bool{false, true} {
		for _, b := range branches {
			e := b.columns[name]
			if e == nil || (e.Op == OpConst) != constants {
				continue
			}
			if _, adapts, _ := literalAs(e, t); adapts {
				continue
			}
			common, ok := unionType(t, e.Type)
			if !ok {
				b.places[name].Node.Report(yamlfile.CodeUnion, "convert one in a view below, or `rename` it",
					"the column %q is %s in %s and %s in %s: they do not unify", name, e.Type, b.scope.relation(), t, first.scope.relation())
				return t, false
			}
			if t = common; first == nil {
				first = b
			}
		}
	}
	return t, true
}

// unionType is the common type of two columns; JSON stays by itself, since text
// that is taken from it is another thing.
func unionType(a, b relation.Type) (relation.Type, bool) {
	if (a.Kind == relation.JSON) != (b.Kind == relation.JSON) && a.Kind != relation.Null {
		return relation.Type{}, false
	}
	return commonType(a, b)
}

// convert gives what a branch has in a column the column's type.
func (b *branchState) convert(name string, e *Expr, t relation.Type) (*Expr, bool) {
	adapted, adapts, err := literalAs(e, t)
	switch {
	case err != nil:
		b.places[name].Node.Report(yamlfile.CodeUnion, literalHint(t.Kind), "the constant %q is no value of type %s", name, t)
		return nil, false
	case adapts:
		return adapted, true
	case e.Type.Kind == t.Kind:
		return e, true
	}
	wider := &Expr{Op: OpCast, Type: t, Args: []*Expr{e}}
	if e.Op == OpConst {
		wider = constant(t, wider.Compile()(&Env{}))
	}
	return wider, true
}
