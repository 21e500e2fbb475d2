package main

import (
	"testing"

	"odsd/internal/yamlfile"
)

func TestAnnotation(t *testing.T) {
	got := annotation(yamlfile.Diagnostic{
		File: "views/a,b.yaml", Line: 40, Col: 28, Code: "E012", Severity: yamlfile.Error,
		Message: `no column "totl": 100% sure`, Hint: "did you mean\n\"total\"?",
	})
	want := `::error file=views/a%2Cb.yaml,line=40,col=28,title=E012::no column "totl": 100%25 sure%0Adid you mean%0A"total"?`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
