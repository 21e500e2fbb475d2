package query

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"pgregory.net/rapid"

	"odsd/storage/relation"
	"odsd/views"
)

// naiveFilter is a random filter: its text, and what it is for an instance. A
// truth is 1, 0 or -1 for unknown.
type naiveFilter struct {
	text string
	of   func(in *instance) int
}

// object is the object whose fields a filter or an order is drawn from.
type object struct {
	view   *views.View
	fields []*views.Field
	absent []int // occurrences of the ones around it
}

func (o object) within(f *views.Field) object {
	return object{o.view, f.Fields, append(slices.Clip(o.absent), f.Occurrence)}
}

func (o object) missing(in *instance) bool {
	return slices.ContainsFunc(o.absent, func(occurrence int) bool { return slices.Contains(in.absent, occurrence) })
}

func (o object) value(f *views.Field, in *instance) relation.Value {
	if v := in.values[f.Ordinal]; !o.missing(in) && !v.IsError() {
		return v
	}
	return relation.OfNull()
}

// drawer draws filters; values become literals or variables.
type drawer struct {
	*rapid.T
	declared  []string
	variables map[string]any
}

func (d *drawer) object(o object, depth int) naiveFilter {
	if depth == 0 || rapid.IntRange(0, 2).Draw(d.T, "plain") > 0 {
		f := rapid.SampledFrom(o.fields).Draw(d.T, "field")
		inner := d.field(o, f, depth)
		return naiveFilter{"{" + inner.text + "}", inner.of}
	}
	switch rapid.SampledFrom([]string{"_and", "_or", "_not", "two"}).Draw(d.T, "logic") {
	case "_and":
		list := d.list(o, depth-1)
		return naiveFilter{"{_and: [" + joined(list) + "]}", func(in *instance) int { return naiveAnd(list, in) }}
	case "_or":
		list := d.list(o, depth-1)
		return naiveFilter{"{_or: [" + joined(list) + "]}", func(in *instance) int { return naiveOr(list, in) }}
	case "_not":
		below := d.object(o, depth-1)
		return naiveFilter{"{_not: " + below.text + "}", func(in *instance) int { return naiveNot(below.of(in)) }}
	}
	a, b := rapid.SampledFrom(o.fields).Draw(d.T, "first"), rapid.SampledFrom(o.fields).Draw(d.T, "second")
	x := d.field(o, a, depth)
	if a == b {
		return naiveFilter{"{" + x.text + "}", x.of}
	}
	y := d.field(o, b, depth)
	return naiveFilter{"{" + x.text + ", " + y.text + "}", func(in *instance) int { return naiveAnd([]naiveFilter{x, y}, in) }}
}

// indexed draws what an index or the key may serve, and a filter beside it.
func (d *drawer) indexed(o object, depth int) naiveFilter {
	var list []naiveFilter
	for _, name := range rapid.SampledFrom([][]string{{"country", "score"}, {"score"}, {"seen", "tier"}, {"tier"}, {"region", "id"}, {"country"}, {"region"}}).Draw(d.T, "index") {
		i := slices.IndexFunc(o.fields, func(f *views.Field) bool { return f.GraphQL == name })
		inner := d.operator(o, o.fields[i])
		list = append(list, naiveFilter{"{" + inner.text + "}", inner.of})
	}
	if rapid.Bool().Draw(d.T, "more") {
		list = append(list, d.object(o, depth))
	}
	return naiveFilter{"{_and: [" + joined(list) + "]}", func(in *instance) int { return naiveAnd(list, in) }}
}

func (d *drawer) list(o object, depth int) []naiveFilter {
	var list []naiveFilter
	for range rapid.IntRange(0, 3).Draw(d.T, "length") {
		list = append(list, d.object(o, depth))
	}
	return list
}

func joined(list []naiveFilter) string {
	texts := make([]string, len(list))
	for i, f := range list {
		texts[i] = f.text
	}
	return strings.Join(texts, ", ")
}

func naiveNot(truth int) int {
	if truth < 0 {
		return -1
	}
	return 1 - truth
}

func naiveAnd(list []naiveFilter, in *instance) int {
	out := 1
	for _, f := range list {
		switch f.of(in) {
		case 0:
			return 0
		case -1:
			out = -1
		}
	}
	return out
}

func naiveOr(list []naiveFilter, in *instance) int {
	out := 0
	for _, f := range list {
		switch f.of(in) {
		case 1:
			return 1
		case -1:
			out = -1
		}
	}
	return out
}

func naiveBool(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (d *drawer) field(o object, f *views.Field, depth int) naiveFilter {
	switch f.Kind {
	case views.OneField:
		inner := d.object(o.within(f), max(0, depth-1))
		return naiveFilter{f.GraphQL + ": " + inner.text, inner.of}
	case views.ManyField:
		op := rapid.SampledFrom([]string{"_some", "_none"}).Draw(d.T, "of list")
		node := o.view.Nodes[f.Node]
		inner := d.object(object{view: o.view, fields: node.Fields}, max(0, depth-1))
		return naiveFilter{fmt.Sprintf("%s: {%s: %s}", f.GraphQL, op, inner.text), func(in *instance) int {
			some := !o.missing(in) && slices.ContainsFunc(naiveShown(node, in), func(child *instance) bool { return inner.of(child) == 1 })
			return naiveBool(some == (op == "_some"))
		}}
	}
	return d.operator(o, f)
}

// naiveShown are the rows of a list that the definition shows.
func naiveShown(node *views.Node, in *instance) []*instance {
	list := slices.Clone(in.lists[node.ID])
	sort.Slice(list, func(i, j int) bool { return naiveLess(node, list[i], list[j]) })
	if node.Limit > 0 && len(list) > node.Limit {
		list = list[:node.Limit]
	}
	return list
}

var naiveComparisons = map[string]func(int) bool{
	"_eq": func(c int) bool { return c == 0 }, "_neq": func(c int) bool { return c != 0 },
	"_gt": func(c int) bool { return c > 0 }, "_gte": func(c int) bool { return c >= 0 },
	"_lt": func(c int) bool { return c < 0 }, "_lte": func(c int) bool { return c <= 0 },
}

func (d *drawer) operator(o object, f *views.Field) naiveFilter {
	names := []string{"_isNull"}
	switch {
	case f.Type.Kind == relation.Array:
		names = append(names, "_contains", "_containedIn", "_hasAny")
	case f.Type.Kind != relation.JSON:
		names = append(names, "_eq", "_neq", "_gt", "_gte", "_lt", "_lte", "_in", "_nin")
	}
	if k := f.Type.Kind; k == relation.Text || k == relation.Enum {
		names = append(names, "_like", "_ilike", "_startsWith")
	}
	return d.held(o, f, rapid.SampledFrom(names).Draw(d.T, "operator"))
}

// held holds a field to an operator.
func (d *drawer) held(o object, f *views.Field, name string) naiveFilter {
	operand, holds := d.operand(name, f)
	return naiveFilter{fmt.Sprintf("%s: {%s: %s}", f.GraphQL, name, operand), func(in *instance) int {
		v := o.value(f, in)
		if name == "_isNull" {
			return naiveBool(v.IsNull() == (operand == "true"))
		}
		if v.IsNull() {
			return map[string]int{"_in []": 0, "_nin []": 1}[name+" "+operand] - naiveBool(operand != "[]" || f.Type.Kind == relation.Array)
		}
		return naiveBool(holds(v))
	}}
}

// operand draws what an operator takes.
func (d *drawer) operand(name string, f *views.Field) (string, func(relation.Value) bool) {
	switch name {
	case "_isNull":
		return fmt.Sprint(rapid.Bool().Draw(d.T, "flag")), nil
	case "_like", "_ilike":
		v := drawValue(d.T, "patterns")
		return d.literal(f, v), func(s relation.Value) bool { return naiveLike(v.Str(), s.Str(), name == "_ilike") }
	case "_startsWith":
		v := drawValue(d.T, "beginnings")
		return d.literal(f, v), func(s relation.Value) bool { return strings.HasPrefix(s.Str(), v.Str()) }
	case "_in", "_nin":
		values := d.values(f, 3)
		return d.literals(f, values), func(v relation.Value) bool {
			return slices.ContainsFunc(values, func(w relation.Value) bool { return relation.Equal(v, w) }) == (name == "_in")
		}
	case "_contains", "_containedIn", "_hasAny":
		values := rapid.SliceOfN(rapid.SampledFrom([]relation.Value{text("a"), text("b"), text("c")}), 0, 2).Draw(d.T, "elements")
		return d.literals(f, values), func(v relation.Value) bool { return naiveArrays(name, v.List(), values) }
	}
	v := d.values(f, 1)[0]
	return d.literal(f, v), func(w relation.Value) bool { return naiveComparisons[name](relation.Compare(w, v)) }
}

// naiveArrays counts what two lists have in common.
func naiveArrays(name string, elements, values []relation.Value) bool {
	found, covered := 0, 0
	for _, w := range values {
		for _, e := range elements {
			if !e.IsNull() && relation.Equal(e, w) {
				found++
				break
			}
		}
	}
	for _, e := range elements {
		for _, w := range values {
			if !e.IsNull() && relation.Equal(e, w) {
				covered++
				break
			}
		}
	}
	switch name {
	case "_contains":
		return found == len(values)
	case "_containedIn":
		return covered == len(elements)
	}
	return found > 0
}

func (d *drawer) values(f *views.Field, most int) []relation.Value {
	pool := slices.DeleteFunc(slices.Clone(pools[f.GraphQL]), relation.Value.Missing)
	low := 0
	if most == 1 {
		low = 1
	}
	return rapid.SliceOfN(rapid.SampledFrom(pool), low, most).Draw(d.T, "values")
}

func (d *drawer) literals(f *views.Field, values []relation.Value) string {
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = d.literal(f, v)
	}
	return "[" + strings.Join(texts, ", ") + "]"
}

// literal writes a value, now and then as a variable.
func (d *drawer) literal(f *views.Field, v relation.Value) string {
	if f.Type.Kind == relation.Array {
		return string(appendString(nil, v.Str()))
	}
	written := string(writerOf(f.Type, "").append(nil, v))
	if f.Type.Kind == relation.Text || rapid.IntRange(0, 3).Draw(d.T, "variable") > 0 {
		return written
	}
	name := fmt.Sprintf("v%d", len(d.declared))
	d.declared = append(d.declared, fmt.Sprintf("$%s: %s!", name, scalarOf(f.Type.Kind, "")))
	d.variables[name] = decoded(written)
	return "$" + name
}

// naiveLike is LIKE by trying everything.
func naiveLike(pattern, s string, anyCase bool) bool {
	if anyCase {
		pattern, s = strings.ToLower(pattern), strings.ToLower(s)
	}
	var fits func(p, s []rune) bool
	fits = func(p, s []rune) bool {
		switch {
		case len(p) == 0:
			return len(s) == 0
		case p[0] == '%':
			return fits(p[1:], s) || len(s) > 0 && fits(p, s[1:])
		case len(s) == 0:
			return false
		case p[0] == '_':
			return fits(p[1:], s[1:])
		case p[0] == '\\':
			return p[1] == s[0] && fits(p[2:], s[1:])
		}
		return p[0] == s[0] && fits(p[1:], s[1:])
	}
	return fits([]rune(pattern), []rune(s))
}
