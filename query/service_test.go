package query

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"

	"odsd/storage"
	"odsd/storage/relation"
	"odsd/views"
)

func codeOf(r *Reply) Code {
	if len(r.Errors) == 0 {
		return ""
	}
	return r.Errors[0].Code
}

// TestCostsAreBounded: rows of a reply and keys read each have their limit.
func TestCostsAreBounded(t *testing.T) {
	m := sampleMemory(t)
	for _, c := range []struct {
		nodes, scan int
		query       string
		code        Code
	}{
		{50, 1000, `{ customer360(id: 1) { orders { items { lineNo } } } }`, ""},
		{7, 1000, `{ customer360(id: 1) { orders { items { lineNo } } } }`, TooComplex},
		{50, 5, `{ customer360(id: 1) { orders { items { lineNo } } } }`, ScanLimit},
		{2, 1000, `{ customer360List { nodes { id } } }`, TooComplex},
		{2, 1000, `{ customer360List(first: 2) { nodes { id } } }`, ""},
	} {
		s := newService(m)
		s.limits.Nodes, s.limits.Scan = c.nodes, c.scan
		if got := s.Execute(context.Background(), &Request{Query: c.query}, nil); codeOf(got) != c.code {
			t.Errorf("%s with %d rows, %d keys: %q, want %q", c.query, c.nodes, c.scan, codeOf(got), c.code)
		}
	}
}

// TestUnaskedListsAreSteppedOver: what a list costs does not depend on what lies
// beyond its limit or in lists that nobody asked for.
func TestUnaskedListsAreSteppedOver(t *testing.T) {
	c := customersView(t)
	m := newMemory(t)
	d := c.sample()[0]
	for i := range int64(2000) {
		d.add(c.orders, c.order(1000+i, "paid", "1.00", 20, c.item(1, 1, "A", "A", "1")))
		d.add(c.visits, c.visit(1000+i))
	}
	m.serve(t, c.plan, d)
	s := newService(m)
	for _, query := range []string{
		`{ customer360(id: 1) { id } }`,
		`{ customer360(id: 1) { orders(limit: 2) { id } account { tickets { id } } orders(limit: 2) { items { lineNo } } } }`,
		`{ customer360List { nodes { id } pageInfo { endCursor } } }`,
		`{ customer360(id: 1) { account { tickets(limit: 1) { id } } } }`,
	} {
		reply := s.Execute(context.Background(), &Request{Query: query}, nil)
		if len(reply.Errors) > 0 || reply.Scanned > 30 {
			t.Errorf("%s read %d keys: %.200s", query, reply.Scanned, reply.Body)
		}
	}
}

func TestCancelledRequests(t *testing.T) {
	s := newService(sampleMemory(t))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	reply := s.Execute(ctx, &Request{Query: `{ a: customer360(id: 1) { id } customer360List { nodes { id } } }`}, nil)
	if codeOf(reply) != Timeout || !reply.Errors[0].Cancelled() {
		t.Errorf("%s", reply.Body)
	}
	if got := string(reply.Body); !strings.HasPrefix(got, `{"data":null,`) {
		t.Errorf("%s", got)
	}
}

// TestDamageIsInternal: a row that cannot be is an error without details, and no panic.
func TestDamageIsInternal(t *testing.T) {
	c := customersView(t)
	m := newMemory(t)
	served := m.serve(t, c.plan, c.sample()...)
	commit := m.store.Begin()
	prefix := storage.AppendNodePrefix(nil, served.Generation)
	snapshot := m.store.Snapshot()
	cursor := snapshot.Scan(prefix, storage.PrefixEnd(prefix))
	for cursor.Next() {
		if len(cursor.Value()) > 0 {
			commit.Set(cursor.Key(), cursor.Value()[:1])
		}
	}
	if err := errors.Join(cursor.Close(), snapshot.Close(), commit.Apply()); err != nil {
		t.Fatal(err)
	}
	s := newService(m)
	reply := s.Execute(context.Background(), &Request{Query: `{ customer360(id: 1) { id } }`}, nil)
	if codeOf(reply) != Internal || !strings.HasPrefix(string(reply.Body), `{"data":{"customer360":null}`) || strings.Contains(string(reply.Body), "row") {
		t.Errorf("%s", reply.Body)
	}

	lost := m.serve(t, c.plan, c.sample()...)
	m.views, m.schema = []*ServedView{lost}, 2
	commit = m.store.Begin()
	orders := storage.AppendOrderPrefix(nil, lost.Generation, byte(c.tickets))
	snapshot = m.store.Snapshot()
	cursor = snapshot.Scan(orders, storage.PrefixEnd(orders))
	if cursor.Next() {
		commit.Set(append(append([]byte{}, cursor.Key()...), 0), nil)
	}
	if err := errors.Join(cursor.Close(), snapshot.Close(), commit.Apply()); err != nil {
		t.Fatal(err)
	}
	reply = s.Execute(context.Background(), &Request{Query: `{ customer360(id: 1) { account { tickets { id } } } }`}, nil)
	if codeOf(reply) != Internal || !errors.Is(reply.Errors[0], errLostRow) {
		t.Errorf("%s", reply.Body)
	}
}

// TestSchemaFollowsTheViews: a request after a change of views is answered by the
// new schema, documents cached before it included.
func TestSchemaFollowsTheViews(t *testing.T) {
	m := sampleMemory(t)
	s := newService(m)
	ask := func() Code {
		return codeOf(s.Execute(context.Background(), &Request{Query: `{ stockList { nodes { sku } } }`}, nil))
	}
	for range 2 { // the second from the cache
		if got := ask(); got != "" {
			t.Fatalf("the view is not served: %s", got)
		}
	}
	m.views, m.schema = m.views[:1], 2
	if got := ask(); got != ValidationFailed {
		t.Errorf("%q after the view has gone", got)
	}
	m.schema = 3
	m.views = sampleMemory(t).views
	m.views[1].State = Failed
	if got := ask(); got != ViewNotReady {
		t.Errorf("%q after the view failed", got)
	}
}

// TestWaitingTakesANewReading: what is waited for is seen, with the views of then.
func TestWaitingTakesANewReading(t *testing.T) {
	m := sampleMemory(t)
	all := m.views
	m.views = all[1:]
	m.waitFor = func(context.Context, string, relation.Position) error {
		m.views, m.schema = all, m.schema+1
		return nil
	}
	s := newService(m)
	query := `query @consistency(waitFor: [{source: "crm", lsn: "0/1"}]) { __typename stockList { totalCount } }`
	if reply := s.Execute(context.Background(), &Request{Query: query}, nil); len(reply.Errors) > 0 || m.open.Load() != 0 {
		t.Errorf("%d open: %s", m.open.Load(), reply.Body)
	}
}

func TestCollidingViewsAreNamed(t *testing.T) {
	simple := func(name, typeName, field string) *views.Plan {
		s := newView(name, typeName, field, table("a."+name, plain("id", kind(relation.Int4))))
		s.scalar(0, 0, 0, "id")
		return s.compile(t)
	}
	c := customersView(t)
	problems := CheckSchema([]*views.Plan{
		c.plan,
		simple("fine", "Fine", "fine"),
		simple("orders", "Customer360Orders", "orders"),
		simple("list", "List", "customer360List"),
		simple("info", "PageInfo", "info"),
		simple("again", "Fine", "again"),
	})
	var named []string
	for _, p := range problems {
		named = append(named, p.View)
		if !strings.Contains(p.Message, "graphql:") {
			t.Errorf("%s: no hint in %q", p.View, p.Message)
		}
	}
	if got := strings.Join(named, " "); got != "orders list info again" {
		t.Errorf("problems with %s", got)
	}
}

func TestSourcesGoThroughViews(t *testing.T) {
	c := customersView(t)
	above := newView("vips", "Vip", "vip", &relation.Schema{Name: "customer_360", Columns: []relation.Column{{Name: "id", Type: kind(relation.Int8), NotNull: true}}, Key: []int{0}})
	above.scalar(0, 0, 0, "id")
	s, _, err := buildSchema(1, []*ServedView{{Plan: c.plan}, {Plan: above.compile(t)}})
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(s.views[1].sources); got != "[billing catalog crm shop web]" {
		t.Errorf("%s", got)
	}
}

func TestDocumentCacheIsBounded(t *testing.T) {
	c := newDocumentCache()
	for i := range 3 * maxDocuments {
		text := fmt.Sprintf("%d", i)
		c.put(text, &prepared{document: &document{lexed: &lexed{source: text}}})
		c.get("0")
	}
	if c.recent.Len() != maxDocuments || len(c.entries) != maxDocuments || c.get("0") == nil || c.get("1") != nil {
		t.Errorf("%d entries", c.recent.Len())
	}
	long := strings.Repeat("x", maxCachedText)
	for i := range 100 {
		text := fmt.Sprintf("%s%d", long[4:], i)
		c.put(text, &prepared{document: &document{lexed: &lexed{source: text}}})
	}
	if c.bytes > maxDocumentBytes {
		t.Errorf("%d bytes", c.bytes)
	}
}

// TestPlansOfOneDocument: each outcome of the conditions has its own plan, few are kept.
func TestPlansOfOneDocument(t *testing.T) {
	s := newService(sampleMemory(t))
	query := `query ($a: Boolean!, $b: Boolean!, $c: Boolean!, $d: Boolean!, $e: Boolean!, $f: Boolean!) { customer360(id: 1) {
		a: id @include(if: $a) b: id @include(if: $b) c: id @include(if: $c) d: id @skip(if: $d) e: id @skip(if: $e) f: id @skip(if: $f) } }`
	for bits := range 64 {
		variables := map[string]any{}
		want := "{"
		for i, name := range []string{"a", "b", "c", "d", "e", "f"} {
			on := bits>>i&1 == 1
			variables[name] = on
			if on == (i < 3) {
				want += fmt.Sprintf("%q:\"1\",", name)
			}
		}
		want = strings.TrimSuffix(want, ",") + "}"
		for range 2 {
			reply := s.Execute(context.Background(), &Request{Query: query, Variables: variables}, nil)
			if !strings.HasPrefix(string(reply.Body), `{"data":{"customer360":`+want+`}`) {
				t.Fatalf("%v: %s, want %s", variables, reply.Body, want)
			}
		}
	}
	if n := len(s.current.documents.get(query).plans); n != maxPlans {
		t.Errorf("%d plans kept", n)
	}
}

// TestRequestsAtOnce is for the race detector: schema, cache, plans and
// graphql-go's own state are shared.
func TestRequestsAtOnce(t *testing.T) {
	s := newService(sampleMemory(t))
	queries := []string{
		`{ customer360(id: 1) { id orders { items { lineNo } } } }`,
		`query ($a: Boolean = true) { customer360List { nodes { id name @skip(if: $a) } pageInfo { endCursor } } }`,
		`{ __schema { types { name fields { name args { name defaultValue } } inputFields { name } enumValues { name } } directives { name } } }`,
		`{ stock(at: "nope", sku: 1) { sku } }`,
	}
	want := make([]string, len(queries))
	for i, query := range queries {
		want[i] = string(s.Execute(context.Background(), &Request{Query: query}, nil).Body)
	}
	s = newService(sampleMemory(t))
	var group errgroup.Group
	for worker := range 8 {
		group.Go(func() error {
			for i := range 20 {
				n := (i + worker) % len(queries)
				if got := string(s.Execute(context.Background(), &Request{Query: queries[n]}, nil).Body); got != want[n] {
					return fmt.Errorf("%s: %s, want %s", queries[n], got, want[n])
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Error(err)
	}
}

// TestAwkwardKeys: keys of types that have no scalar are given as PostgreSQL prints
// them, and a single-precision key is found by its shortest text.
func TestAwkwardKeys(t *testing.T) {
	schema := table("a.b", plain("tags", relation.ArrayOf(relation.Int4)), plain("level", kind(relation.Float4)))
	schema.Columns[1].NotNull = true
	schema.Key = []int{0, 1}
	v := newView("awkward", "Awkward", "awkward", schema)
	v.scalar(0, 0, 0, "tags")
	v.scalar(0, 0, 1, "level")
	values := []relation.Value{relation.OfArray(relation.Int4, []relation.Value{integer(1), integer(2)}), relation.OfFloat(relation.Float4, 0.1)}
	m := newMemory(t)
	m.serve(t, v.compile(t), &instance{key: values, values: values})
	s := newService(m)
	reply := s.Execute(context.Background(), &Request{Query: `{ awkward(tags: "{1,2}", level: 0.1) { tags level } }`}, nil)
	if !strings.HasPrefix(string(reply.Body), `{"data":{"awkward":{"tags":[1,2],"level":0.1}}`) {
		t.Errorf("%s", reply.Body)
	}
	reply = s.Execute(context.Background(), &Request{Query: `{ awkward(tags: "{1,", level: 0.1) { tags } }`}, nil)
	if codeOf(reply) != BadUserInput {
		t.Errorf("%s", reply.Body)
	}
}
