package enginetest

import (
	"testing"

	"odsd/engine"
	"odsd/storage"
)

// A store whose engine has ended is verified as it lies: a document that is not there is
// found, and nothing is written.
func TestAStoreAtRestIsVerified(t *testing.T) {
	_, store := playedReturning(t)
	report, err := engine.VerifyStored(t.Context(), store, engine.VerifyOptions{})
	if err != nil || !report.OK || len(report.Views) != 2 || report.Views[0].Documents != 3 || len(report.Sources) != 0 {
		t.Fatalf("before the damage: %+v, %v", report, err)
	}
	loseLast(t, store, "below")
	report, err = engine.VerifyStored(t.Context(), store, engine.VerifyOptions{Views: []string{"below"}})
	if err != nil {
		t.Fatal(err)
	}
	want := engine.VerifyDifference{Kind: "missing", Relation: "below", Key: "3"}
	if report.OK || len(report.Views) != 1 || len(report.Differences) != 1 || report.Differences[0] != want {
		t.Errorf("a document is lost: %+v", report)
	}
	if _, err := engine.VerifyStored(t.Context(), store, engine.VerifyOptions{Sources: []string{"a"}}); err == nil {
		t.Error("the rows of a source were verified without it")
	}
}

// loseLast takes the last document of a view away, behind the engine's back.
func loseLast(t *testing.T, store *storage.Store, view string) {
	t.Helper()
	commit := store.Begin()
	defer commit.Abandon()
	ranges, err := namedRanges(commit)
	if err != nil || len(ranges["view/"+view]) == 0 {
		t.Fatal("the view is not stored", err)
	}
	nodes := ranges["view/"+view][0]
	var last []byte
	cursor := commit.Scan(nodes[0], nodes[1])
	for cursor.Next() {
		last = append(last[:0], cursor.Key()...)
	}
	if err := cursor.Close(); err != nil || last == nil {
		t.Fatal("no document is stored", err)
	}
	commit.Delete(last)
	if err := commit.Apply(); err != nil {
		t.Fatal(err)
	}
}
