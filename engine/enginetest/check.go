package enginetest

import (
	"errors"
	"fmt"
	"strings"

	"odsd/storage/relation"
	"odsd/views"
)

// CheckViews parses and checks views over schemas; any finding that is an error
// is one.
func CheckViews(schemas []*relation.Schema, texts []string) ([]*views.View, error) {
	byName := map[string]*relation.Schema{}
	for _, s := range schemas {
		byName[s.Name] = s
	}
	var definitions []*views.Definition
	var found []views.Diagnostic
	for i, text := range texts {
		definition, diagnostics := views.Parse(fmt.Sprintf("view%d.yaml", i+1), []byte(text))
		found = append(found, diagnostics...)
		definitions = append(definitions, definition)
	}
	checked, diagnostics := views.CheckAll(definitions, byName)
	var messages []string
	for _, d := range append(found, diagnostics...) {
		if d.Severity == "error" {
			messages = append(messages, fmt.Sprintf("%s:%d:%d: %s", d.File, d.Line, d.Col, d.Message))
		}
	}
	if len(messages) > 0 {
		return nil, errors.New(strings.Join(messages, "\n"))
	}
	return checked, nil
}
