package project

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"odsd/internal/yamlfile"
)

// maxSecret bounds a file that holds one value.
const maxSecret = 64 << 10

// resolver puts values in the place of ${VAR} and ${file:path}. Its messages
// name the variable or the file, never what is in it.
type resolver struct {
	dir string
	env Env
}

// text reads a string and resolves it. With no env, it only checks that the
// string could be resolved.
func (r resolver) text(n yamlfile.Node, what string) (string, bool) {
	s, ok := n.Text(what)
	if !ok {
		return "", false
	}
	out := r.expand(s, func(at, length int, hint, problem string) {
		n.ReportWithin(at, length, yamlfile.CodeVariable, hint, "%s", problem)
		ok = false
	})
	return out, ok
}

// expand puts the values in, and reports what stands in the way of it.
func (r resolver) expand(s string, report func(at, length int, hint, problem string)) string {
	var out strings.Builder
	for at := 0; ; {
		start := strings.Index(s[at:], "${")
		if start < 0 {
			out.WriteString(s[at:])
			return out.String()
		}
		start += at
		if start > at && s[start-1] == '$' { // $${ is a literal ${
			out.WriteString(s[at:start-1] + "${")
			at = start + 2
			continue
		}
		end := strings.IndexByte(s[start:], '}')
		if end < 0 {
			report(start, 2, "write $${ for a literal ${", "${ without its }")
			return ""
		}
		out.WriteString(s[at:start])
		value, problem := r.value(s[start+2 : start+end])
		if problem != "" {
			report(start, end+1, "", problem)
		}
		out.WriteString(value)
		at = start + end + 1
	}
}

func (r resolver) value(name string) (value, problem string) {
	path, isFile := strings.CutPrefix(name, "file:")
	switch {
	case name == "" || isFile && path == "":
		return "", "${} names no variable"
	case r.env == nil:
		return "${" + name + "}", ""
	case isFile:
		return r.file(path)
	}
	value, set := r.env(name)
	if !set || value == "" {
		return "", fmt.Sprintf("the environment variable %s is not set", name)
	}
	return value, ""
}

// file reads a value from a file, without the line break at its end.
func (r resolver) file(path string) (value, problem string) {
	if !filepath.IsAbs(path) {
		path = filepath.Join(r.dir, path)
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Sprintf("there is no file %s", path)
	}
	if err != nil {
		return "", fmt.Sprintf("the file %s cannot be read: %v", path, plainError(err))
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	switch value = strings.TrimRight(string(data), "\r\n"); {
	case err != nil:
		return "", fmt.Sprintf("the file %s cannot be read: %v", path, plainError(err))
	case len(data) > maxSecret:
		return "", fmt.Sprintf("the file %s is larger than 64 KiB", path)
	case value == "":
		return "", fmt.Sprintf("the file %s is empty", path)
	}
	return value, ""
}

// unresolved says that a string still names variables.
func unresolved(s string) bool { return strings.Contains(s, "${") }

// again resolves a string another time, for whoever connects again: what is in a
// secret's file may be another one since.
func (r resolver) again(s string) (string, error) {
	var problems []error
	out := r.expand(s, func(_, _ int, _, problem string) { problems = append(problems, errors.New(problem)) })
	return out, errors.Join(problems...)
}
