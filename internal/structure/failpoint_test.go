package structure

import (
	"go/build/constraint"
	"strings"
	"testing"
)

// TestFailpointsNeedTheirTag: what a program of users is built from holds no way to kill it.
func TestFailpointsNeedTheirTag(t *testing.T) {
	checked := 0
	for _, s := range sources(t) {
		if s.folder != "internal/failpoint" {
			continue
		}
		tagged := false
		for _, group := range s.syntax.Comments {
			for _, line := range group.List {
				if expression, err := constraint.Parse(line.Text); err == nil && group.Pos() < s.syntax.Package {
					tagged = !expression.Eval(func(string) bool { return false })
				}
			}
		}
		for _, imported := range s.imports {
			if (imported == "os" || strings.HasPrefix(imported, "syscall")) && !tagged {
				t.Errorf("%s imports %s without the tag failpoints", s.file, imported)
			}
		}
		checked++
	}
	if checked < 3 {
		t.Errorf("%d files of internal/failpoint were found", checked)
	}
}
