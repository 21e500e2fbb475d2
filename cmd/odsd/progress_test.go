package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"odsd/engine"
)

// What is under way is each source with a table that is copied, and each view that is
// built, beside another or not.
func TestUnderWay(t *testing.T) {
	status := engine.Status{
		Sources: []engine.SourceStatus{
			{Name: "crm", Tables: []engine.TableStatus{{Name: "crm.a", State: "live", Rows: 5}}},
			{Name: "shop", Tables: []engine.TableStatus{
				{Name: "shop.a", State: "live", Rows: 50, RowsExpected: 40}, {Name: "shop.b", State: "copying", Rows: 10, RowsExpected: 100},
			}},
		},
		Views: []engine.ViewReport{
			{Name: "first", State: engine.ViewBuilding, Documents: 10, Progress: 0.25},
			{Name: "next", State: engine.ViewReady, Documents: 9, Next: &engine.NextReport{State: engine.ViewBuilding, Documents: 3}},
			{Name: "ready", State: engine.ViewReady, Documents: 9},
			{Name: "waiting", State: engine.ViewWaiting},
		},
	}
	var got []string
	for _, w := range underWay(status) {
		got = append(got, fmt.Sprint(w.what, " ", w.done, "/", w.known))
	}
	if got, want := strings.Join(got, "; "), "copying shop 60/150; building first 10/40; building next 3/9"; got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

// Without a terminal there is a line every ten seconds, and none before.
func TestProgressWithoutATerminal(t *testing.T) {
	var out strings.Builder
	p := newProgress(&out)
	p.show("cards", 10, 40)
	if out.Len() > 0 {
		t.Errorf("it says at once: %q", &out)
	}
	p.said = p.said.Add(-sayEvery)
	p.began = p.said.Add(-10 * time.Second)
	p.show("cards", 10, 40)
	if got := out.String(); !strings.HasPrefix(got, "odsd: cards [======                  ] 10 of 40, ") || !strings.HasSuffix(got, "left\n") {
		t.Errorf("got %q", got)
	}
}
