package yamlfile

import (
	"fmt"
	"strconv"

	"go.yaml.in/yaml/v3"
)

// Node is a place in a file and what stands there. The zero Node stands
// nowhere; it holds nothing and reports nothing.
type Node struct {
	file *File
	n    *yaml.Node
}

// Entry is one key of a mapping with its value.
type Entry struct{ Key, Value Node }

// Exists is false for the zero Node.
func (n Node) Exists() bool { return n.n != nil }

// Bad is true when something wrong with the node was reported already.
func (n Node) Bad() bool { return n.n == nil || n.file.bad[n.n] }

// IsEmpty is true where a key has no value, or null.
func (n Node) IsEmpty() bool {
	return n.n != nil && n.n.Kind == yaml.ScalarNode && n.n.Style == 0 && (n.n.Value == "" || n.n.Tag == "!!null")
}

// IsScalar is true for a single text, number or the like.
func (n Node) IsScalar() bool { return n.n != nil && n.n.Kind == yaml.ScalarNode && !n.IsEmpty() }

// IsQuoted is true for a scalar in quotes, which is a text whatever it looks like.
func (n Node) IsQuoted() bool {
	return n.IsScalar() && n.n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0
}

// IsPlain is true for a scalar without quotes, which YAML may take for a number.
func (n Node) IsPlain() bool { return n.IsScalar() && n.n.Style == 0 }

// IsMapping is true for `key: value` pairs.
func (n Node) IsMapping() bool { return n.n != nil && n.n.Kind == yaml.MappingNode }

// IsSequence is true for a list.
func (n Node) IsSequence() bool { return n.n != nil && n.n.Kind == yaml.SequenceNode }

// Value is a scalar as text, without its quotes; "" for anything else.
func (n Node) Value() string {
	if n.n == nil || n.n.Kind != yaml.ScalarNode {
		return ""
	}
	return n.n.Value
}

// Absent is true for the zero Node and for a key without a value.
func (n Node) Absent() bool { return !n.Exists() || n.IsEmpty() }

// Line is the line on which the node begins, 0 for the zero Node.
func (n Node) Line() int {
	if n.n == nil {
		return 0
	}
	return n.n.Line
}

// Report says that the node is wrong.
func (n Node) Report(code, hint, format string, args ...any) {
	if n.n != nil {
		n.file.report(n.n, code, hint, format, args...)
	}
}

// Reject reports the node and answers every later question about it with no.
func (n Node) Reject(code, hint, format string, args ...any) {
	if n.n != nil && !n.Bad() {
		n.file.report(n.n, code, hint, format, args...)
		n.file.bad[n.n] = true
	}
}

// Warn says something about the node that stops nothing.
func (n Node) Warn(code, hint, format string, args ...any) {
	if n.n != nil {
		n.file.add(Diagnostic{Line: n.n.Line, Col: n.n.Column, Length: n.file.width(n.n), Code: code,
			Severity: Warning, Hint: hint, Message: fmt.Sprintf(format, args...)})
	}
}

// ReportWithin says that a part of a scalar is wrong: length bytes of its
// value from the byte at offset.
func (n Node) ReportWithin(offset, length int, code, hint, format string, args ...any) {
	if d, ok := n.partAt(offset, length); ok {
		d.Code, d.Hint, d.Message = code, hint, fmt.Sprintf(format, args...)
		n.file.add(d)
		return
	}
	n.Report(code, hint, format, args...)
}

// WarnWithin is Warn of a part of a scalar, as in ReportWithin.
func (n Node) WarnWithin(offset, length int, code, hint, format string, args ...any) {
	if d, ok := n.partAt(offset, length); ok {
		d.Code, d.Severity, d.Hint, d.Message = code, Warning, hint, fmt.Sprintf(format, args...)
		n.file.add(d)
		return
	}
	n.Warn(code, hint, format, args...)
}

// partAt is a finding at a part of a scalar, if the node is one that has parts.
func (n Node) partAt(offset, length int) (Diagnostic, bool) {
	if n.n == nil || n.n.Kind != yaml.ScalarNode || n.n.Value == "" {
		return Diagnostic{}, false
	}
	offsets := n.file.Offsets(n.n)
	from, to := offsets.Of(offset), offsets.Of(offset+length)
	line, col := n.file.place(from)
	width := 1
	if endLine, endCol := n.file.place(to); endLine == line {
		width = max(endCol-col, 1)
	} else {
		width = max(characters(n.file.line(line))-col+1, 1)
	}
	return Diagnostic{Line: line, Col: col, Length: width}, true
}

// Entries are the pairs of a mapping, in the order of the file, without those
// that were found wrong; what names the mapping in the message for anything else.
func (n Node) Entries(what string) []Entry {
	if n.Bad() {
		return nil
	}
	if !n.IsMapping() {
		n.Reject(CodeShape, "", "%s must be a mapping, `key: value`", what)
		return nil
	}
	entries := make([]Entry, 0, len(n.n.Content)/2)
	for i := 0; i+1 < len(n.n.Content); i += 2 {
		e := Entry{Node{n.file, n.n.Content[i]}, Node{n.file, n.n.Content[i+1]}}
		if !e.Key.Bad() {
			entries = append(entries, e)
		}
	}
	return entries
}

// Sound says that nothing in a mapping was found wrong, its nested values aside.
func (n Node) Sound() bool {
	if n.Bad() {
		return false
	}
	for _, child := range n.n.Content {
		if n.file.bad[child] {
			return false
		}
	}
	return true
}

// Items are the elements of a list, without those that were found wrong.
func (n Node) Items(what string) []Node {
	if n.Bad() {
		return nil
	}
	if !n.IsSequence() {
		n.Reject(CodeShape, "", "%s must be a list, [a, b]", what)
		return nil
	}
	items := make([]Node, 0, len(n.n.Content))
	for _, child := range n.n.Content {
		if item := (Node{n.file, child}); !item.Bad() {
			items = append(items, item)
		}
	}
	return items
}

// ItemsOrOne are the elements of a list, or the single scalar in its place.
func (n Node) ItemsOrOne(what string) []Node {
	if n.IsScalar() && !n.Bad() {
		return []Node{n}
	}
	return n.Items(what)
}

// Text is a scalar that is not empty.
func (n Node) Text(what string) (string, bool) {
	return n.scalar(CodeShape, what, "a text")
}

// Expression is a scalar in the language of expressions.
func (n Node) Expression(what string) (string, bool) {
	if n.IsMapping() || n.IsSequence() {
		n.Reject(CodeShape, "an expression that begins with { or [ must be quoted", "%s must be an expression", what)
		return "", false
	}
	return n.scalar(CodeEmpty, what, "an expression")
}

func (n Node) scalar(emptyCode, what, wanted string) (string, bool) {
	switch {
	case n.Bad():
		return "", false
	case n.IsMapping() || n.IsSequence():
		n.Reject(CodeShape, "", "%s must be %s", what, wanted)
		return "", false
	case n.IsEmpty() || n.n.Value == "":
		n.Reject(emptyCode, "write a value or remove the key", "%s is empty", what)
		return "", false
	}
	return n.n.Value, true
}

// Bool is true or false, and none of YAML's other spellings.
func (n Node) Bool(what string) (value, ok bool) {
	s, ok := n.scalar(CodeShape, what, "true or false")
	if !ok {
		return false, false
	}
	if s != "true" && s != "false" {
		n.Reject(CodeValue, "", "%s must be true or false", what)
		return false, false
	}
	return s == "true", true
}

// Int is a whole number between the two bounds.
func (n Node) Int(what string, low, high int) (int, bool) {
	s, ok := n.scalar(CodeShape, what, "a number")
	if !ok {
		return 0, false
	}
	value, err := strconv.Atoi(s)
	if err != nil || value < low || value > high {
		n.Reject(CodeValue, "", "%s must be a whole number from %d to %d", what, low, high)
		return 0, false
	}
	return value, true
}

// OneOf is one of a few words.
func (n Node) OneOf(what string, words ...string) (string, bool) {
	s, ok := n.Text(what)
	if !ok {
		return "", false
	}
	for _, w := range words {
		if s == w {
			return s, true
		}
	}
	n.Reject(CodeValue, DidYouMean(s, words), "%s must be %s", what, alternatives(words))
	return "", false
}

func alternatives(words []string) string {
	list := ""
	for i, w := range words {
		switch {
		case i == 0:
		case i == len(words)-1:
			list += " or "
		default:
			list += ", "
		}
		list += w
	}
	return list
}
