package query

import (
	"sort"
	"strings"
	"unicode/utf8"
)

// lexed is a request's text after our own pass over it, the one that everything
// else reads: one token a line, comments gone, strings in their plainest form
// and the literal null, which graphql-go does not know, replaced by an enum
// value whose offset is noted. Names of one kind stand in one place, so no
// later pass can be made slow by long lines or odd escapes.
type lexed struct {
	source string // as it was sent
	text   []byte
	tokens []tokenPlace
	nulls  map[int]bool // offsets in text of values that are the literal null
}

// tokenPlace says where a token of text stood in source.
type tokenPlace struct{ at, source int }

// locate gives the place in the text as sent of an offset in lexed text.
func (l *lexed) locate(offset int) Location {
	i := sort.Search(len(l.tokens), func(i int) bool { return l.tokens[i].at > offset })
	if i == 0 {
		return place(l.source, 0)
	}
	if offset >= len(l.text) {
		return place(l.source, len(l.source))
	}
	return place(l.source, l.tokens[i-1].source)
}

// nullStandIn has the length of null, so that it can be put in its place once
// the token after it has told that it is a value.
const nullStandIn = "NULL"

type lexer struct {
	out    lexed
	limits Limits
	pos    int
	open   []byte // brackets that wait for their closing
	parens int    // how many of open are parentheses
	before byte   // the first byte of the token before
	null   int    // offset in out.text of a `null` that may be a value, else -1
}

// lex makes one linear pass over the text and refuses what is over its budget.
func lex(source string, limits Limits) (*lexed, *Error) {
	if !utf8.ValidString(source) {
		return nil, failure(ParseFailed, "send the text as UTF-8", "the request's text is not valid UTF-8")
	}
	x := &lexer{limits: limits, null: -1}
	x.out.source = source
	x.out.text = make([]byte, 0, len(source)+len(source)/4)
	for {
		x.skipIgnored()
		if x.pos == len(source) {
			return &x.out, nil
		}
		if err := x.token(); err != nil {
			err.Locations = []Location{place(source, x.pos)}
			return nil, err
		}
	}
}

func (x *lexer) skipIgnored() {
	s := x.out.source
	for x.pos < len(s) {
		switch {
		case strings.IndexByte(" \t\n\r,", s[x.pos]) >= 0:
			x.pos++
		case strings.HasPrefix(s[x.pos:], "\ufeff"):
			x.pos += len("\ufeff")
		case s[x.pos] == '#':
			end := strings.IndexAny(s[x.pos:], "\n\r")
			if end < 0 {
				end = len(s) - x.pos
			}
			x.pos += end
		default:
			return
		}
	}
}

func (x *lexer) token() *Error {
	s := x.out.source
	start, at := x.pos, len(x.out.text)
	c := s[start]
	if x.null >= 0 && c != ':' {
		copy(x.out.text[x.null:], nullStandIn)
		x.out.nulls[x.null] = true
	}
	x.null = -1
	if len(x.out.tokens) >= x.limits.Tokens {
		return failure(TooComplex, "send values as variables, or split the request", "the request has more than %d tokens", x.limits.Tokens)
	}
	var err *Error
	switch {
	case isNameStart(c):
		err = x.name()
	case c == '"':
		err = x.stringValue()
	case c == '-' || isDigit(c):
		err = x.number()
	default:
		err = x.punctuator()
	}
	if err != nil {
		return err
	}
	x.out.tokens = append(x.out.tokens, tokenPlace{at: at, source: start})
	x.out.text = append(x.out.text, '\n')
	x.before = c
	return nil
}

func (x *lexer) name() *Error {
	s := x.out.source
	end := x.pos + 1
	for end < len(s) && (isNameStart(s[end]) || isDigit(s[end])) {
		end++
	}
	if end-x.pos > x.limits.Name {
		return failure(TooComplex, "", "a name is longer than %d bytes", x.limits.Name)
	}
	name := s[x.pos:end]
	if name == "null" && x.parens > 0 && x.before != '$' && x.before != '@' {
		if x.out.nulls == nil {
			x.out.nulls = map[int]bool{}
		}
		x.null = len(x.out.text)
	}
	x.emit(name)
	return nil
}

func (x *lexer) number() *Error {
	s := x.out.source
	end := x.pos
	if s[end] == '-' {
		end++
	}
	whole := digitsAt(s, end)
	if whole == 0 || (s[end] == '0' && whole > 1) {
		return failure(ParseFailed, "", "not a number")
	}
	end += whole
	if end < len(s) && s[end] == '.' {
		places := digitsAt(s, end+1)
		if places == 0 {
			return failure(ParseFailed, "", "a number needs digits after its point")
		}
		end += 1 + places
	}
	if end < len(s) && (s[end] == 'e' || s[end] == 'E') {
		end++
		if end < len(s) && (s[end] == '+' || s[end] == '-') {
			end++
		}
		power := digitsAt(s, end)
		if power == 0 {
			return failure(ParseFailed, "", "a number needs digits in its exponent")
		}
		end += power
	}
	if end < len(s) && (s[end] == '.' || isNameStart(s[end])) {
		return failure(ParseFailed, "", "not a number")
	}
	if end-x.pos > x.limits.Literal {
		return x.literalTooLong()
	}
	x.emit(s[x.pos:end])
	return nil
}

func (x *lexer) punctuator() *Error {
	s := x.out.source
	switch c := s[x.pos]; c {
	case '!', '$', '&', ':', '=', '@', '|':
		x.emit(s[x.pos : x.pos+1])
		return nil
	case '(', '[', '{':
		if len(x.open) >= x.limits.Nesting {
			return failure(TooComplex, "", "brackets are nested deeper than %d", x.limits.Nesting)
		}
		x.open = append(x.open, c)
		if c == '(' {
			x.parens++
		}
		x.emit(s[x.pos : x.pos+1])
		return nil
	case ')', ']', '}':
		return x.closing(c)
	case '.':
		if strings.HasPrefix(s[x.pos:], "...") {
			x.emit("...")
			return nil
		}
	}
	r, _ := utf8.DecodeRuneInString(s[x.pos:])
	return failure(ParseFailed, "", "unexpected character %q", r)
}

func (x *lexer) closing(c byte) *Error {
	opening := map[byte]byte{')': '(', ']': '[', '}': '{'}[c]
	if len(x.open) == 0 || x.open[len(x.open)-1] != opening {
		return failure(ParseFailed, "", "%q closes nothing", c)
	}
	x.open = x.open[:len(x.open)-1]
	if c == ')' {
		x.parens--
	}
	x.emit(string(c))
	return nil
}

func (x *lexer) emit(source string) {
	x.out.text = append(x.out.text, source...)
	x.pos += len(source)
}

func (x *lexer) literalTooLong() *Error {
	return failure(TooComplex, "send long values as variables", "a literal is longer than %d bytes", x.limits.Literal)
}

func digitsAt(s string, i int) int {
	n := 0
	for i+n < len(s) && isDigit(s[i+n]) {
		n++
	}
	return n
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isNameStart(c byte) bool {
	return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
}
