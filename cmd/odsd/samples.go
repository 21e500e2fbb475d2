package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"odsd/internal/demo"
)

// printSamples prints commands for another terminal, fit to be pasted there.
func printSamples(w io.Writer, program, folder string) error {
	odsd := program + " -C " + shellWord(folder)
	var text strings.Builder
	text.WriteString("  In another terminal, or in GraphiQL:\n")
	for _, q := range demo.Queries() {
		fmt.Fprintf(&text, "\n  # %s\n  %s query '%s'\n", q.About, odsd, strings.ReplaceAll(q.Text, "\n", "\n  "))
	}
	fmt.Fprintf(&text, "\n  %[1]s status --watch\n  %[1]s verify\n\n", odsd)
	if _, err := io.WriteString(w, text.String()); err != nil {
		return fmt.Errorf("print the sample queries: %w", err)
	}
	return nil
}

// programName is what to type for this program in the current folder: its
// name where the shell finds it by that, "go run" where that has started it.
func programName() string {
	executable, err := os.Executable()
	if err != nil {
		return "odsd"
	}
	if found, err := exec.LookPath("odsd"); err == nil && sameFile(found, executable) {
		return "odsd"
	}
	if _, err := os.Stat(filepath.Join("cmd", "odsd", "main.go")); err == nil && builtByGoRun(executable) {
		return "go run ./cmd/odsd"
	}
	if called := os.Args[0]; sameFile(called, executable) && strings.ContainsRune(called, filepath.Separator) {
		return shellWord(called)
	}
	return shellWord(executable)
}

// cached is the folder of an executable in Go's build cache.
var cached = regexp.MustCompile(`^[0-9a-f]{64}-d$`)

// builtByGoRun is true for an executable in Go's build cache or in the folder of one build.
func builtByGoRun(executable string) bool {
	folder := filepath.Dir(executable)
	return cached.MatchString(filepath.Base(folder)) || strings.Contains(folder, string(filepath.Separator)+"go-build")
}

func sameFile(a, b string) bool {
	first, err := os.Stat(a)
	if err != nil {
		return false
	}
	second, err := os.Stat(b)
	return err == nil && os.SameFile(first, second)
}

// shellWord quotes a path where a shell would take it apart.
func shellWord(s string) string {
	if !strings.ContainsAny(s, " '\"\\$`*?[](){}<>|&;!#~\n\t") {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
