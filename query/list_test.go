package query

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"odsd/storage"
	"odsd/storage/relation"
	"odsd/views"
)

func codeAndHint(r *Reply) (Code, string) {
	if len(r.Errors) == 0 {
		return "", ""
	}
	return r.Errors[0].Code, r.Errors[0].Hint
}

// TestScanLimit: a list reads at most so many rows, and past them the error
// names the index that would do.
func TestScanLimit(t *testing.T) {
	m := newMemory(t)
	p := peopleView(t, "people", true)
	var documents []*instance
	for i := range int64(100) {
		d := p.sample()[0]
		d.key[1], d.values[1], d.values[p.country] = bigint(i), bigint(i), text(fmt.Sprint("C", i%10))
		d.values[p.score] = decimal(fmt.Sprint(i))
		documents = append(documents, d)
	}
	m.serve(t, p.plan, documents...)
	s := newService(m)
	s.limits.Scan = 60
	const other = "no index serves this filter"
	for query, hint := range map[string]string{
		`where: {age: {_eq: 3}}`:                                   "indexes: [[age]]",
		`where: {age: {_gt: 3}, active: {_eq: true}}`:              "indexes: [[active, age]]",
		`where: {age: {_eq: 3}}, orderBy: [{ratio: DESC}]`:         "indexes: [[age, ratio desc]]",
		`orderBy: [{ratio: ASC}]`:                                  "indexes: [[ratio]]",
		`where: {age: {_gt: 3}}, orderBy: [{age: DESC}]`:           "indexes: [[age desc]]",
		`where: {ratio: {_lt: 0}, country: {_neq: "C1"}}`:          "indexes: [[ratio]]",
		`where: {home: {city: {_eq: "Köln"}}}`:                     other,
		`where: {_or: [{age: {_eq: 3}}, {id: {_eq: 200}}]}`:        other,
		`where: {pets: {_some: {name: {_eq: "none"}}}}`:            other,
		`where: {tags: {_contains: ["x"]}}`:                        other,
		`where: {score: {_gte: "0"}, country: {_like: "X%"}}`:      "[total_score] is in use already",
		`where: {region: {_eq: "eu"}}, offset: 70, first: 1`:       "[region, id] is in use already",
		`orderBy: [{region: ASC}], offset: 70, first: 1`:           "[region, id] is in use already",
		`orderBy: [{score: DESC}], offset: 70, first: 1`:           "[total_score] is in use already",
		`orderBy: [{seen: ASC}, {tier: ASC}]`:                      "indexes: [[seen, tier]]",
		`offset: 70, first: 1`:                                     "[region, id] is in use already",
		`where: {score: {_gte: "90"}}`:                             "",
		`where: {country: {_eq: "C7"}}, orderBy: [{age: ASC}]`:     "",
		`where: {region: {_eq: "eu"}, id: {_gt: 50}}`:              "",
		`where: {country: {_eq: "C7"}}, orderBy: [{score: DESC}]`:  "",
		`where: {age: {_eq: 1}}, first: 5`:                         "",
		`orderBy: [{score: ASC}], offset: 70, first: 1`:            "[total_score] is in use already",
		`where: {id: {_gte: 95}}, orderBy: [{id: DESC}], first: 2`: "",
	} {
		reply := s.Execute(context.Background(), &Request{Query: "{ peopleList(" + query + ") { nodes { id } } }"}, nil)
		code, got := codeAndHint(reply)
		if hint == "" && code != "" || hint != "" && (code != ScanLimit || !strings.Contains(got, hint)) {
			t.Errorf("%s: %s %q, want %q", query, code, got, hint)
		}
	}
	// Counting is exact or refused.
	for query, want := range map[string]Code{
		`{ peopleList(first: 1) { totalCount } }`:                                            "",
		`{ peopleList(first: 1, where: {age: {_isNull: false}}) { totalCount } }`:            ScanLimit,
		`{ peopleList(first: 1, where: {country: {_eq: "C1"}}) { totalCount } }`:             "",
		`{ peopleList(first: 1, where: {age: {_isNull: false}}) { nodes { id } } }`:          "",
		`{ people(region: "eu", id: 1) { pets(where: {name: {_eq: "x"}}) { id } } }`:         "",
		`{ a: peopleList(first: 40) { nodes { id } } b: peopleList { nodes { id } } }`:       ScanLimit,
		`{ peopleList(first: 20) { nodes { pets(where: {id: {_gt: 0}}) { id } id } } }`:      ScanLimit,
		`{ peopleList(first: 5) { nodes { pets(orderBy: {weight: ASC}) { weight } } } }`:     "",
		`{ peopleList(first: 0, where: {age: {_eq: 3}}) { nodes { id } edges { cursor } } }`: "",
	} {
		if got := codeOf(s.Execute(context.Background(), &Request{Query: query}, nil)); got != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
}

// TestSortingIsBounded: what a sort keeps is bounded in bytes, whatever is asked for.
func TestSortingIsBounded(t *testing.T) {
	m := newMemory(t)
	p := peopleView(t, "people", false)
	var documents []*instance
	for i := range int64(50) {
		d := p.sample()[0]
		d.key[1], d.values[1], d.values[p.country] = bigint(i), bigint(i), text(strings.Repeat("x", 100+int(i)))
		documents = append(documents, d)
	}
	m.serve(t, p.plan, documents...)
	s := newService(m)
	s.limits.Sort = 4000
	for query, want := range map[string]Code{
		`orderBy: [{country: DESC}], first: 5`:              "",
		`orderBy: [{country: ASC}], first: 2147483647`:      TooComplex,
		`orderBy: [{country: ASC}], offset: 40, first: 1`:   TooComplex,
		`orderBy: [{id: ASC}, {country: ASC}], first: 5`:    "",
		`orderBy: [{country: ASC}], where: {id: {_lt: 10}}`: "",
	} {
		if got := codeOf(s.Execute(context.Background(), &Request{Query: "{ peopleList(" + query + ") { nodes { id } } }"}, nil)); got != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
}

// TestPagesOfAChangingStore: what is there all the time is shown once, whatever
// comes and goes around it, the document of the cursor included.
func TestPagesOfAChangingStore(t *testing.T) {
	for _, indexed := range []bool{true, false} {
		m := newMemory(t)
		p := peopleView(t, "people", indexed)
		person := func(id int64, score string) *instance {
			d := p.sample()[2]
			d.key[1], d.values[1], d.values[p.score] = bigint(id), bigint(id), decimal(score)
			return d
		}
		var documents []*instance
		for i := range int64(10) {
			documents = append(documents, person(i, fmt.Sprint(i/3)))
		}
		served := m.serve(t, p.plan, documents...)
		change := func(remove bool, in *instance) {
			c := m.store.Begin()
			write(c, served.Generation, p.plan, 0, nil, in)
			if remove {
				path := storage.AppendNodePrefix(nil, served.Generation)
				path = append(path, rootPath(in.key)...)
				c.Delete(path)
				row := make([]relation.Value, len(p.plan.Nodes[0].Columns))
				copy(row, in.values)
				for _, entry := range indexEntries(served.Generation, p.plan, row, rootPath(in.key)) {
					c.Delete(entry)
				}
			}
			if err := c.Apply(); err != nil {
				t.Fatal(err)
			}
		}
		s := newService(m)
		var shown []string
		after := "null"
		for round := int64(0); after != ""; round++ {
			reply := s.Execute(context.Background(), &Request{Query: fmt.Sprintf(
				`{ peopleList(orderBy: {score: ASC}, first: 3, after: %s) { nodes { id } pageInfo { hasNextPage endCursor } } }`, after)}, nil)
			var body struct {
				Data struct {
					PeopleList struct {
						Nodes    []struct{ ID string }
						PageInfo struct {
							HasNextPage bool
							EndCursor   string
						}
					}
				}
			}
			if err := json.Unmarshal(reply.Body, &body); err != nil || len(reply.Errors) > 0 {
				t.Fatalf("%v: %s", err, reply.Body)
			}
			for _, n := range body.Data.PeopleList.Nodes {
				shown = append(shown, n.ID)
			}
			if after = ""; body.Data.PeopleList.PageInfo.HasNextPage {
				after = fmt.Sprintf("%q", body.Data.PeopleList.PageInfo.EndCursor)
			}
			last := (round+1)*3 - 1
			if last < 9 {
				change(true, documents[last]) // the cursor's
			}
			change(false, person(100+round, "-1"))  // before all
			change(false, person(-1-round, "0.00")) // at the first's place
		}
		if got := strings.Join(shown, " "); got != "0 1 2 3 4 5 6 7 8 9" {
			t.Errorf("indexed %t: %s", indexed, got)
		}
	}
}

// TestNullableKeys: in a group-by view null is a group, and the key of one.
func TestNullableKeys(t *testing.T) {
	m := newMemory(t)
	orders := table("shop.orders", plain("id", kind(relation.Int8)), plain("country", kind(relation.Text)), plain("day", kind(relation.Date)))
	s := newView("revenue", "Revenue", "revenue", orders)
	s.Kind, s.Key, s.Nodes[0].Key, s.KeyFields = views.GroupView, nil, nil, []int{0, 1}
	s.scalar(0, 0, 1, "country")
	s.scalar(0, 0, 2, "day")
	s.add(0, 0, &views.Field{
		Name: "orders", GraphQL: "orders", Kind: views.AggregateField, Type: kind(relation.Int8), Ordinal: 2,
		Aggregate: &views.Aggregate{Func: views.Count, Round: -1},
	})
	group := func(country, day relation.Value, n int64) *instance {
		return &instance{key: []relation.Value{country, day}, values: []relation.Value{country, day, bigint(n)}}
	}
	m.serve(t, s.compile(t), group(text("DE"), relation.OfDate(1), 3), group(text("DE"), null, 4), group(null, null, 5))
	service := newService(m)
	for query, want := range map[string]string{
		`revenue(country: "DE", day: "1970-01-02") { orders }`:                                  `{"orders":3}`,
		`revenue(country: "DE", day: null) { orders }`:                                          `{"orders":4}`,
		`revenue(country: "DE") { orders }`:                                                     `{"orders":4}`,
		`revenue { orders }`:                                                                    `{"orders":5}`,
		`revenue(country: "FR") { orders }`:                                                     `null`,
		`revenueByKeys(keys: [{country: null}, {country: "DE", day: "1970-01-02"}]) { orders }`: `[{"orders":5},{"orders":3}]`,
		`revenueList(where: {country: {_isNull: true}}) { nodes { orders } }`:                   `{"nodes":[{"orders":5}]}`,
		`revenueList(where: {day: {_gte: "1970-01-01"}}) { nodes { orders } }`:                  `{"nodes":[{"orders":3}]}`,
		`revenueList(orderBy: [{country: ASC}, {day: DESC}]) { nodes { orders } }`:              `{"nodes":[{"orders":4},{"orders":3},{"orders":5}]}`,
		`revenueList(where: {country: {_eq: "DE"}, day: {_lt: "1970-01-03"}}) { totalCount }`:   `{"totalCount":1}`,
	} {
		reply := service.Execute(context.Background(), &Request{Query: "{ r: " + query + " }"}, nil)
		if got := string(reply.Body); !strings.HasPrefix(got, `{"data":{"r":`+want+`}`) {
			t.Errorf("%s\n got %s\nwant %s", query, got, want)
		}
	}
	text, err := service.Explain(context.Background(), &Request{Query: `{ revenueList(where: {country: {_isNull: true}}, orderBy: {day: ASC}) { totalCount } }`})
	if err != nil || !strings.Contains(text, "key [country, day] where country _isNull true") || !strings.Contains(text, "as the documents come") {
		t.Errorf("%s, %v", text, err)
	}
}

// TestFiltersAreBounded: by the number of their conditions, in the text and in variables.
func TestFiltersAreBounded(t *testing.T) {
	s := newService(sampleMemory(t))
	var deep any = map[string]any{"country": map[string]any{"_eq": "DE"}}
	for range 5000 {
		deep = map[string]any{"_not": deep}
	}
	wide := make([]any, 5000)
	for i := range wide {
		wide[i] = map[string]any{"country": map[string]any{"_eq": "DE"}}
	}
	for name, where := range map[string]any{"deep": deep, "wide": map[string]any{"_or": wide}} {
		r := &Request{Query: `query ($w: PeopleWhere) { peopleList(where: $w) { totalCount } }`, Variables: map[string]any{"w": where}}
		if got := codeOf(s.Execute(context.Background(), r, nil)); got != BadUserInput {
			t.Errorf("%s: %q", name, got)
		}
	}
	// Long lists of values are one condition.
	values := make([]any, 5000)
	for i := range values {
		values[i] = fmt.Sprint("C", i)
	}
	r := &Request{Query: `query ($c: [String!]!) { peopleList(where: {country: {_in: $c}}) { totalCount } }`, Variables: map[string]any{"c": values}}
	if got := codeOf(s.Execute(context.Background(), r, nil)); got != "" {
		t.Errorf("%q", got)
	}
}

// TestInfiniteKeys: a field shows an infinite time as null while the key holds
// it, so filters and orders of the field are not answered from the key's order.
func TestInfiniteKeys(t *testing.T) {
	m := newMemory(t)
	events := table("web.events", plain("at", kind(relation.Timestamp)), plain("n", kind(relation.Int4)))
	s := newView("events", "Events", "events", events)
	s.scalar(0, 0, 0, "at")
	s.scalar(0, 0, 1, "n")
	event := func(n int64, key, shown relation.Value) *instance {
		return &instance{key: []relation.Value{key}, values: []relation.Value{shown, integer(n)}}
	}
	infinite := relation.OfError(relation.ErrInfiniteTime)
	s.Nodes[0].Scalars[0].Nullable = true
	m.serve(t, s.compile(t), event(0, relation.OfTimestamp(relation.InfinitePast), infinite), event(1, at(1), at(1)), event(2, at(2), at(2)),
		event(3, relation.OfTimestamp(relation.InfiniteFuture), infinite))
	service := newService(m)
	for args, want := range map[string]string{
		`where: {at: {_gt: "2024-05-01T20:00:00Z"}}`:                          "[2]",
		`where: {at: {_lt: "2024-05-01T20:00:00Z"}}`:                          "[1]",
		`where: {at: {_isNull: true}}`:                                        "[0 3]",
		`where: {at: {_isNull: true}}, orderBy: [{at: ASC}, {n: DESC}]`:       "[3 0]",
		`where: {at: {_eq: "2024-05-02T12:30:00.25Z"}}, orderBy: [{n: DESC}]`: "[2]",
		`orderBy: [{at: ASC}]`:                                                "[1 2 0 3]",
		`orderBy: [{at: DESC}, {n: DESC}]`:                                    "[3 0 2 1]",
		`first: 4`:                                                            "[0 1 2 3]",
	} {
		reply := service.Execute(context.Background(), &Request{Query: "{ r: eventsList(" + args + ") { nodes { n } } }"}, nil)
		var body struct {
			Data struct {
				R struct{ Nodes []struct{ N int } }
			}
		}
		if err := json.Unmarshal(reply.Body, &body); err != nil {
			t.Fatal(err)
		}
		var got []int
		for _, node := range body.Data.R.Nodes {
			got = append(got, node.N)
		}
		if fmt.Sprint(got) != want {
			t.Errorf("%s: %v, want %s: %s", args, got, want, reply.Body)
		}
	}
}
