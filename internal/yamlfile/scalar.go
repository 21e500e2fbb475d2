package yamlfile

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Scalar writes a text so that YAML reads it back as the same text, also
// inside {…}, on one line.
func Scalar(s string) string {
	if plainScalar(s) {
		return s
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r < 0x20 || r >= 0x7f && r < 0xa0 || r == 0x2028 || r == 0x2029 || r == 0xfeff || r == 0xfffe || r == 0xffff:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// plainScalar says whether a text can stand without quotes: words of letters,
// digits, and a few marks, that YAML takes for nothing but a text.
func plainScalar(s string) bool {
	for i, r := range s {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '_'
		inside := r >= '0' && r <= '9' || strings.ContainsRune(" .-()", r)
		if !letter && (i == 0 || !inside) {
			return false
		}
	}
	if s == "" || strings.HasSuffix(s, " ") {
		return false
	}
	var n yaml.Node
	if err := yaml.Unmarshal([]byte(s), &n); err != nil || len(n.Content) != 1 {
		return false
	}
	word := n.Content[0]
	return word.Kind == yaml.ScalarNode && word.Tag == "!!str" && word.Value == s && !legacyBool(s)
}

// legacyBool: words that other readers of YAML take for true and false.
func legacyBool(s string) bool {
	switch strings.ToLower(s) {
	case "y", "n", "yes", "no", "on", "off":
		return true
	}
	return false
}
