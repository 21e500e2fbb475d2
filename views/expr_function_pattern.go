package views

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"odsd/storage/relation"
)

func patternFunctions() []function {
	return []function{
		{name: "like", signature: `like(text, pattern)`, summary: "whether a text fits a pattern of LIKE: % is any text, _ any character, \\ takes the next as it is", min: 2, max: 2, check: checkLike, lower: lowerLike(false)},
		{name: "ilike", signature: `ilike(text, pattern)`, summary: "like, whatever the case of letters", min: 2, max: 2, check: checkLike, lower: lowerLike(true)},
		{name: "matches", signature: `matches(text, pattern)`, summary: "whether a regular expression (RE2) is found in a text; the pattern is constant", min: 2, max: 2, check: checkMatches, lower: lowerMatches},
	}
}

func checkLike(c *exprChecker, call *call) *Expr {
	e := checkTextTest(c, call)
	if e == nil {
		return nil
	}
	if p := e.Args[1]; p.Op == OpConst && !p.isNil() {
		if _, ok := parseLike(p.Const.Str()); !ok {
			return c.report(call.args[1].node, codeLiteral, "the pattern ends with its escape character", `a backslash itself is written \\\\ in the source`)
		}
	}
	return e
}

func lowerLike(anyCase bool) func(*lowering, *Expr) Eval {
	return func(l *lowering, e *Expr) Eval {
		x := l.lower(e.Args[0])
		if p := e.Args[1]; p.Op == OpConst && !p.isNil() {
			if pattern, ok := parseLike(folded(p.Const.Str(), anyCase)); ok {
				return strict1(x, func(v relation.Value) relation.Value {
					return relation.OfBool(pattern.matches(folded(v.Str(), anyCase)))
				})
			}
		}
		return strict2(x, l.lower(e.Args[1]), func(v, p relation.Value) relation.Value {
			pattern, ok := parseLike(folded(p.Str(), anyCase))
			if !ok {
				return relation.OfError(relation.ErrBadArgument)
			}
			return relation.OfBool(pattern.matches(folded(v.Str(), anyCase)))
		})
	}
}

func folded(s string, anyCase bool) string {
	if anyCase {
		return strings.Map(unicode.ToLower, s)
	}
	return s
}

// likePattern is a pattern cut at its %: the first piece begins the text, the
// last ends it, and those between are found one after the other, each as early
// as possible.
type likePattern []likePiece

// likePiece is a run of characters; any marks those that an _ stands for.
type likePiece struct {
	text  string // the characters, where there is no _
	runes []rune // the characters with anyRune for each _, else nil
}

const anyRune = rune(-1)

// parseLike gives false for a pattern that ends with its escape character.
func parseLike(s string) (likePattern, bool) {
	var pattern likePattern
	var piece []rune
	wild := false
	finish := func() {
		p := likePiece{text: string(piece)}
		if wild {
			p = likePiece{runes: piece}
		}
		pattern = append(pattern, p)
		piece, wild = nil, false
	}
	escaped := false
	for _, r := range s {
		switch {
		case escaped:
			piece, escaped = append(piece, r), false
		case r == '\\':
			escaped = true
		case r == '%':
			finish()
		case r == '_':
			piece, wild = append(piece, anyRune), true
		default:
			piece = append(piece, r)
		}
	}
	finish()
	return pattern, !escaped
}

func (p likePattern) matches(s string) bool {
	n := p[0].prefix(s)
	if n < 0 {
		return false
	}
	if len(p) == 1 {
		return n == len(s)
	}
	s = s[n:]
	for _, piece := range p[1 : len(p)-1] {
		end := piece.find(s)
		if end < 0 {
			return false
		}
		s = s[end:]
	}
	return p[len(p)-1].suffixes(s)
}

// prefix is the length of the piece at the beginning of s, -1 where it is not there.
func (p likePiece) prefix(s string) int {
	if p.runes == nil {
		if strings.HasPrefix(s, p.text) {
			return len(p.text)
		}
		return -1
	}
	n := 0
	for _, want := range p.runes {
		r, size := utf8.DecodeRuneInString(s[n:])
		if size == 0 || want != anyRune && want != r {
			return -1
		}
		n += size
	}
	return n
}

// find is the end of the piece's first occurrence in s, -1 where there is none.
func (p likePiece) find(s string) int {
	if p.runes == nil {
		if i := strings.Index(s, p.text); i >= 0 {
			return i + len(p.text)
		}
		return -1
	}
	for i := range s {
		if n := p.prefix(s[i:]); n >= 0 {
			return i + n
		}
	}
	return -1
}

// suffixes says whether s ends with the piece.
func (p likePiece) suffixes(s string) bool {
	if p.runes == nil {
		return strings.HasSuffix(s, p.text)
	}
	start := len(s)
	for range p.runes {
		_, size := utf8.DecodeLastRuneInString(s[:start])
		if size == 0 {
			return false
		}
		start -= size
	}
	return p.prefix(s[start:]) == len(s)-start
}

func checkMatches(c *exprChecker, call *call) *Expr {
	e := checkTextTest(c, call)
	if e == nil {
		return nil
	}
	pattern := e.Args[1]
	if pattern.Op != OpConst || pattern.isNil() {
		return c.report(call.args[1].node, codeType, "the pattern of matches must be constant", "write it as a text in quotes")
	}
	if _, err := regexp.Compile(pattern.Const.Str()); err != nil {
		return c.report(call.args[1].node, codeLiteral, strings.TrimPrefix(err.Error(), "error parsing regexp: "), "patterns have RE2's syntax")
	}
	return e
}

func lowerMatches(l *lowering, e *Expr) Eval {
	pattern, err := regexp.Compile(e.Args[1].Const.Str())
	if err != nil {
		return constantly(relation.OfError(relation.ErrBadArgument))
	}
	return strict1(l.lower(e.Args[0]), func(v relation.Value) relation.Value {
		return relation.OfBool(pattern.MatchString(v.Str()))
	})
}
