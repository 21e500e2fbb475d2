package yamlfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// MaxSize is the largest file that is read: definitions are written by hand.
const MaxSize = 1 << 20

const (
	// maxDepth bounds the nesting of a file, and with it every recursion over it.
	maxDepth = 100
	// maxLine bounds a line, since finding a place in it and showing it cost its length.
	maxLine = 10_000
	// maxFindings is where a file stops being reported on: nobody reads further.
	maxFindings = 1000
)

// File is one parsed file and what was found wrong with it so far.
type File struct {
	Name   string
	text   string
	starts []int // byte offset of each line
	root   *yaml.Node
	bad    map[*yaml.Node]bool
	found  []Diagnostic
}

// Text is what was parsed.
func (f *File) Text() string { return f.text }

// Parse reads a file's text. The result is usable whatever the text is: with a
// text that is no YAML, Root is absent and Diagnostics says why.
func Parse(name string, data []byte) *File {
	f := &File{Name: name, bad: map[*yaml.Node]bool{}}
	if len(data) > MaxSize {
		f.add(Diagnostic{Line: 1, Col: 1, Code: CodeTooLarge, Message: "the file is larger than 1 MiB",
			Hint: "definitions are written by hand: is this the right file?"})
		return f
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if !utf8.Valid(data) {
		f.notText(data)
		return f
	}
	f.text = string(data)
	f.starts = splitLines(f.text)
	if n := f.longLine(); n > 0 {
		f.found = append(f.found, Diagnostic{File: name, Line: n, Col: 1, Code: CodeTooLarge, Severity: Error,
			Message: fmt.Sprintf("the line is longer than %d bytes", maxLine), Hint: "break it"})
		return f
	}
	documents, err := decode(f.text)
	if err != nil {
		f.syntaxError(err)
		return f
	}
	if len(documents) > 1 {
		f.report(documents[1], CodeSyntax, "remove the line with ---", "a file holds one document, this is a second one")
	}
	if len(documents) == 0 || len(documents[0].Content) == 0 || isEmpty(documents[0].Content[0]) {
		f.add(Diagnostic{Line: 1, Col: 1, Code: CodeSyntax, Message: "the file is empty", Hint: "it begins with `version: 1`"})
		return f
	}
	f.root = documents[0].Content[0]
	f.inspect(f.root, 1)
	return f
}

// notText reports the first byte that is no part of a character.
func (f *File) notText(data []byte) {
	at, line, col := 0, 1, 1
	for {
		r, size := utf8.DecodeRune(data[at:])
		if r == utf8.RuneError && size == 1 {
			break
		}
		at, col = at+size, col+1
		if r == '\n' {
			line, col = line+1, 1
		}
	}
	f.add(Diagnostic{Line: line, Col: col, Code: CodeSyntax,
		Message: fmt.Sprintf("the file is not UTF-8 text: the byte 0x%02X is no character", data[at]), Hint: "save it as UTF-8"})
}

// decode reads at most two documents: the second is an error.
func decode(text string) (documents []*yaml.Node, err error) {
	// The YAML parser states some of its own faults by panicking.
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("yaml: %v", r)
		}
	}()
	d := yaml.NewDecoder(strings.NewReader(text))
	for len(documents) < 2 {
		var n yaml.Node
		switch err := d.Decode(&n); {
		case errors.Is(err, io.EOF):
			return documents, nil
		case err != nil:
			return nil, err
		}
		documents = append(documents, &n)
	}
	return documents, nil
}

// inspect looks for what YAML allows and a project does not, wherever it stands.
func (f *File) inspect(n *yaml.Node, depth int) {
	if depth > maxDepth {
		f.report(n, CodeTooLarge, "", "nested deeper than %d levels", maxDepth)
		f.bad[n] = true
		n.Content = nil
		return
	}
	f.inspectNode(n)
	for _, child := range n.Content {
		f.inspect(child, depth+1)
	}
	f.inspectCuts(n)
	f.inspectColons(n)
	if n.Kind == yaml.MappingNode {
		f.inspectKeys(n)
	}
}

func (f *File) inspectNode(n *yaml.Node) {
	at := f.offset(n.Line, n.Column)
	word := firstWord(f.text[at:])
	d := Diagnostic{Line: n.Line, Col: n.Column, Length: max(characters(word), 1), Code: CodeAlias}
	switch {
	case n.Kind == yaml.AliasNode:
		d.Message, d.Hint = fmt.Sprintf("aliases (`*%s`) are not read", n.Value), "write the value out, or quote the text"
	case n.Anchor != "":
		d.Message, d.Hint = fmt.Sprintf("anchors (`&%s`) are not read", n.Anchor), "remove it, or quote the text"
	case strings.HasPrefix(word, "!"):
		d.Code = CodeTag
		d.Message, d.Hint = fmt.Sprintf("`%s` is a YAML tag, not a part of the value", word), tagHint(word, n)
	default:
		return
	}
	f.add(d)
	f.bad[n] = true
}

// tagHint words what was probably meant by `!deleted`.
func tagHint(word string, n *yaml.Node) string {
	name := strings.TrimPrefix(word, "!")
	if name == "" {
		name = n.Value
	}
	if name == "" || strings.HasPrefix(name, "!") {
		return "remove it, or quote the text"
	}
	return "write `not " + name + "`"
}

func (f *File) inspectKeys(n *yaml.Node) {
	first := map[string]*yaml.Node{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if f.bad[key] {
			f.bad[n.Content[i+1]] = true
			continue
		}
		if key.Tag == "!!merge" {
			f.report(key, CodeAlias, "write the keys out; quote << if it is text", "merge keys (`<<`) are not read")
			f.bad[key], f.bad[n.Content[i+1]] = true, true
			continue
		}
		if key.Kind != yaml.ScalarNode {
			f.report(key, CodeShape, "quote it if it is text", "a key must be a plain text")
			f.bad[key], f.bad[n.Content[i+1]] = true, true
			continue
		}
		if earlier, twice := first[key.Value]; twice {
			f.report(key, CodeDuplicate, fmt.Sprintf("the first is on line %d", earlier.Line), "the key %q is given twice", key.Value)
			f.bad[key], f.bad[n.Content[i+1]] = true, true
			continue
		}
		first[key.Value] = key
	}
}

// Root is the file's outermost node; ok is false where there is none.
func (f *File) Root() (root Node, ok bool) {
	return Node{f, f.root}, f.root != nil
}

// Diagnostics are the findings so far, by place.
func (f *File) Diagnostics() []Diagnostic { return Sort(f.found) }

// Take gives the findings since the last Take, by place, and forgets them, so
// that a file can be judged again.
func (f *File) Take() []Diagnostic {
	found := Sort(f.found)
	f.found = nil
	return found
}

// add completes a finding with the file's name and the line's text.
func (f *File) add(d Diagnostic) {
	if len(f.found) >= maxFindings {
		return
	}
	d.File = f.Name
	if d.Severity == "" {
		d.Severity = Error
	}
	d.Text = blot(f.line(d.Line))
	f.found = append(f.found, d)
}

func (f *File) report(n *yaml.Node, code, hint, format string, args ...any) {
	f.add(Diagnostic{Line: n.Line, Col: n.Column, Length: f.width(n), Code: code, Hint: hint, Message: fmt.Sprintf(format, args...)})
}

// width is how many characters of its first line a node takes.
func (f *File) width(n *yaml.Node) int {
	at := f.offset(n.Line, n.Column)
	_, col := f.place(at)
	rest := characters(f.line(n.Line)) - col + 1
	switch {
	case n.Kind != yaml.ScalarNode:
		return 1
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return 1
	case n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0:
		if f.bad[n] || n.Value == "" {
			return max(min(2, rest), 1)
		}
		end := f.Offsets(n).End()
		return max(min(characters(f.text[at:end]), rest), 1)
	}
	return max(min(characters(n.Value), rest), 1)
}

func firstWord(s string) string {
	if end := strings.IndexAny(s, " \t\r\n,]}"); end >= 0 {
		return s[:end]
	}
	return s
}

func isEmpty(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.Style == 0 && n.Value == ""
}
