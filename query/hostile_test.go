package query

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestHostileTexts: whatever is sent, the answer is quick and is a refusal with
// the right code. The budget is far above what the refusals take and far below
// what graphql-go would take without them.
func TestHostileTexts(t *testing.T) {
	s := newService(sampleMemory(t))
	repeat := func(pattern string, n int) string { return strings.Repeat(pattern, n) }
	numbered := func(format string, n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	document := func(selection string) string { return "{ customer360(id: 1) { " + selection + " } }" }
	chain := ""
	for i := range 30 {
		chain += fmt.Sprintf("fragment F%d on Customer360 { ...F%d ...F%d id }\n", i, i+1, i+1)
	}
	wide := ""
	for i := range 8 { // 3^8 paths, were they followed one by one
		wide += fmt.Sprintf("fragment W%d on __Type { a: ofType { ...W%d } b: ofType { ...W%d } c: ofType { ...W%d } }\n", i, i+1, i+1, i+1)
	}
	for name, c := range map[string]struct {
		text string
		code Code
	}{
		"fields":             {document(repeat("id ", 9_000)), TooComplex},
		"repeated fields":    {document(repeat("id ", 2_400)), ""},
		"repeated lists":     {document(repeat("orders { id } ", 1_200)), ""},
		"aliases":            {document(numbered("a%d: id ", 1_200)), TooComplex},
		"aliased roots":      {"{" + numbered("a%d: customer360(id: 1) { id } ", 400) + "}", ""},
		"directives":         {document("id " + repeat("@skip(if: false) ", 600)), TooComplex},
		"unknown directives": {document("id " + repeat("@a ", 400)), ValidationFailed},
		"deep selections":    {repeat("{a", 100_000), TooComplex},
		"deep lists":         {"{ customer360(id: " + repeat("[", 100_000) + ") }", TooComplex},
		"deep objects":       {"{ customer360(id: " + repeat("{a:", 36) + "1", ParseFailed},
		"too deep":           {document("account { bank { " + repeat("... { ", 3) + repeat("x { ", 12) + "y" + repeat("}", 17)), ValidationFailed},
		"tokens":             {"{" + repeat("!", 250_000) + "}", TooComplex},
		"one line":           {document(repeat("a(b:1)", 1_300) + " !"), ParseFailed},
		"long literal":       {`{ customer360(id: "` + repeat("x", 200_000) + `") { id } }`, TooComplex},
		"long block":         {`{ customer360(id: """` + repeat("\n", 200_000) + `""") { id } }`, TooComplex},
		"long number":        {`{ customer360(id: ` + repeat("1", 200_000) + `) { id } }`, TooComplex},
		"long name":          {document(repeat("x", 200_000)), TooComplex},
		"long comment":       {"#" + repeat("ü", 100_000) + "\n{ __typename }", ""},
		"commas":             {"{ " + repeat(",", 250_000) + "__typename }", ""},
		"unknown fields":     {document(numbered("field%d ", 2_000)), ValidationFailed},
		"unknown types":      {"query (" + numbered("$v%d: Customer361 ", 400) + ") { __typename }", ValidationFailed},
		"variables":          {"query (" + numbered("$v%d: Int ", 600) + ") { __typename }", TooComplex},
		"operations":         {numbered("query Q%d { __typename } ", 60), TooComplex},
		"fragments":          {"{ __typename } " + numbered("fragment F%d on Query { __typename } ", 300), TooComplex},
		"self":               {"{ ...A } fragment A on Query { ...A }", TooComplex},
		"cycle":              {"{ ...A } fragment A on Query { ...B } fragment B on Query { ... { ...C } } fragment C on Query { a: __typename ...A }", TooComplex},
		"unused cycle":       {"{ __typename } fragment A on Query { ...B } fragment B on Query { ...A }", TooComplex},
		"doubling":           {document("...F0") + chain + "fragment F30 on Customer360 { id }", ""},
		"tripling":           {"{ __schema { queryType { ...W0 } } }" + wide + "fragment W8 on __Type { name }", TooComplex},
		"spreads":            {document(repeat("...F ", 2_600)) + "fragment F on Customer360 { id }", TooComplex},
		"introspection":      {"{ __schema { types { fields { type { fields { name } } } } } }", TooComplex},
		"same operation":     {"query A { __typename } query A { __typename }", ValidationFailed},
		"two anonymous":      {"{ __typename } { __typename }", ValidationFailed},
		"on":                 {"{ ...on } fragment on on Query { __typename }", ParseFailed},
		"nul":                {"{ __typename \x00 }", ParseFailed},
		"not UTF-8":          {"{ __typename \xff }", ParseFailed},
		"unclosed comment":   {"{ __typename } #", ""},
		"byte order mark":    {"\ufeff{ __typename }", ""},
		"interrupted number": {"{ customer360(id: 1x) { id } }", ParseFailed},
		"leading zero":       {"{ customer360(id: 01) { id } }", ParseFailed},
		"bare surrogate":     {`{ customer360(id: "\ud83d") { id } }`, ParseFailed},
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			reply := s.Execute(context.Background(), &Request{Query: c.text}, nil)
			if took := time.Since(start); took > 2*time.Second {
				t.Errorf("took %s", took)
			}
			code := Code("")
			if len(reply.Errors) > 0 {
				code = reply.Errors[0].Code
			}
			if code != c.code {
				t.Errorf("code %q, want %q: %.300s", code, c.code, reply.Body)
			}
			if len(reply.Errors) > maxErrors {
				t.Errorf("%d errors", len(reply.Errors))
			}
		})
	}
}
