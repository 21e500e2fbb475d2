package enginetest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"odsd/storage/relation"
)

// TestScripts plays the scripts under testdata/scripts. A script begins with a
// case (relations, views, and the rows there are), followed by steps:
//
//	case             relations, views and steps as in Case.String; shows every document
//	step             one step, its transactions without the outer indent; shows the
//	                 documents that are not as they were
//	restart          ends the engine and starts another on the same store
//
// After each of them the stored documents are compared with the reference, and
// all that is stored with what building anew stores.
func TestScripts(t *testing.T) {
	t.Run("in memory", func(t *testing.T) { playScripts(t, 0) })
	t.Run("in parts", func(t *testing.T) { playScripts(t, 1) })
}

// playScripts plays them with as many instances of a view in memory as given; 0: any number.
func playScripts(t *testing.T, part int) {
	datadriven.Walk(t, "testdata/scripts", func(t *testing.T, path string) {
		s := &script{part: part}
		defer func() {
			if s.world != nil {
				if err := s.world.Close(); err != nil {
					t.Error(err)
				}
			}
		}()
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			t.Helper()
			output, err := s.run(d.Cmd, d.Input)
			if err != nil {
				d.Fatalf(t, "%v", err)
			}
			return output
		})
	})
}

type script struct {
	part  int
	world *World
	given Case
	shown map[string]string // documents as they were, by view and key
}

func (s *script) run(command, input string) (string, error) {
	switch command {
	case "case":
		if err := s.begin(input); err != nil {
			return "", err
		}
	case "step":
		if err := s.step(input); err != nil {
			return "", err
		}
	case "restart":
		if err := s.world.Restart(); err != nil {
			return "", err
		}
	default:
		return "", fmt.Errorf("%q is neither case, step nor restart", command)
	}
	if err := s.world.Check(); err != nil {
		return "", err
	}
	return s.show()
}

func (s *script) begin(input string) error {
	given, err := ParseCase(input)
	if err != nil {
		return err
	}
	s.given, s.shown = *given, map[string]string{}
	checked, err := CheckViews(given.Schemas, given.Views)
	if err != nil {
		return err
	}
	database := NewDatabase(given.Schemas)
	for _, step := range given.Steps {
		for _, transaction := range step {
			if _, err := database.Apply(transaction); err != nil {
				return err
			}
		}
	}
	s.world = &World{part: s.part}
	return s.world.begin(given.Schemas, checked, database)
}

// step parses a step in the context of the case's relations.
func (s *script) step(input string) error {
	relations := Case{Schemas: s.given.Schemas}
	text := relations.String() + "step\n"
	for line := range strings.Lines(input) {
		text += "  " + line
	}
	parsed, err := ParseCase(text)
	if err != nil {
		return err
	}
	return s.world.Commit(parsed.Steps[0])
}

// show prints the documents that are not as they were when last shown.
func (s *script) show() (string, error) {
	var b strings.Builder
	now := map[string]string{}
	for _, v := range s.world.Views {
		documents, err := s.world.Documents(v.Name)
		if err != nil {
			return "", err
		}
		for _, d := range documents {
			name := v.Name + "[" + keyOf(d.Key) + "]"
			now[name] = d.String()
			if s.shown[name] != now[name] {
				fmt.Fprintf(&b, "%s %s\n", name, strings.TrimSpace(now[name]))
			}
			delete(s.shown, name)
		}
		for _, name := range slices.Sorted(maps.Keys(s.shown)) {
			if strings.HasPrefix(name, v.Name+"[") {
				fmt.Fprintf(&b, "%s gone\n", name)
			}
		}
	}
	s.shown = now
	if b.Len() == 0 {
		return "as it was\n", nil
	}
	return b.String(), nil
}

func keyOf(key []relation.Value) string {
	var parts []string
	for _, v := range key {
		parts = append(parts, string(relation.AppendText(nil, v)))
	}
	return strings.Join(parts, ",")
}
