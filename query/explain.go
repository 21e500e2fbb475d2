package query

import (
	"context"
	"fmt"
	"strings"

	"odsd/storage/encoding"
	"odsd/storage/relation"
	"odsd/views"
)

// Explain tells how a request would be answered by these views: for each of its
// fields the way to the documents, what is tested on every row, and where the order
// comes from. It reads no store. Variables that have no value are shown by name.
func Explain(plans []*views.Plan, limits Limits, r *Request) (string, error) {
	s, err := offlineSchema(plans)
	if err != nil {
		return "", err
	}
	return explain(&compiled{schema: s, documents: newDocumentCache()}, limits, r)
}

// Explain tells how the service would answer a request.
func (s *Service) Explain(ctx context.Context, r *Request) (string, error) {
	reading, err := s.backend.Read(ctx)
	if err != nil {
		return "", fmt.Errorf("reading the store: %w", err)
	}
	defer reading.Close()
	current, err := s.schemaOf(reading)
	if err != nil {
		return "", err
	}
	return explain(current, s.limits, r)
}

func explain(current *compiled, limits Limits, r *Request) (string, error) {
	p, errs := current.prepare(r.Query, limits)
	if len(errs) > 0 {
		return "", errs[0]
	}
	chosen, problem := p.choose(r.OperationName)
	if problem != nil {
		return "", problem
	}
	q := &request{service: &Service{limits: limits}, schema: current.schema, document: p.document}
	if q.variables, problem = explainedVariables(chosen.variables, r.Variables); problem != nil {
		return "", problem
	}
	if q.operation, problem = p.plan(current.schema, chosen, q.variables); problem != nil {
		return "", problem
	}
	x := explainer{request: q}
	for _, step := range q.operation.roots {
		if problem = q.bindLists(step.response); problem != nil {
			return "", problem
		}
		if problem = x.root(step); problem != nil {
			return "", problem
		}
	}
	return x.text.String(), nil
}

// explainedVariables are those given, and for the others what stands for them.
func explainedVariables(declared []variable, given map[string]any) (map[string]any, *Error) {
	var known []variable
	values := map[string]any{}
	for _, v := range declared {
		if _, ok := given[v.name]; ok || v.hasInitial {
			known = append(known, v)
		} else {
			values[v.name] = unknown{name: "$" + v.name}
		}
	}
	coerced, err := coerceVariables(known, given)
	for name, value := range coerced {
		values[name] = value
	}
	return values, err
}

// explainer writes an explanation.
type explainer struct {
	*request
	text strings.Builder
}

func (x *explainer) line(label, format string, args ...any) {
	fmt.Fprintf(&x.text, "  %-8s%s\n", label, fmt.Sprintf(format, args...))
}

func (x *explainer) root(step *rootStep) *Error {
	if step.view < 0 {
		return nil
	}
	view := x.schema.views[step.view]
	fmt.Fprintf(&x.text, "%s: view %s\n", step.response, view.plan.View.Name)
	if step.kind != listRoot {
		x.line("access", "one document by its key [%s]", indexText(view.keyParts))
	} else if err := x.list(step, view); err != nil {
		return err
	}
	for i, l := range x.operation.lists {
		if strings.HasPrefix(l.name, step.response+".") {
			x.nested(&l, &x.lists[i])
		}
	}
	return nil
}

func (x *explainer) list(step *rootStep, view *viewSchema) *Error {
	b, err := x.bindList(step, view)
	if err != nil {
		return err
	}
	a := b.access
	x.line("access", "%s", a)
	if rest := conjunction(a.rest); rest != nil {
		x.line("filter", "%s, tested on each row", rest)
	}
	how := "as the documents come"
	switch {
	case !a.ordered:
		how = "sorted, of all that match"
	case a.backward:
		how = "read backward"
	}
	if n := a.merged(a.follows); a.ordered && n > 1 {
		how += fmt.Sprintf(", %d ranges merged", n)
	}
	x.line("order", "%s; %s", orderText(b.order), how)
	if step.counted {
		count := "kept with the view"
		if b.where != nil {
			count = "all that match"
		}
		x.line("count", "%s", count)
	}
	if wanted := b.missingIndex(); len(wanted) > 0 && !view.serves(wanted) && (!a.ordered || len(a.rest) > 0) {
		x.line("hint", "indexes: [[%s]] would serve it", wantedText(wanted))
	}
	for _, c := range a.rest {
		if c.beginsWild() {
			x.line("hint", "no index can serve %s: the pattern begins with a wildcard", c)
		}
	}
	return nil
}

func (x *explainer) nested(l *listArguments, b *boundList) {
	if b.where == nil && len(b.order) == 0 {
		return
	}
	fmt.Fprintf(&x.text, "  %s:\n", l.name)
	if b.where != nil {
		x.line("  filter", " %s", b.where)
	}
	if len(b.order) > 0 {
		x.line("  order", " %s; sorted", orderText(b.order))
	}
}

// String says how an access finds documents.
func (a *access) String() string {
	text := "all documents"
	switch {
	case a.index >= 0:
		text = "index [" + indexText(a.parts) + "]"
	case len(a.held)+len(a.between) > 0:
		text = "key [" + indexText(a.parts) + "]"
	}
	if len(a.held)+len(a.between) == 0 {
		return text
	}
	held := append(append([]*condition{}, a.held...), a.between...)
	return text + " where " + conjunction(held).String()
}

func orderText(terms []orderTerm) string {
	var b strings.Builder
	for _, t := range terms {
		b.WriteString(t.field.path)
		if t.part.Desc {
			b.WriteString(" desc")
		}
		switch {
		case !t.field.nullable || t.part.NullsFirst == t.part.Desc:
		case t.part == encoding.Part{NullsFirst: true}:
			b.WriteString(" nulls first")
		default:
			b.WriteString(" nulls last")
		}
		b.WriteString(", ")
	}
	return b.String() + "key"
}

// String writes a condition as a person would.
func (c *condition) String() string {
	switch c.op {
	case allOf:
		return joinConditions(c.below, " and ", "true")
	case anyOf:
		return joinConditions(c.below, " or ", "false")
	case notOf:
		return "not (" + c.below[0].String() + ")"
	case someOf:
		return c.name + " _some (" + c.below[0].String() + ")"
	case noneOf:
		return c.name + " _none (" + c.below[0].String() + ")"
	case openEnd:
		return c.name
	case isNull:
		if len(c.values) > 0 {
			return c.field.path + " _isNull " + c.values[0].name
		}
		return fmt.Sprintf("%s _isNull %t", c.field.path, c.flag)
	}
	values := make([]string, len(c.values))
	for i, o := range c.values {
		if values[i] = o.name; o.name == "" {
			values[i] = string(writerOf(relation.TypeOf(o.value.Kind()), "").append(nil, o.value))
		}
	}
	text := strings.Join(values, ", ")
	if c.op.takesList() {
		text = "[" + text + "]"
	}
	return c.field.path + " " + operatorText(c.op) + " " + text
}

func operatorText(op operator) string {
	for name, o := range operators {
		if o == op {
			return name
		}
	}
	return ""
}

func joinConditions(list []*condition, between, none string) string {
	if len(list) == 0 {
		return none
	}
	texts := make([]string, len(list))
	for i, c := range list {
		texts[i] = c.String()
		if len(c.below) > 1 {
			texts[i] = "(" + texts[i] + ")"
		}
	}
	return strings.Join(texts, between)
}
