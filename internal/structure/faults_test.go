package structure

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// faultsDocument is the table of what goes wrong.
const faultsDocument = "docs/faults.md"

// notShown begins what a row of the table has no test for.
const notShown = "not shown yet"

var quoted = regexp.MustCompile("`([^`]+)`")

// Every row of the table of faults names tests that there are, or says plainly
// that it has none.
func TestFaultsAreShownByTestsThatExist(t *testing.T) {
	document, err := os.ReadFile(filepath.Join(root, faultsDocument))
	if err != nil {
		t.Fatal(err)
	}
	tests := testsByPackage(t)
	rows := 0
	for i, line := range strings.Split(string(document), "\n") {
		cells := strings.Split(strings.Trim(line, "|"), " | ")
		if !strings.HasPrefix(line, "| ") || strings.HasSuffix(line, " shown by |") {
			continue
		}
		rows++
		at := faultsDocument + ":" + strconv.Itoa(i+1)
		if len(cells) != 3 {
			t.Errorf("%s: %d cells, want case, required and shown by", at, len(cells))
			continue
		}
		shown := quoted.FindAllStringSubmatch(cells[2], -1)
		if len(shown) == 0 && !strings.Contains(cells[2], notShown) {
			t.Errorf("%s: names no test and does not say %q", at, notShown)
		}
		for _, name := range shown {
			if why := lacking(tests, name[1]); why != "" {
				t.Errorf("%s: %s: %s", at, name[1], why)
			}
		}
	}
	if rows < 60 {
		t.Errorf("%s has %d rows only", faultsDocument, rows)
	}
}

// testFiles are the sources of a package's tests, and the functions among them.
type testFiles struct {
	functions map[string]bool
	text      string
}

func testsByPackage(t *testing.T) map[string]*testFiles {
	t.Helper()
	tests := map[string]*testFiles{}
	function := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	for _, s := range sources(t) {
		if !s.test {
			continue
		}
		text, err := os.ReadFile(filepath.Join(root, s.file))
		if err != nil {
			t.Fatal(err)
		}
		if tests[s.folder] == nil {
			tests[s.folder] = &testFiles{functions: map[string]bool{}}
		}
		for _, found := range function.FindAllSubmatch(text, -1) {
			tests[s.folder].functions[string(found[1])] = true
		}
		tests[s.folder].text += string(text)
	}
	return tests
}

// lacking says what is missing of a reference "package.Test", "package.Test/case"
// or the path of a script; "" where it is there.
func lacking(tests map[string]*testFiles, reference string) string {
	if strings.Contains(reference, "/testdata/") {
		if _, err := os.Stat(filepath.Join(root, reference)); err != nil {
			return "there is no such file"
		}
		return ""
	}
	name, folder := "", ""
	if dot := strings.Index(reference, "."); dot >= 0 {
		folder, name = reference[:dot], reference[dot+1:]
	}
	name, inner, hasCase := strings.Cut(name, "/")
	files := tests[path.Clean(folder)]
	switch {
	case files == nil:
		return "no package with tests of that name"
	case !files.functions[name]:
		return "no such test"
	case hasCase && !strings.Contains(files.text, strconv.Quote(inner)):
		return "the test has no such case"
	}
	return ""
}

// The check of the table itself can fail.
func TestLackingTestsAreNamed(t *testing.T) {
	tests := map[string]*testFiles{"engine/postgres": {functions: map[string]bool{"TestA": true}, text: `{"one case", 1}`}}
	for reference, ok := range map[string]bool{
		"engine/postgres.TestA": true, "engine/postgres.TestA/one case": true, "engine/postgres.TestA/one": false,
		"engine/postgres.TestB": false, "engine.TestA": false, "TestA": false, "cmd/odsd/testdata/nothing.txt": false,
	} {
		if why := lacking(tests, reference); (why == "") != ok {
			t.Errorf("%s: %q", reference, why)
		}
	}
}
