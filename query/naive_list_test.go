package query

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"sort"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"odsd/storage/relation"
	"odsd/views"
)

func decoded(text string) any {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		panic(err)
	}
	return value
}

// naiveOrder is a random orderBy: its text, and how two instances compare by it.
type naiveOrder struct {
	text    string
	compare func(a, b *instance) int
}

func (d *drawer) order(o object) naiveOrder {
	var terms []naiveOrder
	for range rapid.IntRange(0, 3).Draw(d.T, "terms") {
		terms = append(terms, d.term(o))
	}
	return orderOf(terms)
}

// orderOf joins the terms of an order, and has the key break ties.
func orderOf(terms []naiveOrder) naiveOrder {
	var texts []string
	for _, t := range terms {
		texts = append(texts, t.text)
	}
	return naiveOrder{"[" + strings.Join(texts, ", ") + "]", func(a, b *instance) int {
		for _, t := range terms {
			if c := t.compare(a, b); c != 0 {
				return c
			}
		}
		for i := range a.key {
			if c := relation.Compare(a.key[i], b.key[i]); c != 0 {
				return c
			}
		}
		return 0
	}}
}

func (d *drawer) term(o object) naiveOrder {
	if len(o.absent) == 0 && len(o.fields) > 10 && rapid.Bool().Draw(d.T, "by an index") {
		o.fields = slices.DeleteFunc(slices.Clone(o.fields), func(f *views.Field) bool {
			return !slices.Contains([]string{"country", "score", "seen", "tier", "region", "id"}, f.GraphQL)
		})
	}
	sortable := slices.DeleteFunc(slices.Clone(o.fields), func(f *views.Field) bool {
		return f.Kind == views.ManyField || f.Type.Kind == relation.JSON
	})
	f := rapid.SampledFrom(sortable).Draw(d.T, "by")
	if f.Kind == views.OneField {
		inner := d.term(o.within(f))
		return naiveOrder{"{" + f.GraphQL + ": " + inner.text + "}", inner.compare}
	}
	direction := rapid.SampledFrom([]string{"ASC", "DESC", "ASC_NULLS_FIRST", "ASC_NULLS_LAST", "DESC_NULLS_FIRST", "DESC_NULLS_LAST"}).Draw(d.T, "direction")
	return directed(o, f, direction)
}

// directed is one term of an order.
func directed(o object, f *views.Field, direction string) naiveOrder {
	descending := strings.HasPrefix(direction, "DESC")
	nullsFirst := strings.HasSuffix(direction, "FIRST") || direction == "DESC"
	return naiveOrder{"{" + f.GraphQL + ": " + direction + "}", func(a, b *instance) int {
		x, y := o.value(f, a), o.value(f, b)
		switch {
		case x.IsNull() && y.IsNull():
			return 0
		case x.IsNull() == nullsFirst && x.IsNull() != y.IsNull():
			return -1
		case x.IsNull() != y.IsNull():
			return 1
		case descending:
			return relation.Compare(y, x)
		}
		return relation.Compare(x, y)
	}}
}

func (o naiveOrder) sorted(list []*instance) []*instance {
	list = slices.Clone(list)
	sort.Slice(list, func(i, j int) bool { return o.compare(list[i], list[j]) < 0 })
	return list
}

func (f naiveFilter) kept(list []*instance) []*instance {
	return slices.DeleteFunc(slices.Clone(list), func(in *instance) bool { return f.of(in) != 1 })
}

// nested draws a filtered list in a document: its text, and the keys that it shows.
func (d *drawer) nested(v *views.View, name string, node int) (string, func(in *instance) any) {
	o := object{view: v, fields: v.Nodes[node].Fields}
	args := []string{}
	where := naiveFilter{of: func(*instance) int { return 1 }}
	if rapid.Bool().Draw(d.T, "filtered") {
		where = d.object(o, 1)
		args = append(args, "where: "+where.text)
	}
	order := naiveOrder{}
	if rapid.Bool().Draw(d.T, "ordered") {
		order = d.order(o)
		args = append(args, "orderBy: "+order.text)
	}
	limit := rapid.IntRange(0, 5).Draw(d.T, "limit")
	args = append(args, fmt.Sprintf("limit: %d", limit))
	return fmt.Sprintf("%s(%s) { id }", name, strings.Join(args, ", ")), func(in *instance) any {
		list := where.kept(naiveShown(v.Nodes[node], in))
		if order.compare != nil && order.text != "[]" {
			list = order.sorted(list)
		}
		keys := []any{}
		for _, child := range list[:min(limit, len(list))] {
			keys = append(keys, map[string]any{"id": decoded(string(writerOf(v.Nodes[node].Scalars[0].Type, "").append(nil, child.key[0])))})
		}
		return keys
	}
}

// naiveList is a random list, with what it must give.
type naiveList struct {
	*drawer
	arguments, selection string
	want                 []any
}

func drawList(t *rapid.T, p *people, documents []*instance) *naiveList {
	d := &drawer{T: t, variables: map[string]any{}}
	v := p.plan.View
	root := object{view: v, fields: v.Nodes[0].Fields}
	var order naiveOrder
	var where naiveFilter
	switch rapid.IntRange(0, 3).Draw(t, "kind") {
	case 0:
		order, where = d.order(root), d.indexed(root, 2)
	case 1:
		order, where = d.order(root), d.object(root, 3)
	default:
		order, where = d.along(root)
	}
	petsText, pets := d.nested(v, "pets", p.pets)
	visitsText, visits := d.nested(v, "visits", p.visits)
	out := &naiveList{drawer: d, arguments: "where: " + where.text + ", orderBy: " + order.text}
	out.selection = "{ region id " + petsText + " " + visitsText + " }"
	out.want = []any{}
	for _, in := range order.sorted(where.kept(documents)) {
		out.want = append(out.want, map[string]any{
			"region": in.key[0].Str(), "id": fmt.Sprint(in.key[1].Int()), "pets": pets(in), "visits": visits(in),
		})
	}
	return out
}

// page asks for one page.
func (l *naiveList) page(s *Service, view, more string) map[string]any {
	declared := ""
	if len(l.declared) > 0 {
		declared = "query (" + strings.Join(l.declared, ", ") + ") "
	}
	text := fmt.Sprintf("%s{ list: %sList(%s, %s) { %s } }", declared, view, l.arguments, more, l.fields())
	reply := s.Execute(context.Background(), &Request{Query: text, Variables: l.variables}, nil)
	var body struct {
		Data   struct{ List map[string]any }
		Errors []any
	}
	if err := json.Unmarshal(reply.Body, &body); err != nil || len(body.Errors) > 0 {
		l.Fatalf("%s %v: %v: %s", text, l.variables, err, reply.Body)
	}
	return body.Data.List
}

// fields of the connection, in any order: each may be the first to find the page.
func (l *naiveList) fields() string {
	fields := []string{"nodes " + l.selection, "edges { cursor node { id region } }", "pageInfo { hasNextPage hasPreviousPage endCursor }", "totalCount"}
	return strings.Join(rapid.Permutation(fields).Draw(l.T, "fields")[:rapid.IntRange(3, 4).Draw(l.T, "how many")], " ") + " nodes " + l.selection + " pageInfo { hasNextPage hasPreviousPage endCursor }"
}

func (l *naiveList) check(page map[string]any, offset, first int) (next string) {
	start := min(offset, len(l.want))
	want := l.want[start:min(start+first, len(l.want))]
	if !reflect.DeepEqual(page["nodes"], want) {
		l.Fatalf("%s %v\nat %d, %d long\n got %v\nwant %v", l.arguments, l.variables, offset, first, page["nodes"], want)
	}
	if total, asked := page["totalCount"]; asked && total != float64(len(l.want)) {
		l.Fatalf("%s %v: totalCount %v, want %d", l.arguments, l.variables, total, len(l.want))
	}
	edges, asked := page["edges"].([]any)
	if asked && len(edges) != len(want) {
		l.Fatalf("%s: %d edges beside %d nodes", l.arguments, len(edges), len(want))
	}
	info, _ := page["pageInfo"].(map[string]any)
	if info["hasNextPage"] != (start+first < len(l.want)) || info["hasPreviousPage"] != (start > 0) {
		l.Fatalf("%s %v at %d, %d long, of %d: %v", l.arguments, l.variables, offset, first, len(l.want), info)
	}
	next, _ = info["endCursor"].(string)
	return next
}

// TestListsMatchTheNaiveEvaluator: random filters, orders and pages over random
// documents, with declared indexes and without. A page that began with a cursor of the
// one view cannot be had from the other, so both are walked to the end.
//
// Every way to the documents must have been taken by some of them.
func TestListsMatchTheNaiveEvaluator(t *testing.T) {
	indexed, scanned := peopleView(t, "indexed", true), peopleView(t, "scanned", false)
	taken := map[string]int{}
	for round := 0; round < 10 && (round == 0 || missedWay(taken) != ""); round++ {
		rapid.Check(t, func(rt *rapid.T) {
			m := newMemory(t)
			documents := indexed.draw(rt)
			m.serve(t, indexed.plan, documents...)
			m.serve(t, scanned.plan, documents...)
			if rapid.Bool().Draw(rt, "uncounted") {
				m.documents = []int64{-1, -1}
			}
			s := newService(m)
			list := drawList(rt, indexed, documents)
			list.count(s, taken)
			for _, view := range []string{"indexed", "scanned"} {
				offset := rapid.IntRange(0, 4).Draw(rt, "offset")
				list.check(list.page(s, view, fmt.Sprintf("first: 3, offset: %d", offset)), offset, 3)
				for length := 1; length <= 4; length++ {
					after, at := "null", 0
					for {
						next := list.check(list.page(s, view, fmt.Sprintf("first: %d, after: %s", length, after)), at, length)
						if at += length; at >= len(list.want) {
							break
						}
						after = fmt.Sprintf("%q", next)
					}
				}
			}
		})
	}
	if way := missedWay(taken); way != "" {
		t.Errorf("no list was found this way: %s; taken were %v", way, taken)
	}
}

// missedWay is a way to documents that none was found by; "" where there is none.
func missedWay(taken map[string]int) string {
	for _, way := range []string{
		"forward", "backward", "backward by key", "several one after the other", "several merged", "several merged backward",
		"several keys", "several keys backward", "a range below equality", "a range backward", "sorted",
	} {
		if taken[way] == 0 {
			return way
		}
	}
	return ""
}
