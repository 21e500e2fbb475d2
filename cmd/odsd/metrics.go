package main

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"odsd/engine"
	"odsd/storage"
)

// figures turns the status and the store's own numbers into metrics at each
// scrape, so that nothing has to be counted twice while changes are applied.
type figures struct {
	status func() engine.Status
	store  func() storage.Metrics
}

var (
	perSource = []string{"source"}
	perTable  = []string{"source", "table"}
	perView   = []string{"view"}

	sourceUp             = describe("odsd_source_up", "Whether the source's stream is connected.", perSource)
	sourceLagSeconds     = describe("odsd_source_lag_seconds", "How long ago the store last had all that the source had.", perSource)
	sourceLagBytes       = describe("odsd_source_lag_bytes", "Bytes of the source's log that are not applied yet.", perSource)
	sourceSlotWAL        = describe("odsd_source_slot_retained_wal_bytes", "Bytes of log that the source retains for our slot.", perSource)
	sourceSlotLeft       = describe("odsd_source_slot_wal_left_bytes", "Bytes of log that may still come before our slot is lost; absent where nothing bounds it.", perSource)
	sourceChanges        = describe("odsd_source_changes_total", "Row changes applied.", perSource)
	sourceTransactions   = describe("odsd_source_transactions_total", "Transactions applied.", perSource)
	sourceCopied         = describe("odsd_source_snapshot_rows_copied", "Rows of a table that the initial copy has stored, then its rows.", perTable)
	sourceExpected       = describe("odsd_source_snapshot_rows_expected", "Rows of a table that the initial copy expects.", perTable)
	sourceTableHalted    = describe("odsd_source_table_halted", "1 where a table is no longer kept up and needs a copy anew.", perTable)
	viewStateInfo        = describe("odsd_view_state", "1 for the state that the view is in.", []string{"view", "state"})
	viewDocuments        = describe("odsd_view_documents", "Documents of the view.", perView)
	viewRowErrors        = describe("odsd_view_row_errors", "Rows of the view with fields that cannot be computed now.", perView)
	viewFailing          = describe("odsd_view_check_failing_documents", "Documents of the view that fail a check of it now.", []string{"view", "check", "severity"})
	storeDiskBytes       = describe("odsd_store_disk_bytes", "Bytes that the store takes on disk.", nil)
	storeFreeBytes       = describe("odsd_store_disk_free_bytes", "Bytes that the store's disk has left.", nil)
	storeDamaged         = describe("odsd_store_damaged", "1 from when something was found in the store that was not written there.", nil)
	storePaused          = describe("odsd_store_intake_paused", "1 while nothing is taken in, for want of room on the store's disk.", nil)
	storeCompactionBytes = describe("odsd_store_compaction_debt_bytes", "Bytes that compactions have yet to rewrite.", nil)
	storeLargeCommits    = describe("odsd_store_large_commits_total", "Commits of transactions that were too large for memory and were made in slices.", nil)
	storeLargeSeconds    = describe("odsd_store_large_commit_seconds", "How long the large commit under way has taken so far, 0 where there is none. Every source waits for it.", nil)
	buildInfo            = describe("odsd_build_info", "1, with the version.", []string{"version", "revision", "go"})
)

// registerFigures adds all that the daemon tells of itself; requests and verifications
// count for themselves.
func registerFigures(registry *prometheus.Registry, e *engine.Engine, store *storage.Store, commits *commitFigures) {
	commits.status = e.Status
	registry.MustRegister(
		figures{status: e.Status, store: store.Metrics}, commits,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
}

func describe(name, help string, labels []string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

// Describe sends nothing: which sources and views there are is the project's affair.
func (f figures) Describe(chan<- *prometheus.Desc) {}

// Collect sends the figures of the moment.
func (f figures) Collect(out chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	counter := func(d *prometheus.Desc, value uint64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(value), labels...)
	}
	status := f.status()
	for _, s := range status.Sources {
		gauge(sourceUp, one(s.State == engine.Streaming || s.State == engine.Copying), s.Name)
		gauge(sourceLagSeconds, s.LagSeconds, s.Name)
		gauge(sourceLagBytes, float64(s.LagBytes), s.Name)
		if s.SlotWALBytes != nil {
			gauge(sourceSlotWAL, float64(*s.SlotWALBytes), s.Name)
		}
		if s.SlotLeftBytes != nil {
			gauge(sourceSlotLeft, float64(*s.SlotLeftBytes), s.Name)
		}
		counter(sourceChanges, s.Changes, s.Name)
		counter(sourceTransactions, s.Transactions, s.Name)
		for _, t := range s.Tables {
			gauge(sourceCopied, float64(t.Rows), s.Name, t.Name)
			gauge(sourceExpected, float64(t.RowsExpected), s.Name, t.Name)
			gauge(sourceTableHalted, one(t.State == "halted"), s.Name, t.Name)
		}
	}
	for _, v := range status.Views {
		for _, state := range []engine.ViewStatus{engine.ViewWaiting, engine.ViewBuilding, engine.ViewReady, engine.ViewFailed} {
			gauge(viewStateInfo, one(v.State == state), v.Name, string(state))
		}
		gauge(viewDocuments, float64(v.Documents), v.Name)
		gauge(viewRowErrors, float64(v.RowErrors), v.Name)
		for _, c := range v.Checks {
			gauge(viewFailing, float64(c.Failing), v.Name, c.Name, c.Severity)
		}
	}
	out <- prometheus.MustNewConstMetric(storeLargeCommits, prometheus.CounterValue, float64(status.LargeCommits))
	waited := 0.0
	if status.LargeCommit != nil {
		waited = time.Since(status.LargeCommit.Began).Seconds()
	}
	gauge(storeLargeSeconds, waited)
	store := f.store()
	gauge(storeDiskBytes, float64(store.DiskBytes))
	gauge(storeFreeBytes, float64(store.FreeBytes))
	gauge(storePaused, one(status.Paused != nil))
	gauge(storeDamaged, one(status.Damaged != nil))
	gauge(storeCompactionBytes, float64(store.CompactionDebtBytes))
	version := buildVersion()
	gauge(buildInfo, 1, version.Version, version.Revision, version.Go)
}

func one(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
