package yamlfile

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

var (
	lineNumber = regexp.MustCompile(`^line (\d+): `)
	anchorName = regexp.MustCompile(`^unknown anchor '(.*)' referenced`)
	// A value that begins with a quoted text and goes on after it.
	halfQuoted = regexp.MustCompile(`(?:^\s*(?:- +)*|: +)("(?:[^"\\]|\\.)*"|'[^']*')\s*[^\s#,:}\]]`)
	// Within {…} or […], a key whose value begins with a bracket right after the colon.
	bracketAfterColon = regexp.MustCompile(`[{,]\s*(\w+:)[{\[]`)
	// Within {…} or […], a value without quotes in which a ? stands before a blank.
	questionInFlow = regexp.MustCompile(`[{\[,][^'"{}\[\],]*[^'"{}\[\],?\s]\s*(\?\??)(?:\s|$)`)
)

// syntaxError words what the YAML parser says, at the place that is to blame:
// the parser often names the place where the enclosing mapping began.
func (f *File) syntaxError(err error) {
	message := strings.TrimPrefix(err.Error(), "yaml: ")
	line := 1
	if m := lineNumber.FindStringSubmatch(message); m != nil {
		line, _ = strconv.Atoi(m[1])
		message = message[len(m[0]):]
		if parserCountsFromZero(message) {
			line++
		}
	}
	if strings.HasPrefix(message, "control characters") && f.controlCharacter() {
		return
	}
	line = min(max(line, 1), max(len(f.starts), 1))
	for line > 1 && strings.TrimSpace(f.line(line)) == "" {
		line-- // the end of the file: show what stands before it
	}
	if m := anchorName.FindStringSubmatch(message); m != nil {
		f.unknownAnchor(m[1])
		return
	}
	if strings.HasPrefix(message, "did not find expected") {
		if n, at := f.firstFrom(line, halfQuoted); n > 0 {
			f.addSyntax(n, at, "the value goes on after its closing quote", "put the whole expression in quotes of the other kind: '\"Dr. \" + name'")
			return
		}
	}
	if strings.HasPrefix(message, "did not find expected ','") {
		if n, at := f.firstFrom(line, bracketAfterColon); n > 0 {
			f.addSyntax(n, at, "a blank is missing after the colon", "write `key: {…}` or `key: […]`")
			return
		}
		if n, at := f.firstFrom(line, questionInFlow); n > 0 {
			f.addSyntax(n, at, "inside {…} and […] a ? before a blank ends the value", "quote the whole expression: 'x ?? y'")
			return
		}
	}
	col := len(f.line(line)) - len(strings.TrimLeft(f.line(line), " \t")) + 1
	f.addSyntax(line, col, "not valid YAML: "+message, syntaxHint(message, f.line(line)))
}

// controlCharacter reports the first character that YAML does not allow, of which
// the parser does not say where it is; false where there is none.
func (f *File) controlCharacter() bool {
	at := strings.IndexFunc(f.text, isControl)
	if at < 0 {
		return false
	}
	r, _ := utf8.DecodeRuneInString(f.text[at:])
	line, col := f.place(at)
	f.add(Diagnostic{Line: line, Col: col, Length: 1, Code: CodeSyntax,
		Message: fmt.Sprintf("not valid YAML: the control character %U is not allowed", r), Hint: "remove it"})
	return true
}

// isControl says whether YAML refuses a character wherever it stands.
func isControl(r rune) bool {
	return unicode.IsControl(r) && r != '\t' && r != '\n' && r != '\r' && r != '\u0085' || r == '\ufffe' || r == '\uffff'
}

func (f *File) addSyntax(line, col int, message, hint string) {
	length := characters(strings.TrimRight(f.line(line), " \t")) - col + 1
	f.add(Diagnostic{Line: line, Col: col, Length: max(length, 1), Code: CodeSyntax, Message: message, Hint: hint})
}

// parserCountsFromZero: the parser proper, unlike the scanner before it, names
// the line before the one that it means.
func parserCountsFromZero(message string) bool {
	return strings.HasPrefix(message, "did not find expected") || strings.HasPrefix(message, "found undefined tag") ||
		strings.HasPrefix(message, "found duplicate %") || strings.HasPrefix(message, "found incompatible")
}

func syntaxHint(message, line string) string {
	switch {
	case strings.Contains(message, "tab character"), strings.HasPrefix(strings.TrimLeft(line, " "), "\t"):
		return "indent with spaces"
	case strings.HasPrefix(message, "mapping values are not allowed"):
		return "text that contains \": \" must be quoted"
	case strings.Contains(message, "',' or '}'"), strings.Contains(message, "',' or ']'"), strings.ContainsAny(line, "{["):
		return "inside {…} and […], quote an expression that contains , : { } [ or ]"
	case strings.Contains(message, "cannot start any token"):
		return "text that begins with @, ` or % must be quoted"
	}
	return ""
}

// firstFrom finds what the pattern's first group matches, in a line or one of those after it.
func (f *File) firstFrom(line int, pattern *regexp.Regexp) (found, col int) {
	for n := line; n <= len(f.starts); n++ {
		text := f.line(n)
		if m := pattern.FindStringSubmatchIndex(text); m != nil {
			return n, characters(text[:m[2]]) + 1
		}
	}
	return 0, 0
}

func (f *File) unknownAnchor(name string) {
	line, col := f.place(max(strings.Index(f.text, "*"+name), 0))
	f.add(Diagnostic{Line: line, Col: col, Length: characters(name) + 1, Code: CodeAlias,
		Message: "aliases (`*" + name + "`) are not read", Hint: "write the value out, or quote the text"})
}
