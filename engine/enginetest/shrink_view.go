package enginetest

import (
	"slices"
	"strings"
)

// shrinkViews drops views, then entries of their YAML together with all that is
// indented below them, then parts of expressions and of lists in brackets.
func shrinkViews(c **Case, try func(*Case) bool) {
	withViews := func(v []string) *Case {
		return &Case{Schemas: (*c).Schemas, Views: v, Steps: (*c).Steps}
	}
	drop(func() int { return len((*c).Views) }, func(at, n int) bool {
		return try(withViews(without((*c).Views, at, n)))
	})
	for i := range (*c).Views {
		withLines := func(lines []string) *Case {
			views := slices.Clone((*c).Views)
			views[i] = strings.Join(lines, "\n") + "\n"
			return withViews(views)
		}
		for at := 0; ; {
			lines := strings.Split(strings.TrimRight((*c).Views[i], "\n"), "\n")
			if at >= len(lines) {
				break
			}
			if !try(withLines(without(lines, at, blockLength(lines[at:])))) && !shrinkLine(lines, at, withLines, try) {
				at++
			}
		}
	}
}

// blockLength counts the first line and those that are indented below it.
func blockLength(lines []string) int {
	indent := func(line string) int { return len(line) - len(strings.TrimLeft(line, " ")) }
	n := 1
	for n < len(lines) && indent(lines[n]) > indent(lines[0]) {
		n++
	}
	return n
}

// shrinkLine puts a shorter line in place of one, if one will do; in place of
// fields the one column that all generated relations have.
func shrinkLine(lines []string, at int, withLines func([]string) *Case, try func(*Case) bool) bool {
	if strings.HasSuffix(lines[at], " fields:") {
		next := without(lines, at+1, blockLength(lines[at:])-1)
		next[at] += " [i1]"
		if try(withLines(next)) {
			return true
		}
	}
	for _, shorter := range shorterLines(lines[at]) {
		next := slices.Clone(lines)
		next[at] = shorter
		if try(withLines(next)) {
			return true
		}
	}
	return false
}

// shorterLines lists what a line may be cut down to: an operation to one of
// its operands, a list to one entry less. Not all of it makes sense.
func shorterLines(line string) []string {
	var all []string
	for from := range line {
		switch line[from] {
		case '(', '\'':
			if to := groupEnd(line, from); to > 0 {
				for _, operand := range operands(line[from+1 : to]) {
					open, end := from, to+1
					if line[from] == '\'' {
						open, end = from+1, to // the quotes stay
					}
					all = append(all, line[:open]+operand+line[end:])
				}
			}
		case '[', '{':
			if to := groupEnd(line, from); to > 0 {
				entries := strings.Split(line[from+1:to], ", ")
				for i := range entries {
					if len(entries) > 1 {
						all = append(all, line[:from+1]+strings.Join(without(entries, i, 1), ", ")+line[to:])
					}
				}
			}
		}
	}
	return all
}

// groupEnd finds what closes the group that is opened at a byte; 0 if nothing does.
func groupEnd(line string, from int) int {
	closing := map[byte]byte{'(': ')', '[': ']', '{': '}', '\'': '\''}[line[from]]
	depth := 0
	for i := from + 1; i < len(line); i++ {
		switch {
		case line[i] == closing && depth == 0:
			return i
		case line[i] == line[from]:
			depth++
		case line[i] == closing:
			depth--
		}
	}
	return 0
}

// operands splits an operation at its spaces outside of parentheses, brackets
// and quotes, and leaves out the operators.
func operands(operation string) []string {
	var list []string
	depth, start, quoted := 0, 0, false
	for i, r := range operation + " " {
		switch {
		case r == '"':
			quoted = !quoted
		case r == '(' || r == '[':
			depth++
		case r == ')' || r == ']':
			depth--
		case r == ' ' && depth == 0 && !quoted:
			if word := operation[start:i]; !slices.Contains(operators, word) {
				list = append(list, word)
			}
			start = i + 1
		}
	}
	if len(list) == 1 && list[0] == operation {
		return nil
	}
	return list
}

var operators = []string{"", "+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "and", "or", "not", "in", "?", ":", "??", "nil"}
