package yamlfile

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// Severity says whether a finding stops what it is about.
type Severity string

// The severities.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
)

// Diagnostic is one finding at a place of a file. Columns and lengths count
// characters; the first line and column are 1.
type Diagnostic struct {
	File     string   `json:"file"`
	Line     int      `json:"line"`
	Col      int      `json:"col"`
	Length   int      `json:"length,omitempty"`
	Code     string   `json:"code"`
	Severity Severity `json:"severity"`
	Message  string   `json:"message"`
	Hint     string   `json:"hint,omitempty"`
	// Text is the source line, secrets in it blotted out; empty where there is
	// no line to show.
	Text string `json:"-"`
	// Known are, where a key is unknown, those that are known in its place, in
	// order, with commas between.
	Known string `json:"-"`
}

// Error words the finding on one line, as a compiler does.
func (d Diagnostic) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s[%s]: %s", d.File, d.Line, d.Col, d.Severity, d.Code, d.Message)
}

// HasErrors says whether any finding is more than a warning.
func HasErrors(list []Diagnostic) bool {
	return slices.ContainsFunc(list, func(d Diagnostic) bool { return d.Severity == Error })
}

// Sort orders findings by place and removes those said twice.
func Sort(list []Diagnostic) []Diagnostic {
	slices.SortStableFunc(list, func(a, b Diagnostic) int {
		return cmp.Or(strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col),
			strings.Compare(a.Code, b.Code), strings.Compare(a.Message, b.Message))
	})
	return slices.Compact(list)
}

// Print writes findings for people: place and message, then the line with
// carets below what is meant and the hint beside them.
func Print(w io.Writer, list []Diagnostic) error {
	for _, d := range list {
		if _, err := io.WriteString(w, d.Render()); err != nil {
			return fmt.Errorf("print findings: %w", err)
		}
	}
	return nil
}

// Render is the finding as Print writes it.
func (d Diagnostic) Render() string {
	var b strings.Builder
	b.WriteString(d.Error())
	b.WriteByte('\n')
	if d.Text == "" {
		if d.Hint != "" {
			b.WriteString("hint: " + d.Hint + "\n")
		}
		return b.String()
	}
	prefix := fmt.Sprintf("%d | ", d.Line)
	b.WriteString(prefix + strings.TrimRight(strings.Map(printable, d.Text), " \t") + "\n")
	b.WriteString(strings.Repeat(" ", len(prefix)))
	b.WriteString(indent(d.Text, d.Col-1))
	b.WriteString(strings.Repeat("^", max(d.Length, 1)))
	if d.Hint != "" {
		b.WriteString(" " + d.Hint)
	}
	b.WriteByte('\n')
	return b.String()
}

// printable keeps a terminal from doing what a line's control characters say.
func printable(r rune) rune {
	if isControl(r) {
		return utf8.RuneError
	}
	return r
}

// indent is blank space as wide as the first characters of a line: tabs stay
// tabs, so that the carets stand where a terminal puts the text.
func indent(text string, characters int) string {
	var b strings.Builder
	for _, r := range text {
		if characters == 0 {
			break
		}
		if r == '\t' {
			b.WriteByte('\t')
		} else {
			b.WriteByte(' ')
		}
		characters--
	}
	b.WriteString(strings.Repeat(" ", characters))
	return b.String()
}

func characters(s string) int { return utf8.RuneCountInString(s) }
