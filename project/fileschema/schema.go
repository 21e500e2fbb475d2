package fileschema

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// Schema is one JSON Schema, with the keywords that the kinds of files need.
type Schema struct {
	Version     string `json:"$schema,omitempty"`
	Title       string `json:"title,omitempty"`
	Description string `json:"description,omitempty"`
	Ref         string `json:"$ref,omitempty"`
	// Type is a list: much in a file is written short or long.
	Type     []string `json:"type,omitempty"`
	Enum     []any    `json:"enum,omitempty"`
	Pattern  string   `json:"pattern,omitempty"`
	Minimum  *int     `json:"minimum,omitempty"`
	Maximum  *int     `json:"maximum,omitempty"`
	Examples []any    `json:"examples,omitempty"`

	MinLength int     `json:"minLength,omitempty"`
	Items     *Schema `json:"items,omitempty"`
	MinItems  int     `json:"minItems,omitempty"`

	Properties map[string]*Schema `json:"properties,omitempty"`
	// Others is what further keys hold: closed for none, nil for anything.
	Others        any                `json:"additionalProperties,omitempty"`
	Required      []string           `json:"required,omitempty"`
	MinProperties int                `json:"minProperties,omitempty"`
	Dependencies  map[string]*Schema `json:"dependencies,omitempty"`
	PropertyNames *Schema            `json:"propertyNames,omitempty"`

	AnyOf []*Schema `json:"anyOf,omitempty"`
	Not   *Schema   `json:"not,omitempty"`
	If    *Schema   `json:"if,omitempty"`
	Then  *Schema   `json:"then,omitempty"`

	Definitions map[string]*Schema `json:"definitions,omitempty"`
	// DoNotSuggest keeps VS Code's server from completing the key.
	DoNotSuggest bool `json:"doNotSuggest,omitempty"`
}

// closed says that a mapping has no keys but those listed.
const closed = false

// Kind is one kind of file.
type Kind struct {
	// Name as `odsd schema` takes it: odsd, source, view, tests, schema.
	Name string
	// Files of a project that are of the kind, as a pattern.
	Files  string
	Schema *Schema
}

// Kinds are all kinds of files, in the order in which a project is written.
func Kinds() []Kind {
	return []Kind{
		{"odsd", "odsd.yaml", configSchema()},
		{"source", "sources/*.yaml", sourceSchema()},
		{"view", "views/*.yaml", viewSchema()},
		{"tests", "tests/*.yaml", testsSchema()},
		{"schema", "schema/*.yaml", tablesSchema()},
	}
}

// Find gives a kind by its name.
func Find(name string) (Kind, bool) {
	for _, k := range Kinds() {
		if k.Name == name {
			return k, true
		}
	}
	return Kind{}, false
}

// FileName is the name under which a kind's schema is written.
func (k Kind) FileName() string { return k.Name + ".schema.json" }

// Text is the schema as a JSON document, indented, with a line break at its end.
func (k Kind) Text() ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(k.Schema); err != nil {
		return nil, fmt.Errorf("the JSON Schema of %s: %w", k.Files, err)
	}
	return b.Bytes(), nil
}

// Folder holds the schemas of a project that `odsd init` makes.
const Folder = ".odsd"

// Header is the comment by which a file names its schema to a YAML server. The file
// stands in a folder of the project, or beside odsd.yaml where that is its kind.
func Header(kind string) string {
	up := "../"
	if kind == "odsd" {
		up = ""
	}
	return "# yaml-language-server: $schema=" + up + Folder + "/" + kind + ".schema.json\n"
}

// file is the schema of a kind: a mapping with a version.
func file(title, description string, properties map[string]*Schema, required ...string) *Schema {
	properties["version"] = &Schema{Description: "The version of this format: 1.", Enum: []any{1, "1"}}
	s := mapping(description, properties, append([]string{"version"}, required...)...)
	s.Version, s.Title = "http://json-schema.org/draft-07/schema#", title
	return s
}

func mapping(description string, properties map[string]*Schema, required ...string) *Schema {
	return &Schema{Description: description, Type: []string{"object"}, Properties: properties, Others: closed, Required: required}
}

// named is a mapping whose keys are names that the user chose.
func named(description string, of *Schema) *Schema {
	return &Schema{Description: description, Type: []string{"object"}, Others: of}
}

func list(description string, of *Schema) *Schema {
	return &Schema{Description: description, Type: []string{"array"}, Items: of}
}

// textTypes are what YAML may make of a text that is written without quotes.
var textTypes = []string{"string", "number", "boolean"}

func text(description string, examples ...any) *Schema {
	return &Schema{Description: description, Type: textTypes, MinLength: 1, Examples: examples}
}

func expression(description string, examples ...any) *Schema { return text(description, examples...) }

func boolean(description string) *Schema {
	return &Schema{Description: description, Enum: []any{true, false, "true", "false"}}
}

func oneOf(description string, words ...string) *Schema {
	s := &Schema{Description: description}
	for _, w := range words {
		s.Enum = append(s.Enum, w)
	}
	return s
}

// number also takes digits in quotes.
func number(description string, low, high int) *Schema {
	return &Schema{Description: description, Type: []string{"integer", "string"}, Minimum: &low, Maximum: &high, Pattern: "^[+-]?[0-9]+$"}
}

// texts is a list of texts, of which one may stand alone.
func texts(description string, examples ...any) *Schema {
	return &Schema{Description: description, Type: append([]string{"array"}, textTypes...), MinLength: 1, Items: text(""), Examples: examples}
}

// notBuilt is a key that is refused until it is built.
func notBuilt(description string) *Schema {
	return &Schema{Description: "Not built yet, and refused: " + description, Not: &Schema{}, DoNotSuggest: true}
}

// refused is a key that people look for, with what to do instead.
func refused(instead string) *Schema {
	return &Schema{Description: "There is none: " + instead, Not: &Schema{}, DoNotSuggest: true}
}

func owner() *Schema {
	return mapping("Whom to ask; shown in the GraphQL schema.", map[string]*Schema{
		"team":    text("The team that answers for it."),
		"contact": text("How to reach the team: a channel, an address.", "#shop"),
	})
}

// anyKey is a mapping that has one of these keys; Not of it one that has none.
func anyKey(keys ...string) *Schema {
	s := &Schema{}
	for _, k := range keys {
		s.AnyOf = append(s.AnyOf, &Schema{Required: []string{k}})
	}
	return s
}

// exclusive gives for each of some keys a schema by which it stands alone among them.
func exclusive(keys []string) map[string]*Schema {
	alone := map[string]*Schema{}
	for i, k := range keys {
		others := append(slices.Clone(keys[:i]), keys[i+1:]...)
		alone[k] = &Schema{Not: anyKey(others...)}
	}
	return alone
}

// belongs says that a key stands only beside one of others.
func belongs(others ...string) *Schema {
	if len(others) == 1 {
		return &Schema{Required: others}
	}
	return anyKey(others...)
}

// merge puts tables of keys together.
func merge(tables ...map[string]*Schema) map[string]*Schema {
	all := map[string]*Schema{}
	for _, t := range tables {
		maps.Copy(all, t)
	}
	return all
}
