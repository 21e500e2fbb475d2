package server

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"odsd/query"
)

type metrics struct {
	requests *prometheus.CounterVec
	duration prometheus.Histogram
	scanned  prometheus.Histogram
}

func newMetrics(r *prometheus.Registry) metrics {
	m := metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "odsd_graphql_requests_total", Help: "GraphQL requests by outcome: ok, or the code of the first error.",
		}, []string{"code"}),
		duration: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "odsd_graphql_request_duration_seconds", Help: "Time to answer a GraphQL request, waiting for freshness included.",
			Buckets: []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}),
		scanned: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "odsd_graphql_rows_scanned", Help: "Keys of the store that a GraphQL request read.",
			Buckets: prometheus.ExponentialBuckets(1, 4, 11),
		}),
	}
	r.MustRegister(m.requests, m.duration, m.scanned)
	m.requests.WithLabelValues("ok") // a rate needs the zero before the first
	return m
}

func (m *metrics) observe(reply *query.Reply, took time.Duration) {
	outcome := "ok"
	if len(reply.Errors) > 0 {
		outcome = string(reply.Errors[0].Code)
	}
	m.requests.WithLabelValues(outcome).Inc()
	m.duration.Observe(took.Seconds())
	m.scanned.Observe(float64(reply.Scanned))
}
