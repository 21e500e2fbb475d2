package query

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// stringValue reads "…" or """…""" and emits the same value as a string of one line.
func (x *lexer) stringValue() *Error {
	s := x.out.source[x.pos:]
	if strings.HasPrefix(s, `"""`) {
		return x.blockString(s)
	}
	value := make([]byte, 0, 32)
	for i := 1; i < len(s); {
		switch c := s[i]; {
		case i > x.limits.Literal:
			return x.literalTooLong()
		case c == '"':
			x.emitString(string(value))
			x.pos += i + 1
			return nil
		case c == '\n' || c == '\r':
			return failure(ParseFailed, "", "a string has no end on its line")
		case c == '\\':
			r, size := unescape(s[i:])
			if size == 0 {
				return failure(ParseFailed, "", "a string has an escape that means nothing")
			}
			value = utf8.AppendRune(value, r)
			i += size
		case c < ' ' && c != '\t':
			return failure(ParseFailed, "", "a string has a control character")
		default:
			value = append(value, c)
			i++
		}
	}
	return failure(ParseFailed, "", "a string has no end")
}

// unescape reads one escape, surrogate pairs and \u{…} included; size 0 when it is none.
func unescape(s string) (r rune, size int) {
	if len(s) < 2 {
		return 0, 0
	}
	if i := strings.IndexByte(`"\/bfnrt`, s[1]); i >= 0 {
		return rune("\"\\/\b\f\n\r\t"[i]), 2
	}
	if s[1] != 'u' {
		return 0, 0
	}
	if strings.HasPrefix(s, `\u{`) {
		end := strings.IndexByte(s[:min(len(s), 12)], '}')
		if end < 4 {
			return 0, 0
		}
		n, err := strconv.ParseUint(s[3:end], 16, 32)
		if err != nil || n > utf8.MaxRune || utf16.IsSurrogate(rune(n)) {
			return 0, 0
		}
		return rune(n), end + 1
	}
	first, ok := hex4(s)
	if !ok {
		return 0, 0
	}
	if !utf16.IsSurrogate(first) {
		return first, 6
	}
	second, ok := hex4(s[6:])
	if !ok {
		return 0, 0
	}
	if pair := utf16.DecodeRune(first, second); pair != utf8.RuneError {
		return pair, 12
	}
	return 0, 0
}

func hex4(s string) (rune, bool) {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(s[2:6], 16, 16)
	return rune(n), err == nil
}

func (x *lexer) blockString(s string) *Error {
	var raw strings.Builder
	for i := 3; i < len(s); {
		switch {
		case i > x.limits.Literal:
			return x.literalTooLong()
		case strings.HasPrefix(s[i:], `"""`):
			x.emitString(dedent(raw.String()))
			x.pos += i + 3
			return nil
		case strings.HasPrefix(s[i:], `\"""`):
			raw.WriteString(`"""`)
			i += 4
		case s[i] < ' ' && strings.IndexByte("\t\n\r", s[i]) < 0:
			return failure(ParseFailed, "", "a string has a control character")
		default:
			raw.WriteByte(s[i])
			i++
		}
	}
	return failure(ParseFailed, "", "a string has no end")
}

// dedent is BlockStringValue of the GraphQL specification.
func dedent(raw string) string {
	lines := strings.Split(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(raw), "\n")
	indent := -1
	for _, line := range lines[1:] {
		white := len(line) - len(strings.TrimLeft(line, " \t"))
		if white < len(line) && (indent < 0 || white < indent) {
			indent = white
		}
	}
	for i := 1; i < len(lines) && indent > 0; i++ {
		lines[i] = lines[i][min(indent, len(lines[i])):]
	}
	for len(lines) > 0 && strings.Trim(lines[0], " \t") == "" {
		lines = lines[1:]
	}
	for len(lines) > 0 && strings.Trim(lines[len(lines)-1], " \t") == "" {
		lines = lines[:len(lines)-1]
	}
	return strings.Join(lines, "\n")
}

func (x *lexer) emitString(value string) {
	out := append(x.out.text, '"')
	for i := 0; i < len(value); i++ {
		switch c := value[i]; {
		case c == '"' || c == '\\':
			out = append(out, '\\', c)
		case c == '\t' || c >= ' ':
			out = append(out, c)
		default:
			out = fmt.Appendf(out, `\u%04x`, c)
		}
	}
	x.out.text = append(out, '"')
}
