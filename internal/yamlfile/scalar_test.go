package yamlfile

import (
	"testing"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"
)

func TestScalarStaysReadable(t *testing.T) {
	for text, want := range map[string]string{
		"order_items": "order_items", "double precision": "double precision", "numeric(12,2)": `"numeric(12,2)"`,
		"character(2)": "character(2)", "integer[]": `"integer[]"`, "true": `"true"`, "no": `"no"`, "null": `"null"`, "1": `"1"`,
		"": `""`, "a: b": `"a: b"`, "it's": `"it's"`, `say "x"`: `"say \"x\""`, "#1": `"#1"`, "Ä": `"Ä"`,
	} {
		if got := Scalar(text); got != want {
			t.Errorf("%q is written %s, want %s", text, got, want)
		}
	}
}

// What Scalar writes reads back as the same text, as a key and inside {…}.
func TestScalarRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.StringMatching(`[a-z0-9 .:#,{}\[\]"'\\&*!|>%@-]{0,12}`)).Draw(t, "text")
		if !utf8.ValidString(text) {
			t.Skip("PostgreSQL has no such names")
		}
		document := Scalar(text) + ": [{x: " + Scalar(text) + "}]\n"
		var got map[string][]map[string]string
		if err := yaml.Unmarshal([]byte(document), &got); err != nil {
			t.Fatalf("%q: %v", document, err)
		}
		if list := got[text]; len(list) != 1 || list[0]["x"] != text {
			t.Fatalf("%q reads as %v", document, got)
		}
	})
}
