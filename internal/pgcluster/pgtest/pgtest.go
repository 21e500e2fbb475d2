// Package pgtest gives tests a PostgreSQL cluster that ends with the test.
package pgtest

import (
	"context"
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"

	"odsd/internal/pgcluster"
)

// Start starts a cluster for a test and stops it when the test is over. A
// machine without PostgreSQL fails the test, with what was tried and what to do.
// ODSD_TEST_INSTALL=1 allows installing it.
func Start(t testing.TB, o pgcluster.Options) *pgcluster.Cluster {
	t.Helper()
	o.Install = o.Install || os.Getenv("ODSD_TEST_INSTALL") == "1"
	cluster, err := pgcluster.Start(t.Context(), o)
	var notFound *pgcluster.NotFoundError
	if errors.As(err, &notFound) {
		t.Fatalf("%v\nhint: %s", err, notFound.Hint())
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() && testing.Verbose() {
			if log, err := os.ReadFile(cluster.LogFile()); err == nil {
				t.Logf("the end of what the server complained of:\n%s", complaints(string(log)))
			}
		}
		// The test's own context has ended by now.
		if err := cluster.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	return cluster
}

// severities of the server's messages that may tell why a test failed. What it
// merely logs, and the statements of others, hide them.
var severities = regexp.MustCompile(` (WARNING|ERROR|FATAL|PANIC):  `)

// most lines of a log that are shown.
const most = 60

// complaints are the last lines of a server's log that complain.
func complaints(log string) string {
	var lines []string
	for line := range strings.Lines(log) {
		if severities.MatchString(line) {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines[max(0, len(lines)-most):], "")
}
