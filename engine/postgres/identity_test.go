package postgres

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"odsd/engine"
	"odsd/storage/relation"
)

// stored is an identity as stores hold it: what is read here must be readable
// for ever, or identityVersion raised.
const stored = `{"version":1,"system":"7400000000000000001","timeline":1,"database":16384,"publication":16390,` +
	`"relations":{"shop.t":{"oid":16385,"columns":[{"attribute":1,"type":23,"modifier":-1}]}}}`

func TestStoredIdentity(t *testing.T) {
	schemas := []*relation.Schema{{Name: "shop.t", Columns: make([]relation.Column, 1)}}
	id, err := parseIdentity([]byte(stored), schemas, nil)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := json.Marshal(id); err != nil || string(again) != stored {
		t.Errorf("written %s %v, want %s", again, err, stored)
	}
	for what, damaged := range map[string]string{
		"newer version":       strings.Replace(stored, `"version":1`, `"version":2`, 1),
		"unknown relation":    strings.Replace(stored, "shop.t", "shop.u", 1),
		"too few columns":     strings.Replace(stored, `{"attribute":1,"type":23,"modifier":-1}`, "", 1),
		"not JSON, cut short": stored[:40],
	} {
		if _, err := parseIdentity([]byte(damaged), schemas, nil); err == nil {
			t.Errorf("%s: taken", what)
		}
	}
}

func TestAnotherInstallationHalts(t *testing.T) {
	id := &identity{System: "1", Timeline: 2, Database: 3}
	s := New(Config{Name: "shop"})
	for says, found := range map[string]installation{
		"":                  {system: "1", timeline: 2, database: 3},
		"system identifier": {system: "9", timeline: 2, database: 3},
		"database oid 9":    {system: "1", timeline: 2, database: 9},
	} {
		err := s.checkInstallation(id, found)
		var halt *engine.Halt
		if says == "" {
			if err != nil {
				t.Errorf("the same installation: %v", err)
			}
			continue
		}
		if !errors.As(err, &halt) || halt.Code != codeIdentity || !strings.Contains(halt.Message, says) {
			t.Errorf("error %v, want %q", err, says)
		}
	}
}

func TestTimelines(t *testing.T) {
	const history = "1\t0/100\tno recovery target specified\n\n2\t0/200\tbefore 2026-01-01\n"
	read, err := parseHistory([]byte(history))
	if err != nil || len(read) != 2 || read[1] != (timelineSwitch{2, 0x200}) {
		t.Fatalf("read %v, %v", read, err)
	}
	for _, damaged := range []string{"x", "1", "1 elsewhere", "1\t0/"} {
		if read, err := parseHistory([]byte(damaged)); err == nil {
			t.Errorf("%q is read as %v", damaged, read)
		}
	}
	s := New(Config{Name: "shop"})
	for _, c := range []struct {
		what     string
		id       identity
		found    installation
		position relation.Position
		moved    bool
		says     string
	}{
		{"the same", identity{Timeline: 3, Began: 0x200}, installation{timeline: 3, history: read}, 0x500, false, ""},
		{"the first", identity{Timeline: 1}, installation{timeline: 1}, 0x500, false, ""},
		{"its history lost", identity{Timeline: 3, Began: 0x200}, installation{timeline: 3}, 0x500, false, ""},
		{"stored before it was noted", identity{Timeline: 3}, installation{timeline: 3, history: read}, 0x500, false, ""},
		{"promoted", identity{Timeline: 2}, installation{timeline: 3, history: read}, 0x1ff, true, ""},
		{"promoted exactly there", identity{Timeline: 2}, installation{timeline: 3, history: read}, 0x200, true, ""},
		{"promoted twice", identity{Timeline: 1}, installation{timeline: 3, history: read}, 0x100, true, ""},
		{"promoted short of the position", identity{Timeline: 2}, installation{timeline: 3, history: read}, 0x201, false, "short of the stored position 0/201"},
		{"promoted twice, first short of the position", identity{Timeline: 1}, installation{timeline: 3, history: read}, 0x101, false, "promoted or restored at 0/100"},
		{"a former primary", identity{Timeline: 3}, installation{timeline: 2, history: read[:1]}, 0x50, false, "former primary"},
		{"another of the same number", identity{Timeline: 3, Began: 0x180}, installation{timeline: 3, history: read}, 0x100, false, "another standby"},
		{"of another line", identity{Timeline: 2}, installation{timeline: 3, history: read[:1]}, 0x50, false, "does not follow"},
		{"promoted, its history lost", identity{Timeline: 2}, installation{timeline: 3}, 0x50, false, "does not follow"},
	} {
		moved, err := s.checkTimeline(&c.id, c.found, c.position)
		var halt *engine.Halt
		switch {
		case moved != c.moved:
			t.Errorf("%s: moved is %t", c.what, moved)
		case c.says == "" && err != nil:
			t.Errorf("%s: %v", c.what, err)
		case c.says != "" && (!errors.As(err, &halt) || halt.Code != codeIdentity || !strings.Contains(halt.Message, c.says) || !strings.Contains(halt.Hint, "odsd resync shop")):
			t.Errorf("%s: %v, want %q", c.what, err, c.says)
		}
	}
}
