package main

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"odsd/internal/demo"
	"odsd/internal/pgcluster"
	"odsd/internal/pgcluster/pgtest"
)

// TestExamplesFitTheDemo checks the example project against the demo's databases: no
// findings, and schema/*.yaml as the databases are.
func TestExamplesFitTheDemo(t *testing.T) {
	cluster := pgtest.Start(t, pgcluster.Options{})
	dsns, err := demo.OneCluster(t.Context(), cluster)
	if err != nil {
		t.Fatal(err)
	}
	for _, pair := range dsns.Environment() {
		name, value, _ := strings.Cut(pair, "=")
		t.Setenv(name, value)
	}
	var stdout, stderr bytes.Buffer
	args := []string{"-C", "../../examples", "check", "--live"}
	if *rewrite {
		args = append(args, "--write")
	}
	if code := execute(args, nil, &stdout, &stderr); code != exitFine {
		t.Errorf("exit code %d; %s", code, &stderr)
	}
	if want := "4 sources, 6 views: 0 errors, 0 warnings\n"; stdout.String() != want {
		t.Errorf("check --live prints\n%s\nwant\n%s", &stdout, want)
	}
}

// TestDemoPlace looks at what the demo leaves behind: nothing, or what it was
// told to keep.
func TestDemoPlace(t *testing.T) {
	t.Chdir(t.TempDir())
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)

	place, err := makeDemoPlace("", "")
	if err != nil {
		t.Fatal(err)
	}
	if !isProject(place.project) {
		t.Errorf("no project in %s", place.project)
	}
	if err := place.remove(); err != nil {
		t.Error(err)
	}
	if left, _ := os.ReadDir(temp); len(left) > 0 {
		t.Errorf("%v is left", left)
	}

	keep := filepath.Join(temp, "kept")
	for range 2 { // the second finds what the first has kept
		if place, err = makeDemoPlace(keep, ""); err != nil {
			t.Fatal(err)
		}
		if err := place.remove(); err != nil {
			t.Error(err)
		}
		if !isProject(filepath.Join(keep, "project")) {
			t.Error("the project was not kept")
		}
	}

	// The examples in the current folder are the ones to play with.
	if err := unpackExamples("examples"); err != nil {
		t.Fatal(err)
	}
	if place, err = makeDemoPlace("", ""); err != nil {
		t.Fatal(err)
	}
	if place.project != "examples" {
		t.Errorf("the demo runs %s", place.project)
	}
	if err := place.remove(); err != nil {
		t.Error(err)
	}
}

// TestSamplesCanBePasted looks at how they call the program: a demo that "go run" has
// started is of no use with commands that call an odsd which is nowhere.
func TestSamplesCanBePasted(t *testing.T) {
	var out strings.Builder
	if err := printSamples(&out, "go run ./cmd/odsd", "my project"); err != nil {
		t.Fatal(err)
	}
	calls := 0
	for line := range strings.Lines(out.String()) {
		if !strings.Contains(line, "odsd") {
			continue
		}
		calls++
		if !strings.HasPrefix(line, "  go run ./cmd/odsd -C 'my project' ") {
			t.Errorf("a sample calls %s", line)
		}
	}
	if want := len(demo.Queries()) + 2; calls != want {
		t.Errorf("%d samples, want %d", calls, want)
	}
}

func TestProgramName(t *testing.T) {
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := t.TempDir()
	t.Setenv("PATH", path)
	if got := programName(); got != shellWord(os.Args[0]) && got != shellWord(executable) {
		t.Errorf("off the PATH: %s", got)
	}
	if err := os.Symlink(executable, filepath.Join(path, "odsd")); err != nil {
		t.Fatal(err)
	}
	if got := programName(); got != "odsd" {
		t.Errorf("on the PATH: %s", got)
	}
	cache := "/home/ada/.cache/go-build/ab/" + strings.Repeat("0123456789abcdef", 4) + "-d/odsd"
	for name, want := range map[string]bool{
		cache: true,
		strings.Replace(cache, "/go-build", "/elsewhere", 1): true,
		"/tmp/go-build123/b001/exe/odsd":                     true,
		"/usr/local/bin/odsd":                                false,
	} {
		if builtByGoRun(name) != want {
			t.Errorf("%s: built by go run is %v", name, !want)
		}
	}
}

func TestShellWord(t *testing.T) {
	for word, want := range map[string]string{
		"examples":     "examples",
		"my project":   "'my project'",
		"it's":         `'it'\''s'`,
		"/tmp/$(boom)": "'/tmp/$(boom)'",
	} {
		if got := shellWord(word); got != want {
			t.Errorf("%s: got %s, want %s", word, got, want)
		}
	}
}

// A port in use is told before databases are started and filled, and nothing is left.
func TestDemoTakesItsPortsFirst(t *testing.T) {
	t.Chdir(t.TempDir())
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, args := range [][]string{
		{"--listen", taken.Addr().String(), "--admin-listen", "127.0.0.1:0"},
		{"--listen", "127.0.0.1:0", "--admin-listen", taken.Addr().String()},
	} {
		var stdout, stderr bytes.Buffer
		code := execute(append([]string{"demo", "--customers", "1"}, args...), nil, &stdout, &stderr)
		if text := stderr.String(); code != exitTrouble || !strings.Contains(text, "listen on "+taken.Addr().String()) || !strings.Contains(text, "port 0 picks a free one") || strings.Contains(text, "starting") {
			t.Errorf("exit code %d; %s", code, text)
		}
	}
	if left, _ := os.ReadDir(temp); len(left) > 0 {
		t.Errorf("%v is left", left)
	}
}
