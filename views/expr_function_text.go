package views

import (
	"fmt"
	"math"
	"strings"
	"unicode"
	"unicode/utf8"

	"odsd/storage/relation"
)

// maxResult bounds the bytes of a text that an expression makes.
const maxResult = 16 << 20

func tooLarge() relation.Value { return relation.OfError(relation.ErrTooLarge) }

func textFunctions() []function {
	return []function{
		{name: "lower", signature: "lower(text)", summary: "small letters, letter by letter", min: 1, max: 1, check: checkTexts, lower: lowerText1(mapped(unicode.ToLower))},
		{name: "upper", signature: "upper(text)", summary: "capital letters, letter by letter", min: 1, max: 1, check: checkTexts, lower: lowerText1(mapped(unicode.ToUpper))},
		{name: "trim", signature: "trim(text, characters)", summary: "without spaces, or the given characters, at both ends", min: 1, max: 2, check: checkTexts, lower: lowerTrim(true, true)},
		{name: "ltrim", signature: "ltrim(text, characters)", summary: "without spaces, or the given characters, at the beginning", min: 1, max: 2, check: checkTexts, lower: lowerTrim(true, false)},
		{name: "rtrim", signature: "rtrim(text, characters)", summary: "without spaces, or the given characters, at the end", min: 1, max: 2, check: checkTexts, lower: lowerTrim(false, true)},
		{name: "len", signature: "len(x)", summary: "the number of a text's characters, a bytea's bytes or an array's elements", min: 1, max: 1, check: checkLen, lower: lowerLen},
		{name: "substr", signature: "substr(text, from, count)", summary: "part of a text, from a character counted from 1", min: 2, max: 3, check: checkSubstr, lower: lowerSubstr},
		{name: "replace", signature: "replace(text, from, to)", summary: "every occurrence of one text replaced by another", min: 3, max: 3, check: checkTexts, lower: lowerReplace},
		{name: "split", signature: "split(text, separator)", summary: "the parts of a text between separators, an array", min: 2, max: 2, check: checkSplit, lower: lowerSplit},
		{name: "join_text", signature: "join_text(array, separator, nil_text)", summary: "an array's elements as one text; nil elements are left out unless nil_text is given", min: 2, max: 3, check: checkJoinText, lower: lowerJoinText},
		{name: "starts_with", signature: "starts_with(text, prefix)", summary: "whether a text begins with another", min: 2, max: 2, check: checkTextTest, lower: lowerTextTest(strings.HasPrefix)},
		{name: "ends_with", signature: "ends_with(text, suffix)", summary: "whether a text ends with another", min: 2, max: 2, check: checkTextTest, lower: lowerTextTest(strings.HasSuffix)},
		{name: "contains", signature: "contains(text, part)", summary: "whether a text contains another", min: 2, max: 2, check: checkTextTest, lower: lowerTextTest(strings.Contains)},
	}
}

// needText gives argument i as a text; JSON gives its text.
func (c *exprChecker) needText(call *call, i int) *Expr {
	o := call.args[i]
	switch k := o.e.Type.Kind; {
	case k == relation.Null:
		return constant(relation.TypeOf(relation.Text), relation.OfNull())
	case isText(k):
		return o.e
	case k == relation.JSON:
		return c.convert(o, relation.TypeOf(relation.Text))
	}
	return c.report(o.node, codeType, fmt.Sprintf("%s needs a text here, and this is %s", call.name, o.e.Type), "text(x) makes one")
}

// needTexts gives all arguments as texts.
func (c *exprChecker) needTexts(call *call) []*Expr {
	args := make([]*Expr, 0, len(call.args))
	for i := range call.args {
		if e := c.needText(call, i); e != nil {
			args = append(args, e)
		}
	}
	if len(args) < len(call.args) {
		return nil
	}
	return args
}

// checkTexts types text(text, …).
func checkTexts(c *exprChecker, call *call) *Expr {
	args := c.needTexts(call)
	if args == nil {
		return nil
	}
	return called(call, relation.Text, args...)
}

// checkTextTest types boolean(text, text).
func checkTextTest(c *exprChecker, call *call) *Expr {
	args := c.needTexts(call)
	if args == nil {
		return nil
	}
	return called(call, relation.Bool, args...)
}

func lowerText1(f func(string) relation.Value) func(*lowering, *Expr) Eval {
	return func(l *lowering, e *Expr) Eval {
		return strict1(l.lower(e.Args[0]), func(v relation.Value) relation.Value { return f(v.Str()) })
	}
}

func lowerTextTest(f func(s, part string) bool) func(*lowering, *Expr) Eval {
	return func(l *lowering, e *Expr) Eval {
		return strict2(l.lower(e.Args[0]), l.lower(e.Args[1]), func(a, b relation.Value) relation.Value {
			return relation.OfBool(f(a.Str(), b.Str()))
		})
	}
}

// mapped replaces letter by letter; a text that does not change is not copied.
func mapped(letter func(rune) rune) func(string) relation.Value {
	return func(s string) relation.Value {
		if len(s) > maxResult {
			return tooLarge()
		}
		return relation.OfText(strings.Map(letter, s))
	}
}

func concat(x, y Eval) Eval {
	return func(env *Env) relation.Value {
		a, b := x(env), y(env)
		if a.Missing() || b.Missing() {
			return failed(a, b)
		}
		s, t := a.Str(), b.Str()
		if len(s)+len(t) > maxResult {
			return tooLarge()
		}
		return relation.OfText(s + t)
	}
}

func lowerTrim(left, right bool) func(*lowering, *Expr) Eval {
	trim := func(s, characters string) relation.Value {
		if left {
			s = strings.TrimLeft(s, characters)
		}
		if right {
			s = strings.TrimRight(s, characters)
		}
		return relation.OfText(s)
	}
	return func(l *lowering, e *Expr) Eval {
		x := l.lower(e.Args[0])
		if len(e.Args) == 1 {
			return strict1(x, func(v relation.Value) relation.Value { return trim(v.Str(), " ") })
		}
		return strict2(x, l.lower(e.Args[1]), func(v, characters relation.Value) relation.Value {
			return trim(v.Str(), characters.Str())
		})
	}
}

func checkLen(c *exprChecker, call *call) *Expr {
	o := call.args[0]
	switch k := o.e.Type.Kind; {
	case k == relation.Array, k == relation.Bytes:
		return called(call, relation.Int4, o.e)
	case textual(k), k == relation.Null:
		e := c.needText(call, 0)
		if e == nil {
			return nil
		}
		return called(call, relation.Int4, e)
	}
	return c.report(o.node, codeType, fmt.Sprintf("len needs a text or an array, and this is %s", o.e.Type), "")
}

func lowerLen(l *lowering, e *Expr) Eval {
	x := l.lower(e.Args[0])
	switch e.Args[0].Type.Kind {
	case relation.Array:
		return strict1(x, func(v relation.Value) relation.Value {
			return relation.OfInt(relation.Int4, int64(len(elements(v))))
		})
	case relation.Bytes:
		return strict1(x, func(v relation.Value) relation.Value {
			return relation.OfInt(relation.Int4, int64(len(v.Str())))
		})
	}
	return strict1(x, func(v relation.Value) relation.Value {
		return relation.OfInt(relation.Int4, int64(utf8.RuneCountInString(v.Str())))
	})
}

func checkSubstr(c *exprChecker, call *call) *Expr {
	args := []*Expr{c.needText(call, 0), c.needInteger(call, 1)}
	if len(call.args) == 3 {
		args = append(args, c.needInteger(call, 2))
	}
	for _, a := range args {
		if a == nil {
			return nil
		}
	}
	return called(call, relation.Text, args...)
}

func lowerSubstr(l *lowering, e *Expr) Eval {
	x, from := l.lower(e.Args[0]), l.lower(e.Args[1])
	if len(e.Args) == 2 {
		return strict2(x, from, func(v, from relation.Value) relation.Value {
			return relation.OfText(substring(v.Str(), max(from.Int(), 1)-1, -1))
		})
	}
	return strict3(x, from, l.lower(e.Args[2]), func(v, from, count relation.Value) relation.Value {
		n := count.Int()
		if n < 0 {
			return relation.OfError(relation.ErrBadArgument)
		}
		start := max(from.Int(), math.MinInt32) - 1
		if start < 0 { // characters before the first count, though there are none
			end := start + n
			if end <= 0 {
				return relation.OfText("")
			}
			start, n = 0, end
		}
		return relation.OfText(substring(v.Str(), start, n))
	})
}

// substring takes count characters after skip; all of them when count is -1.
func substring(s string, skip, count int64) string {
	for ; skip > 0 && s != ""; skip-- {
		_, size := utf8.DecodeRuneInString(s)
		s = s[size:]
	}
	if count < 0 {
		return s
	}
	end := 0
	for ; count > 0 && end < len(s); count-- {
		_, size := utf8.DecodeRuneInString(s[end:])
		end += size
	}
	return s[:end]
}

func lowerReplace(l *lowering, e *Expr) Eval {
	return strict3(l.lower(e.Args[0]), l.lower(e.Args[1]), l.lower(e.Args[2]), func(v, from, to relation.Value) relation.Value {
		return replaceText(v.Str(), from.Str(), to.Str())
	})
}

func replaceText(s, from, to string) relation.Value {
	if from == "" {
		return relation.OfText(s)
	}
	if grows := len(to) - len(from); grows > 0 {
		if len(s)+strings.Count(s, from)*grows > maxResult {
			return tooLarge()
		}
	}
	return relation.OfText(strings.ReplaceAll(s, from, to))
}
