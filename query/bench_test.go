package query

import (
	"context"
	"fmt"
	"testing"

	"odsd/storage/relation"
)

// benchMemory serves n customers of 10 orders with 3 items each.
func benchMemory(b *testing.B, n int64) *memory {
	m := newMemory(b)
	c := customersView(b)
	var documents []*instance
	for id := range n {
		d := c.sample()[0]
		d.key[0], d.values[0], d.lists = bigint(id), bigint(id), nil
		for o := range int64(10) {
			d.add(c.orders, c.order(id*100+o, "paid", "19.90", int(o)+1,
				c.item(1, 2, "A", "Anvil", "9.95"), c.item(2, 1, "B", "Bolt", "0.10"), c.item(3, 1, "C", "Crank", "1.00")))
		}
		documents = append(documents, d)
	}
	m.serve(b, c.plan, documents...)
	m.freshness = []Freshness{{Source: "crm", Position: 1 << 33, State: "streaming"}}
	return m
}

const benchDocument = `id name account { plan balance } orders { id status total placedAt items { lineNo quantity product { sku name price } } } orderCount`

// BenchmarkDocument is a whole request: one document of 10 orders × 3 items.
func BenchmarkDocument(b *testing.B) {
	s := newService(benchMemory(b, 1000))
	query := `query ($id: BigInt!) { customer360(id: $id) { ` + benchDocument + ` } }`
	var out []byte
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		i++
		reply := s.Execute(context.Background(), &Request{Query: query, Variables: map[string]any{"id": fmt.Sprint(i * 7 % 1000)}}, out[:0])
		if len(reply.Errors) > 0 {
			b.Fatal(reply.Errors[0])
		}
		out = reply.Body
	}
	b.ReportMetric(float64(len(out)), "bytes/reply")
}

// BenchmarkPage is a page of 50 documents' roots, their lists stepped over.
func BenchmarkPage(b *testing.B) {
	s := newService(benchMemory(b, 1000))
	var out []byte
	b.ReportAllocs()
	for b.Loop() {
		reply := s.Execute(context.Background(), &Request{Query: `{ customer360List { nodes { id name orderCount } } }`}, out[:0])
		if len(reply.Errors) > 0 {
			b.Fatal(reply.Errors[0])
		}
		out = reply.Body
	}
}

// BenchmarkExecutor is the document alone, without the request around it: what
// it allocates is per request, not per row.
func BenchmarkExecutor(b *testing.B) {
	m := benchMemory(b, 1000)
	s := newService(m)
	ctx := context.Background()
	q, errs := s.begin(ctx, &Request{Query: `{ customer360(id: 500) { ` + benchDocument + ` } }`})
	if len(errs) > 0 {
		b.Fatal(errs[0])
	}
	defer q.reading.Close()
	q.meter = meter{ctx: ctx, limits: s.limits}
	q.meter.limits.Nodes, q.meter.limits.Scan = 1<<62, 1<<62
	if err := q.bindLists("customer360"); err != nil {
		b.Fatal(err)
	}
	r, err := q.reader(0)
	if err != nil {
		b.Fatal(err)
	}
	defer q.closeReaders()
	id := func(string) any { return bigint(500) }
	b.ReportAllocs()
	for b.Loop() {
		q.out = q.out[:0]
		if err := q.byKey(q.operation.roots[0].document, r, id); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPrepare is a text that is not cached.
func BenchmarkPrepare(b *testing.B) {
	m := benchMemory(b, 1)
	s := newService(m)
	reading, err := m.Read(context.Background())
	if err != nil {
		b.Fatal(err)
	}
	defer reading.Close()
	current, err := s.schemaOf(reading)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		current.documents = newDocumentCache()
		if _, errs := current.prepare(`{ customer360(id: 1) { `+benchDocument+` } }`, s.limits); len(errs) > 0 {
			b.Fatal(errs[0])
		}
	}
}

// benchPeople serves n people of whom one in a hundred is of each country, with two pets each.
func benchPeople(b *testing.B, n int64) *Service {
	m := newMemory(b)
	p := peopleView(b, "people", true)
	pet := func(id int64) *instance {
		row := []relation.Value{bigint(id), text("Rex"), decimal("4.5")}
		return &instance{key: row[:1], order: row[1:2], values: row}
	}
	var documents []*instance
	for id := range n {
		d := p.sample()[2]
		d.key[1], d.values[p.country], d.values[p.score] = bigint(id), text(fmt.Sprintf("C%02d", id%100)), decimal(fmt.Sprintf("%d.50", id*7919%n))
		documents = append(documents, d.add(p.pets, pet(1), pet(2)))
	}
	m.serve(b, p.plan, documents...)
	return newService(m)
}

func benchList(b *testing.B, n int64, query string) {
	s := benchPeople(b, n)
	var out []byte
	b.ReportAllocs()
	for b.Loop() {
		reply := s.Execute(context.Background(), &Request{Query: query}, out[:0])
		if len(reply.Errors) > 0 {
			b.Fatal(reply.Errors[0])
		}
		out = reply.Body
	}
}

// BenchmarkListByIndex is a page of 50, filtered and sorted by an index.
func BenchmarkListByIndex(b *testing.B) {
	benchList(b, 10_000, `{ peopleList(where: {country: {_eq: "C07"}, score: {_gt: "100"}}, orderBy: {score: DESC}) { nodes { id country score } } }`)
}

// BenchmarkListByScan is a filter over 10,000 documents that few pass, their pets stepped over.
func BenchmarkListByScan(b *testing.B) {
	benchList(b, 10_000, `{ peopleList(where: {age: {_gt: 3}, country: {_like: "%7"}}) { nodes { id country score } } }`)
}

// BenchmarkListSorted is the same number in an order that no index has.
func BenchmarkListSorted(b *testing.B) {
	benchList(b, 10_000, `{ peopleList(orderBy: [{age: ASC}, {score: DESC_NULLS_LAST}]) { nodes { id country score } } }`)
}

// BenchmarkListBySome looks into a list of each of 10,000 documents.
func BenchmarkListBySome(b *testing.B) {
	benchList(b, 10_000, `{ peopleList(where: {pets: {_some: {name: {_eq: "Tom"}}}}) { nodes { id } } }`)
}
