package views

import (
	"fmt"
	"slices"
	"strings"

	"odsd/internal/yamlfile"
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
	// sees says whether an alias may be used here.
	sees func(*scope) bool
	// cycle is the message about a cycle that was met, "" when none was.
	cycle string
}

// passed is the problem of a name whose fault was reported elsewhere.
var passed = &nameProblem{}

func (v *visible) bare(name string) (*Expr, *nameProblem) {
	if v.row.dead() {
		return nil, passed
	}
	field := v.row.byName[name]
	column := v.row.occurrence.Schema.Column(name)
	if v.fields && field != nil && field != v.self && !(v.columnsFirst && column >= 0) {
		return v.fieldRef(field)
	}
	if column >= 0 {
		return columnRef(v.row, column), nil
	}
	return nil, v.unknownBare(name, field)
}

func (v *visible) member(alias, name string) (*Expr, *nameProblem) {
	s := v.c.aliases[alias]
	switch {
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
	if column := s.occurrence.Schema.Column(name); column >= 0 {
		return columnRef(s, column), nil
	}
	field := s.byName[name]
	if field != nil && field != v.self && v.fields && s.occurrence.Node == v.row.occurrence.Node {
		return v.fieldRef(field)
	}
	return nil, v.unknownColumn(s, name, field)
}

func columnRef(s *scope, column int) *Expr {
	return &Expr{Op: OpColumn, Type: s.occurrence.Schema.Columns[column].Type, Occurrence: s.occurrence.ID, Column: column}
}

// fieldRef reads a computed field, which is typed first if it is not yet.
func (v *visible) fieldRef(f *fieldState) (*Expr, *nameProblem) {
	switch f.def.Kind {
	case OneField:
		return nil, &nameProblem{
			Message: fmt.Sprintf("%q is a row, not a value", f.def.Name.Value),
			Hint:    "read a column of it by its alias" + aliasExample(f),
		}
	case ManyField:
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
	return &Expr{Op: OpField, Type: f.field.Type, Field: f.field.Ordinal}, nil
}

func aliasExample(f *fieldState) string {
	if f.child == nil || f.child.dead() || len(f.child.occurrence.Schema.Columns) == 0 {
		return ""
	}
	return fmt.Sprintf(", as %s.%s", f.child.occurrence.Alias, f.child.occurrence.Schema.Columns[0].Name)
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

// unknownColumn words that a row has no such column, nor a field that may be
// read here.
func (v *visible) unknownColumn(s *scope, name string, field *fieldState) *nameProblem {
	message := fmt.Sprintf(noColumn+"%q in %s", name, s.relation())
	switch {
	case field != nil && field == v.self:
		return &nameProblem{Message: message, Hint: "inside its own expression a field's name means the column"}
	case field != nil && !v.fields:
		return &nameProblem{Message: message, Hint: fmt.Sprintf("%s is a field; %s reads columns only", name, v.what)}
	case field != nil:
		return &nameProblem{Message: message, Hint: fmt.Sprintf("%s is a field of another node; only columns of it can be read here", name)}
	}
	return &nameProblem{Message: message, Hint: v.nearestColumn(s, name)}
}

// nearestColumn suggests a column with its type, or a field.
func (v *visible) nearestColumn(s *scope, name string) string {
	var known []string
	for i := range s.occurrence.Schema.Columns {
		known = append(known, s.occurrence.Schema.Columns[i].Name)
	}
	if v.fields && s == v.row {
		for _, f := range s.fields {
			if f != v.self && f.child == nil {
				known = append(known, f.def.Name.Value)
			}
		}
	}
	best := yamlfile.Nearest(name, known)
	if best == "" {
		return ""
	}
	if column := s.occurrence.Schema.Column(best); column >= 0 {
		return fmt.Sprintf("did you mean %q (%s)?", best, s.occurrence.Schema.Columns[column].Type)
	}
	return fmt.Sprintf("did you mean the field %q?", best)
}

// elsewhere finds a visible row that has such a column.
func (v *visible) elsewhere(name string) string {
	for _, s := range v.c.scopes {
		if s != v.row && !s.dead() && v.c.aliases[s.occurrence.Alias] == s && v.sees(s) && s.occurrence.Schema.Column(name) >= 0 {
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
	return e
}

func (v *visible) condition(t Text) *Expr {
	e, problems := checkCondition(t.Value, v)
	v.report(t, problems)
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
