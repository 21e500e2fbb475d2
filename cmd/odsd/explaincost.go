package main

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"odsd/engine"
	"odsd/storage/relation"
	"odsd/views"
)

// explainPatience is how long a daemon may take to say how many rows there are:
// an explanation is no worse a plan without.
const explainPatience = 2 * time.Second

// explanation is a plan in words, with estimates made of what the project's daemon
// counts, if one is running, else of what the schema files say.
func (c *cli) explanation(ctx context.Context, plan *views.Plan, schemas map[string]*relation.Schema) *views.Explanation {
	counts := views.Counts{Rows: map[string]int64{}}
	for name, schema := range schemas {
		if schema.Rows > 0 {
			counts.Rows[name] = schema.Rows
		}
	}
	status, running := c.askStatus(ctx)
	if running {
		counts = countsOf(status)
	}
	known := map[string]int64{}
	for _, name := range plan.View.Relations() {
		if n, ok := counts.Rows[name]; ok {
			known[name] = n
		}
	}
	if counts.Rows = known; len(known) > 0 && !running {
		counts.From = "schema/*.yaml"
	}
	e := plan.ExplainWith(counts)
	for _, v := range status.Views {
		if v.Name == plan.View.Name {
			fillChecks(e, v.Checks)
		}
	}
	return e
}

// askStatus asks the project's daemon, if one answers.
func (c *cli) askStatus(ctx context.Context) (status statusDocument, running bool) {
	d, err := (&reach{}).daemon(c)
	if err != nil {
		return status, false
	}
	ctx, cancel := context.WithTimeout(ctx, explainPatience)
	defer cancel()
	code, body, err := d.do(ctx, http.MethodGet, "/statusz", nil)
	if err != nil || code != http.StatusOK || json.Unmarshal(body, &status) != nil {
		return statusDocument{}, false
	}
	return status, true
}

// countsOf are the rows of tables and the documents of views.
func countsOf(s statusDocument) views.Counts {
	counts := views.Counts{Rows: map[string]int64{}, From: "the running daemon"}
	for _, source := range s.Sources {
		for _, t := range source.Tables {
			counts.Rows[t.Name] = max(t.Rows, t.RowsExpected)
			if t.State == "live" {
				counts.Rows[t.Name] = t.Rows
			}
		}
	}
	for _, v := range s.Views {
		counts.Rows[v.Name] = v.Documents
	}
	return counts
}

// fillChecks says of checks how many documents fail them, by name: the daemon may
// know others than the folder.
func fillChecks(e *views.Explanation, reports []engine.CheckReport) {
	for i := range e.Checks {
		for _, r := range reports {
			if r.Name == e.Checks[i].Name {
				failing := r.Failing
				e.Checks[i].Failing = &failing
			}
		}
	}
}
