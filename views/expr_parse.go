package views

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/parser/lexer"
)

// Budgets of one expression. The depth is checked on tokens, before the
// recursive parser sees them.
const (
	maxExprSource = 64 << 10
	maxExprDepth  = 250
	maxExprNodes  = 10_000
)

// exprSource maps places between the parser's count of runes and bytes.
type exprSource struct {
	text    string
	offsets []int // byte offset of each rune, then the length of the text
}

func newExprSource(text string) *exprSource {
	offsets := make([]int, 0, len(text)+1)
	for i := range text {
		offsets = append(offsets, i)
	}
	return &exprSource{text: text, offsets: append(offsets, len(text))}
}

// place is the bytes of a location, within the text whatever the location says.
func (s *exprSource) place(at file.Location) (offset, length int) {
	last := len(s.offsets) - 1
	from := min(max(at.From, 0), last)
	to := min(max(at.To, from), last)
	return s.offsets[from], s.offsets[to] - s.offsets[from]
}

func (s *exprSource) slice(at file.Location) string {
	offset, length := s.place(at)
	return s.text[offset : offset+length]
}

func (s *exprSource) problem(at file.Location, code, message, hint string) exprProblem {
	offset, length := s.place(at)
	return exprProblem{Offset: offset, Length: length, Code: code, Message: message, Hint: hint}
}

// whole is the location of the source without the space around it.
func (s *exprSource) whole() file.Location {
	left := len(s.text) - len(strings.TrimLeft(s.text, " \t\r\n"))
	right := len(strings.TrimRight(s.text, " \t\r\n"))
	return file.Location{
		From: utf8.RuneCountInString(s.text[:left]),
		To:   utf8.RuneCountInString(s.text[:max(left, right)]),
	}
}

// parseExpr turns a source text into expr-lang's tree.
func parseExpr(text string) (ast.Node, *exprSource, *exprProblem) {
	if len(text) > maxExprSource {
		return nil, nil, &exprProblem{Length: 1, Code: codeBudget,
			Message: fmt.Sprintf("the expression has %d bytes, more than the %d that one may have", len(text), maxExprSource),
			Hint:    "split it into fields of their own"}
	}
	source := newExprSource(text)
	if !utf8.ValidString(text) {
		p := source.problem(source.whole(), codeSyntax, "the expression is not valid UTF-8", "")
		return nil, source, &p
	}
	tokens, err := lexer.Lex(file.NewSource(text))
	if err != nil {
		return nil, source, source.syntaxProblem(err)
	}
	if len(tokens) <= 1 {
		p := source.problem(source.whole(), codeSyntax, "the expression is empty", "")
		return nil, source, &p
	}
	if p := source.checkTokens(tokens); p != nil {
		return nil, source, p
	}
	config := &conf.Config{MaxNodes: maxExprNodes, DisableIfOperator: true}
	tree, err := parser.ParseWithConfig(source.shield(tokens), config)
	if err != nil {
		return nil, source, source.syntaxProblem(err)
	}
	return tree.Node, source, nil
}

// checkTokens refuses what is too deep for a recursive parser. Brackets nest,
// and so do prefix operators and whatever associates to the right.
func (s *exprSource) checkTokens(tokens []lexer.Token) *exprProblem {
	depth := 0
	var open []int // the depth before each open bracket
	prefixes := 0  // of the operand that is being read
	operand := false
	for _, t := range tokens {
		switch {
		case t.Kind == lexer.Identifier && strings.HasPrefix(t.Value, "$"):
			p := s.problem(t.Location, codeName, fmt.Sprintf("no name %q", t.Value), s.environmentHint(t))
			return &p
		case t.Is(lexer.Bracket, "(", "[", "{"):
			open = append(open, depth-prefixes)
			depth, prefixes, operand = depth+1, 0, false
		case t.Is(lexer.Bracket):
			if len(open) > 0 {
				depth, open = open[len(open)-1], open[:len(open)-1]
			}
			prefixes, operand = 0, true
		case t.Is(lexer.Operator, "#"):
			depth, prefixes, operand = depth-prefixes, 0, true
		case t.Is(lexer.Operator, "?", "**", "^", ";", "let"):
			depth, prefixes, operand = depth+1, 0, false
		case t.Is(lexer.Operator) && !operand:
			depth, prefixes = depth+1, prefixes+1
		case t.Is(lexer.Operator):
			operand = false
		default:
			depth, prefixes, operand = depth-prefixes, 0, true
		}
		if depth > maxExprDepth {
			p := s.problem(t.Location, codeBudget, fmt.Sprintf("the expression nests deeper than %d levels", maxExprDepth),
				"split it into fields of their own")
			return &p
		}
	}
	return nil
}

func (s *exprSource) environmentHint(t lexer.Token) string {
	if t.Value == "$env" {
		return `a column whose name is not a word is written alias["its name"]`
	}
	return ""
}

// shield rewrites, place by place, what expr-lang's parser would refuse or
// judge although the meaning is ours: the digits of numbers, which are read
// from the source text later, and contains(…) and matches(…), which are infix
// operators there. No token changes its place or its kind.
func (s *exprSource) shield(tokens []lexer.Token) string {
	text := []byte(s.text)
	operand := false
	for i, t := range tokens {
		offset, length := s.place(t.Location)
		switch {
		case t.Kind == lexer.Number:
			shieldNumber(text[offset : offset+length])
			operand = true
		case t.Is(lexer.Operator, "contains", "matches") && !operand && tokens[i+1].Is(lexer.Bracket, "("):
			text[offset] = callMark
		case t.Is(lexer.Operator, "not") && operand: // x not contains (…)
		default:
			operand = t.Is(lexer.Operator, "#") ||
				t.Kind != lexer.Operator && !t.Is(lexer.Bracket, "(", "[", "{")
		}
	}
	return string(text)
}

// callMark replaces the first letter of an operator that is called as a
// function. Names that users write never begin with it.
const callMark = '$'

// unshield gives the name of a called function as it was written.
func unshield(name string) string {
	switch name {
	case "$ontains":
		return "contains"
	case "$atches":
		return "matches"
	}
	return name
}

func shieldNumber(digits []byte) {
	from := 0
	if len(digits) > 1 && digits[0] == '0' && strings.ContainsRune("xXoObB", rune(digits[1])) {
		from = 2
	}
	for i := from; i < len(digits); i++ {
		c := digits[i]
		hex := from == 2 && (c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F')
		if c >= '0' && c <= '9' || hex {
			digits[i] = '0'
		}
	}
}

// syntaxProblem says in our words what expr-lang's parser found.
func (s *exprSource) syntaxProblem(err error) *exprProblem {
	var e *file.Error
	if !errors.As(err, &e) {
		p := s.problem(s.whole(), codeSyntax, err.Error(), "")
		return &p
	}
	at, message := e.Location, e.Message
	found := s.slice(at)
	switch {
	case strings.HasPrefix(message, "unexpected token EOF"), strings.HasPrefix(message, "unexpected end"):
		message = "the expression ends too early"
	case strings.HasPrefix(message, "unexpected token"):
		message = fmt.Sprintf("unexpected %q", found)
	case strings.HasPrefix(message, "compilation failed"):
		p := s.problem(s.whole(), codeBudget, fmt.Sprintf("the expression has more than %d parts", maxExprNodes),
			"split it into fields of their own")
		return &p
	case strings.HasPrefix(message, "Operator"):
		message = "?? cannot be mixed with other operators without parentheses"
	}
	p := s.problem(at, codeSyntax, message, syntaxHint(found))
	return &p
}

// syntaxHint helps who writes SQL by habit.
func syntaxHint(found string) string {
	switch strings.ToLower(found) {
	case "=":
		return "equality is written =="
	case ">":
		return "inequality is written !="
	case "is":
		return "write x == nil or x != nil"
	case "and", "or", "not", "in":
		return "operators are written in small letters: " + strings.ToLower(found)
	case "like", "ilike":
		return "write " + strings.ToLower(found) + `(x, "pattern")`
	case "between":
		return "write x >= low and x <= high"
	case "::":
		return "write int(x), float(x), decimal(x), text(x), to_date(x) or to_time(x)"
	}
	return ""
}
