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

// eachFile reads the files of one folder of the project, in the order of their
// names. What stands there and would not be read is a finding.
func (l *loader) eachFile(folder string, read func(name string, data []byte)) {
	entries, err := os.ReadDir(filepath.Join(l.dir, folder))
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err != nil {
		l.fault(folder, "", "the folder cannot be read: %v", plainError(err))
		return
	}
	for _, e := range entries {
		name := folder + "/" + e.Name()
		switch ending := filepath.Ext(e.Name()); {
		case strings.HasPrefix(e.Name(), "."):
		case e.IsDir():
			l.fault(name, "move its files up", "folders inside %s/ are not read", folder)
		case ending == ".yml":
			l.fault(name, "rename it to .yaml", "files that end in .yml are not read")
		case ending == ".yaml":
			if data, ok := l.readFile(name); ok {
				read(name, data)
			}
		}
	}
}

// readFile reads a file of the project, no more than the parser would take.
func (l *loader) readFile(name string) ([]byte, bool) {
	f, err := os.Open(filepath.Join(l.dir, filepath.FromSlash(name)))
	if err != nil {
		l.fault(name, "", "the file cannot be read: %v", plainError(err))
		return nil, false
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, yamlfile.MaxSize+1))
	if err != nil {
		l.fault(name, "", "the file cannot be read: %v", plainError(err))
		return nil, false
	}
	return data, true
}

// parse reads a file's YAML and keeps the file for its findings.
func (l *loader) parse(name string, data []byte) (root yamlfile.Node, file *yamlfile.File, ok bool) {
	file = yamlfile.Parse(name, data)
	l.files = append(l.files, file)
	root, ok = file.Root()
	return root, file, ok
}

// fault reports a file as a whole.
func (l *loader) fault(name, hint, format string, args ...any) {
	l.found = append(l.found, yamlfile.Diagnostic{File: name, Line: 1, Col: 1, Code: yamlfile.CodeLayout,
		Severity: yamlfile.Error, Message: fmt.Sprintf(format, args...), Hint: hint})
}

// plainError is an error of the file system without the path, which the
// finding names already.
func plainError(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
