package query

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// crowd are people in twenty countries with few scores, hence many ties.
func crowd(t testing.TB, n int) (*memory, *people) {
	t.Helper()
	m := newMemory(t)
	p := peopleView(t, "people", true)
	var documents []*instance
	for i := range n {
		d := p.sample()[0]
		d.key[1], d.values[1] = bigint(int64(i)), bigint(int64(i))
		d.values[p.country], d.values[p.score] = text(fmt.Sprintf("C%02d", i%20)), decimal(fmt.Sprint(i/20%3))
		documents = append(documents, d)
	}
	m.serve(t, p.plan, documents...)
	return m, p
}

// TestRowsReadByWay: what a list reads is what it shows, and a little for each
// range, whatever the size of the view, by each way to the documents. rows is how
// many it looks at, keys how many moves of cursors that takes at most.
func TestRowsReadByWay(t *testing.T) {
	m, _ := crowd(t, 2000)
	s := newService(m)
	for _, c := range []struct {
		list       string
		ways       []string
		rows, keys int
	}{
		{`orderBy: [{country: ASC}, {score: DESC}], first: 10`, []string{"forward"}, 10, 30},
		{`orderBy: [{country: DESC}, {score: ASC}], first: 10`, []string{"backward"}, 10, 80},
		{`orderBy: [{region: DESC}, {id: DESC}], first: 10`, []string{"backward by key"}, 10, 50},
		{`where: {region: {_eq: "eu"}}, orderBy: [{id: DESC}], first: 10`, []string{"backward by key"}, 10, 50},
		{`where: {country: {_eq: "C07"}, score: {_gte: "1"}}, first: 10, orderBy: [{score: DESC}]`, []string{"forward", "a range below equality"}, 10, 30},
		{`where: {country: {_eq: "C07"}, score: {_gte: "1"}}, first: 10, orderBy: [{score: ASC}]`, []string{"backward", "a range below equality", "a range backward"}, 10, 80},
		{`where: {country: {_in: ["C01", "C05", "C09"]}}, orderBy: [{country: ASC}, {score: DESC}], first: 10`, []string{"forward", "several one after the other"}, 10, 30},
		{`where: {country: {_in: ["C01", "C05", "C09"]}}, orderBy: [{country: DESC}, {score: ASC}], first: 10`, []string{"backward", "several one after the other"}, 10, 80},
		{`where: {country: {_in: ["C01", "C05", "C09"]}}, orderBy: [{score: DESC}], first: 10`, []string{"forward", "several merged"}, 10, 40},
		{`where: {country: {_in: ["C01", "C05", "C09"]}}, orderBy: [{score: ASC}], first: 10`, []string{"backward", "several merged backward"}, 10, 150},
		{`where: {region: {_eq: "eu"}, id: {_in: [5, 1500, 77, 9999]}}`, []string{"several keys"}, 3, 20},
		{`where: {region: {_eq: "eu"}, id: {_in: [5, 1500, 77, 9999]}}, orderBy: [{id: DESC}]`, []string{"backward by key", "several keys", "several keys backward"}, 3, 20},
		{`where: {country: {_in: []}}`, []string{"forward", "several one after the other"}, 0, 0},
		{`where: {country: {_in: ["C03", "C04"]}, age: {_eq: 1}}, orderBy: [{ratio: ASC}]`, []string{"sorted", "several one after the other"}, 200, 500},
	} {
		query := "{ peopleList(" + c.list + ") { nodes { id } } }"
		explained, err := s.Explain(context.Background(), &Request{Query: query})
		if err != nil {
			t.Fatal(err)
		}
		if ways := waysOf(explained); !slices.Equal(ways, c.ways) && c.rows > 0 {
			t.Errorf("%s: found %q, want %q:\n%s", c.list, ways, c.ways, explained)
		}
		s.limits.Scan = c.rows
		reply := s.Execute(context.Background(), &Request{Query: query}, nil)
		if code := codeOf(reply); code != "" {
			t.Errorf("%s: %s with %d rows", c.list, code, c.rows)
		}
		if reply.Scanned > c.keys {
			t.Errorf("%s: %d keys read, at most %d are due", c.list, reply.Scanned, c.keys)
		}
		if s.limits.Scan--; c.rows > 0 && codeOf(s.Execute(context.Background(), &Request{Query: query}, nil)) != ScanLimit {
			t.Errorf("%s: reads fewer than %d rows", c.list, c.rows)
		}
	}
}

// TestPlacedNullsScan: an order with nulls where no index has them reads all
// documents, and is bounded by the budget of rows.
func TestPlacedNullsScan(t *testing.T) {
	m, _ := crowd(t, 200)
	s := newService(m)
	s.limits.Scan = 100
	for order, want := range map[string]Code{
		"ASC": "", "DESC": "", "ASC_NULLS_LAST": "", "DESC_NULLS_FIRST": "",
		"ASC_NULLS_FIRST": ScanLimit, "DESC_NULLS_LAST": ScanLimit,
	} {
		reply := s.Execute(context.Background(), &Request{Query: "{ peopleList(orderBy: [{score: " + order + "}], first: 5) { nodes { id } } }"}, nil)
		if got := codeOf(reply); got != want {
			t.Errorf("%s: %q, want %q", order, got, want)
		}
	}
}

// TestTiesReadBackward: documents of one place in an order come by their key,
// also where an index is read backward and however many there are; a page may
// begin among them.
func TestTiesReadBackward(t *testing.T) {
	m, _ := crowd(t, 400)
	s := newService(m)
	type page struct {
		Nodes    []struct{ ID, Score string }
		PageInfo struct {
			HasNextPage bool
			EndCursor   string
		}
	}
	read := func(list string) page {
		reply := s.Execute(context.Background(), &Request{
			Query: "{ list: peopleList(" + list + ") { nodes { id score } pageInfo { hasNextPage endCursor } } }"}, nil)
		var body struct{ Data struct{ List page } }
		if err := json.Unmarshal(reply.Body, &body); err != nil || codeOf(reply) != "" {
			t.Fatalf("%s: %v: %s", list, err, reply.Body)
		}
		return body.Data.List
	}
	const sorted = `orderBy: [{score: DESC}, {age: ASC}]` // by no index
	rapid.Check(t, func(rt *rapid.T) {
		where := rapid.SampledFrom([]string{
			"", `where: {country: {_in: ["C01", "C02", "C03", "C17"]}}, `, `where: {score: {_lt: "2"}}, `, `where: {score: {_gt: "0"}, country: {_eq: "C04"}}, `,
		}).Draw(rt, "where")
		want := read(where + sorted + ", first: 1000").Nodes
		length := rapid.IntRange(1, 150).Draw(rt, "length")
		after := "null"
		var got []struct{ ID, Score string }
		for {
			p := read(fmt.Sprintf("%sorderBy: [{score: DESC}], first: %d, after: %s", where, length, after))
			got = append(got, p.Nodes...)
			if after = fmt.Sprintf("%q", p.PageInfo.EndCursor); !p.PageInfo.HasNextPage {
				break
			}
		}
		if !slices.Equal(got, want) {
			rt.Fatalf("%s in pages of %d:\n got %v\nwant %v", where, length, got, want)
		}
	})
}

// TestRangesMergedAreFew: each range that is merged has a cursor of its own, so
// beyond some the documents are sorted.
func TestRangesMergedAreFew(t *testing.T) {
	m, _ := crowd(t, 20)
	s := newService(m)
	for n, want := range map[int]string{maxMerged: "several merged", maxMerged + 1: "sorted"} {
		list := ""
		for i := range n {
			list += fmt.Sprintf("%q ", fmt.Sprintf("C%02d", i))
		}
		query := "{ peopleList(where: {country: {_in: [" + list + "]}}, orderBy: [{score: DESC}]) { totalCount } }"
		explained, err := s.Explain(context.Background(), &Request{Query: query})
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Contains(waysOf(explained), want) {
			t.Errorf("%d values: want %s:\n%s", n, want, explained)
		}
		if got := string(s.Execute(context.Background(), &Request{Query: query}, nil).Body); !strings.Contains(got, `"totalCount":20`) {
			t.Errorf("%d values: %s", n, got)
		}
	}
}
