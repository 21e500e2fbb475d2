package views

import (
	"fmt"
	"slices"
	"strings"

	"odsd/internal/yamlfile"
	"odsd/storage/relation"
)

// visible is what the names of one expression may mean.
type visible struct {
	c *checker
	// what names the expression's key in messages: "`where`".
	what string
	// row is whose columns, and fields, bare names are.
	row *scope
	// self is the field whose own expression it is: inside it, its name means
	// the column.
	self *fieldState
	// fields says that computed fields of row may be read, columnsFirst that a
	// column wins over a field of its name.
	fields, columnsFirst bool
	// grouped says that only fields of the root may be read: the expression is
	// over finished documents or groups.
	grouped bool
	// inlined says that the expression is over the rows of a group, of which only
	// the dimensions are known: what they are made of takes their place.
	inlined bool
	// sees says whether an alias may be used here.
	sees func(*scope) bool
	// claims says that session.name is a claim of who asks.
	claims bool
	// cycle is the message about a cycle that was met, "" when none was.
	cycle string
}

// passed is the problem of a name whose fault was reported elsewhere.
var passed = &nameProblem{}

func (v *visible) bare(name string) (*Expr, *nameProblem) {
	if v.row.dead() {
		return nil, passed
	}
	field := v.field(v.row, name)
	if v.grouped {
		if field == nil {
			return nil, v.unknownField(name)
		}
		return v.fieldRef(field)
	}
	column := v.row.column(name)
	if v.fields && field != nil && field != v.self && !(v.columnsFirst && column >= 0) {
		return v.fieldRef(field)
	}
	if column >= 0 {
		return columnRef(v.row, column), nil
	}
	return nil, v.unknownBare(name, field)
}

// field is the field of a name, if the expression may know of it.
func (v *visible) field(s *scope, name string) *fieldState {
	f := s.byName[name]
	if f != nil && v.inlined && f.role == measure {
		return nil
	}
	return f
}

func (v *visible) member(alias, name string) (*Expr, *nameProblem) {
	s := v.c.aliases[alias]
	switch {
	case v.claims && alias == session:
		return &Expr{Op: OpClaim, Type: relation.TypeOf(relation.Text), Name: name}, nil
	case v.grouped:
		return nil, &nameProblem{Message: fmt.Sprintf("%q cannot be used in %s", alias, v.what), Hint: "it reads fields of the view, by their bare names"}
	case slices.ContainsFunc(v.c.refused[alias], v.sees):
		return nil, passed
	case s == nil:
		return nil, v.unknownAlias(alias, name)
	case !v.sees(s):
		p := &nameProblem{Message: fmt.Sprintf("%q cannot be used in %s", alias, v.what), Hint: "here one may use " + v.aliasList()}
		if s.occurrence.Kind == ManyOccurrence && v.self != nil {
			p.Hint = "the rows of a list are reached by an aggregate: count, sum, min, max or avg"
		}
		return nil, p
	case s.dead():
		return nil, passed
	}
	if column := s.column(name); column >= 0 {
		return columnRef(s, column), nil
	}
	field := v.field(s, name)
	if field != nil && field != v.self && v.fields && s.occurrence.Node == v.row.occurrence.Node {
		return v.fieldRef(field)
	}
	return nil, v.unknownColumn(s, name, field)
}

// session is the alias of the claims of who asks.
const session = "session"

func columnRef(s *scope, column int) *Expr {
	return &Expr{Op: OpColumn, Type: s.occurrence.Schema.Columns[column].Type, Occurrence: s.occurrence.ID, Column: column}
}

// fieldRef reads a computed field, which is typed first if it is not yet.
func (v *visible) fieldRef(f *fieldState) (*Expr, *nameProblem) {
	switch {
	case f.def.Kind == OneField && v.grouped:
		return nil, &nameProblem{Message: fmt.Sprintf("%q is a row, not a value", f.def.Name.Value), Hint: "make a field of the root of what is meant"}
	case f.def.Kind == OneField:
		return nil, &nameProblem{
			Message: fmt.Sprintf("%q is a row, not a value", f.def.Name.Value),
			Hint:    "read a column of it by its alias" + aliasExample(f),
		}
	case f.def.Kind == ManyField:
		return nil, &nameProblem{
			Message: fmt.Sprintf("%q is a list, not a value", f.def.Name.Value),
			Hint:    fmt.Sprintf("make an aggregate of it, as {count: %s}, and use that field", f.def.Name.Value),
		}
	}
	if f.state == resolving {
		v.cycle = v.c.cycle(f)
		return nil, &nameProblem{Message: v.cycle, Hint: "no field may need itself"}
	}
	v.c.resolve(f)
	if f.state == broken {
		return nil, passed
	}
	if v.inlined {
		e := *f.field.Expr
		e.Source = ""
		return &e, nil
	}
	return &Expr{Op: OpField, Type: f.field.Type, Field: f.field.Ordinal}, nil
}

func aliasExample(f *fieldState) string {
	if f.child == nil || f.child.dead() || len(f.child.columns()) == 0 {
		return ""
	}
	return fmt.Sprintf(", as %s.%s", f.child.occurrence.Alias, f.child.columns()[0])
}

func (c *checker) cycle(f *fieldState) string {
	text := "fields need each other: "
	inside := false
	for _, step := range c.path {
		if inside = inside || step == f; inside {
			text += step.def.Name.Value + " → "
		}
	}
	return text + f.def.Name.Value
}

func (v *visible) unknownBare(name string, field *fieldState) *nameProblem {
	if field == nil || field == v.self {
		if s := v.c.aliases[name]; s != nil && v.sees(s) {
			return &nameProblem{
				Message: fmt.Sprintf(noColumn+"%q in %s", name, v.row.relation()),
				Hint:    fmt.Sprintf("%s is an alias: write %s.column", name, name),
			}
		}
	}
	p := v.unknownColumn(v.row, name, field)
	if p.Hint == "" {
		p.Hint = v.elsewhere(name)
	}
	return p
}

// unknownField words that the root has no such field.
func (v *visible) unknownField(name string) *nameProblem {
	p := &nameProblem{Message: fmt.Sprintf("no field %q in the root of the view", name)}
	if v.c.view.Kind == GroupView {
		p.Message = fmt.Sprintf("no measure or dimension %q", name)
	}
	var known []string
	for _, f := range v.row.fields {
		if f.child == nil && f != v.self {
			known = append(known, f.def.Name.Value)
		}
	}
	switch {
	case v.row.column(name) < 0:
		p.Hint = yamlfile.DidYouMean(name, known)
	case v.c.view.Kind == GroupView:
		p.Hint = fmt.Sprintf("%s is a column of the rows: aggregate it in a measure, or make it a dimension", name)
	default:
		p.Hint = fmt.Sprintf("%s is a column; %s reads fields: make it one", name, v.what)
	}
	return p
}

// unknownColumn words that a row has no such column, nor a field that may be
// read here.
func (v *visible) unknownColumn(s *scope, name string, field *fieldState) *nameProblem {
	message := fmt.Sprintf(noColumn+"%q in %s", name, s.relation())
	switch {
	case field != nil && field == v.self:
		return &nameProblem{Message: message, Hint: "inside its own expression a field's name means the column"}
	case v.inlined && field == nil && s.byName[name] != nil:
		return &nameProblem{Message: message, Hint: fmt.Sprintf("%s is a measure, and here the rows of a group are read", name)}
	case field != nil && !v.fields:
		return &nameProblem{Message: message, Hint: fmt.Sprintf("%s is a field; %s reads columns only", name, v.what)}
	case field != nil:
		return &nameProblem{Message: message, Hint: fmt.Sprintf("%s is a field of another node; only columns of it can be read here", name)}
	}
	if s.input != nil && slices.ContainsFunc(s.input.Nodes[0].Fields, func(f *Field) bool { return f.Name == name }) {
		return &nameProblem{Message: message, Hint: fmt.Sprintf("of a view, only scalar fields of the root are seen above; %s holds rows", name)}
	}
	return &nameProblem{Message: message, Hint: v.nearestColumn(s, name)}
}

// nearestColumn suggests a column with its type, or a field.
func (v *visible) nearestColumn(s *scope, name string) string {
	known := s.columns()
	if v.fields && s == v.row {
		for _, f := range s.fields {
			if f != v.self && f.child == nil && v.field(s, f.def.Name.Value) != nil {
				known = append(known, f.def.Name.Value)
			}
		}
	}
	best := yamlfile.Nearest(name, known)
	if best == "" {
		return ""
	}
	if column := s.column(best); column >= 0 {
		return fmt.Sprintf("did you mean %q (%s)?", best, s.occurrence.Schema.Columns[column].Type)
	}
	return fmt.Sprintf("did you mean the field %q?", best)
}

// elsewhere finds a visible row that has such a column.
func (v *visible) elsewhere(name string) string {
	for _, s := range v.c.scopes {
		if s != v.row && !s.dead() && v.c.aliases[s.occurrence.Alias] == s && v.sees(s) && s.column(name) >= 0 {
			return fmt.Sprintf("did you mean %s.%s?", s.occurrence.Alias, name)
		}
	}
	return ""
}

func (v *visible) unknownAlias(alias, name string) *nameProblem {
	p := &nameProblem{Message: fmt.Sprintf("no alias %q", alias)}
	if f := v.row.byName[alias]; f != nil && f.child != nil && v.sees(f.child) {
		p.Hint = fmt.Sprintf("%s is a field; its rows are called %s: write %s.%s", alias, f.child.occurrence.Alias, f.child.occurrence.Alias, name)
		return p
	}
	var known []string
	for _, s := range v.c.scopes {
		if v.c.aliases[s.occurrence.Alias] == s && v.sees(s) {
			known = append(known, s.occurrence.Alias)
		}
	}
	if p.Hint = yamlfile.DidYouMean(alias, known); p.Hint == "" {
		p.Hint = "here one may use " + v.aliasList()
	}
	return p
}

func (v *visible) aliasList() string {
	list := ""
	for _, s := range v.c.scopes {
		if v.c.aliases[s.occurrence.Alias] == s && v.sees(s) {
			if list != "" {
				list += ", "
			}
			list += s.occurrence.Alias
		}
	}
	if list == "" {
		return "no aliases"
	}
	return list
}

// expression checks an expression with what it may see, and reports what is
// wrong at its place. source is the text or a beginning of it.
func (v *visible) expression(t Text, source string) *Expr {
	e, problems := checkExpr(source, v)
	v.report(t, problems)
	return v.small(t, e)
}

func (v *visible) condition(t Text) *Expr {
	e, problems := checkCondition(t.Value, v)
	v.report(t, problems)
	return v.small(t, e)
}

// small refuses an expression that grew too large by what was put in place of
// the fields that it uses.
func (v *visible) small(t Text, e *Expr) *Expr {
	if v.inlined && e.exceeds(maxInlined) > maxInlined {
		t.Node.Report(yamlfile.CodeLimit, "compute it in a view below", "the expression, with the dimensions that it uses, has more than %d parts", maxInlined)
		return nil
	}
	return e
}

// noColumn begins the message of a column that does not exist.
const noColumn = "no column "

// within is the part of a text that a problem is about.
func within(text string, p exprProblem) string {
	from := min(max(p.Offset, 0), len(text))
	return text[from:min(max(p.Offset+p.Length, from), len(text))]
}

func (v *visible) report(t Text, problems []exprProblem) {
	for _, p := range problems {
		if p.Message == "" {
			continue // a name whose fault was reported where it lies
		}
		if p.Message == v.cycle {
			p.Code = yamlfile.CodeCycle
		}
		if p.Code == codeSyntax && t.Node.CutByComment() {
			p.Hint = "a # after a blank begins a comment: quote the whole expression"
		}
		if dot := strings.LastIndexByte(within(t.Value, p), '.'); dot >= 0 && strings.HasPrefix(p.Message, noColumn) {
			p.Offset, p.Length = p.Offset+dot+1, p.Length-dot-1
		}
		t.Node.ReportWithin(p.Offset, p.Length, p.Code, p.Hint, "%s", p.Message)
	}
}
