package views

import (
	"fmt"
	"slices"
	"strings"

	"odsd/internal/yamlfile"
)

// Personal data is followed from where it is declared, `pii` of a source's column,
// to every field that shows it or is computed from it: through expressions,
// aggregates that give values back, dimensions, and the views above. Counts and
// tests for nil tell nothing of a value, and conditions choose rows and show none.
// A field that another view's access masks is followed in the same way.

const masked = "masked" // what a trace is of where no `pii` is at its end

// trace says why a field is personal, and how that came about.
type trace struct {
	what string   // "pii: email", or masked
	path []string // the columns and fields that it came through, the origin last
	// ruled is set where a view on the way has a rule of `access` for it: access
	// does not inherit, so that the views above lay it open again.
	ruled bool
}

// says words what a trace makes of a field.
func (t *trace) says() string {
	if t.what == masked {
		return "is made of what is masked"
	}
	return "is personal"
}

func (t *trace) String() string { return strings.Join(t.path, " ← ") + " (" + t.what + ")" }

// via is the trace of something that is made of what a trace leads to.
func (t *trace) via(name string) *trace {
	if t == nil {
		return nil
	}
	return &trace{what: t.what, path: append([]string{name}, t.path...), ruled: t.ruled}
}

// graver is the trace that asks for more: of one that has a rule below and one
// that has none, the former.
func graver(a, b *trace) *trace {
	if a == nil || b != nil && b.ruled && !a.ruled {
		return b
	}
	return a
}

// tracer follows personal data through one view.
type tracer struct {
	*checker
	fields map[*Field]*trace
	states map[*Field]*fieldState
	paths  map[*Field]string // as rules of access name them
}

// place notes the fields of an object and of those in it.
func (t *tracer) place(s *scope, prefix string) {
	for _, f := range s.fields {
		path := prefix + f.def.Name.Value
		if f.child != nil {
			t.place(f.child, path+".")
			continue
		}
		t.states[f.field], t.paths[f.field] = f, path
	}
}

// followPersonal reports the fields that lay personal data open, and keeps for
// the views above what this one shows of it.
func (c *checker) followPersonal() {
	t := &tracer{checker: c, fields: map[*Field]*trace{}, states: map[*Field]*fieldState{}, paths: map[*Field]string{}}
	t.place(c.root, "")
	for n := len(c.view.Nodes) - 1; n >= 0; n-- { // aggregates read the nodes below
		for _, ordinal := range c.view.Nodes[n].EvalOrder {
			f := c.view.Nodes[n].Scalars[ordinal]
			if trace := t.field(c.view.Nodes[n], f); trace != nil {
				t.fields[f] = trace
			}
		}
	}
	shown := map[*Field]*trace{}
	t.judge(c.root, "", shown)
	root := c.view.Nodes[0]
	traces := make([]*trace, len(root.Scalars))
	for i, f := range root.Scalars {
		traces[i] = shown[f].via(c.view.Name + "." + f.Name)
	}
	c.project.personal[c.view] = traces
}

// field finds what a field is made of.
func (t *tracer) field(n *Node, f *Field) *trace {
	switch {
	case t.view.Kind == UnionView:
		var found *trace
		for _, b := range t.view.Branches {
			found = graver(found, t.expr(n, b.Columns[f.Ordinal]))
		}
		return found
	case f.Aggregate == nil:
		return t.expr(n, f.Expr)
	case f.Aggregate.Func == Count || f.Aggregate.Func == CountDistinct:
		return nil
	}
	if path := f.Aggregate.Path; len(path) > 0 {
		n = t.view.Nodes[path[len(path)-1]]
	}
	return t.expr(n, f.Aggregate.Arg)
}

// expr finds the gravest personal value that an expression's own is made of, the
// first of several.
func (t *tracer) expr(n *Node, e *Expr) *trace {
	switch {
	case e == nil || e.testsNil():
		return nil
	case e.Op == OpColumn:
		return t.column(t.scopes[e.Occurrence], e.Column)
	case e.Op == OpField:
		return t.used(n.Scalars[e.Field])
	}
	var found *trace
	for _, arg := range e.Args {
		found = graver(found, t.expr(n, arg))
	}
	return found
}

// used is what a field hands on to those that are made of it: nothing where it
// may be seen, and where it is masked that it is.
func (t *tracer) used(f *Field) *trace {
	switch found := t.fields[f]; {
	case t.states[f] != nil && t.states[f].def.Declassify.Given():
		return nil
	case found == nil && t.masks(t.paths[f]):
		return &trace{what: masked, path: []string{f.Name}, ruled: true}
	default:
		return found.via(f.Name)
	}
}

// testsNil says whether an expression asks no more than whether there is a value.
func (e *Expr) testsNil() bool {
	if e.Op != OpEq && e.Op != OpNeq {
		return false
	}
	return slices.ContainsFunc(e.Args, func(a *Expr) bool { return a.Op == OpConst && a.Const.IsNull() })
}

func (t *tracer) column(s *scope, column int) *trace {
	if s.input != nil {
		return t.project.personal[s.input][column]
	}
	schema := s.occurrence.Schema
	if pii := schema.Columns[column].PII; pii != "" {
		return &trace{what: "pii: " + pii, path: []string{schema.Name + "." + schema.Columns[column].Name}}
	}
	return nil
}

// judge looks at the fields of an object and of those in it, and notes which are
// personal to the views above.
func (t *tracer) judge(s *scope, prefix string, shown map[*Field]*trace) {
	for _, f := range s.fields {
		path := prefix + f.def.Name.Value
		if f.child != nil {
			if node := t.view.Nodes[f.child.occurrence.Node]; f.def.Kind != ManyField || !node.Hidden {
				t.judge(f.child, path+".", shown)
			}
			continue
		}
		found := t.fields[f.field]
		hides := t.masks(path)
		switch {
		case f.def.Declassify.Given():
			if found == nil {
				f.def.Declassify.Node.Warn(yamlfile.CodePersonal, "remove `declassify`", "the field %q is not made of personal data", path)
			}
			continue
		case found == nil && hides:
			shown[f.field] = &trace{what: masked, ruled: true}
			continue
		case found == nil:
			continue
		}
		ruled := t.ruled(path)
		t.reportPersonal(f, path, found, ruled)
		shown[f.field] = &trace{what: found.what, path: found.path, ruled: found.ruled || ruled}
	}
}

func (t *tracer) reportPersonal(f *fieldState, path string, found *trace, ruled bool) {
	const remedy = "mask it, or write `declassify: true` if it may be seen"
	chain := found.via(path)
	at := f.def.Name.Node
	switch {
	case ruled:
	case t.view.Access != nil:
		hint := fmt.Sprintf("name it in a rule's `fields`, also beside \"*\": [\"*\", %s]; %s", path, remedy)
		at.Report(yamlfile.CodePersonal, hint, "no rule of `access` names the field %q, which %s: %s", path, found.says(), chain)
	case found.ruled:
		at.Report(yamlfile.CodePersonal, "give this view `access` that names it; "+remedy,
			"access does not inherit, and %q lays open what the view below has a rule for: %s", path, chain)
	default:
		at.Warn(yamlfile.CodePersonal, "give the view `access`; "+remedy, "the field %q is personal, and the view has no `access`: %s", path, chain)
	}
}

// ruled says whether a rule of the view names the field, or what it is in.
func (t *tracer) ruled(path string) bool {
	return t.masks(path) || slices.ContainsFunc(t.view.Access, func(r AccessRule) bool {
		return slices.ContainsFunc(r.Fields, func(named string) bool { return leadsOn(path, named) })
	})
}

func (t *tracer) masks(path string) bool {
	return slices.ContainsFunc(t.view.Access, func(r AccessRule) bool {
		return slices.ContainsFunc(r.Masks, func(m Mask) bool { return m.Field == path })
	})
}
