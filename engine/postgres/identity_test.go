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
	id, err := parseIdentity([]byte(stored), schemas)
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
		if _, err := parseIdentity([]byte(damaged), schemas); err == nil {
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
		"timeline 9, not 2": {system: "1", timeline: 9, database: 3},
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
