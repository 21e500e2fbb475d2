package main

import (
	"github.com/prometheus/client_golang/prometheus"

	"odsd/engine"
)

// commitFigures are what commits tell of themselves as they are made: it cannot be
// asked for afterwards. Counters begin at 0 with the process.
type commitFigures struct {
	status func() engine.Status // names the views that have figures though no commit came

	duration prometheus.Histogram
	updates  *prometheus.CounterVec
	errors   *prometheus.CounterVec
	apply    *prometheus.HistogramVec
	fanout   *prometheus.HistogramVec
}

// From 50 µs, a commit of one change, to the minutes of a huge transaction.
var workBuckets = []float64{.00005, .0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300}

func newCommitFigures() *commitFigures {
	return &commitFigures{
		duration: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "odsd_store_commit_duration_seconds", Buckets: workBuckets,
			Help: "Time to make a commit of transactions visible, the upkeep of all views included and the sync to disk not.",
		}),
		updates: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "odsd_view_updates_total", Help: "Stored rows of the view's documents that transactions wrote or deleted.",
		}, perView),
		errors: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "odsd_view_errors_total", Help: "Rows of the view that came to have fields that cannot be computed, or other ones. odsd_view_row_errors is how many there are now.",
		}, perView),
		apply: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "odsd_view_apply_duration_seconds", Help: "Time that the upkeep of the view took in a commit of transactions.", Buckets: workBuckets,
		}, perView),
		fanout: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "odsd_view_fanout_documents", Help: "Documents of the view that the changes of one commit led to; commits that led to none are left out.",
			Buckets: prometheus.ExponentialBuckets(1, 4, 13),
		}, perView),
	}
}

// observe is called by the writer after each commit of transactions.
func (f *commitFigures) observe(r engine.CommitReport) {
	if r.Transactions == 0 {
		return // a frontier alone moved
	}
	f.duration.Observe(r.Duration.Seconds())
	for view, result := range r.Views {
		f.updates.WithLabelValues(view).Add(float64(result.Written))
		f.errors.WithLabelValues(view).Add(float64(result.Failed))
		if result.Touched > 0 {
			f.apply.WithLabelValues(view).Observe(result.Took.Seconds())
			f.fanout.WithLabelValues(view).Observe(float64(result.Touched))
		}
	}
}

// Describe sends nothing: which views there are is the project's affair.
func (f *commitFigures) Describe(chan<- *prometheus.Desc) {}

// Collect sends the figures of all views, of those too that nothing has changed yet: an
// alert on a rate needs the zero before the first.
func (f *commitFigures) Collect(out chan<- prometheus.Metric) {
	for _, v := range f.status().Views {
		f.updates.WithLabelValues(v.Name)
		f.errors.WithLabelValues(v.Name)
		f.apply.WithLabelValues(v.Name)
		f.fanout.WithLabelValues(v.Name)
	}
	for _, c := range []prometheus.Collector{f.duration, f.updates, f.errors, f.apply, f.fanout} {
		c.Collect(out)
	}
}
