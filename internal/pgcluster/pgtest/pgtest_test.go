package pgtest

import (
	"fmt"
	"strings"
	"testing"
)

func TestComplaints(t *testing.T) {
	const log = `2026-01-01 10:00:00.000 UTC [7] LOG:  starting PostgreSQL
2026-01-01 10:00:01.000 UTC [8] ERROR:  duplicate key value violates unique constraint "t_pkey"
2026-01-01 10:00:01.000 UTC [8] DETAIL:  Key (id)=(1) already exists.
2026-01-01 10:00:01.000 UTC [8] STATEMENT:  insert into t values (1, 'ERROR')
	, (2, 'PANIC: not')
2026-01-01 10:00:02.000 UTC [9] FATAL:  terminating connection due to administrator command
2026-01-01 10:00:03.000 UTC [9] LOG:  checkpoint complete
2026-01-01 10:00:03.000 UTC [9] WARNING:  there is no transaction in progress
`
	const want = `2026-01-01 10:00:01.000 UTC [8] ERROR:  duplicate key value violates unique constraint "t_pkey"
2026-01-01 10:00:02.000 UTC [9] FATAL:  terminating connection due to administrator command
2026-01-01 10:00:03.000 UTC [9] WARNING:  there is no transaction in progress
`
	if got := complaints(log); got != want {
		t.Errorf("complaints\n%s\nwant\n%s", got, want)
	}
	var long strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&long, "2026-01-01 UTC [1] ERROR:  number %d\n", i)
	}
	if got := complaints(long.String()); strings.Count(got, "\n") != most || !strings.HasSuffix(got, "number 999\n") {
		t.Errorf("of a long log\n%s", got)
	}
}
