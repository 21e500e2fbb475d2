package query

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"odsd/storage/relation"
)

// sampleMemory serves both sample views and one that is still being built.
func sampleMemory(t testing.TB) *memory {
	m := newMemory(t)
	c := customersView(t)
	m.serve(t, c.plan, c.sample()...)
	m.serve(t, stockView(t), stockSample()...)
	m.documents[1] = -1
	late := newView("late", "Late", "late", table("shop.late", plain("id", kind(relation.Int4))))
	late.scalar(0, 0, 0, "id")
	m.serve(t, late.compile(t)).State = Building
	p := peopleView(t, "people", true)
	m.serve(t, p.plan, p.sample()...)
	m.freshness = []Freshness{
		{Source: "crm", Position: 0x16B374D848, CommittedAt: time.Date(2024, 5, 1, 10, 0, 0, 1000, time.UTC), LagSeconds: 0.0123, State: "streaming"},
		{Source: "shop", LagSeconds: 7, State: "connecting"},
	}
	m.waitFor = func(_ context.Context, source string, p relation.Position) error {
		if source == "shop" && p > 0 {
			return context.DeadlineExceeded
		}
		return nil
	}
	return m
}

// TestScripts runs requests and compares their replies. The lines before ---- are
// the request; `vars`, `op` and headers come from the command's arguments.
func TestScripts(t *testing.T) {
	m := sampleMemory(t)
	s := newService(m)
	datadriven.Walk(t, "testdata/scripts", func(t *testing.T, path string) {
		cursors := map[string]string{}
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			r := &Request{Query: d.Input}
			for _, arg := range d.CmdArgs {
				value := strings.Join(arg.Vals, ",")
				switch arg.Key {
				case "vars":
					for name, cursor := range cursors {
						value = strings.ReplaceAll(value, "<"+name+">", cursor)
					}
					decoder := json.NewDecoder(strings.NewReader(value))
					decoder.UseNumber()
					if err := decoder.Decode(&r.Variables); err != nil {
						d.Fatalf(t, "vars: %v", err)
					}
				case "op":
					r.OperationName = value
				case "wait-for":
					r.Consistency.WaitFor = value
				case "max-staleness":
					r.Consistency.MaxStaleness = value
				case "timeout":
					r.Consistency.Timeout = value
				}
			}
			if d.Cmd == "explain" {
				text, err := s.Explain(context.Background(), r)
				if err != nil {
					return err.Error() + "\n"
				}
				return text
			}
			reply := s.Execute(context.Background(), r, nil)
			if m.open.Load() != 0 {
				d.Fatalf(t, "%d readings left open", m.open.Load())
			}
			return pretty(t, reply.Body, cursors, d.Cmd == "bare")
		})
	})
}

// pretty prints a reply and names its cursors <c1>, <c2>, … in their order.
func pretty(t *testing.T, body []byte, cursors map[string]string, bare bool) string {
	t.Helper()
	if !json.Valid(body) {
		t.Fatalf("not JSON: %s", body)
	}
	if bare { // all but the extensions, which are the same in each reply
		i := bytes.LastIndex(body, []byte(`,"extensions":{"freshness"`))
		body = append(body[:i:i], '}')
	}
	var out bytes.Buffer
	if err := json.Indent(&out, body, "", " "); err != nil {
		t.Fatal(err)
	}
	text := out.String()
	for _, field := range []string{`ursor": "`} {
		rest := text
		for {
			_, after, ok := strings.Cut(rest, field)
			if !ok {
				break
			}
			cursor, _, _ := strings.Cut(after, `"`)
			rest = after
			name := ""
			for known, c := range cursors {
				if c == cursor {
					name = known
				}
			}
			if name == "" {
				name = fmt.Sprintf("c%d", len(cursors)+1)
				cursors[name] = cursor
			}
			text = strings.ReplaceAll(text, `"`+cursor+`"`, `"<`+name+`>"`)
		}
	}
	return text + "\n"
}
