package yamlfile

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Keys are the keys that a mapping may have, each with what reads its value.
type Keys map[string]func(Entry)

// Decode reads a mapping key by key, in the order of the file. Every other key
// is an error, and so is the absence of a required one.
func (n Node) Decode(what string, keys Keys, required ...string) {
	seen := map[string]bool{}
	for _, e := range n.Entries(what) {
		name := e.Key.Value()
		seen[name] = true
		read, known := keys[name]
		if !known {
			e.Key.rejectUnknown(what, slices.Sorted(maps.Keys(keys)))
			continue
		}
		if !e.Value.Bad() {
			read(e)
		}
	}
	if n.Bad() {
		return
	}
	for _, key := range required {
		if !seen[key] {
			n.Report(CodeMissingKey, "", "%s has no `%s`", what, key)
		}
	}
}

func (n Node) rejectUnknown(what string, known []string) {
	if n.Bad() {
		return
	}
	n.file.add(Diagnostic{Line: n.n.Line, Col: n.n.Column, Length: n.file.width(n.n), Code: CodeUnknownKey,
		Message: fmt.Sprintf("unknown key %q in %s", n.Value(), what),
		Hint:    unknownKeyHint(n.Value(), known), Known: strings.Join(known, ",")})
	n.file.bad[n.n] = true
}

func unknownKeyHint(name string, known []string) string {
	if hint := DidYouMean(name, known); hint != "" {
		return hint
	}
	const few = 12
	if len(known) > few {
		return ""
	}
	return "known keys: " + strings.Join(known, ", ")
}

// NotBuilt reads a key of the language that this version cannot honour.
func NotBuilt(e Entry) {
	e.Key.Reject(CodeNotBuilt, "remove it; it is refused rather than ignored", "`%s` is not built yet", e.Key.Value())
}

// Version reads `version: 1`.
func Version(e Entry) {
	if s, ok := e.Value.Text("version"); ok && s != "1" {
		e.Value.Reject(CodeVersion, "this odsd reads version 1", "unknown version %q", s)
	}
}

// inspectCuts finds expressions that a comma of {…} or […] has cut in two:
// what stands before the comma has a bracket or a quote that is never closed.
func (f *File) inspectCuts(n *yaml.Node) {
	if n.Style&yaml.FlowStyle == 0 {
		return
	}
	step := 1
	if n.Kind == yaml.MappingNode {
		step = 2
	}
	for i := step - 1; i < len(n.Content); i += step {
		if piece := n.Content[i]; f.isOpen(piece) {
			if parts := f.cutParts(n, i, step); parts > 0 {
				f.report(piece, CodeCut, "quote the whole expression", "the comma cuts this expression in two")
				f.bad[piece] = true
				i += parts * step
			}
		}
	}
}

// keyWithoutBlank is a key that took its value in: no blank stands after the colon.
var keyWithoutBlank = regexp.MustCompile(`^([A-Za-z_]\w*):([^:].*)$`)

// inspectColons finds keys of {…} that YAML took together with their values: `{sum:total}` is
// one key and no value. They are read as what was meant, so that nothing follows from it.
func (f *File) inspectColons(n *yaml.Node) {
	if n.Kind != yaml.MappingNode || n.Style&yaml.FlowStyle == 0 {
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if key.Kind != yaml.ScalarNode || key.Style != 0 || f.bad[key] || !isEmpty(n.Content[i+1]) {
			continue
		}
		if m := keyWithoutBlank.FindStringSubmatch(key.Value); m != nil {
			f.report(key, CodeShape, fmt.Sprintf("write `%s: %s`", m[1], m[2]), "a blank is missing after `%s:`", m[1])
			value := n.Content[i+1]
			value.Line, value.Column, value.Tag = key.Line, key.Column+len(m[1])+1, "!!str"
			key.Value, value.Value = m[1], m[2]
			if last := len(m[2]) - 1; last > 0 && m[2][0] == m[2][last] && (m[2][0] == '"' || m[2][0] == '\'') {
				value.Value, value.Style = m[2][1:last], yaml.DoubleQuotedStyle
			}
		}
	}
}

// CutByComment says whether a # that was meant as text may have ended a plain
// scalar: it leaves a quote or bracket open, and a comment follows.
func (n Node) CutByComment() bool {
	if n.n == nil || n.n.Kind != yaml.ScalarNode || n.n.Style != 0 || !open(n.n.Value) {
		return false
	}
	rest := n.file.text[n.file.Offsets(n.n).End():]
	after := strings.TrimLeft(rest, " \t")
	return len(after) < len(rest) && strings.HasPrefix(after, "#")
}

// isOpen says whether a plain scalar leaves a bracket or a quote open.
func (f *File) isOpen(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.Style == 0 && !f.bad[n] && open(n.Value)
}

// cutParts marks and counts the pieces that follow an open one until it is
// closed. In a mapping they are keys without values.
func (f *File) cutParts(n *yaml.Node, i, step int) int {
	text := n.Content[i].Value
	for parts := 1; i+parts*step < len(n.Content); parts++ {
		at := i + parts*step
		piece := n.Content[at]
		if step == 2 {
			if !isEmpty(piece) {
				return 0
			}
			piece = n.Content[at-1]
		}
		if piece.Kind != yaml.ScalarNode {
			return 0
		}
		text += ", " + piece.Value
		if open(text) {
			continue
		}
		for k := 1; k <= parts; k++ {
			f.bad[n.Content[i+k*step]] = true
			if step == 2 {
				f.bad[n.Content[i+k*step-1]] = true
			}
		}
		return parts
	}
	return 0
}

// open says whether a text has a bracket or a quote that is not closed.
func open(text string) bool {
	depth := 0
	var quote rune
	for _, r := range text {
		switch {
		case quote != 0:
			if r == quote {
				quote = 0
			}
		case r == '"' || r == '\'':
			quote = r
		case r == '(' || r == '[' || r == '{':
			depth++
		case r == ')' || r == ']' || r == '}':
			depth--
		}
	}
	return depth > 0 || quote != 0
}
