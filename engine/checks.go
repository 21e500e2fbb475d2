package engine

import (
	"fmt"

	"odsd/engine/ivm"
	"odsd/engine/reference"
	"odsd/storage"
	"odsd/storage/encoding"
	"odsd/storage/relation"
	"odsd/views"
)

// CheckReport is one check of a view: how many of its documents fail it now.
type CheckReport struct {
	Name     string `json:"name"`
	Severity string `json:"severity"` // error, warn
	Failing  int64  `json:"failing"`
}

// FailingReport is a check with the keys of some documents that fail it.
type FailingReport struct {
	View string `json:"view"`
	CheckReport
	// Documents are the first by their keys, each a key as text by the names of
	// its columns; null parts are null.
	Documents []map[string]*string `json:"documents"`
}

func reportChecks(view *views.View, failing []int64) []CheckReport {
	reports := []CheckReport{}
	for i, c := range view.Checks {
		report := CheckReport{Name: c.Name, Severity: c.Severity}
		if i < len(failing) {
			report.Failing = failing[i]
		}
		reports = append(reports, report)
	}
	return reports
}

// Failing lists, for each check of a view, at most limit documents that fail it,
// as of one commit.
func (e *Engine) Failing(view string, limit int) ([]FailingReport, error) {
	reading, err := e.Read()
	if err != nil {
		return nil, err
	}
	defer reading.Close()
	served, ok := reading.Views[view]
	if !ok {
		if e.viewNamed(view) == nil {
			return nil, fmt.Errorf("no such view: %q", view)
		}
		return nil, fmt.Errorf("view %s is not ready", view)
	}
	counts, err := served.failing(reading.Snapshot)
	if err != nil {
		return nil, err
	}
	reader := ivm.NewReader(served.Plan, served.Generation)
	reports := []FailingReport{}
	for i, c := range reportChecks(served.Plan.View, counts) {
		keys, err := reader.Failing(reading.Snapshot, i, limit)
		if err != nil {
			return nil, err
		}
		report := FailingReport{View: view, CheckReport: c, Documents: []map[string]*string{}}
		for _, key := range keys {
			report.Documents = append(report.Documents, namedKey(served.Plan.View, key))
		}
		reports = append(reports, report)
	}
	return reports, nil
}

// failing is what a snapshot counts for each check; nil when it holds another generation.
func (s Served) failing(snapshot storage.Reader) ([]int64, error) {
	var record viewRecord
	found, err := storage.GetMeta(snapshot, viewPrefix+s.Plan.View.Name, &record)
	if err != nil || !found || record.Generation != s.Generation {
		return nil, err
	}
	return record.Checks, nil
}

func namedKey(v *views.View, key []relation.Value) map[string]*string {
	named := map[string]*string{}
	for i, name := range v.IdentifiedBy() {
		named[name] = nil
		if !key[i].IsNull() {
			text := string(relation.AppendText(nil, key[i]))
			named[name] = &text
		}
	}
	return named
}

// VerifyChecks compares the stored checks of a view with those of documents that
// were computed anew: which of them fail, and how many are counted.
func VerifyChecks(snapshot storage.Reader, served Served, documents []*reference.Document) ([]VerifyDifference, error) {
	view := served.Plan.View
	counts, err := served.failing(snapshot)
	if err != nil {
		return nil, err
	}
	reader := ivm.NewReader(served.Plan, served.Generation)
	var differences []VerifyDifference
	for i, expected := range reference.Failing(view, documents) {
		stored, err := reader.Failing(snapshot, i, int(^uint(0)>>1))
		if err != nil {
			return nil, err
		}
		field := "check " + view.Checks[i].Name
		counted := reportChecks(view, counts)[i].Failing
		if counted != int64(len(expected)) {
			differences = append(differences, VerifyDifference{Kind: "different", Relation: view.Name, Field: field,
				Stored: fmt.Sprint(counted), Expected: fmt.Sprint(len(expected))})
		}
		differences = append(differences, compareKeySets(view, field, stored, expected)...)
	}
	return differences, nil
}

func compareKeySets(view *views.View, field string, stored, expected [][]relation.Value) []VerifyDifference {
	have := map[string]bool{}
	for _, key := range stored {
		have[keyBytes(key)] = true
	}
	var differences []VerifyDifference
	differ := func(kind, key, stored, expected string) {
		differences = append(differences, VerifyDifference{Kind: kind, Relation: view.Name, Key: key, Field: field, Stored: stored, Expected: expected})
	}
	for _, key := range expected {
		if !have[keyBytes(key)] {
			differ("missing", partsText(key), "passes", "fails")
		}
		delete(have, keyBytes(key))
	}
	for _, key := range stored {
		if have[keyBytes(key)] {
			differ("extra", partsText(key), "fails", "passes")
		}
	}
	return differences
}

// keyBytes are the same for keys that are equal, however they are printed: 1.0 and 1.00,
// a month and 30 days.
func keyBytes(key []relation.Value) string {
	var b []byte
	for _, v := range key {
		b = encoding.AppendPart(b, encoding.Part{}, v)
	}
	return string(b)
}

// partsText is a key as differences name it.
func partsText(key []relation.Value) string {
	text := ""
	for i, v := range key {
		if i > 0 {
			text += ","
		}
		text += valueText(v.StripZeros())
	}
	return text
}
