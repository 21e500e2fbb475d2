package views

import (
	"bufio"
	"os"
	"strings"
	"testing"
)

// FuzzCheckExpr: no text breaks the checker, every problem lies within the
// text, and what is accepted computes a value of its type.
func FuzzCheckExpr(f *testing.F) {
	page, err := os.Open(languageFile)
	if err != nil {
		f.Fatal(err)
	}
	defer page.Close()
	for scanner := bufio.NewScanner(page); scanner.Scan(); {
		if source, _, ok := strings.Cut(scanner.Text(), "→"); ok {
			f.Add(strings.TrimSpace(source))
		}
	}
	for _, s := range []string{"((((", "a ? b : c ? d : e", "1 < 2 < 3", "x?:y", "0x", "1e999999999", "'\\u{10ffff}'", "contains(", "matches[", "#.x", "any(tags, {#})", "ʼ == 'ü'", "a;b", "not not in"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, source string) {
		r := sampleRow(&testing.T{})
		e, problems := checkExpr(source, r)
		if (e == nil) != (len(problems) > 0) {
			t.Fatalf("expression %v and %d problems", e, len(problems))
		}
		for _, p := range problems {
			if p.Offset < 0 || p.Length < 0 || p.Offset+p.Length > len(source) && p.Offset+p.Length > 1 || p.Message == "" || p.Code == "" {
				t.Fatalf("problem %+v in a source of %d bytes", p, len(source))
			}
		}
		if e == nil {
			return
		}
		if v := e.Compile()(r.env()); !v.Missing() && v.Kind() != e.Type.Kind {
			t.Fatalf("a %s of an expression of type %s", v.Kind(), e.Type)
		}
		if e.String() == "" {
			t.Fatal("no normal form")
		}
	})
}
