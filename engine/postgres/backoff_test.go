package postgres

import (
	"testing"
	"time"
)

// An attempt that finds no room has had the server tell a large transaction in vain.
func TestFullDisksAreTriedLessAndLessOften(t *testing.T) {
	r := &run{Source: &Source{timing: timing{firstRetry: time.Second, lastRetry: 5 * time.Second}}, resume: &resume{position: 7}}
	var pauses []time.Duration
	try := func() {
		r.retry = r.timing.firstRetry // the server has spoken
		r.backOff()
		pauses = append(pauses, r.retry/time.Second)
	}
	for range 5 {
		try()
	}
	r.resume.position = 8
	try()
	try()
	for i, want := range []time.Duration{1, 2, 4, 5, 5, 1, 2} {
		if pauses[i] != want {
			t.Errorf("pauses of %d seconds", pauses)
			break
		}
	}
}
