package mutants

import (
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
)

// root is the module's folder, from here.
const root = "../.."

// oracleTests is what catches a mutant whose patch names no tests.
const oracleTests = "./engine/enginetest"

// mutant is one patch.
type mutant struct {
	name, broken string
	pack, tests  string // tests is empty for the oracle and all beside it
	files        map[string]string
}

// hunk is some lines of a file and what stands in their place.
type hunk struct{ old, new string }

func readMutant(path string) (*mutant, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	m := &mutant{name: strings.TrimSuffix(filepath.Base(path), ".patch"), pack: oracleTests, files: map[string]string{}}
	head, diff, ok := strings.Cut(string(text), "\n\n--- a/")
	if !ok {
		return nil, fmt.Errorf("no blank line and `--- a/file` after the head")
	}
	m.broken, head, _ = strings.Cut(head, "\n")
	if tests, ok := strings.CutPrefix(head, "tests: "); ok {
		m.pack, m.tests, _ = strings.Cut(tests, " ")
	} else if head != "" {
		return nil, fmt.Errorf("line 2 is %q; it is `tests: ./package TestA|TestB` or blank", head)
	}
	for _, part := range strings.Split("\n"+diff, "\n--- a/") {
		part = strings.TrimPrefix(part, "\n")
		name, hunks, ok := strings.Cut(part, "\n+++ b/")
		if !ok {
			return nil, fmt.Errorf("no `+++ b/` line for %s", name)
		}
		patched, err := patch(name, hunks)
		if err != nil {
			return nil, err
		}
		m.files[name] = patched
	}
	return m, nil
}

// patch gives a file of the module as the hunks of a unified diff leave it.
func patch(name, diff string) (string, error) {
	source, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		return "", fmt.Errorf("the patched file is gone: %w", err)
	}
	text := string(source)
	for _, h := range hunks(diff) {
		if n := strings.Count(text, h.old); n != 1 {
			return "", fmt.Errorf("%s has these lines %d times, not once; write the patch anew:\n%s", name, n, h.old)
		}
		text = strings.Replace(text, h.old, h.new, 1)
	}
	if _, err := parser.ParseFile(token.NewFileSet(), name, text, 0); err != nil {
		return "", fmt.Errorf("the patched file is no Go: %w", err)
	}
	return text, nil
}

func hunks(diff string) []hunk {
	var all []hunk
	for line := range strings.Lines(diff) {
		if strings.HasPrefix(line, "@@") {
			all = append(all, hunk{})
			continue
		}
		if len(all) == 0 {
			continue // the file's name
		}
		h := &all[len(all)-1]
		switch {
		case strings.HasPrefix(line, "-"):
			h.old += line[1:]
		case strings.HasPrefix(line, "+"):
			h.new += line[1:]
		case strings.HasPrefix(line, " "):
			h.old += line[1:]
			h.new += line[1:]
		}
	}
	return all
}
