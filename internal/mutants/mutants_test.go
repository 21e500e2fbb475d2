package mutants

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"
)

var (
	run     = flag.Bool("mutants", false, "build every mutant and run the tests that must catch it")
	seconds = flag.Int("mutants.oracle", 60, "how many seconds the random oracle plays against a mutant at most")
	seed    = flag.String("mutants.seed", "1", "first seed of the random oracle")
)

// TestMutantsApply: each patch still fits the code that it breaks.
func TestMutantsApply(t *testing.T) {
	for _, path := range patches(t) {
		if _, err := readMutant(path); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func patches(t *testing.T) []string {
	t.Helper()
	paths, err := filepath.Glob("testdata/*.patch")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no patches: %v", err)
	}
	return paths
}

// TestMutants builds the tests once for each mutant and sees them fail.
func TestMutants(t *testing.T) {
	if !*run {
		t.Skip("make mutants")
	}
	var mu sync.Mutex
	var table []string
	t.Run("all", func(t *testing.T) {
		for _, path := range patches(t) {
			m, err := readMutant(path)
			if err != nil {
				t.Errorf("%s: %v", path, err)
				continue
			}
			t.Run(m.name, func(t *testing.T) {
				t.Parallel()
				began := time.Now()
				by := m.catch(t)
				t.Logf("%s is caught by %s", m.name, by)
				mu.Lock()
				defer mu.Unlock()
				table = append(table, fmt.Sprintf("%s\t%s\t%.0f s", m.name, by, time.Since(began).Seconds()))
			})
		}
	})
	t.Logf("%d mutants:\n%s", len(table), aligned(table))
}

func aligned(lines []string) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, line := range lines {
		fmt.Fprintln(w, line)
	}
	_ = w.Flush() // into memory
	return b.String()
}

// catch says which test fails on the mutant; a mutant that all tests let pass
// fails this one.
func (m *mutant) catch(t *testing.T) string {
	binary := m.build(t)
	attempts := []string{m.tests}
	if m.tests == "" {
		attempts = []string{"TestRandomCases", "."}
	}
	for _, tests := range attempts {
		output, failed := m.play(t, binary, tests)
		if by := caughtBy(output); failed && by != "" {
			return by
		}
		if failed {
			t.Fatalf("%s: the test binary fails without naming a test:\n%s", m.name, output)
		}
	}
	t.Errorf("%s survives: %s\nEither no test shows it, or it changes nothing.", m.name, m.broken)
	return "SURVIVES"
}

// build makes the test binary of the mutant's package with its files laid over
// those of the module.
func (m *mutant) build(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	var overlay struct{ Replace map[string]string }
	overlay.Replace = map[string]string{}
	for name, text := range m.files {
		original, err := filepath.Abs(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		overlay.Replace[original] = filepath.Join(folder, strings.ReplaceAll(name, "/", "_"))
		if err := os.WriteFile(overlay.Replace[original], []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	described, err := json.Marshal(overlay)
	if err != nil {
		t.Fatal(err)
	}
	list, binary := filepath.Join(folder, "overlay.json"), filepath.Join(folder, "mutant.test")
	if err := os.WriteFile(list, described, 0o600); err != nil {
		t.Fatal(err)
	}
	build := exec.CommandContext(t.Context(), "go", "test", "-c", "-vet=off", "-ldflags=-s -w", "-overlay", list, "-o", binary, m.pack)
	build.Dir = root
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%s cannot be built: %v\n%s", m.name, err, output)
	}
	return binary
}

// play runs tests of the built package until one fails.
func (m *mutant) play(t *testing.T, binary, tests string) (output string, failed bool) {
	t.Helper()
	command := exec.CommandContext(t.Context(), binary, "-test.run", "^("+tests+")", "-test.failfast", "-test.short", "-test.timeout", "5m")
	command.Dir = filepath.Join(root, m.pack)
	command.Env = append(os.Environ(), "ODSD_ORACLE_SEED="+*seed, fmt.Sprintf("ODSD_ORACLE_SECONDS=%d", *seconds), "ODSD_ORACLE_SHRINK=no")
	if tests == "." { // the oracle has played
		command.Env = append(command.Env, "ODSD_ORACLE_SECONDS=0")
	}
	raw, err := command.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if strings.Contains(string(raw), "no tests to run") {
		t.Fatalf("%s: %s has no test that matches %s", m.name, m.pack, tests)
	}
	return string(raw), err != nil
}

var (
	failLine = regexp.MustCompile(`(?m)^\s*--- FAIL: (\S+)`)
	caseLine = regexp.MustCompile(`case (\d+), seed`)
	panicked = regexp.MustCompile(`(?m)^panic: `)
)

// caughtBy finds the innermost failing test in the output of a test binary and, of the
// random oracle, how many cases it took.
func caughtBy(output string) string {
	found := failLine.FindAllStringSubmatch(output, -1)
	if len(found) == 0 {
		return ""
	}
	by := found[len(found)-1][1]
	if n := caseLine.FindStringSubmatch(output); n != nil {
		by += ", case " + n[1]
	}
	if panicked.MatchString(output) {
		by += " (panic)"
	}
	return by
}
