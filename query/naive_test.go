package query

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"sort"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"odsd/storage/relation"
	"odsd/views"
)

// The naive evaluator answers a selection from the instances as the test states
// them: it sorts and cuts lists itself and shares no code with the executor but
// the writing of single values, which the scripts check.

// wish is a random selection of one object, and its text.
type wish struct {
	response, field string
	limit           int // -1: none
	below           []*wish
}

func written(wishes []*wish) string {
	var b strings.Builder
	b.WriteString("{")
	for _, w := range wishes {
		fmt.Fprintf(&b, " %s: %s", w.response, w.field)
		if w.limit >= 0 {
			fmt.Fprintf(&b, "(limit: %d)", w.limit)
		}
		if w.below != nil {
			b.WriteString(" " + written(w.below))
		}
	}
	return b.String() + " }"
}

// drawWishes picks fields of an object, some of them twice, in any order.
func drawWishes(t *rapid.T, fields []*views.Field, hidden func(*views.Field) bool, nodes []*views.Node) []*wish {
	var shown []*views.Field
	for _, f := range fields {
		if !hidden(f) {
			shown = append(shown, f)
		}
	}
	picks := rapid.SliceOfN(rapid.IntRange(0, len(shown)-1), 1, 5).Draw(t, "picks")
	var wishes []*wish
	for i, p := range picks {
		f := shown[p]
		w := &wish{response: fmt.Sprintf("r%d", i), field: f.GraphQL, limit: -1}
		switch f.Kind {
		case views.OneField:
			w.below = drawWishes(t, f.Fields, hidden, nodes)
		case views.ManyField:
			w.limit = rapid.IntRange(-1, 4).Draw(t, "limit")
			w.below = drawWishes(t, nodes[f.Node].Fields, hidden, nodes)
		}
		wishes = append(wishes, w)
	}
	return wishes
}

func naive(v *views.View, fields []*views.Field, wishes []*wish, in *instance) map[string]any {
	out := map[string]any{}
	for _, w := range wishes {
		for _, f := range fields {
			if f.GraphQL == w.field {
				out[w.response] = naiveField(v, f, w, in)
			}
		}
	}
	return out
}

func naiveField(v *views.View, f *views.Field, w *wish, in *instance) any {
	switch f.Kind {
	case views.OneField:
		for _, absent := range in.absent {
			if absent == f.Occurrence {
				return nil
			}
		}
		return naive(v, f.Fields, w.below, in)
	case views.ManyField:
		node := v.Nodes[f.Node]
		list := append([]*instance{}, in.lists[f.Node]...)
		sort.Slice(list, func(i, j int) bool { return naiveLess(node, list[i], list[j]) })
		if node.Limit > 0 && len(list) > node.Limit {
			list = list[:node.Limit]
		}
		if w.limit >= 0 && len(list) > w.limit {
			list = list[:w.limit]
		}
		shown := []any{}
		for _, child := range list {
			shown = append(shown, naive(v, node.Fields, w.below, child))
		}
		return shown
	}
	as := f.As
	if f.Aggregate != nil {
		as = "Int"
	}
	var value any
	if err := json.Unmarshal(writerOf(f.Type, as).append(nil, in.values[f.Ordinal]), &value); err != nil {
		panic(err)
	}
	return value
}

func naiveLess(n *views.Node, a, b *instance) bool {
	for i := range a.order {
		x, y, term := a.order[i], b.order[i], n.Order[i]
		if x.IsNull() != y.IsNull() {
			return x.IsNull() == term.NullsFirst
		}
		if c := relation.Compare(x, y); c != 0 {
			return (c < 0) != term.Desc
		}
	}
	for i := range a.key {
		if c := relation.Compare(a.key[i], b.key[i]); c != 0 {
			return c < 0
		}
	}
	return false
}

// drawDocuments makes customers with anything below them.
func (c *customers) drawDocuments(t *rapid.T) []*instance {
	keys := rapid.SliceOfNDistinct(rapid.Int64Range(-3, 8), 1, 4, rapid.ID[int64]).Draw(t, "customers")
	var documents []*instance
	for _, key := range keys {
		d := &instance{
			key:    []relation.Value{bigint(key)},
			values: []relation.Value{bigint(key), drawText(t), drawText(t), decimal("1.50"), drawText(t), bigint(9)},
		}
		if rapid.Bool().Draw(t, "no account") {
			d.absent = append(d.absent, c.account)
		}
		if rapid.Bool().Draw(t, "no bank") {
			d.absent = append(d.absent, c.bank)
		}
		for i := range rapid.IntRange(0, 4).Draw(t, "orders") {
			order := c.order(int64(i*37%5), "s", "1.0", rapid.IntRange(0, 3).Draw(t, "day"))
			for line := range rapid.IntRange(0, 5).Draw(t, "items") {
				order.add(c.items, c.item(int64(line), 1, "sku", "name", "2.5"))
			}
			d.add(c.orders, order)
		}
		for i := range rapid.IntRange(0, 4).Draw(t, "tickets") {
			notes := rapid.SliceOfN(rapid.SampledFrom([]string{"", "n", "\x00ü\""}), 0, 3).Draw(t, "notes")
			d.add(c.tickets, c.ticket(byte(i), rapid.SampledFrom([]string{"", "a", "a\x00", "b"}).Draw(t, "agent"), notes...))
		}
		for i := range rapid.IntRange(0, 6).Draw(t, "watchers") {
			d.add(c.watchers, c.watch(byte(i), rapid.SampledFrom([]string{"a", "b", ""}).Draw(t, "watcher")))
		}
		for i := range rapid.IntRange(0, 2).Draw(t, "visits") {
			d.add(c.visits, c.visit(int64(i)))
		}
		documents = append(documents, d)
	}
	return documents
}

func drawText(t *rapid.T) relation.Value {
	return rapid.SampledFrom([]relation.Value{relation.OfNull(), text(""), text("x"), relation.OfError(relation.ErrOverflow)}).Draw(t, "text")
}

// TestSelectionsMatchTheNaiveEvaluator: random selections over random documents, by
// key and as pages of every length.
func TestSelectionsMatchTheNaiveEvaluator(t *testing.T) {
	c := customersView(t)
	v := c.plan.View
	hidden := func(f *views.Field) bool { return f.Kind == views.ManyField && v.Nodes[f.Node].Hidden }
	rapid.Check(t, func(rt *rapid.T) {
		m := newMemory(t)
		documents := c.drawDocuments(rt)
		m.serve(t, c.plan, documents...)
		sort.Slice(documents, func(i, j int) bool { return naiveLess(v.Nodes[0], documents[i], documents[j]) })
		s := newService(m)
		wishes := drawWishes(rt, v.Nodes[0].Fields, hidden, v.Nodes)
		var want []any
		for _, d := range documents {
			want = append(want, naive(v, v.Nodes[0].Fields, wishes, d))
		}
		for i, d := range documents {
			got := ask(rt, s, fmt.Sprintf("{ d: customer360(id: %d) %s }", d.key[0].Int(), written(wishes)))
			if !reflect.DeepEqual(got["d"], want[i]) {
				rt.Fatalf("%s\n got %v\nwant %v", written(wishes), got["d"], want[i])
			}
		}
		if got := pages(rt, s, written(wishes), rapid.IntRange(1, 3).Draw(rt, "page")); !reflect.DeepEqual(got, want) {
			rt.Fatalf("pages of %s\n got %v\nwant %v", written(wishes), got, want)
		}
	})
}

func ask(t *rapid.T, s *Service, query string) map[string]any {
	reply := s.Execute(context.Background(), &Request{Query: query}, nil)
	var body struct {
		Data   map[string]any
		Errors []any
	}
	if err := json.Unmarshal(reply.Body, &body); err != nil || len(body.Errors) > 0 {
		t.Fatalf("%s: %v: %s", query, err, reply.Body)
	}
	return body.Data
}

// pages reads a whole list, page by page.
func pages(t *rapid.T, s *Service, selection string, length int) []any {
	var all []any
	after := "null"
	for {
		data := ask(t, s, fmt.Sprintf("{ list: customer360List(first: %d, after: %s) { nodes %s edges { node { id } } pageInfo { hasNextPage endCursor } } }", length, after, selection))
		list, _ := data["list"].(map[string]any)
		nodes, _ := list["nodes"].([]any)
		edges, _ := list["edges"].([]any)
		info, _ := list["pageInfo"].(map[string]any)
		if len(nodes) > length || len(edges) != len(nodes) {
			t.Fatalf("a page of %d has %d nodes and %d edges", length, len(nodes), len(edges))
		}
		all = append(all, nodes...)
		if info["hasNextPage"] != true {
			return all
		}
		after = fmt.Sprintf("%q", info["endCursor"])
	}
}
