package query

import (
	"bytes"
	"context"
	"encoding/json"
	"testing"
	"time"
)

// FuzzRequest: any text and variables give one JSON object, soon, with data or errors.
func FuzzRequest(f *testing.F) {
	for _, seed := range []string{
		`{ customer360(id: "1") { id account { plan } orders(limit: 2) { id items { product { price } } } } }`,
		`query A($n: Int = 1, $k: [Customer360Key!]!, $b: Boolean!) @consistency(maxStaleness: "5s", waitFor: null) { customer360ByKeys(keys: $k) { ...F @skip(if: $b) } } fragment F on Customer360 { id orders(limit: $n) { id } }`,
		`{ stock(at: "2024-05-01T12:30:00Z", sku: """ a\""" """) { tags } __schema { types { name fields(includeDeprecated: true) { name } } } __type(name: "\u{41}\n") { kind } }`,
		`{ customer360List(first: 1, after: "AQ") { edges { cursor node { id } } pageInfo { endCursor } } _freshness { lsn } __typename }`,
		`query ($a: [[Int!]!] = [[1], null], $b: Nope) { a(x: {y: $a, z: null, w: E}) @x { b } }`,
		`query ($n: Int, $b: Boolean) { peopleList(where: {_or: [{country: {_in: ["DE"], _like: "%"}}, {_not: {pets: {_some: {toys: {_none: {}}}}}}], home: {owner: {name: {_ilike: "_"}}}}, orderBy: [{score: DESC}, {home: {rent: ASC_NULLS_FIRST}}], first: $n, offset: 1) { totalCount nodes { pets(where: {weight: {_gt: "1"}}, orderBy: {name: ASC}) { id } } } }`,
		`query ($k: PeopleWhere) { peopleList(where: $k, orderBy: {country: ASC}, after: "AQ") { pageInfo { hasPreviousPage } } stockList(where: {tags: {_contains: []}, level: {_gte: 1e400}, small: {_lt: -0.0}}) { totalCount } }`,
		"# ü\n{ a: null }", "subscription { x } type A { b: C }", "\ufeff{,}", `{ x(a: -0.1e+5 b: "\ud83d\ude00") }`,
	} {
		f.Add(seed, `{"n": 2, "k": [{"id": 1}], "b": false}`)
		f.Add(seed, `{"k": {"id": "x"}, "b": null, "a": [[1.0e1]]}`)
		f.Add(seed, `{"k": {"_and": [{"id": {"_in": [1, 2]}}], "_or": []}}`)
	}
	s := newService(sampleMemory(f))
	s.timeout = 5 * time.Second
	f.Fuzz(func(t *testing.T, text, variables string) {
		r := &Request{Query: text}
		decoder := json.NewDecoder(bytes.NewReader([]byte(variables)))
		decoder.UseNumber()
		if decoder.Decode(&r.Variables) != nil {
			r.Variables = nil
		}
		start := time.Now()
		reply := s.Execute(context.Background(), r, nil)
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("took %s", took)
		}
		if !json.Valid(reply.Body) {
			t.Fatalf("not JSON: %s", reply.Body)
		}
		if !reply.Executed && len(reply.Errors) == 0 {
			t.Errorf("neither data nor errors: %s", reply.Body)
		}
		for _, e := range reply.Errors {
			if e.Code == Internal {
				t.Errorf("%v: %v", e, e.cause)
			}
		}
	})
}

// FuzzCursor: nothing but what was sealed opens.
func FuzzCursor(f *testing.F) {
	s := seal{[]byte("key")}
	sealed := func(identity string, path []byte) string {
		raw := s.appendCursor(nil, identity, path)
		return string(raw[1 : len(raw)-1])
	}
	f.Add(sealed("list", []byte("path")))
	f.Add(sealed("other", []byte("path")))
	f.Add(sealed("list", nil))
	f.Add("")
	f.Add("AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	f.Fuzz(func(t *testing.T, cursor string) {
		path, err := s.open("list", cursor)
		if err != nil {
			return
		}
		if sealed("list", path) != cursor {
			t.Errorf("%q opened as %q, whose cursor is another", cursor, path)
		}
	})
}

// TestCursorsAreBound: to the store's key, the list, and their own bytes.
func TestCursorsAreBound(t *testing.T) {
	s := seal{[]byte("key")}
	raw := s.appendCursor(nil, "list", []byte("some path"))
	cursor := string(raw[1 : len(raw)-1])
	if path, err := s.open("list", cursor); err != nil || string(path) != "some path" {
		t.Fatalf("%q, %v", path, err)
	}
	for name, open := range map[string]func() error{
		"another key":  func() error { _, err := seal{[]byte("yek")}.open("list", cursor); return asError(err) },
		"another list": func() error { _, err := s.open("lisp", cursor); return asError(err) },
		"padded":       func() error { _, err := s.open("list", cursor+"="); return asError(err) },
		"cut":          func() error { _, err := s.open("list", cursor[:len(cursor)-4]); return asError(err) },
	} {
		if open() == nil {
			t.Errorf("%s: opened", name)
		}
	}
	for i := range cursor {
		changed := []byte(cursor)
		changed[i] ^= 1
		if _, err := s.open("list", string(changed)); err == nil {
			t.Errorf("opened with byte %d changed", i)
		}
	}
}

func asError(e *Error) error {
	if e == nil {
		return nil
	}
	return e
}
