package yamlfile

import (
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// Offsets says where in the file each byte of a scalar's value was written.
// Quotes, escapes and the folding of lines make the two differ.
type Offsets struct {
	at  []int // by byte of the value; one more for its end
	end int   // just after the scalar, its closing quote included
}

// End is the file offset just after the scalar.
func (o Offsets) End() int { return o.end }

// Of is the file offset of a byte of the value.
func (o Offsets) Of(i int) int {
	return o.at[min(max(i, 0), len(o.at)-1)]
}

// Offsets aligns a scalar's value with the text it was read from. Characters
// other than blanks stand in both in the same order; blanks are where folding
// put fewer or other ones.
func (f *File) Offsets(n *yaml.Node) Offsets {
	a := aligner{text: f.text, pos: f.offset(n.Line, n.Column), at: make([]int, 0, len(n.Value)+1)}
	switch {
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		a.skipLine() // the line of the indicator
	case n.Style&yaml.DoubleQuotedStyle != 0:
		a.quote = '"'
		a.pos++
	case n.Style&yaml.SingleQuotedStyle != 0:
		a.quote = '\''
		a.pos++
	}
	for i := 0; i < len(n.Value); {
		r, size := utf8.DecodeRuneInString(n.Value[i:])
		a.take(r, size)
		i += size
	}
	a.at = append(a.at, a.pos)
	end := a.pos
	if a.quote != 0 {
		a.skipBlanks()
		end = min(a.pos+1, len(a.text))
	}
	return Offsets{at: a.at, end: end}
}

type aligner struct {
	text  string
	pos   int
	quote byte
	at    []int
}

// take moves past one character of the value and notes where it stands.
func (a *aligner) take(r rune, size int) {
	blank := isBlank(r)
	if a.quote == '"' && a.atEscape(blank) {
		a.note(size)
		a.skipEscape()
		return
	}
	if !blank {
		a.skipBlanks()
		if a.quote == '"' && a.pos < len(a.text) && a.text[a.pos] == '\\' {
			a.note(size)
			a.skipEscape()
			return
		}
		a.note(size)
		if a.quote == '\'' && r == '\'' {
			a.skip(1)
		}
		a.skip(size)
		return
	}
	a.note(size)
	if here, width := a.peek(); isBlank(here) {
		a.skip(width)
	}
}

// atEscape says whether the value's next character was written as an escape.
// An escaped line break stands for nothing and is passed over.
func (a *aligner) atEscape(blank bool) bool {
	for a.pos+1 < len(a.text) && a.text[a.pos] == '\\' && isBreak(a.text[a.pos+1]) {
		a.pos++
		a.skipBlanks()
	}
	if !blank {
		return false // found after the blanks before it
	}
	return a.pos < len(a.text) && a.text[a.pos] == '\\'
}

func (a *aligner) skipEscape() {
	length := 2
	if a.pos+1 < len(a.text) {
		switch a.text[a.pos+1] {
		case 'x':
			length = 4
		case 'u':
			length = 6
		case 'U':
			length = 10
		}
	}
	a.skip(length)
}

func (a *aligner) note(size int) {
	for range size {
		a.at = append(a.at, min(a.pos, len(a.text)))
	}
}

func (a *aligner) skip(n int) { a.pos = min(a.pos+n, len(a.text)) }

func (a *aligner) peek() (rune, int) {
	if a.pos >= len(a.text) {
		return 0, 0
	}
	return utf8.DecodeRuneInString(a.text[a.pos:])
}

func (a *aligner) skipBlanks() {
	for {
		r, size := a.peek()
		if size == 0 || !isBlank(r) {
			return
		}
		a.skip(size)
	}
}

func (a *aligner) skipLine() {
	if end := strings.IndexAny(a.text[min(a.pos, len(a.text)):], "\n\r"); end >= 0 {
		a.skip(end + 1)
		return
	}
	a.pos = len(a.text)
}

func isBlank(r rune) bool {
	return r == ' ' || r == '\t' || r == '\n' || r == '\r' || r == '\u0085' || r == '\u2028' || r == '\u2029'
}

func isBreak(b byte) bool { return b == '\n' || b == '\r' }
