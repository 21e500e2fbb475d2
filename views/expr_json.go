package views

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"odsd/storage/relation"
)

// checkJSON types json(x, "$.path").
func checkJSON(c *exprChecker, call *call) *Expr {
	x, path := call.args[0].e, call.args[1].e
	switch {
	case x.Type.Kind == relation.Null:
		x = constant(relation.TypeOf(relation.JSON), relation.OfNull())
	case x.Type.Kind != relation.JSON:
		return c.report(call.args[0].node, codeType, "json needs a JSON value, and this is "+x.Type.String(), "")
	}
	if path.Op != OpConst || path.Type.Kind != relation.Text {
		return c.report(call.args[1].node, codeType, "the path of json must be a constant text", `as in "$.address.lines[0]"`)
	}
	if _, err := parseJSONPath(path.Const.Str()); err != nil {
		return c.report(call.args[1].node, codeLiteral, err.Error(), `a path is written "$.address.lines[0]" or "$['odd name']"`)
	}
	return called(call, relation.JSON, x, path)
}

func lowerJSON(l *lowering, e *Expr) Eval {
	path, err := parseJSONPath(e.Args[1].Const.Str())
	if err != nil {
		return constantly(relation.OfError(relation.ErrBadArgument))
	}
	return strict1(l.lower(e.Args[0]), func(v relation.Value) relation.Value {
		part, ok := jsonAt(v.Str(), path)
		switch {
		case !ok:
			return badCast()
		case part == "" || part == "null":
			return relation.Value{}
		case len(path) == 0:
			return v // with the space around it
		}
		return relation.OfString(relation.JSON, part)
	})
}

// jsonStep is a member's name, or an element's number where name is nil.
type jsonStep struct {
	name    string
	element int // -1 for a name
}

// parseJSONPath reads $.name, $["name"], $['name'] and $[0] in any sequence.
func parseJSONPath(s string) ([]jsonStep, error) {
	rest, ok := strings.CutPrefix(s, "$")
	if !ok {
		return nil, fmt.Errorf("a JSON path begins with $")
	}
	var path []jsonStep
	for rest != "" {
		var step jsonStep
		var err error
		if step, rest, err = parseJSONStep(rest); err != nil {
			return nil, err
		}
		path = append(path, step)
	}
	return path, nil
}

func parseJSONStep(s string) (jsonStep, string, error) {
	if name, ok := strings.CutPrefix(s, "."); ok {
		end := strings.IndexAny(name, ".[")
		if end < 0 {
			end = len(name)
		}
		if end == 0 || strings.ContainsAny(name[:end], "*?@()]\"' ") {
			return jsonStep{}, "", fmt.Errorf("%q is not a member's name in a JSON path", name[:end])
		}
		return jsonStep{name: name[:end], element: -1}, name[end:], nil
	}
	inner, ok := strings.CutPrefix(s, "[")
	if !ok {
		return jsonStep{}, "", fmt.Errorf("a JSON path goes on with . or [, not with %q", s[:1])
	}
	if inner != "" && (inner[0] == '"' || inner[0] == '\'') {
		name, rest, ok := strings.Cut(inner[1:], inner[:1]+"]")
		if !ok {
			return jsonStep{}, "", fmt.Errorf("a name in a JSON path is not closed")
		}
		return jsonStep{name: name, element: -1}, rest, nil
	}
	number, rest, ok := strings.Cut(inner, "]")
	n, err := strconv.ParseUint(number, 10, 31)
	if !ok || err != nil {
		return jsonStep{}, "", fmt.Errorf("%q is not an element's number in a JSON path", number)
	}
	return jsonStep{element: int(n)}, rest, nil
}

// jsonAt finds the text of the part at a path, "" where there is none; ok is
// false for what is not JSON.
func jsonAt(s string, path []jsonStep) (part string, ok bool) {
	s = jsonSpace(s)
	for _, step := range path {
		var found bool
		if s, found, ok = jsonMember(s, step); !ok || !found {
			return "", ok
		}
	}
	rest, ok := jsonSkip(s)
	if !ok {
		return "", false
	}
	return strings.TrimRight(s[:len(s)-len(rest)], " \t\r\n"), true
}

func jsonSpace(s string) string { return strings.TrimLeft(s, " \t\r\n") }

// jsonMember steps into the value at the beginning of s. Of members with one
// name the last counts, as for jsonb.
func jsonMember(s string, step jsonStep) (value string, found, ok bool) {
	object := step.element < 0
	if s == "" || (s[0] != '{') == object || (s[0] != '[') != object {
		return "", false, s != ""
	}
	rest := jsonSpace(s[1:])
	for i := 0; rest != "" && rest[0] != '}' && rest[0] != ']'; i++ {
		matches := i == step.element
		if object {
			key, after, valid := jsonKey(rest)
			if !valid {
				return "", false, false
			}
			matches, rest = key == step.name, after
		}
		if matches {
			value, found = rest, true
			if !object {
				return value, true, true
			}
		}
		if rest, ok = jsonSkip(rest); !ok {
			return "", false, false
		}
		rest = jsonSpace(strings.TrimPrefix(rest, ","))
	}
	return value, found, rest != ""
}

// jsonKey reads `"key" :` and gives what follows.
func jsonKey(s string) (key, rest string, ok bool) {
	end := jsonStringEnd(s)
	if end < 0 {
		return "", "", false
	}
	key, ok = jsonString(s[:end])
	rest, colon := strings.CutPrefix(jsonSpace(s[end:]), ":")
	return key, jsonSpace(rest), ok && colon
}

// jsonStringEnd is the length of the string literal that s begins with, -1 for none.
func jsonStringEnd(s string) int {
	if s == "" || s[0] != '"' {
		return -1
	}
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return -1
}

// jsonString decodes a string literal.
func jsonString(literal string) (string, bool) {
	if inner := literal[1 : len(literal)-1]; strings.IndexByte(inner, '\\') < 0 {
		return inner, true
	}
	var s string
	err := json.Unmarshal([]byte(literal), &s)
	return s, err == nil
}

// jsonSkip passes over one value, however deep, without recursion, and the
// space after it.
func jsonSkip(s string) (rest string, ok bool) {
	depth := 0
	for i := 0; i < len(s); {
		switch s[i] {
		case '{', '[':
			depth++
			i++
		case '}', ']':
			depth--
			i++
		case '"':
			n := jsonStringEnd(s[i:])
			if n < 0 {
				return "", false
			}
			i += n
		case ',', ':', ' ', '\t', '\r', '\n':
			i++
			continue
		default:
			n := strings.IndexAny(s[i:], ",:]}[{\" \t\r\n")
			if n < 0 {
				n = len(s) - i
			}
			i += n
		}
		if depth < 0 {
			return "", false
		}
		if depth == 0 {
			return jsonSpace(s[i:]), true
		}
	}
	return "", false
}

// jsonText is what ->> gives: a string's characters, null for null, all else
// as it is written.
func jsonText(v relation.Value) relation.Value {
	s := strings.Trim(v.Str(), " \t\r\n")
	switch {
	case s == "null":
		return relation.Value{}
	case s == "" || s[0] != '"':
		return relation.OfText(s)
	}
	if len(s) < 2 {
		return badCast()
	}
	text, ok := jsonString(s)
	if !ok {
		return badCast()
	}
	return relation.OfText(text)
}

// jsonNumber is the decimal that a JSON number is; null for other values.
func jsonNumber(v relation.Value) relation.Value {
	s := strings.Trim(v.Str(), " \t\r\n")
	if s == "" || s[0] != '-' && (s[0] < '0' || s[0] > '9') {
		return relation.Value{}
	}
	d, err := relation.ParseDecimal(s)
	if err != nil {
		return relation.Value{}
	}
	return d
}
