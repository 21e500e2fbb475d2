package main

import (
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"odsd/engine"
	"odsd/query/server"
)

// status is the document of /statusz: the engine's, with what the project says.
func (d *running) status() statusDocument {
	document := statusDocument{Status: d.engine.Status(), Sources: []sourceStatus{}}
	document.Version = buildVersion().Version
	for _, s := range document.Status.Sources {
		status := sourceStatus{SourceStatus: s}
		if source := d.project.Source(s.Name); source != nil {
			status.ErrorAfterSeconds = source.Freshness.ErrorAfter.Seconds()
		}
		document.Sources = append(document.Sources, status)
	}
	return document
}

// ready says whether requests are answered, view by view.
func (d *running) ready() (bool, []server.Check) {
	status := d.engine.Status()
	var checks []server.Check
	for _, s := range status.Sources {
		// A dead database is shown and never fails the check.
		checks = append(checks, server.Check{Name: "source " + s.Name, OK: s.State == engine.Streaming, Detail: string(s.State)})
	}
	for _, v := range status.Views {
		detail := string(v.State)
		if len(v.WaitingFor) > 0 {
			detail += " for " + strings.Join(v.WaitingFor, ", ")
		}
		checks = append(checks, server.Check{Name: "view " + v.Name, OK: v.State == engine.ViewReady, Detail: detail})
	}
	return status.Ready, checks
}

// options of the engine for a request of `odsd verify`.
func (r verifyRequest) options() engine.VerifyOptions {
	o := engine.VerifyOptions{Values: r.Values}
	if r.Source != "" {
		o.Sources = []string{r.Source}
	}
	if r.View != "" {
		o.Views = []string{r.View}
	}
	return o
}

// mismatches counts the differences that verifications found, by kind of what differs.
type mismatches struct {
	total *prometheus.CounterVec
}

func newMismatches(registry *prometheus.Registry) *mismatches {
	m := &mismatches{total: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "odsd_verify_mismatches_total", Help: "Differences that verifications found.",
	}, []string{"of"})}
	registry.MustRegister(m.total)
	m.total.WithLabelValues("sources")
	m.total.WithLabelValues("views")
	return m
}

func (m *mismatches) count(report *engine.VerifyReport) {
	if report == nil {
		return
	}
	for _, s := range report.Sources {
		m.total.WithLabelValues("sources").Add(float64(s.Differences))
	}
	for _, v := range report.Views {
		m.total.WithLabelValues("views").Add(float64(v.Differences))
	}
}
