package yamlfile

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// splitLines cuts a text where YAML breaks lines, which is at more characters
// than the line feed. It gives the byte offset at which each line begins.
func splitLines(text string) []int {
	starts := []int{0}
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		i += size
		switch r {
		case '\r':
			if i < len(text) && text[i] == '\n' {
				i++
			}
			starts = append(starts, i)
		case '\n', '\u0085', '\u2028', '\u2029':
			starts = append(starts, i)
		}
	}
	return starts
}

// line gives the text of a line, without its break; lines count from 1.
func (f *File) line(n int) string {
	if n < 1 || n > len(f.starts) {
		return ""
	}
	end := len(f.text)
	if n < len(f.starts) {
		end = f.starts[n]
	}
	return strings.TrimRight(f.text[f.starts[n-1]:end], "\r\n\u0085\u2028\u2029")
}

// longLine is the first line that is too long to be worked with, 0 when none is.
func (f *File) longLine() int {
	for i, start := range f.starts {
		end := len(f.text)
		if i+1 < len(f.starts) {
			end = f.starts[i+1]
		}
		if end-start > maxLine {
			return i + 1
		}
	}
	return 0
}

// offset is the byte offset of a place.
func (f *File) offset(line, col int) int {
	if line < 1 || line > len(f.starts) {
		return len(f.text)
	}
	at := f.starts[line-1]
	for ; col > 1 && at < len(f.text); col-- {
		_, size := utf8.DecodeRuneInString(f.text[at:])
		at += size
	}
	return at
}

// place is the line and column of a byte offset.
func (f *File) place(offset int) (line, col int) {
	offset = min(max(offset, 0), len(f.text))
	low, high := 0, len(f.starts)-1
	for low < high {
		middle := (low + high + 1) / 2
		if f.starts[middle] <= offset {
			low = middle
		} else {
			high = middle - 1
		}
	}
	return low + 1, characters(f.text[f.starts[low]:offset]) + 1
}

// secretKey is a key whose value is, or may hold, a secret.
const secretKey = `["']?(?:dsn|password|secret|token)["']?\s*:\s+`

// secrets finds what must not be shown of a source line: a password in a URL
// or in a keyword/value DSN, and whatever stands after a key that holds a secret.
var secrets = []*regexp.Regexp{
	regexp.MustCompile(`://[^:/@\s]*:([^\s]*)@`),
	regexp.MustCompile(`(?i)password\s*=\s*('(?:[^'\\]|\\.)*'|[^\s"']+)`),
	regexp.MustCompile(`(?i)(?:^|[\s{,])` + secretKey + `("(?:[^"\\]|\\.)*"|'[^']*')`),
	regexp.MustCompile(`(?i)^\s*(?:-\s+)?` + secretKey + `(["']?[^\s"'].*)$`),      // to the end of the line
	regexp.MustCompile(`(?i)[{,]\s*` + secretKey + `([^\s"'].*?)(?:,\s|\}\s*$|$)`), // to the end of the value
}

var variable = regexp.MustCompile(`\$\{[^}]*\}`)

// blot replaces the secrets of a line by as many stars. Names of variables,
// which are what errors are about, stay.
func blot(line string) string {
	for _, pattern := range secrets {
		matches := pattern.FindAllStringSubmatchIndex(line, -1)
		for _, m := range slices.Backward(matches) { // backward: the stars may be fewer bytes
			line = line[:m[2]] + stars(line[m[2]:m[3]]) + line[m[3]:]
		}
	}
	return line
}

func stars(s string) string {
	var b strings.Builder
	at := 0
	for _, m := range variable.FindAllStringIndex(s, -1) {
		b.WriteString(strings.Repeat("*", characters(s[at:m[0]])))
		b.WriteString(s[m[0]:m[1]])
		at = m[1]
	}
	b.WriteString(strings.Repeat("*", characters(s[at:])))
	return b.String()
}
